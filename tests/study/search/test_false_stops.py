"""How often early stopping was wrong: worked cases, and whole launches simulated with a known truth."""

from collections.abc import Sequence
from dataclasses import astuple, replace
from functools import cache
from math import isfinite

import numpy as np
import pytest
from scipy.stats import binom

from study.evidence.inference.proportions import clopper_pearson
from study.evidence.time_to_failure import curves
from study.outcomes.outcome import Outcome
from study.search.false_stops import AuditRow, audited_replicas, false_stops
from study.storage.records import Record, Status
from study.storage.search_log import Stop

C, M, N, D, U = (
    Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.DIVERGED, Outcome.UNDECIDED
)  # fmt: skip
PLANNED = 1_000
BASE = Record(
    launch="demo", study="demo", profile="search", cell=0, cell_name="0", levels={}, digest="0", config={}, block="",
    replica=0, seed=0, status=Status.FINISHED, outcome=U, outcome_step=None, ever_good=False, evidence={}, rule="r@0",
    steps=PLANNED, planned_steps=PLANNED, seconds=1.0, mode="", device="", versions={},
)  # fmt: skip


@cache
def replica(cell: int, seed: int, status: Status, outcome: Outcome, steps: int) -> Record:
    name, step = f"c{cell:03d}-b000", 100 if outcome in (M, D) else None
    return replace(
        BASE, cell=cell, block=name, replica=seed, seed=seed, status=status, outcome=outcome, steps=steps,
        outcome_step=step,
    )  # fmt: skip


def ended(cell: int, *outcomes: Outcome) -> list[Record]:
    return [replica(cell, i, Status.FINISHED, outcome, PLANNED) for i, outcome in enumerate(outcomes)]


def halted(cell: int, count: int, steps: int) -> list[Record]:
    return [replica(cell, i, Status.STOPPED, U, steps) for i in range(count)]


def stop(cell: int, rule: str = "asha", *, audited: bool = False) -> Stop:
    return Stop(block=f"c{cell:03d}-b000", rule=rule, step=100, audited=audited)


def only(stops: Sequence[Stop], records: Sequence[Record]) -> AuditRow:
    (row,) = false_stops(stops, records)
    return row


def test_each_rule_is_counted_on_its_own() -> None:
    records = [*ended(0, C, M), *ended(1, N, N), *halted(2, 2, 200), *halted(3, 2, 400), *ended(4, C, C)]
    stops = [stop(0, audited=True), stop(1, "lost", audited=True), stop(2), stop(3, "lost")]
    asha, lost = false_stops(stops, records)
    assert (asha.rule, asha.stopped_blocks, asha.stopped_replicas) == ("asha", 1, 2)
    assert (asha.audited_blocks, asha.audited_replicas, asha.false_stops, asha.rate) == (1, 2, 1, 0.5)
    assert (lost.rule, lost.stopped_blocks, lost.false_stops, lost.rate) == ("lost", 1, 0, 0.0)
    assert asha.saved == pytest.approx(2 * 800 / 10_000)
    assert lost.saved == pytest.approx(2 * 600 / 10_000)


def test_the_interval_is_exact_over_replicas_and_wider_over_blocks() -> None:
    records = [*ended(0, C, M, M, M), *ended(1, C, C, M, M)]
    row = only([stop(0, audited=True), stop(1, audited=True)], records)
    exact = clopper_pearson(3, 8)
    assert (row.rate, row.low, row.high) == (3 / 8, exact.low, exact.high)
    assert row.block_low <= row.low
    assert row.block_high >= row.high


def test_without_an_audited_replica_there_is_no_rate() -> None:
    row = only([stop(0)], halted(0, 2, 300))
    assert (row.rate, row.low, row.high, row.block_low, row.block_high) == (None, 0, 1, 0, 1)
    assert row.saved == pytest.approx(0.7)


def test_audited_replicas_without_an_outcome_are_pending() -> None:
    records = [replica(0, i, status, U, 500) for i, status in enumerate((Status.PLANNED, Status.CRASHED))]
    row = only([stop(0, audited=True), stop(1, audited=True)], [*records, *ended(1, C)])
    assert (row.audited_blocks, row.audited_replicas, row.pending_replicas, row.rate) == (1, 1, 2, 1.0)


def test_a_block_that_reached_its_end_before_it_was_halted_is_neither_stopped_nor_audited() -> None:
    row = only([stop(0)], ended(0, C, M))
    assert (row.stopped_blocks, row.audited_blocks, row.saved, row.rate) == (0, 0, 0.0, None)


def test_a_stopped_replica_whose_outcome_is_certain_is_stopped() -> None:
    row = only([stop(0, "lost")], [replica(0, 0, Status.STOPPED, D, 200), *halted(0, 1, 200)])
    assert (row.stopped_replicas, row.saved) == (2, pytest.approx(0.8))


def test_planned_and_skipped_replicas_count_for_no_share() -> None:
    left = [replica(5, i, status, U, 0) for i, status in enumerate((Status.PLANNED, Status.SKIPPED))]
    assert only([stop(0)], [*halted(0, 1, 500), *left]).saved == 0.5


def test_the_first_stop_of_a_block_counts() -> None:
    row = only([stop(0, audited=True), stop(0, "lost")], ended(0, C))
    assert (row.rule, row.false_stops) == ("asha", 1)


def test_nothing_stopped_gives_no_row() -> None:
    assert false_stops([], ended(0, C)) == ()
    assert false_stops([stop(9)], ended(0, C)) == ()
    assert false_stops([stop(0)], []) == ()


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("audited", [True, False])
def test_all_numbers_are_finite(status: Status, audited: bool) -> None:
    records = [replica(0, 0, status, U, 0)]
    row = only([stop(0, audited=audited)], records)
    assert all(isfinite(value) for value in astuple(row) if isinstance(value, int | float))


def test_audited_replicas_are_named_by_cell_and_seed_once_they_have_ended() -> None:
    records = [*ended(0, C, M), *halted(1, 2, 100), *ended(2, C), replica(3, 0, Status.CRASHED, U, 10)]
    stops = [stop(0, audited=True), stop(1), stop(3, audited=True)]
    assert audited_replicas(stops, records) == {(0, 0), (0, 1)}


def test_lifetimes_take_the_audited_replicas() -> None:
    records = [*ended(0, C, M), *(replace(record, cell=0, seed=9 + record.seed) for record in halted(1, 2, 100))]
    (curve,) = curves(records, audited_replicas([stop(0, audited=True), stop(1)], records))
    assert (curve.stopped, curve.audited) == (2, 2)


@pytest.mark.parametrize("launches", [200, pytest.param(1_000, marks=pytest.mark.slow)])
def test_the_rate_of_audited_replicas_is_an_unbiased_estimate_for_all_that_were_to_be_stopped(launches: int) -> None:
    rng = np.random.default_rng(5)
    errors, inside = [], []
    for _ in range(launches):
        chances = rng.beta(0.5, 2, size=12)  # blocks differ in how wrong it is to stop them
        truth = rng.random((12, 3)) < chances[:, None]
        coins = rng.random(12) < 0.3
        if not coins.any():
            continue
        records, stops = [], []
        for cell, (good, audited) in enumerate(zip(truth, coins, strict=True)):
            records += ended(cell, *(C if one else M for one in good)) if audited else halted(cell, 3, 100)
            stops.append(stop(cell, audited=bool(audited)))
        row = only(stops, records)
        assert row.rate is not None
        errors.append(row.rate - truth.mean())
        inside.append(row.block_low <= truth.mean() <= row.block_high)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors))
    assert np.mean(inside) >= 0.95


@pytest.mark.parametrize("size", [1, 4])
def test_the_intervals_cover_at_least_as_often_as_they_say(size: int) -> None:
    """Exactly: ``size`` replicas per block that all agree, so that a block is one draw."""
    blocks = 15
    stops = [stop(cell, audited=True) for cell in range(blocks)]
    rows = [
        only(stops, [one for cell in range(blocks) for one in ended(cell, *size * [C if cell < k else M])])
        for k in range(blocks + 1)
    ]
    low, high = (np.array([getattr(row, name) for row in rows]) for name in ("block_low", "block_high"))
    rates = np.linspace(0, 1, 201)[:, None]
    covered = (binom.pmf(np.arange(blocks + 1), blocks, rates) * ((low <= rates) & (rates <= high))).sum(1)
    assert covered.min() >= 0.95
    if size == 1:
        assert [row.low for row in rows] == pytest.approx(low)
        assert [row.high for row in rows] == pytest.approx(high)
