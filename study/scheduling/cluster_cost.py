"""What a launch would take on the cluster of a cluster file, in hours and in money, from seconds measured here."""

from dataclasses import dataclass
from typing import TypeAlias

from study.design.cluster_file import ClusterFile, NodeType
from study.design.plan import Plan
from study.scheduling import cost
from study.scheduling.agenda import Resources, room

Span: TypeAlias = tuple[float, float]
"""A number for the least seeds, and for the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The nodes of one type that a launch may have.

    Attributes:
        least, most: number of nodes; the least ones are always up.
        side_by_side: blocks that train at a time on one of them.
    """

    type: NodeType
    least: int
    most: int
    side_by_side: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the blocks of a launch train on a cluster.

    Attributes:
        cpus, gpus: of one block.
    """

    cluster: ClusterFile
    groups: tuple[Group, ...]
    cpus: float
    gpus: float

    @property
    def at_a_time(self) -> int:
        """Blocks that the cluster can train together."""
        return sum(group.most * group.side_by_side for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCost:
    """What the nodes of one type cost.

    Attributes:
        nodes: as many as are used.
        hours: of all of them together.
        money: in the currency of the price table.
    """

    group: Group
    nodes: tuple[int, int]
    hours: Span
    money: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCost:
    """What a launch takes on a cluster, each from the least seeds to the most."""

    wall_seconds: Span
    groups: tuple[GroupCost, ...]

    @property
    def money(self) -> Span:
        """The sum of all node types."""
        return sum(own.money[0] for own in self.groups), sum(own.money[1] for own in self.groups)


def layout(cluster: ClusterFile, resources: Resources, blocks: int) -> Layout:
    """Return where so many blocks train on a cluster.

    Workers are counted in the order of the file until there are as many as the file allows in all.

    Raises:
        ValueError: if no node has room for a block.
    """
    free, counts = cluster.most_workers, []
    for place, own in enumerate(cluster.node_types):
        head = int(place == 0)
        workers = min(free, own.most - head)
        free -= workers
        counts.append(head + workers)
    cpus = sum(own.cpus * count for own, count in zip(cluster.node_types, counts, strict=True))
    gpus = sum(own.gpus * count for own, count in zip(cluster.node_types, counts, strict=True))
    per_block = resources.gpus_of(cpus, gpus, blocks)
    groups = tuple(
        Group(
            type=own,
            least=min(own.least, most),
            most=most,
            side_by_side=room(own.cpus, own.gpus, resources.cpus, per_block),
        )
        for own, most in zip(cluster.node_types, counts, strict=True)
    )
    found = Layout(cluster=cluster, groups=groups, cpus=resources.cpus, gpus=per_block)
    if not found.at_a_time:
        raise ValueError(
            f"{cluster.path}: a node type must have room for one block with --cpus-per-block {resources.cpus:g} and"
            f" --gpus-per-block {per_block:g}, but none has"
        )
    return found


def cost_on(plan: Plan, measured: cost.Estimate, on: Layout) -> ClusterCost:
    """Return what a plan takes on a cluster.

    A node that is not always up counts from the start of the launch to its last block and the time for which it may
    idle; a node that is always up, such as the head, until the launch has ended.

    Args:
        plan: what is trained.
        measured: what it takes on this machine.
        on: where it trains.
    """
    nodes = [group for group in on.groups for _ in range(group.most)]
    speeds = [_speed(group, measured.device) for group in nodes for _ in range(group.side_by_side)]
    walls, costs = [], []
    for ends in cost.schedule(plan, measured.replicas, speeds):
        wall = measured.start_seconds + max(ends)
        walls.append(wall)
        costs.append([_seconds(group, ends, on, measured.start_seconds, wall) for group, ends in _by_group(on, ends)])
    groups = []
    for group, few, many in zip(on.groups, *costs, strict=True):
        hours = sum(few) / 3_600, sum(many) / 3_600
        money = hours[0] * group.type.per_hour, hours[1] * group.type.per_hour
        groups.append(GroupCost(group=group, nodes=(len(few), len(many)), hours=hours, money=money))
    return ClusterCost(wall_seconds=(walls[0], walls[1]), groups=tuple(groups))


def _by_group(on: Layout, ends: list[float]) -> list[tuple[Group, list[float]]]:
    """Return when the last block of each node has ended, by the group of nodes; 0 for a node without blocks."""
    left, found = iter(ends), []
    for group in on.groups:
        nodes = [[next(left) for _ in range(group.side_by_side)] for _ in range(group.most)]
        found.append((group, [max(own, default=0.0) for own in nodes]))
    return found


def _seconds(group: Group, ends: list[float], on: Layout, start: float, wall: float) -> list[float]:
    """Return for how long each node of a group is up, without those that never are."""
    always = [wall] * group.least
    return always + [start + end + on.cluster.idle_seconds for end in ends[group.least :] if end > 0]


def _speed(group: Group, device: str) -> float:
    """Return how fast each of the blocks on a node is: those that share a GPU take turns if a GPU was measured."""
    sharing = group.side_by_side / group.type.gpus if group.type.gpus else 1.0
    return group.type.speed / (1.0 if device == cost.CPU_CORE else max(1.0, sharing))
