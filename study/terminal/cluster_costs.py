"""The text about what a launch would take on a cluster: hours, nodes and money, and what these numbers rest on."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study import formatting
from study.design.plan import Plan
from study.formatting import NOTHING, plural
from study.scheduling import cost
from study.scheduling.cluster_cost import GroupCost, Layout, Span, cost_on


def show(plan: Plan, measured: cost.Estimate, on: Layout, console: Console) -> None:
    """Print what a plan takes on a cluster, per node type and in all, and how that was found.

    Args:
        plan: what would be trained.
        measured: what it takes on this machine.
        on: where it would train.
        console: where to print.
    """
    found, cluster = cost_on(plan, measured, on), on.cluster
    few, many = map(formatting.duration, found.wall_seconds)
    span = f"about {few}" if few == many else f"between {few} and {many}, from the least seeds to the most,"
    console.print(
        Text.assemble(
            ("\nEstimated on ", "bold"),
            (cluster.path.name, "bold"),
            f": {span} with {plural(on.at_a_time, 'block')} at a time at most, for {_span(found.money)}"
            f" {cluster.currency}",
        )
    )
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("node type", overflow="fold")
    for column in ("nodes", "blocks", "speed", "per hour", "hours", cluster.currency):
        table.add_column(Text(column), justify="right", no_wrap=True)
    for own in found.groups:
        table.add_row(*_row(own))
    console.print(table)
    for line in _grounds(measured, on):
        console.print(Text(line, style="dim"))


def _row(own: GroupCost) -> Iterator[Text]:
    kind, blocks = own.group.type, own.group.side_by_side
    nodes = f"{own.nodes[0]}" if own.nodes[0] == own.nodes[1] else f"{own.nodes[0]} to {own.nodes[1]}"
    yield Text(f"{kind.name} (spot)" if kind.spot else kind.name)
    yield Text(f"{nodes} of {own.group.most}")
    yield Text(str(blocks))
    yield Text(f"{kind.speed:g}" if blocks else NOTHING)
    yield Text(f"{kind.per_hour:g}")
    yield Text(_span(own.hours))
    yield Text(_span(own.money))


def _span(numbers: Span) -> str:
    few, many = map(formatting.number, numbers)
    return few if few == many else f"{few} to {many}"


def _grounds(measured: cost.Estimate, on: Layout) -> Iterator[str]:
    """Yield what was measured and what is assumed of the cluster."""
    cpus, gpus = f"{on.cpus:g}", f"{on.gpus:g}"
    yield (
        f"blocks: as many as one node trains at a time, each with {cpus} CPU{'s' * (cpus != '1')} and {gpus}"
        f" GPU{'s' * (gpus != '1')} (--cpus-per-block, --gpus-per-block); hours: of all nodes of a type together"
    )
    turns = "; blocks on one GPU take turns" if measured.device != cost.CPU_CORE and on.gpus else ""
    yield (
        f"measured on one {measured.device} of this machine, and divided by the speed that the file states of a node"
        f" type, or 1{turns}: nothing was measured on the nodes, whose cores and GPUs may be faster or slower"
    )
    yield (
        f"prices: {on.cluster.note or f'as {on.cluster.path.name} states them'}; of a worker until"
        f" {formatting.duration(on.cluster.idle_seconds)} after its last block, of the head until the launch has ended"
    )
    spot = any(group.type.spot for group in on.groups)
    repeated = ", steps that are repeated when a spot node is taken back" if spot else ""
    yield f"not counted: the minutes in which nodes start{repeated}, disks, traffic and the shared folder"
