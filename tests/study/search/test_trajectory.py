"""The course of a search against a count from scratch after every block."""

from pathlib import Path

import pytest

from study.search import race
from study.search.scoring import candidates
from study.search.trajectory import course, spent
from study.storage import search_log
from study.storage.search_log import Proposal
from study.storage.store import Store
from tests.study.made_searches import begin, plan, searched


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return searched(tmp_path_factory.mktemp("search"), plan(blocks=24))


def test_the_incumbent_after_each_block_is_that_of_all_candidates_so_far(store: Store) -> None:
    history, records = search_log.read(store.search_path), store.records()
    given: list[int] = []
    found = course(history, records, 2)
    for moment, event in zip(found, history.events, strict=True):
        given.append(len(set(given)) if isinstance(event, Proposal) else event)
        seen = [record for record in records if record.replica < 2 * given.count(record.cell)]
        known = candidates(history.points, seen)
        best = race.incumbent(known)
        assert best is not None
        assert moment.incumbent == best
        assert (moment.low, moment.high) == race.interval(best)
    assert [moment.blocks for moment in found] == list(range(1, 25))


def test_the_lower_end_never_falls(store: Store) -> None:
    low = [moment.low for moment in course(search_log.read(store.search_path), store.records(), 2)]
    assert low == sorted(low)
    assert low[-1] > low[0]


def test_a_block_without_a_result_changes_nothing(store: Store) -> None:
    history = search_log.read(store.search_path)
    last = max(record.cell for record in store.records())
    rest = [record for record in store.records() if record.cell != last]
    assert [moment.incumbent for moment in course(history, rest, 2)][-1] is not None
    nothing = course(history, (), 2)
    assert {(moment.incumbent, moment.low, moment.high) for moment in nothing} == {(None, 0.0, 1.0)}


def test_what_was_spent_is_counted_from_the_log_and_the_records(store: Store) -> None:
    history, records = search_log.read(store.search_path), store.records()
    found = spent(history, records, 2)
    assert (found.blocks, found.replicas) == (24, 48)
    assert found.candidates == len(history.points)
    assert found.raced == sum(blocks > 1 for blocks in history.blocks)
    assert found.further == 48 - 2 * found.candidates
    assert found.share == found.further / 48


def test_nothing_is_spent_before_the_first_block(tmp_path: Path) -> None:
    store, _ = begin(tmp_path)
    found = spent(search_log.read(store.search_path), (), 2)
    assert (found.blocks, found.replicas, found.share) == (0, 0, 0.0)
