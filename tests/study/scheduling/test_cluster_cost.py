"""Hours and money of a launch on a cluster: which node trains which block, for how long it is paid, and how much."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import study
from study.design.cluster_file import ClusterFile, NodeType
from study.design.plan import Plan
from study.scheduling.agenda import Resources
from study.scheduling.cluster_cost import Layout, cost_on, layout
from study.scheduling.cost import Replica
from tests.study.made_estimates import estimated

HEAD = NodeType(name="head", cpus=0, gpus=0, least=1, most=1, spot=False, per_hour=0.2, speed=1)
GPU = NodeType(name="gpu", cpus=4, gpus=1, least=0, most=3, spot=False, per_hour=1.5, speed=1)
ROOM = "lab.yaml: a node type must have room for one block with"
START, IDLE, BLOCK = 100.0, 600.0, 2 * 360.0


def cluster(*types: NodeType, most_workers: int = 4) -> ClusterFile:
    return ClusterFile(
        path=Path("lab.yaml"), node_types=types, most_workers=most_workers, idle_seconds=IDLE, currency="EUR", note=""
    )


def planned(seeds: int = 4, **options: Any) -> Plan:
    """Four cells with blocks of two seeds: 720 s each."""
    return replace(study.plan("wgan-clip", "smoke"), seeds=tuple(range(seeds)), block=2, **options)


def measured(**changes: Any) -> Any:
    return estimated(start_seconds=START, replicas=dict.fromkeys(range(4), Replica(300.0, 60.0)), **changes)


def on(*types: NodeType, blocks: int, most_workers: int = 4, **resources: Any) -> Layout:
    return layout(cluster(*types, most_workers=most_workers), Resources(**resources), blocks)


def test_as_many_blocks_share_a_gpu_as_there_are_for_it() -> None:
    found = on(HEAD, GPU, blocks=100)
    assert (found.gpus, found.at_a_time) == (0.25, 12)
    assert [(own.type.name, own.most, own.side_by_side) for own in found.groups] == [("head", 1, 0), ("gpu", 3, 4)]
    assert on(HEAD, GPU, blocks=3).at_a_time == 3
    assert on(HEAD, GPU, blocks=100, cpus=2, gpus=0.5).at_a_time == 6


def test_workers_of_all_types_together_are_no_more_than_the_file_allows() -> None:
    other = replace(GPU, name="other")
    assert [own.most for own in on(HEAD, GPU, other, blocks=100, most_workers=4).groups] == [1, 3, 1]


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"cpus": 5}, f"{ROOM} --cpus-per-block 5 and --gpus-per-block 1, but none has"),
        ({"gpus": 2}, f"{ROOM} --cpus-per-block 1 and --gpus-per-block 2, but none has"),
        ({"cpus": 50}, "--cpus-per-block must be <= the 12 CPUs of the cluster, got 50"),
    ],
)
def test_a_block_that_fits_on_no_node_is_refused(resources: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        on(HEAD, GPU, blocks=100, **resources)
    assert str(refused.value) == said


def test_every_node_costs_its_own_hours() -> None:
    plan = planned()  # eight blocks, three at a time: three, three, two
    found = cost_on(plan, measured(), on(HEAD, GPU, blocks=len(plan.blocks()), gpus=1))
    wall = START + 3 * BLOCK
    workers = 2 * (START + 3 * BLOCK + IDLE) + START + 2 * BLOCK + IDLE
    assert found.wall_seconds == (wall, wall)
    assert [own.nodes for own in found.groups] == [(1, 1), (3, 3)]
    assert [own.hours[1] for own in found.groups] == [pytest.approx(wall / 3600), pytest.approx(workers / 3600)]
    assert found.money[1] == pytest.approx(0.2 * wall / 3600 + 1.5 * workers / 3600)


def test_a_node_without_blocks_is_never_paid_unless_it_is_always_up() -> None:
    plan = planned(seeds=2, cells=planned().cells[:1])
    (head, worker) = cost_on(plan, measured(), on(HEAD, GPU, blocks=1)).groups
    assert worker.nodes == (1, 1)
    (_, worker) = cost_on(plan, measured(), on(HEAD, replace(GPU, least=2), blocks=1)).groups
    assert worker.nodes == (2, 2)
    assert worker.hours[0] == pytest.approx(2 * (START + BLOCK) / 3600)
    assert head.hours[0] == pytest.approx((START + BLOCK) / 3600)


def test_a_launch_until_decided_costs_from_the_least_seeds_to_the_most() -> None:
    plan = planned(seeds=8, until_decided=True, least=2)
    found = cost_on(plan, measured(), on(HEAD, GPU, blocks=len(plan.blocks()), gpus=1, cpus=4))
    assert found.wall_seconds == (START + 2 * BLOCK, START + 6 * BLOCK)
    assert found.money[0] < found.money[1]
    within = cost_on(
        replace(plan, budget=2 * BLOCK), measured(), on(HEAD, GPU, blocks=len(plan.blocks()), gpus=1, cpus=4)
    )
    assert within.wall_seconds == (START + 2 * BLOCK, START + 3 * BLOCK)


def test_a_faster_node_type_takes_less_time() -> None:
    plan = planned()
    types = HEAD, replace(GPU, speed=2.0)
    found = cost_on(plan, measured(), on(*types, blocks=len(plan.blocks()), gpus=1))
    assert found.wall_seconds == (START + 3 * BLOCK / 2,) * 2


def test_blocks_on_one_gpu_take_turns_if_a_gpu_was_measured() -> None:
    plan = planned()  # eight blocks on one GPU, four at a time
    places = on(HEAD, replace(GPU, most=1), blocks=len(plan.blocks()))
    assert places.at_a_time == 4
    assert cost_on(plan, measured(), places).wall_seconds[1] == START + 2 * BLOCK
    assert cost_on(plan, measured(device="NVIDIA A10G"), places).wall_seconds[1] == START + 8 * BLOCK


def test_a_head_with_cpus_trains_too() -> None:
    plan = planned()
    head, worker = replace(HEAD, cpus=2), replace(GPU, gpus=0, cpus=2, most=1)
    found = cost_on(plan, measured(), on(head, worker, blocks=len(plan.blocks())))
    assert [own.group.side_by_side for own in found.groups] == [2, 2]
    assert found.wall_seconds[1] == START + 2 * BLOCK
