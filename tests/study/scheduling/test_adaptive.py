"""A search on its way: blocks handed out, taken in, logged, and taken up again after a kill."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.design.search import Goal
from study.outcomes.outcome import Outcome
from study.scheduling.ledger import Ledger
from study.search import race
from study.search.candidates import Candidate
from study.storage.records import Status
from study.storage.search_log import Log, Stop, read
from study.storage.store import Store
from tests.study import made_searches
from tests.study.conftest import REFERENCE, trace_of
from tests.study.made_searches import begin, go, plan, searched, searching, train


def test_a_search_spends_its_blocks_and_ends(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=9))
    history = read(store.search_path)
    assert sum(history.blocks) == 9
    assert history.ended == "all 9 blocks of the budget were given"
    assert all(record.status is Status.FINISHED for record in store.records())
    assert len(store.records()) == 18


def test_the_first_candidate_is_the_default(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=2))
    assert read(store.search_path).points[0] == made_searches.SPACE.default()


def test_the_race_gives_more_seeds_to_what_converges(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=30))
    history = read(store.search_path)
    more = [made_searches.truth(point) for point, own in zip(history.points, history.blocks, strict=True) if own > 1]
    assert more
    assert sum(more) / len(more) > 0.8
    assert max(history.blocks) <= 3  # 6 seeds in blocks of 2


def test_no_point_is_trained_twice(tmp_path: Path) -> None:
    points = read(searched(tmp_path, plan(blocks=30)).search_path).points
    assert len({json.dumps(point, sort_keys=True) for point in points}) == len(points)


def test_the_stored_spec_has_the_cells_and_the_plan_keeps_its_digest(tmp_path: Path) -> None:
    planned = plan(blocks=5)
    store = searched(tmp_path, planned)
    grown = store.plan()
    assert len(grown.cells) == len(read(store.search_path).points) > 1
    assert sum(grown.granted) == len(grown.blocks()) == 5
    assert grown.digest() == planned.digest() == store.records()[0].plan


def test_killed_anywhere_it_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = searched(tmp_path / "whole", plan(blocks=14))
    for after in (0, 1, 5, 13):
        store, ledger = begin(tmp_path / f"after {after}", plan(blocks=14))
        go(store, ledger, searching(ledger), at_most=after)
        again = Ledger(store.plan(), store)  # nothing but the folder is left
        go(store, again, searching(again))
        assert told(store) == told(whole)


def test_a_block_that_was_given_and_not_trained_is_trained_after_a_kill(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6))
    search = searching(ledger)
    first, second = search.next(), search.next()
    assert first is not None
    assert second is not None
    train(store, ledger, second)
    again = Ledger(store.plan(), store)
    names = go(store, again, searching(again))
    assert names[0] == first.name
    assert second.name not in names
    assert len(names) == 5


def test_a_stop_that_was_logged_and_not_yet_carried_out_is_after_a_kill(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6))
    block = searching(ledger).next()
    assert block is not None
    log = Log(store.search_path)
    log.stopped(Stop(block=block.name, rule="lost", step=300, audited=False), 1.0)
    assert not store.halt_path(block).exists()
    searching(Ledger(store.plan(), store))
    assert json.loads(store.halt_path(block).read_text()) == {"rule": "lost", "step": 300}


@pytest.mark.parametrize(("audit", "halted"), [(0.0, True), (1.0, False)])
def test_a_lost_block_is_halted_once_or_audited(tmp_path: Path, audit: float, halted: bool) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6, audit=audit))
    search = searching(ledger, reference={name: np.array(own) for name, own in REFERENCE.items()})
    block = search.next()
    assert block is not None
    rows = trace_of(ledger.plan, block, [Outcome.NOT_LEARNED] * 2, 0, {}).rows
    for step in made_searches.STEPS:
        search.rows(block, [row for row in rows if row["step"] == step], step)
    (stop,) = read(store.search_path).stops
    assert (stop.block, stop.rule, stop.audited) == (block.name, "lost", not halted)
    assert 0 < stop.step < made_searches.STEPS[-1]
    assert store.halt_path(block).exists() is halted


def test_a_block_with_one_replica_that_may_succeed_runs_on(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6, audit=0.0))
    search = searching(ledger, reference={name: np.array(own) for name, own in REFERENCE.items()})
    block = search.next()
    assert block is not None
    search.rows(block, trace_of(ledger.plan, block, [Outcome.NOT_LEARNED, Outcome.CONVERGED], 0, {}).rows, 1_000)
    assert read(store.search_path).stops == []


def test_a_cell_whose_blocks_crash_gets_no_more_than_its_seeds_make(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=40))
    search = searching(ledger)
    while (block := search.next()) is not None:
        assert block.seeds
        assert block in ledger.blocks
        if block.first:
            ledger.end(block, Status.CRASHED, "out of memory")
        else:
            train(store, ledger, block)
        search.block_ended(block)
    assert max(read(store.search_path).blocks) == 3
    assert sum(read(store.search_path).blocks) == 40


@pytest.mark.parametrize(("goal", "floor"), [("quality", 0.7), ("both", 0.8), ("success", 0.8)])
def test_the_race_is_for_what_was_asked(
    tmp_path: Path, goal: Goal, floor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[tuple[Goal, float]] = set()
    challenger = race.challenger

    def watched(*args: Any, goal: Goal, floor: float, **fields: Any) -> Candidate | None:
        asked.add((goal, floor))
        return challenger(*args, goal=goal, floor=floor, **fields)

    monkeypatch.setattr(race, "challenger", watched)
    store, ledger = begin(tmp_path, plan(blocks=4, goal=goal, floor=floor))
    go(store, ledger, searching(ledger))
    assert asked == {(goal, floor)}


def test_a_crashed_block_counts_for_nothing_and_does_not_stop_the_search(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=4))
    search = searching(ledger)
    block = search.next()
    assert block is not None
    ledger.end(block, Status.CRASHED, "out of memory")
    search.block_ended(block)
    assert search.candidates == ()
    assert len(go(store, ledger, search)) == 3
    assert search.finished()


def test_time_ends_a_search_and_the_time_of_earlier_processes_counts(tmp_path: Path) -> None:
    now = 0.0
    planned = made_searches.plan_search(
        made_searches.SearchSpec(space=made_searches.SPACE, base=made_searches.BASE),
        made_searches.GROUND, now=made_searches.NOW, seeds=4,
        seconds=100.0,
    )  # fmt: skip
    store, ledger = begin(tmp_path, planned)
    search = searching(ledger, clock=lambda: now)
    now = 60.0
    go(store, ledger, search, at_most=2)
    again = Ledger(store.plan(), store)
    search = searching(again, clock=lambda: now)
    assert search.next() is not None
    now += 41.0
    assert search.next() is None
    assert search.finished()
    assert read(store.search_path).ended == "the time of the budget is over"


def test_a_time_that_is_over_at_once_leaves_one_block(tmp_path: Path) -> None:
    planned = made_searches.plan_search(
        made_searches.SearchSpec(space=made_searches.SPACE, base=made_searches.BASE),
        made_searches.GROUND, now=made_searches.NOW, seeds=4,
        seconds=0.001,
    )  # fmt: skip
    store, ledger = begin(tmp_path, planned)
    times = iter(range(1_000))
    search = searching(ledger, clock=lambda: float(next(times)))
    assert go(store, ledger, search) == ["c000-b000"]
    assert read(store.search_path).ended == "the time of the budget is over"


def test_two_at_a_time_no_candidate_races_while_it_trains(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=20))
    search = searching(ledger)
    running: list[Any] = []
    while True:
        while len(running) < 2 and (block := search.next()) is not None:
            assert block.cell.index not in {other.cell.index for other in running}
            running.append(block)
        if not running:
            break
        block = running.pop(0)
        train(store, ledger, block)
        search.block_ended(block)
    assert sum(read(store.search_path).blocks) == 20


def test_a_finite_space_ends_the_search_before_its_budget(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=500, seeds=2, sampler="grid"), converges=lambda point: 0.0)
    history = read(store.search_path)
    assert history.ended == "the sampler has no further proposal"
    assert len(history.points) == 1 + 5 * 5 + 5  # the default; adam: 5 rates x 5 beta1; sgd: 5 rates


def told(store: Store) -> list[Any]:
    return [(event if isinstance(event, int) else dict(event.point)) for event in read(store.search_path).events]
