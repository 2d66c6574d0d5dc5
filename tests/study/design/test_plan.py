"""The plan of a launch: its blocks, its file and its digest."""

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from study.storage.store import Store
from tests.study import made_searches as searches
from tests.study.design.made_studies import planned
from trainables.config import digest
from trainables.objectives import Minimax, NonSaturating


def test_blocks_hold_every_replica_of_every_cell_once() -> None:
    plan = planned()
    assert [(block.name, block.first, len(block.seeds)) for block in plan.blocks()][3:6] == [
        ("c003-b000", 0, 2),
        ("c000-b001", 2, 2),
        ("c001-b001", 2, 2),
    ]
    assert plan.blocks()[-1].seeds == plan.seeds[4:]
    for cell in plan.cells:
        blocks = [block for block in plan.blocks() if block.cell == cell]
        assert tuple(seed for block in blocks for seed in block.seeds) == plan.seeds
        assert all(plan.seeds[block.first] == block.seeds[0] for block in blocks)


def test_a_launch_comes_back_from_its_file(tmp_path: Path) -> None:
    plan = planned(changes={"generator.kind": "mlp", "generator.hidden": [3], "clip": 0.5})
    Store(tmp_path).write_plan(plan)
    read = Store(tmp_path).plan()
    assert read == plan
    assert [digest(cell.config) for cell in read.cells] == [cell.digest for cell in plan.cells]


# What was decided before the first seed


def test_a_plan_keeps_its_digest_through_its_file(tmp_path: Path) -> None:
    plan = planned(changes={"clip": 1}, until_decided=True, budget=1800)
    Store(tmp_path).write_plan(plan)
    assert Store(tmp_path).plan().digest() == plan.digest()
    assert re.fullmatch("[0-9a-f]{16}", plan.digest())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"alpha": 0.05', '"alpha": 0.5'),
        ('"side": "below"', '"side": "above"'),
        ('"steps": 10', '"steps": 11'),
        ('"window": 3', '"window": 4'),
        ('"until_decided": true', '"until_decided": false'),
        ('"claim": "c"', '"claim": "d"'),
    ],
)
def test_an_edited_plan_has_another_digest(old: str, new: str, tmp_path: Path) -> None:
    plan = planned(until_decided=True)
    store = Store(tmp_path)
    store.write_plan(plan)
    text = store.plan_path.read_text()
    assert old in text
    store.plan_path.write_text(text.replace(old, new, 1))
    assert store.plan().digest() != plan.digest()


def test_what_tells_unions_apart_is_in_the_digest_though_it_is_a_default() -> None:
    first, second = (
        dataclasses.replace(
            cell, name="", levels={}, digest="", config=dataclasses.replace(cell.config, objective=objective)
        )
        for cell, objective in zip(planned().cells, (NonSaturating(), Minimax()), strict=False)
    )
    plan = planned()
    assert dataclasses.replace(plan, cells=(first,)).digest() != dataclasses.replace(plan, cells=(second,)).digest()


def test_a_plan_of_an_older_version_is_read_and_has_the_digest_of_its_meaning(tmp_path: Path) -> None:
    plan = planned()
    store = Store(tmp_path)
    store.write_plan(plan)
    values = json.loads(store.plan_path.read_text())
    for name in ("until_decided", "least", "budget", "selection"):
        del values[name]
    store.plan_path.write_text(json.dumps(values))
    assert store.plan() == plan
    assert store.plan().digest() == plan.digest()


def test_until_decided_gives_every_cell_a_block_and_calls_the_rest_the_most() -> None:
    plan = planned(until_decided=True, seeds=7)
    assert (plan.until_decided, plan.least, len(plan.seeds)) == (True, 2, 7)
    assert [block.name for block in plan.blocks() if not plan.may_skip(block)] == [f"c00{i}-b000" for i in range(4)]
    assert planned(until_decided=True, seeds=1).least == 1
    assert not any(planned().may_skip(block) for block in planned().blocks())


# What a plan must fulfill


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"until_decided": True, "least": 6}, r"least must be in \[1, 5\], the seeds per cell, got 6"),
        ({"budget": 60.0}, "budget must be > 0 seconds, and needs until decided or a search, got 60"),
        (
            {"until_decided": True, "budget": 0.0},
            "budget must be > 0 seconds, and needs until decided or a search, got 0",
        ),
    ],
)
def test_a_plan_that_contradicts_itself_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(planned(), **changes)


def test_a_search_has_the_blocks_that_it_has_granted_and_trains_its_base() -> None:
    plan = searches.plan()
    assert (plan.blocks(), plan.configs()) == ((), (searches.BASE,))
    grown = dataclasses.replace(plan, cells=planned().cells, granted=(2, 0, 1, 0))
    assert [block.name for block in grown.blocks()] == ["c000-b000", "c002-b000", "c000-b001"]
    assert grown.digest() == plan.digest(), "what a search has tried is not part of its plan"
    with pytest.raises(ValueError, match="granted must have one number per cell, got 1 for 4"):
        dataclasses.replace(grown, granted=(1,))


def test_the_note_names_what_the_user_set() -> None:
    assert planned().stated_note() == "a note"
    assert planned(changes={"clip": 0.5}).stated_note() == "a note Set otherwise for this launch: clip=0.5."


def test_a_plan_shows_its_size_and_digest() -> None:
    plan = planned()
    assert repr(plan) == (
        f"<Plan of test-study, profile quick, launch {plan.launch}: 4 cells x 5 seeds, digest {plan.digest()}>"
    )
    assert "a search" in repr(searches.plan())


def test_two_plans_of_one_design_have_two_digests() -> None:
    plan = planned()
    later = dataclasses.replace(plan, created="2026-01-02T03:04:06+0000")
    other = dataclasses.replace(plan, launch=f"{plan.launch}-2")
    assert len({plan.digest(), later.digest(), other.digest()}) == 3
