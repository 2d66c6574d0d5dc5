"""The text about what a launch would take on a cluster."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

import study
from study.design.cluster_file import ClusterFile, NodeType
from study.scheduling.agenda import Resources
from study.scheduling.cluster_cost import layout
from study.terminal import cluster_costs
from tests.study.made_estimates import estimated

HEAD = NodeType(name="head", cpus=0, gpus=0, least=1, most=1, spot=False, per_hour=0.192, speed=1)
SPOT = NodeType(name="[/gpu]", cpus=4, gpus=1, least=0, most=3, spot=True, per_hour=0.45, speed=1.5)


def printed(
    *, until_decided: bool = False, worker: NodeType = SPOT, note: str = "[/of today]", device: str = ""
) -> str:
    file = ClusterFile(
        path=Path("/far/lab.yaml"),
        node_types=(HEAD, worker),
        most_workers=3,
        idle_seconds=600.0,
        currency="EUR",
        note=note,
    )
    plan = replace(
        study.plan("wgan-clip", "smoke"), seeds=tuple(range(8)), block=2, until_decided=until_decided, least=2
    )
    found = estimated(device=device or "CPU core", start_seconds=20.0)
    out = StringIO()
    cluster_costs.show(plan, found, layout(file, Resources(gpus=0.5), len(plan.blocks())), Console(file=out, width=80))
    return out.getvalue()


def words(text: str) -> str:
    return " ".join(text.split())


def test_each_node_type_has_its_nodes_blocks_speed_hours_and_money() -> None:
    text = printed()
    rows = [line.split() for line in text.splitlines()]
    assert ["node", "type", "nodes", "blocks", "speed", "per", "hour", "hours", "EUR"] in rows
    assert ["head", "1", "of", "1", "0", "–", "0.192", "0.41", "0.08"] in rows
    assert ["[/gpu]", "(spot)", "3", "of", "3", "2", "1.5", "0.45", "1.58", "0.71"] in rows
    assert "Estimated on lab.yaml: about 24 min 20 s with 6 blocks at a time at most, for 0.79 EUR" in words(text)


def test_the_text_says_what_was_measured_where_and_what_is_assumed() -> None:
    text = words(printed())
    for said in (
        "measured on one CPU core of this machine, and divided by the speed that the file states of a node type, or 1:"
        " nothing was measured on the nodes, whose cores and GPUs may be faster or slower",
        "each with 1 CPU and 0.5 GPUs (--cpus-per-block, --gpus-per-block)",
        "prices: [/of today]; of a worker until 10 min 00 s after its last block, of the head until the launch"
        " has ended",
        "not counted: the minutes in which nodes start, steps that are repeated when a spot node is taken back, disks",
    ):
        assert said in text
    assert "take turns" not in text
    assert "or 1; blocks on one GPU take turns: nothing was" in words(printed(device="NVIDIA A10G"))
    on_demand = words(printed(worker=replace(SPOT, spot=False), note=""))
    assert "prices: as lab.yaml states them;" in on_demand
    assert "spot" not in on_demand


def test_seeds_until_decided_are_a_range_on_one_line_per_type() -> None:
    text = printed(until_decided=True)
    assert "from the least seeds to the most, with 6 blocks at a time at most" in words(text)
    assert any(line.split()[:2] == ["[/gpu]", "(spot)"] and line.count(" to ") == 3 for line in text.splitlines())
