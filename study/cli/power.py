"""The command ``study power``."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study import formatting
from study.cli.app import Changes, Profile, Seeds, StudyArgument, UntilDecided, app, console, one_sentence, planned

if TYPE_CHECKING:
    from study.evidence.power import PowerAnalysis, Prospect


@app.command()
@one_sentence
def power(
    name: StudyArgument,
    profile: Profile = None,
    seeds: Seeds = None,
    until_decided: UntilDecided = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BETTER,WORSE",
            help="Success rates to assume; a single number is for shares and for equal rates. Repeatable.",
            show_default="several usual rates",
        ),
    ] = None,
    correlation: Annotated[float, typer.Option(help="Assumed correlation (phi) of two replicas on one seed.")] = 0.0,
    changes: Changes = None,
) -> None:
    """Compute before a run how likely each hypothesis is to be decided, and what a decision costs."""
    rates, rate = _assumed(assume or [])
    plan = planned(name, profile, seeds, changes, until_decided=until_decided)
    from study.evidence import power as powers
    from study.scheduling import cost
    from study.terminal import launches

    analyses = powers.power_analysis(plan, rates=rates, rate=rate, correlation=correlation)
    console.print("measuring the cost of a step ...", style="dim")
    seconds, device = cost.replica_seconds(plan, analyses)
    family = sum(bool(analysis.prospects) for analysis in analyses)
    most = "at most " if plan.until_decided else ""
    console.print(
        Text.assemble(
            (plan.study, "bold"),
            f", profile {plan.profile}: {len(plan.cells)} cells, {most}{len(plan.seeds)} seeds",
        )
    )
    console.print(Text(_legend(analyses, family, device, plan.until_decided), style="dim"))
    launches.out_of_reach(plan, console)
    _unassumed(powers.unassumed(plan, rates=rates, rate=rate))
    for analysis in analyses:
        _show(analysis, family, sum(seconds[cell] for cell in analysis.cells), plan.until_decided)
    _never(analyses, family)


def _assumed(texts: list[str]) -> tuple[tuple[float, float] | None, float | None]:
    """Return the given pair of rates and the single rate; None for each that is absent."""
    rates, rate = None, None
    for text in texts:
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        match numbers:
            case [better, worse]:
                rates = (better, worse)
            case [one]:
                rate = one
            case _:
                raise ValueError(f"--assume must be BETTER,WORSE or one rate, got {text!r}")
    return rates, rate


def _unassumed(names: tuple[str, ...]) -> None:
    """Print which claims keep their usual rates although others are given."""
    if names:
        text = f"--assume says nothing of {', '.join(names)}, which keep their usual rates: give BETTER,WORSE for a"
        console.print(Text(f"{text} comparison, and a single rate for a share or an equality"), style="yellow")


def _legend(analyses: "tuple[PowerAnalysis, ...]", family: int, device: str, until_decided: bool) -> str:
    error = max((one.error for each in analyses for row in each.prospects for one in row.chances), default=0.0)
    drawn = any(each.hypothesis.drawn for each in analyses)
    draws = " (draws, of a claim about what was drawn at random)" if drawn else ""
    parts = [
        f"Chance of the claimed verdict if these success rates are true: alone, and as one of {family} (at"
        f" alpha / {family}, Holm's threshold while no other is decided).",
        *(
            ["Seeds: the expected number until the decision or the end, alone / in the family."]
            if until_decided
            else []
        ),
        f"n for 0.8: the fewest seeds{draws} with this chance, alone / in the family.",
        f"Cost: of a decision in the family, on one {device} here, including launches without a decision; never: there"
        " is no such chance.",
    ]
    if error:
        parts.append(f"Some chances are simulated: standard error at most {error:.3f}.")
    return " ".join(parts)


def _show(analysis: "PowerAnalysis", family: int, seconds: float, until_decided: bool) -> None:
    console.print()
    console.print(Text.assemble(analysis.hypothesis.claim, (f" ({analysis.basis})", "dim")))
    if not analysis.prospects:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("if true", no_wrap=True)
    seeds = ["seeds"] if until_decided else []
    for column in ("alone", f"of {family}", *seeds, "n for 0.8", "n for 0.9", "cost"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in analysis.prospects:
        table.add_row(*_cells(row, seconds, until_decided))
    console.print(Padding(table, (0, 0, 0, 2)))
    alone, together = analysis.wrong
    console.print(
        Text(
            f"  wrong verdict at worst: {formatting.chance(alone)} alone, {formatting.chance(together)} of {family}",
            style="dim",
        )
    )


def _cells(row: "Prospect", seconds: float, until_decided: bool) -> list[str]:
    price = row.price(seconds)
    seeds = [" / ".join(f"{one.seeds:.1f}" for one in row.chances)] if until_decided else []
    return [
        " vs ".join(f"{rate:g}" for rate in row.rates),
        *(formatting.chance(one.up) for one in row.chances),
        *seeds,
        *(" / ".join(formatting.NOTHING if one is None else f"{one:,}" for one in both) for both in row.enough),
        "never" if price is None else formatting.duration(price),
    ]


def _never(analyses: "tuple[PowerAnalysis, ...]", family: int) -> None:
    """Print the hypotheses that these seeds cannot decide under any of the assumed rates."""
    testable = [each for each in analyses if each.prospects]
    names = [each.hypothesis.name for each in testable if max(row.chances[1].up for row in each.prospects) < 0.005]
    if names:
        sentence = f"under every assumption above: {', '.join(names)}"
        console.print(Text.assemble("\n", (f"Out of reach as one of {family}", "bold"), ", ", sentence))
