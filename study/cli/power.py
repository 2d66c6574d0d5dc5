"""The command ``study power``."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study import formatting
from study.cli.app import Changes, Profile, Seeds, StudyArgument, app, console, one_sentence, planned
from study.scheduling import cost

if TYPE_CHECKING:
    from study.evidence.power import PowerAnalysis, Prospect


@app.command()
@one_sentence
def power(
    name: StudyArgument,
    profile: Profile = None,
    seeds: Seeds = None,
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="As in run: seeds are added until it is decided; --seeds is the most."),
    ] = False,
    assume: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BETTER,WORSE",
            help="Success rates to assume; one number is assumed of shares and of equal rates. Repeatable.",
            show_default="a few of our own",
        ),
    ] = None,
    correlation: Annotated[float, typer.Option(help="Assumed correlation (phi) of two replicas on one seed.")] = 0.0,
    changes: Changes = None,
) -> None:
    """Before a run: how likely each hypothesis is to be decided with the planned seeds, and the cost of a decision."""
    from study.evidence import power as powers

    rates, rate = _assumed(assume or [])
    plan = planned(name, profile, seeds, changes, until_decided=until_decided)
    found = powers.power_analysis(plan, rates=rates, rate=rate, correlation=correlation)
    console.print("measuring the cost of a step ...", style="dim")
    seconds, device = cost.replica_seconds(plan, found)
    family = sum(bool(own.prospects) for own in found)
    most = "at most " if until_decided else ""
    console.print(
        f"[bold]{plan.study}[/], profile {plan.profile}: {len(plan.cells)} cells, {most}{len(plan.seeds)} seeds"
    )
    console.print(Text(_legend(found, family, device, until_decided), style="dim"))
    for own in found:
        _show(own, family, sum(seconds[cell] for cell in own.cells), until_decided)
    _never(found, family)


def _assumed(texts: list[str]) -> tuple[tuple[float, float] | None, float | None]:
    """A pair of rates and a single one, where they are given."""
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


def _legend(found: "tuple[PowerAnalysis, ...]", family: int, device: str, until_decided: bool) -> str:
    error = max((one.error for own in found for row in own.prospects for one in row.chances), default=0.0)
    parts = [
        f"Chance of the verdict that is claimed, if these success rates are true: alone, and as one of {family} (at"
        f" alpha / {family}, Holm's threshold while no other is decided).",
        "n for 0.8: the fewest seeds that give this chance, alone / of all.",
        f"Cost of a decision: of all, on one {device} here, launches without a decision included.",
    ]
    if until_decided:
        parts.append("Seeds: how many are expected until the decision or the end, alone / of all.")
    if error:
        parts.append(f"Some chances are simulated: standard error at most {error:.3f}.")
    return " ".join(parts)


def _show(own: "PowerAnalysis", family: int, seconds: float, until_decided: bool) -> None:
    console.print()
    console.print(Text.assemble(own.hypothesis.claim, (f" ({own.basis})", "dim")))
    if not own.prospects:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("if true")
    seeds = ["seeds"] if until_decided else []
    for column in ("alone", f"of {family}", *seeds, "n for 0.8", "n for 0.9", "cost of a decision"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in own.prospects:
        table.add_row(*_cells(row, seconds, until_decided))
    console.print(Padding(table, (0, 0, 0, 2)))
    alone, together = own.wrong
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
        " against ".join(f"{rate:g}" for rate in row.rates),
        *(formatting.chance(one.up) for one in row.chances),
        *seeds,
        *(" / ".join(formatting.NOTHING if one is None else f"{one:,}" for one in both) for both in row.enough),
        "never" if price is None else formatting.duration(price),
    ]


def _never(found: "tuple[PowerAnalysis, ...]", family: int) -> None:
    """What these seeds cannot decide, whatever is true."""
    asked = [own for own in found if own.prospects]
    names = [own.hypothesis.name for own in asked if max(row.chances[1].up for row in own.prospects) < 0.005]
    if names:
        sentence = f"whatever of the above is true: {', '.join(names)}"
        console.print(Text.assemble("\n", (f"Out of reach as one of {family}", "bold"), ", ", sentence))
