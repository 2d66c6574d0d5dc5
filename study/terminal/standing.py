"""The text on the terminal about how far a launch is. Light to load: it is asked often."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from study.design.plan import Plan
from study.evidence.summaries import summarize
from study.formatting import plural
from study.scheduling.ledger import Ledger
from study.storage.records import Record
from study.terminal import tables
from study.terminal.width import narrow

_BEST = 10
"""Number of candidates of a search that are listed."""


def status(ledger: Ledger, console: Console) -> None:
    """Print the number of replicas by status, and the results so far."""
    plan = ledger.plan
    console.print(Text.assemble((plan.study, "bold"), f" ({plan.profile}), launch {plan.launch}"), soft_wrap=True)
    console.print(Text(statuses(ledger.records)))
    cells(plan, ledger.records, console)


def statuses(records: Sequence[Record]) -> str:
    """Return ``6 replicas planned: 3 finished, 3 planned``."""
    counts = Counter(record.status for record in records)
    each = ", ".join(f"{number} {status.value}" for status, number in counts.items())
    return f"{plural(len(records), 'replica')} planned: {each}"


def cells(plan: Plan, records: Sequence[Record], console: Console) -> None:
    """Print the table of cells; for a search its best candidates, and how many more there are."""
    if plan.search is None:
        console.print(tables.summary_table(summarize(records), narrow=narrow(console)))
        return
    from study.search import race
    from study.search.scoring import candidates

    tried = candidates([cell.levels for cell in plan.cells], records)
    if not tried:
        console.print(Text("no candidate has a result yet"))
        return
    console.print(tables.candidate_table(race.ranked(tried)[:_BEST], narrow=narrow(console)))
    more = len(plan.cells) - min(_BEST, len(tried))
    if more > 0:
        said = f"and {more} more {'candidate' if more == 1 else 'candidates'}; the report has them"
        console.print(Text(said, style="dim"))
