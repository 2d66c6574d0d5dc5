"""The progress of a launch with fixed cells."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from study.outcomes.outcome import Outcome
from study.scheduling.ledger import Ledger
from study.storage.records import Status
from study.storage.store import Store
from study.terminal.grid_progress import GridStanding
from tests.study.conftest import make

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED


@pytest.fixture
def half(tmp_path: Path) -> Store:
    """A launch whose first cell is trained and whose second one is not."""
    return make(tmp_path, ((C, C, M), (U, U, U)), page=False)


def ledger_of(store: Store, **changes: Any) -> Ledger:
    return Ledger(dataclasses.replace(store.plan(), **changes), store)


def test_the_line_counts_cells_replicas_and_outcomes(half: Store) -> None:
    assert GridStanding(ledger_of(half)).line() == "cells 1/2 · replicas 3/6 (2 converged, 1 mode collapsed)"


def test_a_block_says_what_its_replicas_ended_in(half: Store) -> None:
    ledger = ledger_of(half)
    assert GridStanding(ledger).after(ledger.plan.blocks()[0]) == (
        "ls  (3 replicas, 6 s): 2 converged, 1 mode collapsed"
    )


def test_a_crashed_block_says_why(half: Store) -> None:
    ledger = ledger_of(half)
    block = ledger.plan.blocks()[1]
    ledger.end(block, Status.CRASHED, "out of memory")
    assert GridStanding(ledger).after(block).endswith(": crashed: out of memory")


def test_skipped_blocks_are_no_work_unless_they_run(half: Store) -> None:
    ledger = ledger_of(half, block=1, until_decided=True, least=1)
    ledger.settle(frozenset({1}), 1.0)
    standing, steps = GridStanding(ledger), ledger.plan.cells[0].config.steps
    assert standing.at_most
    assert standing.line().endswith("2 skipped")
    skipped = next(block for block in ledger.blocks if ledger.skips(block.name))
    assert standing.work(300, ()) == (300, 4 * steps)
    assert standing.work(300, {skipped.name}) == (300, 5 * steps)


def test_no_time_limits_a_grid(half: Store) -> None:
    standing = GridStanding(ledger_of(half))
    assert (standing.seconds_left(), standing.by_time, standing.at_most) == (None, False, False)


def test_the_counts_are_kept_and_not_made_anew(half: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launch of many blocks prints a line after each."""
    ledger = ledger_of(half)
    standing = GridStanding(ledger)
    ledger.end(ledger.plan.blocks()[1], Status.CRASHED, "out of luck")
    monkeypatch.setattr(Ledger, "records", property(lambda ledger: pytest.fail("all records were counted")))
    monkeypatch.setattr(Ledger, "blocks", property(lambda ledger: pytest.fail("all blocks were counted")))
    assert standing.line() == "cells 2/2 · replicas 3/6 (2 converged, 1 mode collapsed)"
    assert standing.work(7, ()) == (7, 2 * ledger.plan.cells[0].config.steps)
