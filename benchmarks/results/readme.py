"""The README's table: what the first command found, in the launch that the repository holds."""

import re
from pathlib import Path
from textwrap import fill

from benchmarks.results import page
from benchmarks.results.archive import SUFFIX
from study.audit.claims import Claims
from study.audit.claims_page import counted
from study.launch import Launch

README = Path(__file__).parents[2] / "README.md"
FIRST = f"lsgan-stability-quick{SUFFIX}"
BEGIN, END = "<!-- results: python -m benchmarks.results -->", "<!-- end of results -->"
_PLACE = re.compile(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


def section(launch: Launch, ledger: Claims) -> str:
    """Return what stands between the marks."""
    rows = page.table(page.VERDICTS, map(page.verdict, (own for own in launch.verdicts if own.planned)))
    ledgers = f"[The ledger](docs/results/claims.md) has the claims of all studies. {counted(ledger)}"
    whole = fill(ledgers, page.WIDTH, break_on_hyphens=False)
    return "\n\n".join([BEGIN, rows, *page.answer(launch), whole, END])


def replaced(text: str, launch: Launch, ledger: Claims) -> str:
    """Return the README's text with the section of this launch and the counts of the ledger.

    Raises:
        ValueError: if the marks are not there once.
    """
    found, count = _PLACE.subn(lambda match: section(launch, ledger), text)
    if count != 1:
        raise ValueError(f"README.md must have the marks {BEGIN} and {END} once, got {count}")
    return found
