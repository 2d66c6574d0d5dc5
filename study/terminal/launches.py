"""The text on the terminal about a study before a run, and about a launch during and after it.

Whatever a user has named is printed as ``Text``, never as markup, and no number in it is highlighted. Commands and
paths stand on lines that are not broken, so that they can be copied.
"""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study import formatting
from study.design.plan import Plan
from study.evidence import reach, threshold_sweeps
from study.evidence.commands import Command
from study.formatting import plural
from study.launch import Launch
from study.report import phrases
from study.report.views import view_of
from study.scheduling import cost
from study.scheduling.cluster_cost import Layout
from study.search import confirmation
from study.storage.store import Store
from study.terminal import cluster_costs, standing, tables
from study.terminal.width import narrow


def study(
    plan: Plan, profiles: Sequence[str], console: Console, *, plugin: str = "", cluster: Layout | None = None
) -> None:
    """Print everything that is decided before a run of one profile, and its estimated cost on this machine.

    Args:
        plan: the plan of one profile.
        profiles: names of all profiles of the study.
        console: where to print.
        plugin: name of the plugin that brings the study; empty if none does.
        cluster: where it would train, to print what it takes there, too; None for this machine alone.
    """
    console.print(Text.assemble((plan.study, "bold"), f"  {plan.title}"))
    console.print(Text(plan.question))
    if plugin:
        console.print(Text(f"From the plugin {plugin}.", style="dim"))
    console.print(Text.assemble("\n", (f"Profile {plan.profile}", "bold"), f" (of {', '.join(profiles)})"))
    for line in filter(None, (plan.stated_note(), phrases.other_data(plan))):
        console.print(Text(line))
    if plan.factors:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("factor", "levels", "source"):
            table.add_column(column)
        for factor in plan.factors:
            labels = [level.label for level in factor.levels]
            levels = ("; " if any(", " in label for label in labels) else ", ").join(labels)
            table.add_row(Text(factor.name), Text(levels), Text(factor.source))
        console.print("\nFactors", style="bold")
        console.print(table)
    cells, seeds = plural(len(plan.cells), "cell"), plural(len(plan.seeds), "seed")
    each = f"{seeds} each, blocks of {plan.block}"
    if plan.until_decided:
        within = f", within {formatting.duration(plan.budget)}" if plan.budget is not None else ""
        each = f"at most {each}, until the hypotheses are decided{within}"
    console.print(Text.assemble("\n", (cells, "bold"), f", {each}"))
    for cell in plan.cells:
        console.print(Text(f"  {cell.name}  {cell.digest}"))
    _hypotheses(plan, console)
    out_of_reach(plan, console)
    _list(Text("Sources", style="bold"), plan.sources, console)
    console.print(Text("\nmeasuring what steps, reports and starting take ...", style="dim"))
    found = cost.estimate(plan)
    for said in _cost(found):
        console.print(said)
    if cluster is not None:
        cluster_costs.show(plan, found, cluster, console)


def _hypotheses(plan: Plan, console: Console) -> None:
    """Print the hypotheses that the profile tests, then those that it has no cells for."""
    tested = reach.reach(plan).family
    claims = [own for own in plan.hypotheses if own in tested]
    others = [own for own in plan.hypotheses if own not in tested]
    for heading, some in ((", declared before the run", claims), (" that this profile has no cells for", others)):
        _list(Text.assemble(("Hypotheses", "bold"), heading), [f"{own.claim} ({own.source})" for own in some], console)
    if not plan.hypotheses:
        console.print(Text("\nNo hypotheses are declared."))


def _cost(estimate: cost.Estimate) -> Iterator[Text]:
    """Yield how long a launch takes here, and what that consists of."""
    least, most = formatting.duration(estimate.least_wall_seconds), formatting.duration(estimate.wall_seconds)
    span = f"about {most}" if least == most else f"between {least} and {most}, from the least seeds to the most,"
    yield Text.assemble(
        ("Estimated time here", "bold"), f": {span} with {plural(estimate.at_a_time, 'block')} at a time"
    )
    training, reports, start = map(
        formatting.duration, (estimate.training_seconds, estimate.report_seconds, estimate.start_seconds)
    )
    yield Text(
        f"measured: {training} of one {estimate.device} for steps and {reports} for reports and pictures, of all"
        f" replicas; {start} for starting and the report, from how long a worker's libraries take to load",
        style="dim",
    )
    if estimate.device == cost.CPU_CORE:
        yield Text(
            "on a GPU: unknown without one; run this command, or one block, on the machine that has it", style="dim"
        )


def out_of_reach(plan: Plan, console: Console) -> None:
    """Print in one line what the planned seeds cannot decide, whatever comes out; nothing if they can decide all."""
    said = reach.sentence(plan)
    if said:
        console.print(Text(said, style="yellow"), soft_wrap=not console.is_terminal)


def _list(heading: Text, lines: Sequence[str], console: Console) -> None:
    """Print a heading and its lines; print nothing if there are no lines."""
    if lines:
        console.print(Text.assemble("\n", heading))
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
        f" ({plan.profile}): {plural(cells, 'cell')} x {plural(len(plan.seeds), 'seed')} ="
        f" {plural(cells * len(plan.seeds), 'replica')} in {plural(blocks, 'block')}{most}\nplan {plan.digest()}",
    )


def _budget(plan: Plan) -> str:
    assert plan.search is not None
    blocks = plan.search.blocks
    if blocks is None:
        return f"blocks for {formatting.duration(plan.budget or 0)}"
    return f"at most {blocks} block{'s' * (blocks != 1)}"


def results(launch: Launch, console: Console) -> None:
    """Print the tables of cells, contrasts and verdicts, and the answer; after a confirmation also both rates."""
    plan, records, summaries = launch.plan, launch.replicas, launch.summaries
    standing.cells(plan, records, console)
    confirmed = confirmation.sentence(plan, summaries)
    if confirmed is not None:
        console.print(Text(confirmed), soft_wrap=True)
    if launch.comparisons:
        console.print(tables.contrast_table(launch.comparisons, narrow=narrow(console)))
        if plan.until_decided:
            said = "valid for a fixed number of seeds; this launch added seeds by its results"
            console.print(Text(said, style="dim"))
    for sweep in plan.sweeps:
        console.print(tables.sweep_table(threshold_sweeps.table(sweep, records)))
    if planned := [own for own in launch.verdicts if own.planned]:  # the answer counts the others
        console.print(tables.verdict_table(planned, reach.reach(plan), narrow=narrow(console)))
    for found in launch.known_metrics:
        console.print(tables.metrics_table(found, narrow=narrow(console)))
    if launch.decided_again:
        _decided_again(launch, console)
    console.print(Text("Answer", style="bold"))
    for sentence in view_of(launch).answer:
        if isinstance(sentence, Command):
            console.print(Text(f"  {sentence}"), soft_wrap=True)
        else:  # Rich would break the line before a percent sign, at any kind of space
            console.print(Text(sentence.replace(" %", "%")))


def _decided_again(launch: Launch, console: Console) -> None:
    """Print that the outcomes are by another rule than declared, and the verdicts that are other ones by it."""
    console.print(Text(launch.caveat, style="yellow"), soft_wrap=not console.is_terminal)
    for judgment in launch.verdicts:
        declared = launch.declared_verdicts.get(judgment.hypothesis.name)
        if declared is not None and declared is not judgment.verdict:
            said = f"  {judgment.hypothesis.claim} {judgment.verdict.value}; by the declared rule {declared.value}"
            console.print(Text(said, style="yellow"), soft_wrap=not console.is_terminal)


def interrupted(launch: Launch, console: Console) -> None:
    """Print how far an interrupted launch came: its counts, and the cells that have an outcome."""
    ended = [record for record in launch.replicas if record.status.ended]
    console.print(Text(standing.statuses(launch.replicas)))
    if any(record.decided for record in ended):
        shown = {record.cell for record in ended if record.decided}
        standing.cells(launch.plan, [record for record in launch.replicas if record.cell in shown], console)


def way_on(store: Store) -> Text:
    """Return how to go on with a launch: the command on a line of its own, to be printed unbroken."""
    if not store.plan_path.exists():
        return Text("nothing has been trained, and there is no launch to resume")
    return Text(f"the results so far are kept; go on with\n  {store.resume_command}")


def paths(store: Store, report: Path, console: Console, *, tracked: bool) -> None:
    """Print where the files of a launch are, and how to look at them.

    Args:
        store: the launch.
        report: its page.
        console: where to print.
        tracked: whether MLflow has the launch.
    """
    out = store.out
    option = "" if out == Path("runs") else f" --out {shlex.quote(str(out))}"
    weights = [("weights", store.weights_path)] if store.weights_path.exists() else []
    for name, value in (("report", report), ("records", store.records_path), ("traces", store.traces_path), *weights):
        console.print(Text(f"{name:8} {value}"), soft_wrap=True)
    if tracked:
        console.print(Text(f"MLflow   study ui{option}"), soft_wrap=True)
