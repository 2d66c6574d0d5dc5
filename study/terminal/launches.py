"""The text on the terminal about a study before a run, and about a launch after it."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study import formatting
from study.design.plan import Plan
from study.evidence import reach, threshold_sweeps
from study.formatting import plural
from study.launch import Launch
from study.scheduling import cost
from study.search import confirmation
from study.storage.store import Store
from study.terminal import standing, tables


def study(plan: Plan, profiles: Sequence[str], console: Console) -> None:
    """Print everything that is decided before a run of one profile, and its estimated cost on this machine.

    Args:
        plan: the plan of one profile.
        profiles: names of all profiles of the study.
        console: where to print.
    """
    console.print(Text.assemble((plan.study, "bold"), f"  {plan.title}"))
    console.print(Text(plan.question))
    console.print(Text.assemble("\n", (f"Profile {plan.profile}", "bold"), f" (of {', '.join(profiles)})"))
    console.print(plan.stated_note())
    if plan.factors:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("factor", "levels", "source"):
            table.add_column(column)
        for factor in plan.factors:
            table.add_row(factor.name, ", ".join(level.label for level in factor.levels), factor.source)
        console.print("\nFactors", style="bold")
        console.print(table)
    cells = plural(len(plan.cells), "cell")
    console.print(Text.assemble("\n", (cells, "bold"), f", {len(plan.seeds)} seeds each, blocks of {plan.block}"))
    for cell in plan.cells:
        console.print(Text(f"  {cell.name}  {cell.digest}"))
    claims = [f"{hypothesis.claim} ({hypothesis.source})" for hypothesis in plan.hypotheses]
    _list("Hypotheses", ", declared before the run", claims, console)
    out_of_reach(plan, console)
    _list("Sources", "", plan.sources, console)
    console.print("\nmeasuring the cost of a step ...", style="dim")
    estimate = cost.estimate(plan)
    total, here = formatting.duration(estimate.core_seconds), formatting.duration(estimate.wall_seconds)
    blocks = plural(estimate.at_a_time, "block")
    text = f": {total} of one {estimate.device}, about {here} with {blocks} at a time"
    console.print(Text.assemble(("Estimated cost here", "bold"), text))


def out_of_reach(plan: Plan, console: Console) -> None:
    """Print in one line what the planned seeds cannot decide, whatever comes out; nothing if they can decide all."""
    said = reach.sentence(plan)
    if said:
        console.print(Text(said, style="yellow"), soft_wrap=not console.is_terminal)


def _list(heading: str, more: str, lines: Sequence[str], console: Console) -> None:
    """Print a heading and its lines; print nothing if there are no lines."""
    if lines:
        console.print(Text.assemble("\n", (heading, "bold"), more))
    for line in lines:
        console.print(Text(f"  {line}"))


def describe(plan: Plan) -> Text:
    """Return what a launch will train, and the digest of its plan; its id is worth nothing before it has a folder."""
    if plan.search is not None:
        return Text.assemble(
            (plan.study, "bold"),
            f" on {plan.profile}: {_budget(plan)} in blocks of {plan.block} seeds, at most {len(plan.seeds)} per"
            f" candidate, sampler {plan.search.sampler}\nplan {plan.digest()}",
        )
    cells, blocks, most = len(plan.cells), len(plan.blocks()), ""
    if plan.until_decided:
        most = f" at most; {plan.least} per cell, then blocks of {plan.block} until the hypotheses are decided"
    return Text.assemble(
        (plan.study, "bold"),
        f" ({plan.profile}): {plural(cells, 'cell')} x {len(plan.seeds)} seeds = {cells * len(plan.seeds)} replicas in"
        f" {plural(blocks, 'block')}{most}\nplan {plan.digest()}",
    )


def _budget(plan: Plan) -> str:
    assert plan.search is not None
    blocks = plan.search.blocks
    if blocks is None:
        return f"blocks for {formatting.duration(plan.budget or 0)}"
    return f"at most {blocks} block{'s' * (blocks != 1)}"


def results(launch: Launch, console: Console) -> None:
    """Print the tables of cells, contrasts and verdicts; after a confirmation also both rates."""
    plan, records, summaries = launch.plan, launch.replicas, launch.summaries
    standing.cells(plan, records, console)
    confirmed = confirmation.sentence(plan, summaries)
    if confirmed is not None:
        console.print(Text(confirmed), soft_wrap=True)
    if launch.comparisons:
        console.print(tables.contrast_table(launch.comparisons))
        if plan.until_decided:
            console.print("valid for a fixed number of seeds; this launch added seeds by its results", style="dim")
    for sweep in plan.sweeps:
        console.print(tables.sweep_table(threshold_sweeps.table(sweep, records)))
    if plan.hypotheses:
        console.print(tables.verdict_table(launch.verdicts))


def paths(store: Store, report: Path, console: Console, *, tracked: bool) -> None:
    """Print where the files of a launch are, and how to look at them.

    Args:
        store: the launch.
        report: its page.
        console: where to print.
        tracked: whether MLflow has the launch.
    """
    out = store.out
    option = "" if out == Path("runs") else f" --out {out}"
    for name, value in (("report", report), ("records", store.records_path), ("traces", store.traces_path)):
        console.print(Text(f"{name:8} {value}"), soft_wrap=True)
    if tracked:
        console.print(Text(f"MLflow   study ui{option}"), soft_wrap=True)
