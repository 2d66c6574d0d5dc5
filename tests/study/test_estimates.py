from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.estimates import CellSummary, boschloo, compare, newcombe, summarise, wilson
from study.outcome import Outcome
from study.records import Record, Status
from study.spec import Contrast

DECIDED = [outcome for outcome in Outcome if outcome is not Outcome.UNDECIDED]


def record(
    outcome: Outcome,
    *,
    cell: int = 0,
    levels: Mapping[str, str] | None = None,
    status: Status = Status.FINISHED,
    ever_good: bool = False,
) -> Record:
    levels = levels or {"loss": "ls"}
    return Record(
        launch="l",
        study="s",
        profile="quick",
        cell=cell,
        cell_name=" / ".join(levels.values()),
        levels=levels,
        digest="d",
        config={},
        block="b",
        replica=0,
        seed=1,
        status=status,
        outcome=outcome,
        outcome_step=None,
        ever_good=ever_good,
        evidence={},
        rule="r@1",
        steps=10,
        planned_steps=10,
        seconds=1.5,
        mode="stack[1]",
        device="cpu",
        versions={},
    )


def test_a_cell_s_rate_is_its_share_of_converged_replicas() -> None:
    rows = [record(Outcome.CONVERGED), record(Outcome.DIVERGED), record(Outcome.LATE_COLLAPSE, ever_good=True)]
    (cell,) = summarise(rows)
    assert cell.rate == wilson(1, 3)
    assert cell.ever_good == wilson(1, 3)
    assert cell.seconds == pytest.approx(4.5, abs=1e-12)


def test_crashed_and_pending_replicas_are_counted_apart_and_are_no_failures() -> None:
    rows = [
        record(Outcome.CONVERGED),
        record(Outcome.UNDECIDED, status=Status.CRASHED),
        record(Outcome.UNDECIDED, status=Status.PLANNED),
        record(Outcome.UNDECIDED, status=Status.STOPPED),
        record(Outcome.UNDECIDED, status=Status.FINISHED),
    ]
    (cell,) = summarise(rows)
    assert (cell.rate, cell.crashed, cell.pending) == (wilson(1, 1), 1, 3)


def test_a_cell_without_any_outcome_says_nothing() -> None:
    (cell,) = summarise([record(Outcome.UNDECIDED, status=Status.PLANNED)])
    assert (cell.rate.n, cell.rate.rate, cell.rate.low, cell.rate.high) == (0, 0.0, 0.0, 1.0)
    assert cell.outcomes == dict.fromkeys(DECIDED, 0)


def test_cells_come_in_order_with_their_names_and_levels() -> None:
    rows = [record(Outcome.CONVERGED, cell=c, levels={"loss": f"l{c}"}) for c in (2, 0, 2, 1)]
    assert [(s.cell, s.name, s.levels) for s in summarise(rows)] == [(c, f"l{c}", {"loss": f"l{c}"}) for c in range(3)]


def test_no_records_are_no_cells() -> None:
    assert summarise([]) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(list(Status)), st.integers(0, 2))))
def test_every_planned_replica_is_counted_once(drawn: list[tuple[Outcome, Status, int]]) -> None:
    rows = [record(outcome, status=status, cell=cell) for outcome, status, cell in drawn]
    cells = summarise(rows)
    for cell in cells:
        planned = sum(row.cell == cell.cell for row in rows)
        assert cell.rate.n + cell.crashed + cell.pending == planned
        assert sum(cell.outcomes.values()) == cell.rate.n
    assert sorted(s.cell for s in cells) == sorted({row.cell for row in rows})


def cell(index: int, converged: int, n: int, **levels: str) -> CellSummary:
    return CellSummary(
        cell=index,
        name=" / ".join(levels.values()),
        levels=levels,
        rate=wilson(converged, n),
        ever_good=wilson(converged, n),
        outcomes={Outcome.CONVERGED: converged, Outcome.MODE_COLLAPSED: n - converged},
        crashed=0,
        pending=0,
        seconds=0.0,
    )


CONTRAST = Contrast(factor="loss", a="ls", b="ns")


def test_a_contrast_is_made_wherever_the_other_factors_agree() -> None:
    cells = [
        cell(0, 9, 10, bn="full", loss="ls"),
        cell(1, 2, 10, bn="full", loss="ns"),
        cell(2, 5, 10, bn="none", loss="ls"),
        cell(3, 4, 10, bn="none", loss="ns"),
    ]
    found = compare([CONTRAST], cells)
    assert [(c.held, c.a.successes, c.b.successes) for c in found] == [({"bn": "full"}, 9, 2), ({"bn": "none"}, 5, 4)]


def test_a_comparison_holds_difference_interval_and_p() -> None:
    (found,) = compare([CONTRAST], [cell(0, 9, 10, loss="ls"), cell(1, 2, 10, loss="ns")])
    assert found.difference == pytest.approx(0.7, abs=1e-12)
    assert (found.low, found.high) == newcombe(wilson(9, 10), wilson(2, 10))
    assert found.p == boschloo(9, 10, 2, 10)
    assert found.p < 0.01


def test_a_comparison_with_an_empty_cell_claims_no_difference() -> None:
    (found,) = compare([CONTRAST], [cell(0, 9, 10, loss="ls"), cell(1, 0, 0, loss="ns")])
    assert (found.difference, found.low, found.high, found.p) == (0.0, -1.0, 1.0, 1.0)


@pytest.mark.parametrize("missing", ["ls", "ns"])
def test_a_contrast_whose_level_was_not_run_is_left_out(missing: str) -> None:
    cells = [cell(i, 1, 2, loss=label) for i, label in enumerate(("ls", "ns", "w")) if label != missing]
    assert compare([CONTRAST, Contrast(factor="bn", a="full", b="none")], cells) == ()
