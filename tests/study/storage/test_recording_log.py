"""The log of recorded trainings, and the plan that grows with it."""

from pathlib import Path

import pytest

from study.design.recording import RecordedCell
from study.recording.given import given
from study.recording.planned import planned
from study.storage.recording_log import RecordingLog, grown, read
from study.storage.store import Store
from tests.study.recording.made_rings import recorder


def cell(**settings: float | str) -> RecordedCell:
    return RecordedCell(settings=settings, steps=0)


def test_cells_and_seeds_are_noted_once_in_the_order_in_which_they_come(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    for own, seed in ((cell(lr=0.1), 5), (cell(lr=0.2), 5), (cell(lr=0.1), 3), (cell(lr=0.1), 5)):
        RecordingLog(path).began(own, seed)
    assert [(own.settings, own.seeds) for own in read(path)] == [({"lr": 0.1}, (5, 3)), ({"lr": 0.2}, (5,))]


def test_cells_of_one_label_are_one(tmp_path: Path) -> None:
    log = RecordingLog(tmp_path / "recording.jsonl")
    log.began(cell(lr=1), 0)
    log.began(cell(lr="1"), 1)
    assert [own.seeds for own in log.cells] == [(0, 1)]


def test_a_line_of_another_kind_is_named(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_text('{"event": "party"}\n')
    with pytest.raises(ValueError, match="line 1 is no line of a recording: 'party' is no event"):
        read(path)


def test_a_plan_keeps_its_digest_and_its_blocks_as_it_grows(tmp_path: Path) -> None:
    real = given("ring", modes=None, labels=None, value_range=None)
    plan = planned(recorder(tmp_path)._wanted, real)
    assert plan.recording is not None
    store = Store(tmp_path / "mine" / "recorded")
    store.write_plan(plan)
    assert store.plan() == plan
    first = grown(plan, plan.recording, [RecordedCell(settings={"lr": 0.1}, steps=0, seeds=(5,))])
    second = grown(
        first,
        plan.recording,
        [
            RecordedCell(settings={"lr": 0.1}, steps=0, seeds=(5, 3)),
            RecordedCell(settings={"lr": 0.2}, steps=7, seeds=(3,)),
        ],
    )
    assert {plan.digest(), first.digest(), second.digest()} == {plan.digest()}
    assert [(block.name, block.seeds, block.first) for block in second.blocks()] == [
        ("c000-b000", (5,), 0),
        ("c001-b000", (3,), 0),
        ("c000-b001", (3,), 1),
    ]
    assert second.seeds == (3, 5)
    assert [(own.factor, own.a, own.b) for own in second.contrasts] == [("lr", "0.1", "0.2")]
    assert [own.config.steps for own in second.cells] == [0, 7]
