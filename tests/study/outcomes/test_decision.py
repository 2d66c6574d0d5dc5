"""What the judged snapshots of a trace amount to. Traces are written as letters, see ``courses``."""

from dataclasses import replace
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.outcomes.decision import Decision, decide, undecidable
from study.outcomes.measures import measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import ANY_SCORE_RULE, IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from tests.study.made_traces import (
    COURSES,
    EVERY,
    KINDS,
    REFERENCE,
    RULES,
    WEIGHTS,
    any_traces,
    decided,
    from_rows,
    rows_of,
    trace_of,
)
from trainables.trace import ReplicaTrace


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("letters", "outcome", "step"),
    [
        ("PPGGG", Outcome.CONVERGED, 3),
        ("GGGPGGG", Outcome.CONVERGED, 5),
        ("CCCCGGG", Outcome.CONVERGED, 5),
        ("GGGCCCGGG", Outcome.CONVERGED, 7),
        ("PGPGCPGGGG", Outcome.CONVERGED, 7),  # flickers while it learns
        ("CCCCCC", Outcome.MODE_COLLAPSED, 1),
        ("PPPGCCC", Outcome.MODE_COLLAPSED, 5),
        ("UUUPCC", Outcome.MODE_COLLAPSED, 5),
        ("PGGGPCCC", Outcome.LATE_COLLAPSE, 5),
        ("CCCGGGCCC", Outcome.LATE_COLLAPSE, 7),
        ("GGGGCPC", Outcome.LATE_COLLAPSE, 5),
        ("GGGGGCGGGCCC", Outcome.LATE_COLLAPSE, 6),
        ("GPGPGPGGGGGGCCC", Outcome.LATE_COLLAPSE, 13),  # flickers while it learns
        ("GPGPGPGGGGGGPPP", Outcome.DEGRADED, 13),
        ("GGGPGPGPGPP", Outcome.OSCILLATING, 4),
        ("GGGCCCGGGCCC", Outcome.OSCILLATING, 4),
        ("GGGCCCGGGCCCGGG", Outcome.OSCILLATING, 4),
        ("GGGPPPGGGPPPGGG", Outcome.OSCILLATING, 4),
        ("PGGGCCCGGGPPP", Outcome.OSCILLATING, 5),
        ("GCGCGCGC", Outcome.OSCILLATING, 2),
        ("GCGCGCG", Outcome.OSCILLATING, 2),
        ("PGGPGGPGG", Outcome.OSCILLATING, 4),
        ("GGGGPGGGGPGGGG", Outcome.OSCILLATING, 5),
        ("UUUUUU", Outcome.NOT_LEARNED, None),
        ("PPPPPP", Outcome.NOT_LEARNED, None),
        ("CCCCPP", Outcome.NOT_LEARNED, None),
        ("PGPGPPPPPPPPPPP", Outcome.NOT_LEARNED, None),
        ("PGPGPGPPPPPPPPPPPPPPPP", Outcome.NOT_LEARNED, None),  # three flickers of twenty rows are no oscillation
        ("GGGPPP", Outcome.DEGRADED, 4),
        ("GGGGGGGGGGGGGGGPPPPPPPPPP", Outcome.DEGRADED, 16),
        ("GGGGGGGC", Outcome.DEGRADED, 8),
    ],
)
def test_every_course_has_its_outcome_and_step(kind: str, letters: str, outcome: Outcome, step: int | None) -> None:
    found = decided(letters, kind)
    assert (found.outcome, found.step) == (outcome, None if step is None else EVERY * step)


@pytest.mark.parametrize(
    ("letters", "outcome", "step"),
    [
        ("PPMMM", Outcome.MEMORIZED, 3),
        ("GGGGMMM", Outcome.MEMORIZED, 5),
        ("PPMPP", Outcome.NOT_LEARNED, None),
        ("MMMGGG", Outcome.CONVERGED, 4),
    ],
)
def test_copies_of_the_training_images_are_memorized(letters: str, outcome: Outcome, step: int | None) -> None:
    found = decided(letters, "image")
    assert (found.outcome, found.step) == (outcome, None if step is None else EVERY * step)


@pytest.mark.parametrize("period", range(2, 8))
@pytest.mark.parametrize("length", range(20, 27))
def test_an_oscillation_has_its_name_whatever_its_period_and_the_number_of_rows(period: int, length: int) -> None:
    letters = ("G" * (period - period // 2) + "C" * (period // 2)) * length
    assert decided(letters[:length], "mixture").outcome is Outcome.OSCILLATING


def test_a_long_good_course_may_have_lapses() -> None:
    letters = "G" * 30 + ("P" + "G" * 19) * 4
    assert decided(letters, "mixture").outcome is Outcome.CONVERGED
    assert decided(letters, "mixture", steadiness_min=0.99).outcome is Outcome.OSCILLATING


def test_returns_are_an_oscillation_if_they_are_enough_and_not_rare() -> None:
    letters = "PGPGPGPPPP"  # two returns, and three good rows of nine
    assert decided(letters, "mixture").outcome is Outcome.OSCILLATING
    assert decided(letters, "mixture", returns_min=3).outcome is Outcome.NOT_LEARNED
    assert decided(letters, "mixture", flicker_min=0.33).outcome is Outcome.OSCILLATING
    assert decided(letters, "mixture", flicker_min=0.34).outcome is Outcome.NOT_LEARNED


def hopping(lost: int, classes: int, rows: int = 6) -> list[dict[str, Any]]:
    """All rows lack so many modes, and each lacks others."""
    weights = np.full(classes, 1 / classes)
    found = rows_of("G" * rows, "mixture")
    for number, row in enumerate(found[1:]):
        gone = [(number * lost + i) % classes for i in range(lost)]
        shares = np.where(np.isin(np.arange(classes), gone), 0.0, 1.0)
        row["mode_share_eighth"] = 0.9 * shares / shares.sum()
    found[0]["mode_share_eighth"] = 0.24 * weights
    return found


@pytest.mark.parametrize(("lost", "classes"), [(2, 8), (2, 10), (7, 8), (4, 8)])
def test_modes_that_come_and_go_are_hopping_however_many_a_row_shows(lost: int, classes: int) -> None:
    rows = hopping(lost, classes)
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(classes, 1 / classes)}
    trace = replace(from_rows(rows, "mixture"), reference=reference)
    assert decide(trace, MIXTURE_RULE).outcome is Outcome.MODE_HOPPING
    for row in rows[2:]:
        row["mode_share_eighth"] = rows[1]["mode_share_eighth"]
    still = decide(replace(from_rows(rows, "mixture"), reference=reference), MIXTURE_RULE).outcome
    assert still is (Outcome.CONVERGED if lost == 2 else Outcome.MODE_COLLAPSED)


@pytest.mark.parametrize(("lost", "classes", "least"), [(2, 8, 95), (2, 10, 95), (4, 8, 100)])
def test_modes_that_a_row_lacks_at_random_are_hopping(lost: int, classes: int, least: int) -> None:
    rng = np.random.default_rng(0)
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(classes, 1 / classes)}

    def random() -> Outcome:
        rows = hopping(lost, classes)
        for row in rows[1:]:
            row["mode_share_eighth"] = rng.permutation(row["mode_share_eighth"])
        return decide(replace(from_rows(rows, "mixture"), reference=reference), MIXTURE_RULE).outcome

    assert [random() for _ in range(100)].count(Outcome.MODE_HOPPING) >= least


def test_a_row_without_any_sample_near_a_mode_does_not_hide_hopping() -> None:
    rows = hopping(4, 8, rows=8)
    rows[6]["mode_share_eighth"] = np.zeros(8)
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8)}
    trace = replace(from_rows(rows, "mixture"), reference=reference)
    assert decide(trace, MIXTURE_RULE).outcome is Outcome.MODE_HOPPING
    hopping_share = measure(trace, MIXTURE_RULE).values["hopping"]
    assert np.isfinite(hopping_share).all()
    for row in rows[2:]:
        row["mode_share_eighth"] = np.zeros(8)
    silent = replace(from_rows(rows, "mixture"), reference=reference)
    assert measure(silent, MIXTURE_RULE).values["hopping"].max() == 0


def test_garbage_near_other_modes_at_each_row_is_not_hopping() -> None:
    rows = hopping(4, 8)
    for row in rows[1:]:
        row["mode_share_eighth"] = 0.05 * row["mode_share_eighth"]
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8)}
    assert decide(replace(from_rows(rows, "mixture"), reference=reference), MIXTURE_RULE).outcome is Outcome.NOT_LEARNED


def test_a_collapse_in_the_last_window_is_not_taken_for_hopping() -> None:
    assert decided("GGGGGC", "mixture").outcome is Outcome.DEGRADED
    assert decided("GGGGCC", "mixture").outcome is Outcome.LATE_COLLAPSE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("letters", ["", "G", "GG", "C"])
def test_a_trace_shorter_than_a_window_decides_nothing(kind: str, letters: str) -> None:
    assert decided(letters, kind).outcome is Outcome.UNDECIDED


def test_an_empty_trace_is_undecided() -> None:
    empty = ReplicaTrace(seed=0, columns={}, reference={})
    assert decide(empty, MIXTURE_RULE) == Decision(outcome=Outcome.UNDECIDED, step=None, ever_good=False, evidence={})


@pytest.mark.parametrize(
    ("kind", "lacking"), [("mixture", "mode_share_eighth"), ("image", "knn_recall_pixels"), ("image", "residue")]
)
def test_a_trace_without_what_the_rule_compares_is_undecided_and_says_so(kind: str, lacking: str) -> None:
    rows = [{name: value for name, value in row.items() if name != lacking} for row in rows_of("GGGG", kind)]
    trace = from_rows(rows, kind)
    assert decide(trace, RULES[kind]).outcome is Outcome.UNDECIDED
    assert undecidable(trace, RULES[kind]).startswith("the trace has no ")
    assert not undecidable(trace_of("GGGG", kind), RULES[kind])


def test_a_rule_of_the_first_edition_is_not_applied() -> None:
    first = replace(MIXTURE_RULE, edition=1, radius="r30")
    assert decide(trace_of("GGGG", "mixture"), first).outcome is Outcome.UNDECIDED
    assert "of edition 1" in undecidable(trace_of("GGGG", "mixture"), first)


def few_samples(letters: str, quality: float, count: float, **changes: Any) -> Decision:
    """Decide a course whose poor rows have this quality, measured on so many samples."""
    rows = rows_of(letters, "mixture")
    for row, letter in zip(rows[1:], letters, strict=True):
        if letter == "P":
            row["mode_share_eighth"] = quality * WEIGHTS
            row["diversity"] = 0.97
    reference = {**REFERENCE["mixture"], "samples": np.array([count])}
    rule = replace(MIXTURE_RULE, quality_min=0.5, **changes)
    return decide(replace(from_rows(rows, "mixture"), reference=reference), rule)


def test_a_good_replica_stays_good_within_the_error_of_measuring() -> None:
    # The standard error of a share of 0.48 among 500 is 0.022.
    assert few_samples("GGPGGPGGPGG", 0.48, 500).outcome is Outcome.CONVERGED
    assert few_samples("GGPGGPGGPGG", 0.48, 500, tolerance=0.0).outcome is Outcome.OSCILLATING
    assert few_samples("GGPGGPGGPGG", 0.40, 500).outcome is Outcome.OSCILLATING
    assert few_samples("GGPGGPGGPGG", 0.48, 50_000).outcome is Outcome.OSCILLATING
    assert few_samples("PPPPPPP", 0.48, 500).outcome is Outcome.NOT_LEARNED, "it was never good"


@pytest.mark.parametrize(("quality", "borderline"), [(0.49, True), (0.47, False), (0.51, True), (0.53, False)])
def test_a_replica_within_a_standard_error_of_another_outcome_is_borderline(quality: float, borderline: bool) -> None:
    found = few_samples("PPPPP", quality, 500)
    assert found.outcome is (Outcome.CONVERGED if quality > 0.5 else Outcome.NOT_LEARNED)
    assert found.borderline is borderline


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


@pytest.mark.parametrize("name", ["d_loss", "g_grad_norm"])
@pytest.mark.parametrize(("size", "outcome"), [(3e4, Outcome.CONVERGED), (2e8, Outcome.DIVERGED)])
def test_scores_of_a_critic_and_what_they_give_g_may_be_large(name: str, size: float, outcome: Outcome) -> None:
    rows = rows_of("PPPPGGG", "mixture")
    for row in rows[2:]:
        row[name] = size
    assert decide(from_rows(rows, "mixture"), ANY_SCORE_RULE).outcome is outcome


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
            "balance": 1 / 9,
            "diversity": 0.05,
            "best_quality": 0.9,
            "good_share": 0.5,
            "collapsed_share": 1 / 3,
            "copied_share": 0,
            "first_good_step": 2 * EVERY,
            "first_bad_step": 5 * EVERY,
        },
        abs=1e-6,
    )


def test_evidence_averages_over_the_last_window() -> None:
    assert decided("GGGPPC", "image").evidence["quality"] == pytest.approx((50 + 50 + 40) / 100 / 3, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_a_trace_without_any_number_is_decided_without_evidence(kind: str) -> None:
    rows = [
        {name: np.full_like(value, nan, dtype=float) for name, value in row.items()} for row in rows_of("GGGG", kind)
    ]
    for step, row in enumerate(rows):
        row["step"] = np.array(step)
    found = decide(from_rows(rows, kind), RULES[kind])
    assert found.outcome is Outcome.DIVERGED
    assert {"quality", "coverage", "diversity"}.isdisjoint(found.evidence)


@given(any_traces(), st.sampled_from([MIXTURE_RULE, IMAGE_RULE, replace(IMAGE_RULE, window=1)]))
def test_any_trace_gets_one_outcome_with_finite_evidence(trace: ReplicaTrace, rule: OutcomeRule) -> None:
    found = decide(trace, rule)
    assert found.outcome is Outcome.UNDECIDED or len(trace)
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
        "degraded",
        "mode_hopping",
        "memorized",
    ]


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_sentence(outcome: Outcome) -> None:
    assert outcome.sentence.endswith(".")
