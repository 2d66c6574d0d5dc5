"""What the judged snapshots of a trace amount to. Traces are written as letters, see ``courses``."""

from dataclasses import replace
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.outcomes.decision import Decision, decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from tests.study.made_traces import COURSES, EVERY, KINDS, RULES, any_traces, decided, from_rows, rows_of, trace_of
from trainables.trace import ReplicaTrace


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("letters", "outcome", "step"),
    [
        ("PPGGG", Outcome.CONVERGED, 3),
        ("GGGPGGG", Outcome.CONVERGED, 5),
        ("CCCCGGG", Outcome.CONVERGED, 5),
        ("GGGCCCGGG", Outcome.CONVERGED, 7),
        ("CCCCCC", Outcome.MODE_COLLAPSED, 1),
        ("PPPGCCC", Outcome.MODE_COLLAPSED, 5),
        ("UUUPCC", Outcome.MODE_COLLAPSED, 5),
        ("PGGGPCCC", Outcome.LATE_COLLAPSE, 6),
        ("CCCGGGCCC", Outcome.LATE_COLLAPSE, 7),
        ("GGGGCPC", Outcome.LATE_COLLAPSE, 5),
        ("GGGCGGGCCC", Outcome.LATE_COLLAPSE, 8),
        ("GGGCCCGGGCCC", Outcome.OSCILLATING, 4),
        ("GGGCCCGGGCCCGGG", Outcome.OSCILLATING, 4),
        ("PGGGCCGGGPPP", Outcome.OSCILLATING, 5),
        ("UUUUUU", Outcome.NOT_LEARNED, None),
        ("PPPPPP", Outcome.NOT_LEARNED, None),
        ("CCCCPP", Outcome.NOT_LEARNED, None),
        ("GGGPPP", Outcome.NOT_LEARNED, None),
        ("PGGPGG", Outcome.NOT_LEARNED, None),
    ],
)
def test_every_course_has_its_outcome_and_step(kind: str, letters: str, outcome: Outcome, step: int | None) -> None:
    found = decided(letters, kind)
    assert (found.outcome, found.step) == (outcome, None if step is None else EVERY * step)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("letters", "outcome"),
    [("", Outcome.NOT_LEARNED), ("G", Outcome.CONVERGED), ("GG", Outcome.CONVERGED), ("C", Outcome.MODE_COLLAPSED)],
)
def test_a_trace_shorter_than_a_window_uses_what_there_is(kind: str, letters: str, outcome: Outcome) -> None:
    assert decided(letters, kind).outcome is outcome


def test_an_empty_trace_is_the_only_undecided_one() -> None:
    empty = ReplicaTrace(seed=0, columns={}, reference={})
    assert decide(empty, MIXTURE_RULE) == Decision(outcome=Outcome.UNDECIDED, step=None, ever_good=False, evidence={})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", [0, 1, 5])
def test_a_row_that_is_not_finite_is_a_divergence_even_if_it_recovers(kind: str, row: int) -> None:
    rows = rows_of("GGGGG", kind)
    rows[row]["finite"] = False
    found = decide(from_rows(rows, kind), RULES[kind])
    assert (found.outcome, found.step) == (Outcome.DIVERGED, EVERY * row)


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize("name", ["d_loss", "g_grad_norm", "d_param_norm"])
def test_a_loss_or_norm_that_is_not_finite_is_a_divergence_whatever_the_flag_says(name: str, value: float) -> None:
    rows = rows_of("GGGGG", "image")
    rows[2][name] = value
    found = decide(from_rows(rows, "image"), IMAGE_RULE)
    assert (found.outcome, found.step) == (Outcome.DIVERGED, 2 * EVERY)


@pytest.mark.parametrize("name", ["d_loss", "g_loss", "d_grad_norm", "g_grad_norm", "d_param_norm", "g_param_norm"])
@pytest.mark.parametrize(("size", "outcome"), [(1.1e4, Outcome.DIVERGED), (0.9e4, Outcome.CONVERGED)])
def test_a_blow_up_is_a_whole_window_beyond_a_bound(name: str, size: float, outcome: Outcome) -> None:
    rows = rows_of("PPPPGGG", "mixture")
    for row in rows[2:5]:
        row[name] = -size
    found = decide(from_rows(rows, "mixture"), MIXTURE_RULE)
    assert (found.outcome, found.step) == (outcome, 2 * EVERY if outcome is Outcome.DIVERGED else 5 * EVERY)


def test_a_spike_shorter_than_a_window_is_no_blow_up() -> None:
    rows = rows_of("PPPPGGG", "mixture")
    for row in rows[2:4]:
        row["d_loss"] = 1e9
    assert decide(from_rows(rows, "mixture"), MIXTURE_RULE).outcome is Outcome.CONVERGED


def test_windows_of_different_series_beyond_their_bounds_do_not_add_up() -> None:
    rows = rows_of("PPPPGGG", "mixture")
    for row, name in zip(rows[2:5], ("d_loss", "g_loss", "d_loss"), strict=True):
        row[name] = 1e9
    assert decide(from_rows(rows, "mixture"), MIXTURE_RULE).outcome is Outcome.CONVERGED


@pytest.mark.parametrize(
    ("tolerated", "outcome"), [(0, Outcome.OSCILLATING), (2, Outcome.CONVERGED), (4, Outcome.CONVERGED)]
)
def test_a_recovery_is_forgiven_as_often_as_the_rule_says(tolerated: int, outcome: Outcome) -> None:
    assert decided("GGGCCCGGG", "mixture", tolerated_alternations=tolerated).outcome is outcome


def test_two_recoveries_are_forgiven_by_a_rule_that_looks_at_the_end_only() -> None:
    assert decided("GGGCCCGGGCCCGGG", "image", tolerated_alternations=99).outcome is Outcome.CONVERGED


def test_ever_good_asks_for_a_whole_window_anywhere() -> None:
    assert decide(trace_of("PGGGCCCC", "mixture"), MIXTURE_RULE).ever_good
    assert not decide(trace_of("PGGCGGCC", "mixture"), MIXTURE_RULE).ever_good


def test_evidence_of_a_late_collapse() -> None:
    found = decided("PGGGCC", "mixture", window=2).evidence
    assert found == pytest.approx(
        {
            "snapshots": 6,
            "alternations": 1,
            "quality": 0.9,
            "coverage": 1 / 8,
            "diversity": 0.05,
            "best_quality": 0.9,
            "good_share": 0.5,
            "collapsed_share": 1 / 3,
            "first_good_step": 2 * EVERY,
            "first_bad_step": 5 * EVERY,
        },
        abs=1e-12,
    )


def test_evidence_averages_over_the_last_window() -> None:
    assert decided("GGGPPC", "image").evidence["quality"] == pytest.approx((50 + 50 + 40) / 100 / 3, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_without_any_number_is_decided_without_evidence(kind: str) -> None:
    rows = [{name: np.full_like(value, nan, dtype=float) for name, value in row.items()} for row in rows_of("GG", kind)]
    for step, row in enumerate(rows):
        row["step"] = np.array(step)
    found = decide(from_rows(rows, kind), RULES[kind])
    assert found.outcome is Outcome.DIVERGED
    assert {"quality", "coverage", "diversity"}.isdisjoint(found.evidence)


@given(any_traces(), st.sampled_from([MIXTURE_RULE, IMAGE_RULE, replace(IMAGE_RULE, window=1)]))
def test_any_trace_gets_one_outcome_with_finite_evidence(trace: ReplicaTrace, rule: OutcomeRule) -> None:
    found = decide(trace, rule)
    assert (found.outcome is Outcome.UNDECIDED) == (len(trace) == 0)
    assert all(isfinite(value) for value in found.evidence.values())
    assert found.step is None or isinstance(found.step, int)
    assert decide(trace, rule).ever_good or found.outcome is not Outcome.CONVERGED


@given(COURSES, st.sampled_from(KINDS), st.randoms())
def test_the_order_of_rows_does_not_matter(letters: str, kind: str, random: Any) -> None:
    rows = rows_of(letters, kind)
    shuffled = random.sample(rows, len(rows))
    assert decide(from_rows(shuffled, kind), RULES[kind]) == decide(from_rows(rows, kind), RULES[kind])


@given(COURSES, st.sampled_from(KINDS))
def test_what_comes_later_does_not_undo_ever_good(letters: str, kind: str) -> None:
    before = decide(trace_of(letters, kind), replace(RULES[kind], window=1)).ever_good
    assert not before or decide(trace_of(letters + "C", kind), replace(RULES[kind], window=1)).ever_good


def test_a_classifier_s_numbers_can_blow_up_too() -> None:
    rows = [{**row, "classification_error": 0.05, "class_loss": 1.0} for row in rows_of("GGGG", "image")]
    rows[2]["class_loss"] = inf
    rule = replace(IMAGE_RULE, classification_error_max=0.1)
    assert decide(from_rows(rows, "image"), rule).outcome is Outcome.DIVERGED


def test_outcomes_are_stored_by_these_values() -> None:
    assert [outcome.value for outcome in Outcome] == [
        "converged",
        "mode_collapsed",
        "late_collapse",
        "oscillating",
        "not_learned",
        "diverged",
        "undecided",
    ]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_sentence(outcome: Outcome) -> None:
    assert outcome.sentence.endswith(".")
