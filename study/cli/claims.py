"""The command ``study claims``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.text import Text

from study import formatting
from study.cli.app import Out, app, console, one_sentence

if TYPE_CHECKING:
    from study.audit.claims import Claim, Finding


@app.command()
@one_sentence
def claims(
    out: Out = Path("runs"),
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the ledger as Markdown.", show_default=False)
    ] = None,
) -> None:
    """List every published claim that the studies test, how our protocol differs, and the verdict of each launch."""
    from study.audit import claims as ledgers
    from study.audit import claims_page
    from study.files import write_text

    ledger = ledgers.collect(out)
    for paper, claims_of_paper in ledger.by_paper().items():
        console.print(f"\n{paper}", style="bold")
        for claim in claims_of_paper:
            _show(claim)
    run = sum(bool(claim.findings) for claim in ledger.claims)
    console.print(
        f"\n{run} of {len(ledger.claims)} claims have been run; p is adjusted for all hypotheses of its launch"
    )
    for sentence in ledger.left_out:
        console.print(Text(sentence), soft_wrap=True)
    if markdown is not None:
        write_text(markdown, claims_page.markdown(ledger))
        console.print(Text(f"ledger   {markdown}"), soft_wrap=True)


def _show(claim: "Claim") -> None:
    waits = "" if claim.findings else " not run"
    said = Text.assemble(claim.hypothesis.claim, (f" ({claim.study}; {claim.hypothesis.source})", "dim"), waits)
    console.print(Padding(said, (0, 0, 0, 2)))
    for finding in claim.findings:
        console.print(Padding(_row(finding), (0, 0, 0, 4)))
        console.print(Padding(_protocol(finding), (0, 0, 0, 6)))


def _row(finding: "Finding") -> Text:
    from study.audit.claims import estimate, replicas
    from study.report import phrases
    from study.terminal import tables

    judgment = finding.judgment
    counted = f"{replicas(judgment)} {phrases.counted(judgment.hypothesis)}" if judgment.rates else formatting.NOTHING
    parts = (
        Text(finding.profile),
        tables.verdict(judgment),
        Text(counted),
        Text(estimate(judgment)),
        Text(f"p {formatting.p_value(judgment.p_adjusted)}"),
    )
    return Text("  ").join(parts)


def _protocol(finding: "Finding") -> Text:
    from study.audit.claims import redecided

    plan = f", plan {finding.plan}" if finding.plan else ""
    return Text(f"{finding.launch}{plan}: {finding.changed}{redecided(finding)}", style="dim")
