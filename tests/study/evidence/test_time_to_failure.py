"""Time to collapse: lifetimes from records, and what stopped replicas do to their curves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from study.design.study import Contrast
from study.evidence.inference.survival import Lifetimes, kaplan_meier
from study.evidence.time_to_failure import CellSurvival, compare, curves, out_of_reach
from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.storage.records import Record, Status
from tests.study.made_traces import REFERENCE
from trainables.trace import ReplicaTrace

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741
BN = Contrast(factor="bn", a="full", b="none")
END = 1000


def record(seed: int, outcome: Outcome, step: int | None = None, *, cell: int = 0, **changes: Any) -> Record:
    own = Record(
        launch="demo", study="demo", profile="smoke", cell=cell, cell_name=f"cell {cell}", levels={"bn": "full"},
        digest="0", config={}, block=f"c{cell}-b0", replica=seed, seed=seed, status=Status.FINISHED, outcome=outcome,
        outcome_step=step, ever_good=False, evidence={}, rule="mixture@0", steps=END, planned_steps=END, seconds=1.0,
        mode="", device="", versions={},
    )  # fmt: skip
    return replace(own, **changes)


def stopped(seed: int, step: int, *, cell: int = 0, **changes: Any) -> Record:
    return record(seed, U, cell=cell, status=Status.STOPPED, steps=step, **changes)


def at(curve: CellSurvival, step: float, name: str = "survival") -> float:
    values: np.ndarray = getattr(curve, name)
    return float(values[np.searchsorted(curve.step, step, side="right") - 1])


def finite(curve: CellSurvival) -> bool:
    return all(np.isfinite(getattr(curve, name)).all() for name in ("step", "survival", "low", "high", "least", "most"))


def test_failures_end_at_their_step_and_all_else_at_the_planned_one() -> None:
    (curve,) = curves([record(0, C, 300), record(1, N), record(2, M, 100), record(3, L, 700), record(4, D, 200)])
    assert curve.step.tolist() == [0, 100, 200, 700, END]
    assert curve.survival == pytest.approx([1, 0.8, 0.6, 0.4, 0.4])
    assert (curve.n, curve.events, curve.stopped, curve.left_out) == (5, 3, 0, 0)


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not U])
def test_each_outcome_either_fails_or_survives(outcome: Outcome) -> None:
    (curve,) = curves([record(0, outcome, 100)])
    assert curve.events == (outcome not in (C, N))
    assert curve.survival[-1] == (outcome in (C, N))


@pytest.mark.parametrize("status", [Status.CRASHED, Status.PLANNED, Status.FINISHED])
def test_replicas_without_an_outcome_are_left_out_and_counted(status: Status) -> None:
    (curve,) = curves([record(0, M, 100), record(1, U, status=status)])
    assert (curve.n, curve.left_out) == (1, 1)
    assert curve.survival[-1] == 0


def test_a_cell_without_any_outcome_says_nothing() -> None:
    (curve,) = curves([record(0, U, status=Status.CRASHED)])
    assert (curve.n, curve.survival.tolist(), curve.low.tolist(), curve.high.tolist()) == (0, [1], [0], [1])


def test_no_records_give_no_curve() -> None:
    assert curves([]) == compare([BN], []) == ()


def test_curves_come_in_the_order_of_cells() -> None:
    found = curves([record(0, M, 100, cell=2), record(0, C, cell=0), record(1, C, cell=2)])
    assert [(curve.cell, curve.name, curve.n) for curve in found] == [(0, "cell 0", 1), (2, "cell 2", 2)]


@pytest.mark.parametrize("outcome", [C, M])
def test_all_alike_or_a_single_replica_give_finite_numbers(outcome: Outcome) -> None:
    for count in (1, 10):
        (curve,) = curves([record(seed, outcome, 100) for seed in range(count)])
        assert finite(curve)
        assert (curve.low <= curve.survival).all()
        assert (curve.survival <= curve.high).all()


def collapsing(at_step: int | None, every: int = 50) -> ReplicaTrace:
    """A ring learned by step 200, and one mode alone from ``at_step`` on."""
    step = np.arange(0, END + 1, every)
    lost = step >= (END + 1 if at_step is None else at_step)
    good = np.where(lost[:, None], 0.9 * (np.arange(8) == 3), 0.9 / 8)
    share = np.where((step < 200)[:, None], 0.02, good)
    columns = {
        "step": step,
        "mode_share_eighth": share,
        "diversity": np.where(lost, 0.05, 0.9),
        "distance_quantiles": np.full((len(step), 5), 0.1),
    }
    return ReplicaTrace(seed=0, columns=columns, reference={**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8)})


def test_injected_collapse_times_are_recovered() -> None:
    rng = np.random.default_rng(0)
    times = [int(time) if time < 900 else None for time in 350 + rng.exponential(400, 40)]
    decisions = [decide(collapsing(time), MIXTURE_RULE) for time in times]
    (curve,) = curves(
        [record(seed, own.outcome, own.step, evidence=own.evidence) for seed, own in enumerate(decisions)]
    )
    seen = np.array([END if time is None else -(-time // 50) * 50 for time in times], dtype=float)  # the next snapshot
    expected = kaplan_meier(Lifetimes(time=seen, failed=np.array([time is not None for time in times])))
    assert curve.events == sum(time is not None for time in times) > 20
    assert curve.step.tolist() == expected.time.tolist()
    assert curve.survival.tolist() == expected.survival.tolist()


@pytest.mark.parametrize("outcome", [C, L, O, D, Outcome.DEGRADED, Outcome.MODE_HOPPING, Outcome.MEMORIZED])
def test_a_replica_that_was_good_fails_at_its_first_bad_snapshot_whatever_followed(outcome: Outcome) -> None:
    evidence = {"first_good_step": 100.0, "first_bad_step": 400.0}
    own = record(0, outcome, 900, evidence=evidence, ever_good=True, borderline=False)
    (curve,) = curves([own, record(1, C, 100)])
    assert (curve.events, curve.step.tolist()) == (1, [0, 400, END])


@pytest.mark.parametrize(
    "changes", [{"ever_good": False, "borderline": False}, {"ever_good": True, "borderline": None}]
)
@pytest.mark.parametrize("outcome", [C, N])
def test_a_bad_snapshot_that_follows_on_no_good_window_is_no_failure(outcome: Outcome, changes: dict[str, Any]) -> None:
    """As rules of edition 1, which know of no borderline, noted it after any good snapshot."""
    evidence = {"first_good_step": 100.0, "first_bad_step": 400.0}
    (curve,) = curves([record(0, outcome, evidence=evidence, **changes)])
    assert (curve.events, curve.survival.tolist()) == (0, [1, 1])


def test_stopped_replicas_are_bounded_by_failing_at_once_and_never() -> None:
    (curve,) = curves([record(0, C), record(1, C), record(2, M, 500), stopped(3, 200)])
    assert [at(curve, step, "least") for step in (199, 200, 500)] == pytest.approx([1, 0.75, 0.5])
    assert [at(curve, step, "most") for step in (199, 200, 500)] == pytest.approx([1, 1, 0.75])
    assert [at(curve, step) for step in (199, 200, 500)] == pytest.approx([1, 1, 2 / 3])
    assert (curve.n, curve.stopped, curve.left_out) == (4, 1, 0)


def test_without_an_audit_the_interval_holds_both_bounds() -> None:
    (curve,) = curves([record(0, C), record(1, C), record(2, M, 500), stopped(3, 200), stopped(4, 600)])
    assert (curve.least <= curve.survival).all()
    assert (curve.survival <= curve.most).all()
    failing = kaplan_meier(Lifetimes(time=np.array([200.0, 500, 600, END, END]), failed=np.arange(5) < 3))
    lasting = kaplan_meier(Lifetimes(time=np.array([500.0, END, END, END, END]), failed=np.arange(5) < 1))
    assert curve.low.tolist() == failing.at(curve.step)[1].tolist()
    assert curve.high.tolist() == lasting.at(curve.step)[2].tolist()


def test_without_stopped_replicas_the_bounds_are_the_curve() -> None:
    (curve,) = curves([record(0, C), record(1, M, 500)])
    assert curve.least.tolist() == curve.most.tolist() == curve.survival.tolist()


def test_an_audited_replica_stands_for_all_that_were_to_be_stopped() -> None:
    """One of three that were to be stopped ran on and failed at 600: three of five fail there."""
    records = [record(0, C), record(1, C), stopped(2, 200), stopped(3, 300), record(4, L, 600)]
    (curve,) = curves(records, audited={(0, 4)})
    assert (at(curve, 599), at(curve, 600)) == pytest.approx((1, 0.4))
    assert (curve.stopped, curve.audited) == (2, 1)
    weighted = kaplan_meier(
        Lifetimes(time=np.array([END, END, 600.0]), failed=np.arange(3) == 2), weights=np.array([1.0, 1, 3])
    )
    assert curve.low.tolist() == weighted.at(curve.step)[1].tolist()


def test_an_audit_of_another_cell_leaves_the_bounds() -> None:
    plain, told = curves([record(0, C), stopped(1, 200)]), curves([record(0, C), stopped(1, 200)], audited={(7, 0)})
    assert told[0].low.tolist() == plain[0].low.tolist() < plain[0].least.tolist()


def searched(rng: np.random.Generator, share: float) -> tuple[list[Record], set[tuple[int, int]], float]:
    """80 replicas, half of which look doomed at step 300 and are stopped but for the audit; also the true survival."""
    doomed = rng.random(80) < 0.5
    time = 310 + rng.exponential(np.where(doomed, 300, 3000))
    whole = [record(i, L, int(t)) if t < END else record(i, C) for i, t in enumerate(time)]
    kept = ~doomed | (rng.random(80) < share)
    records = [own if keep else stopped(own.seed, 300) for own, keep in zip(whole, kept, strict=True)]
    return records, {(0, i) for i in np.flatnonzero(doomed & kept)}, float((time >= END).mean())


def test_the_audit_removes_the_bias_of_stopping() -> None:
    rng = np.random.default_rng(0)
    naive, weighted = [], []
    for _ in range(80):
        records, audited, truth = searched(rng, share=0.25)
        naive.append(at(curves(records)[0], END) - truth)
        weighted.append(at(curves(records, audited)[0], END) - truth)
    assert np.mean(naive) > 0.2
    assert np.mean(weighted) == pytest.approx(0, abs=0.025)


def two_cells(a: Sequence[Record], b: Sequence[Record]) -> list[Record]:
    return [*a, *(replace(own, cell=1, cell_name="cell 1", levels={"bn": "none"}) for own in b)]


def test_a_cell_that_collapses_sooner_is_told_from_one_that_does_not() -> None:
    early = [record(seed, M, 100 + 10 * seed) for seed in range(15)]
    late = [record(seed, L, 600 + 10 * seed) for seed in range(15)]
    (row,) = compare([BN], two_cells(early, late))
    assert (row.a.cell, row.b.cell, row.held) == (0, 1, {})
    assert row.z > 0
    assert row.p == row.p_adjusted == pytest.approx(1e-4)
    assert row.pairs == 15


def test_cells_are_compared_in_pairs_of_a_seed_where_they_share_any() -> None:
    early = [record(seed, M, 10 * seed) for seed in range(1, 8)]
    later = [record(seed, M, 10 * seed + 1) for seed in range(1, 8)]
    apart = [replace(own, seed=own.seed + 100) for own in later]
    (paired,), (independent,) = compare([BN], two_cells(early, later)), compare([BN], two_cells(early, apart))
    assert (paired.pairs, paired.p) == (7, pytest.approx(2 / 2**7))
    assert (independent.pairs, independent.least) == (0, pytest.approx(2 / 3432))
    assert independent.p > 0.5


def test_a_replica_without_its_partner_is_in_no_pair() -> None:
    early = [record(seed, M, 100 + seed) for seed in range(7)]
    late = [record(seed, C) for seed in range(6)]
    (row,) = compare([BN], two_cells(early, late))
    assert (row.pairs, row.p) == (6, pytest.approx(2 / 2**6))


def test_it_is_said_where_so_few_pairs_cannot_tell() -> None:
    def rows(n: int, contrasts: int = 1) -> str:
        early, late = [record(seed, M, 100 + seed) for seed in range(n)], [record(seed, C) for seed in range(n)]
        return out_of_reach(compare([BN] * contrasts, two_cells(early, late)))

    assert rows(5) == (
        "No comparison can fall below 0.05 here, whatever comes out: 5 pairs give p = 0.06 at the least."
    )
    assert rows(6) == ""
    assert rows(6, contrasts=2) == (
        "No comparison can fall below 0.05 here, whatever comes out: 6 pairs give p = 0.03 and 0.06 adjusted at the"
        " least."
    )


def test_p_values_are_adjusted_over_all_rows() -> None:
    early = [record(seed, M, 100 + 10 * seed) for seed in range(8)]
    late = [record(seed, C) for seed in range(8)]
    rows = compare([BN, BN], two_cells(early, late))
    assert [row.p_adjusted for row in rows] == pytest.approx([2 * row.p for row in rows])


def test_only_cells_that_differ_in_the_factor_alone_are_compared() -> None:
    levels = [{"bn": bn, "data": data} for data in "xy" for bn in ("full", "none")]
    rows = compare([BN], [record(0, C, cell=place, levels=own) for place, own in enumerate(levels)])
    assert [(row.a.cell, row.b.cell, row.held) for row in rows] == [(0, 1, {"data": "x"}), (2, 3, {"data": "y"})]


@pytest.mark.parametrize("records", [[record(0, C)], [record(0, M, 100)], [record(0, U, status=Status.CRASHED)]])
def test_one_replica_or_none_tells_nothing_apart(records: list[Record]) -> None:
    (row,) = compare([BN], two_cells(records, [record(0, C)]))
    assert 0 <= row.p <= 1
    assert row.p_adjusted > 0.05


def test_a_difference_that_hangs_on_the_stopped_replicas_is_none() -> None:
    failing = [record(seed, M, 100 + 10 * seed) for seed in range(12)]
    (row,) = compare([BN], two_cells(failing, [stopped(seed, 100 + 9 * seed) for seed in range(12)]))
    assert (row.z, row.p) == (0, 1)


def test_a_difference_that_holds_whatever_the_stopped_ones_would_have_done_is_one() -> None:
    failing = [record(seed, M, 100 + 10 * seed) for seed in range(10)]
    others = [record(seed, C) for seed in range(9)]
    ways = stopped(9, 150), record(9, M, 150), record(9, C)
    told, failed, went_on = (compare([BN], two_cells(failing, [*others, way]))[0].p for way in ways)
    assert told == max(failed, went_on) > min(failed, went_on)
    assert told < 0.05
