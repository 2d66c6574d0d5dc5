from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.design.study import Contrast
from study.evidence.estimates import compare, summarize
from study.evidence.inference.paired import Pairs, mcnemar
from study.evidence.inference.paired_exact import exact_interval
from study.evidence.inference.proportions import boschloo, newcombe, wilson
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

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
    (cell,) = summarize(rows)
    assert cell.rate == wilson(1, 3)
    assert cell.ever_good == wilson(1, 3)
    assert cell.seconds == pytest.approx(4.5, abs=1e-12)


def test_crashed_and_pending_replicas_are_counted_apart_and_are_no_failures() -> None:
    rows = [
        record(Outcome.CONVERGED),
        record(Outcome.UNDECIDED, status=Status.CRASHED),
        record(Outcome.UNDECIDED, status=Status.PLANNED),
        record(Outcome.UNDECIDED, status=Status.FINISHED),
    ]
    (cell,) = summarize(rows)
    assert (cell.rate, cell.crashed, cell.pending) == (wilson(1, 1), 1, 2)


def test_skipped_replicas_are_not_pending() -> None:
    rows = [record(Outcome.CONVERGED), record(Outcome.UNDECIDED, status=Status.SKIPPED)]
    (cell,) = summarize(rows)
    assert (cell.rate, cell.skipped, cell.pending) == (wilson(1, 1), 1, 0)


def test_stopped_replicas_count_by_their_outcome_and_apart_without_one() -> None:
    rows = [record(Outcome.DIVERGED, status=Status.STOPPED), record(Outcome.UNDECIDED, status=Status.STOPPED)]
    (cell,) = summarize(rows)
    assert (cell.rate, cell.stopped, cell.pending) == (wilson(0, 1), 1, 0)


def test_a_cell_without_any_outcome_says_nothing() -> None:
    (cell,) = summarize([record(Outcome.UNDECIDED, status=Status.PLANNED)])
    assert (cell.rate.n, cell.rate.rate, cell.rate.low, cell.rate.high) == (0, 0.0, 0.0, 1.0)
    assert cell.outcomes == dict.fromkeys(DECIDED, 0)


def test_cells_come_in_order_with_their_names_and_levels() -> None:
    rows = [record(Outcome.CONVERGED, cell=c, levels={"loss": f"l{c}"}) for c in (2, 0, 2, 1)]
    assert [(s.cell, s.name, s.levels) for s in summarize(rows)] == [(c, f"l{c}", {"loss": f"l{c}"}) for c in range(3)]


def test_no_records_are_no_cells() -> None:
    assert summarize([]) == ()


@given(st.lists(st.tuples(st.sampled_from(list(Outcome)), st.sampled_from(list(Status)), st.integers(0, 2))))
def test_every_planned_replica_is_counted_once(drawn: list[tuple[Outcome, Status, int]]) -> None:
    rows = [record(outcome, status=status, cell=cell) for outcome, status, cell in drawn]
    cells = summarize(rows)
    for cell in cells:
        planned = sum(row.cell == cell.cell for row in rows)
        assert cell.rate.n + cell.crashed + cell.pending + cell.skipped + cell.stopped == planned
        assert cell.pending >= 0
        assert sum(cell.outcomes.values()) == cell.rate.n
    assert sorted(s.cell for s in cells) == sorted({row.cell for row in rows})


CONTRAST = Contrast(factor="loss", a="ls", b="ns")


def cell(index: int, ends: str, first: int = 0, **levels: str) -> list[Record]:
    """A replica per letter, on the seeds from ``first``: + converged, - collapsed, x crashed; qualities by seed."""
    return [
        replace(
            record(OUTCOMES[end], cell=index, levels=levels, status=Status.CRASHED if end == "x" else Status.FINISHED),
            seed=first + number,
            evidence={"quality": 0.9 + 0.01 * number + 0.001 * index},
        )
        for number, end in enumerate(ends)
    ]


OUTCOMES = {"+": Outcome.CONVERGED, "-": Outcome.MODE_COLLAPSED, "x": Outcome.UNDECIDED}


def test_a_contrast_is_made_wherever_the_other_factors_agree() -> None:
    rows = [
        *cell(0, "+++-", bn="full", loss="ls"), *cell(1, "+---", bn="full", loss="ns"),
        *cell(2, "++--", bn="none", loss="ls"), *cell(3, "----", bn="none", loss="ns"),
    ]  # fmt: skip
    for records in (rows, rows[::-1]):
        found = compare([CONTRAST], records)
        assert [(c.held, c.a.successes, c.b.successes) for c in found] == [
            ({"bn": "full"}, 3, 1), ({"bn": "none"}, 2, 0)
        ]  # fmt: skip


def test_a_contrast_of_tagged_levels_is_made_in_spite_of_their_tags() -> None:
    rows = cell(0, "++", loss="ls", gamma="1", scale="1") + cell(1, "+-", loss="ns", gamma="1/2", scale="1")
    (found,) = compare([CONTRAST], rows)
    assert found.held == {"scale": "1"}


def test_a_comparison_is_made_on_pairs_with_the_same_seed() -> None:
    (found,) = compare([CONTRAST], cell(0, "+++++++-+-", loss="ls") + cell(1, "-------+--", loss="ns"))
    pairs = Pairs(both=0, only_a=8, only_b=1, neither=1)
    assert found.difference == pytest.approx(0.7, abs=1e-12)
    assert (found.low, found.high) == exact_interval(pairs)
    assert (found.p, found.pairs, found.correlation) == (mcnemar(pairs), 10, pairs.correlation)
    assert (found.a, found.b) == (wilson(8, 10), wilson(1, 10))
    assert found.test == "exact McNemar test"


def test_a_replica_without_its_partner_is_not_compared() -> None:
    (found,) = compare([CONTRAST], cell(0, "-++x", loss="ls") + cell(1, "x-+-", loss="ns"))
    assert (found.a, found.b, found.pairs) == (wilson(2, 2), wilson(1, 2), 2)


def test_cells_without_a_common_seed_are_independent_samples() -> None:
    (found,) = compare([CONTRAST], cell(0, "+++", loss="ls") + cell(1, "+--", first=3, loss="ns"))
    assert (found.p, found.pairs, found.correlation) == (boschloo(3, 3, 1, 3), 0, None)
    assert (found.low, found.high) == newcombe(wilson(3, 3), wilson(1, 3))
    assert found.test == "Boschloo's exact test"


def test_p_is_adjusted_over_all_rows_of_all_contrasts() -> None:
    rows = cell(0, "++++++", loss="ls") + cell(1, "------", loss="ns") + cell(2, "++-+-+", loss="w")
    found = compare([CONTRAST, Contrast(factor="loss", a="ls", b="w")], rows)
    assert [row.p for row in found] == [2 / 64, 0.5]
    assert [row.p_adjusted for row in found] == [4 / 64, 0.5]
    assert [row.p_adjusted for row in compare([CONTRAST], rows)] == [2 / 64]


def test_a_comparison_with_an_empty_cell_claims_no_difference() -> None:
    (found,) = compare([CONTRAST], cell(0, "+++-", loss="ls") + cell(1, "xxxx", loss="ns"))
    assert (found.difference, found.low, found.high, found.p, found.p_adjusted) == (0.0, -1.0, 1.0, 1.0, 1.0)
    assert (found.a, found.b) == (wilson(3, 4), wilson(0, 0))


def test_quality_is_compared_among_the_successes_of_pairs() -> None:
    (found,) = compare([CONTRAST], cell(0, "++-+x", loss="ls") + cell(1, "+++-+", loss="ns"))
    assert found.quality is not None
    assert (found.quality.test, found.quality.n_a) == ("Wilcoxon signed-rank", 2)
    assert found.quality.difference == pytest.approx(-0.001, abs=1e-9)
    assert (found.quality.failures_a, found.quality.failures_b) == (wilson(1, 4), wilson(1, 4))


def test_quality_is_absent_where_it_was_not_measured() -> None:
    rows = [replace(row, evidence={}) for row in cell(0, "++", loss="ls") + cell(1, "+-", loss="ns")]
    (found,) = compare([CONTRAST], rows)
    assert found.quality is None


@pytest.mark.parametrize("missing", ["ls", "ns"])
def test_a_contrast_whose_level_was_not_run_is_left_out(missing: str) -> None:
    losses = [label for label in ("ls", "ns", "w") if label != missing]
    rows = [row for i, label in enumerate(losses) for row in cell(i, "+-", loss=label)]
    assert compare([CONTRAST, Contrast(factor="bn", a="full", b="none")], rows) == ()


def test_no_records_have_no_contrasts() -> None:
    assert compare([CONTRAST], []) == ()
