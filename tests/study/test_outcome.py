"""Traces are written as one letter per snapshot after step 0: Good, Collapsed, Poor, Untrained."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import inf, isfinite, nan
from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.outcome import IMAGE_RULE, MIXTURE_RULE, Decision, Outcome, OutcomeRule, decide, ever_good
from study.rules import snapshots
from trainables.trace import ReplicaTrace

EVERY = 100
WEIGHTS = np.array([2, 1, 1, 1, 1, 1, 1, 1]) / 9
CLASSES = np.full(10, 0.1)
HEALTH = {
    "finite": True,
    "d_loss": 0.5,
    "g_loss": 0.5,
    "d_grad_norm": 1.0,
    "g_grad_norm": 1.0,
    "d_param_norm": 9.0,
    "g_param_norm": 9.0,
}
KINDS = ("mixture", "image")


def one(size: int, place: int, share: float) -> np.ndarray:
    return np.where(np.arange(size) == place, share, 0.0)


def mixture(shares: np.ndarray, diversity: float, distance: float) -> dict[str, Any]:
    return {"mode_share_r30": shares, "diversity": diversity, "distance_quantiles": distance * np.arange(5) / 2}


def image(frechet: float, shares: np.ndarray, diversity: float) -> dict[str, Any]:
    return {"frechet_classifier": frechet, "class_share": shares, "diversity": diversity}


ROWS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "mixture": {
        "U": mixture(0.24 * WEIGHTS, 0.6, 0.5),
        "P": mixture(0.30 * WEIGHTS, 0.7, 0.4),
        "C": mixture(one(8, 3, 0.9), 0.05, 0.1),
        "G": mixture(0.9 * WEIGHTS, 0.97, 0.1),
    },
    "image": {
        "U": image(100.0, one(10, 8, 1.0), 0.3),
        "P": image(50.0, CLASSES, 0.9),
        "C": image(60.0, one(10, 1, 1.0), 0.1),
        "G": image(6.0, CLASSES, 0.95),
    },
}
REFERENCE = {
    "mixture": {"mode_weights": WEIGHTS, "std": np.array([0.01]), "data_diversity": np.array([1.3])},
    "image": {"class_weights": CLASSES, "feature_variance": np.array([100.0]), "data_diversity": np.array([9.0])},
}
RULES = {"mixture": MIXTURE_RULE, "image": IMAGE_RULE}


def from_rows(rows: Sequence[Mapping[str, Any]], kind: str) -> ReplicaTrace:
    names = rows[0].keys() if rows else ()
    columns = {name: np.array([row[name] for row in rows]) for name in names}
    return ReplicaTrace(seed=0, columns=columns, reference=REFERENCE[kind])


def rows_of(letters: str, kind: str) -> list[dict[str, Any]]:
    """The untrained row of step 0 (no losses or gradients yet), then one row per letter."""
    first = {"d_loss": nan, "g_loss": nan, "d_grad_norm": nan, "g_grad_norm": nan}
    rows: list[dict[str, Any]] = [{"step": 0, **HEALTH, **first, **ROWS[kind]["U"]}]
    return rows + [{"step": EVERY * (i + 1), **HEALTH, **ROWS[kind][x]} for i, x in enumerate(letters)]


def trace_of(letters: str, kind: str) -> ReplicaTrace:
    return from_rows(rows_of(letters, kind), kind)


def decided(letters: str, kind: str, **changes: Any) -> Decision:
    return decide(trace_of(letters, kind), replace(RULES[kind], **changes))


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
    assert decide(empty, MIXTURE_RULE) == Decision(outcome=Outcome.UNDECIDED, step=None, evidence={})
    assert not ever_good(empty, MIXTURE_RULE)


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


def good_rows(kind: str, row: Mapping[str, Any], **changes: Any) -> bool:
    rows = [*rows_of("", kind), *({"step": step, **HEALTH, **row} for step in (1, 2, 3))]
    return ever_good(from_rows(rows, kind), replace(RULES[kind], **changes))


def test_coverage_asks_each_mode_for_a_fifth_of_its_share_of_the_high_quality_samples() -> None:
    # 6 of 8 modes are needed; the doubled mode 0 has weight 2/9, so it needs 0.2 * 2/9 of the HQ share.
    edge = 0.8 * np.array([0.2 * 2 / 9 + 1e-3, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2 - 2 / 45 - 1e-3])
    assert good_rows("mixture", mixture(edge, 0.9, 0.1))
    short = 0.8 * np.array([0.2 * 2 / 9 - 1e-3, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2 - 2 / 45 + 1e-3])
    assert not good_rows("mixture", mixture(short, 0.9, 0.1))


@pytest.mark.parametrize(("quality", "expected"), [(0.51, True), (0.49, False)])
def test_a_mixture_needs_its_share_of_high_quality_samples(quality: float, expected: bool) -> None:
    assert good_rows("mixture", mixture(quality * WEIGHTS, 0.9, 0.1)) is expected


def test_the_radius_says_which_shares_count() -> None:
    row = {**mixture(0.9 * WEIGHTS, 0.97, 0.1), "mode_share_r3": 0.02 * WEIGHTS}
    rows = [{**r, "mode_share_r3": 0.01 * WEIGHTS} for r in rows_of("", "mixture")]
    trace = from_rows([*rows, {"step": 1, **HEALTH, **row}], "mixture")
    assert ever_good(trace, MIXTURE_RULE)
    assert not ever_good(trace, replace(MIXTURE_RULE, radius="r3"))


@pytest.mark.parametrize(("frechet", "expected"), [(9.9, True), (10.1, False)])
def test_image_quality_is_the_distance_in_units_of_the_datas_variance(frechet: float, expected: bool) -> None:
    # A variance of 100: quality 0.9 is F = 10.
    assert good_rows("image", image(frechet, CLASSES, 0.95)) is expected


@pytest.mark.parametrize(("covered", "expected"), [(8, True), (7, False)])
def test_images_need_most_classes(covered: int, expected: bool) -> None:
    shares = np.where(np.arange(10) < covered, 1 / covered, 0.0)
    assert good_rows("image", image(5.0, shares, 0.95)) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_good_samples_that_are_too_alike_are_collapsed(kind: str) -> None:
    rows = rows_of("GGG", kind)
    for row in rows[1:]:
        row["diversity"] = 0.49
    assert decide(from_rows(rows, kind), RULES[kind]).outcome is Outcome.MODE_COLLAPSED


def test_unlabelled_images_are_judged_without_classes() -> None:
    rows = [{name: value for name, value in row.items() if name != "class_share"} for row in rows_of("GGG", "image")]
    found = decide(from_rows(rows, "image"), IMAGE_RULE)
    assert found.outcome is Outcome.CONVERGED
    assert "coverage" not in found.evidence


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.8, Outcome.CONVERGED), (0.79, Outcome.NOT_LEARNED)])
def test_a_conditioned_generator_must_make_what_it_is_asked_for(accuracy: float, outcome: Outcome) -> None:
    rule = replace(IMAGE_RULE, label_accuracy_min=0.8)
    rows = [{**row, "label_accuracy": accuracy} for row in rows_of("GGG", "image")]
    assert decide(from_rows(rows, "image"), rule).outcome is outcome
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.CONVERGED


def test_no_label_accuracy_is_asked_of_an_unconditional_generator() -> None:
    rule = replace(IMAGE_RULE, label_accuracy_min=0.8)
    assert decide(from_rows(rows_of("GGG", "image"), "image"), rule).outcome is Outcome.CONVERGED


def test_a_generator_that_never_moved_has_not_learned_even_if_its_samples_are_all_alike() -> None:
    rows = rows_of("UUUU", "image")
    for row in rows:
        row["diversity"] = 0.001
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.NOT_LEARNED


def test_samples_all_alike_that_moved_away_from_the_untrained_ones_are_collapsed() -> None:
    rows = rows_of("UUUU", "image")
    for row in rows:
        row["diversity"] = 0.001
    for row in rows[1:]:
        row["frechet_classifier"] = 130.0
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.MODE_COLLAPSED


@pytest.mark.parametrize(("untrained", "later"), [(0.6, 0.4), (0.05, 0.01)])
def test_samples_that_only_became_more_alike_are_collapsed(untrained: float, later: float) -> None:
    rows = rows_of("UUUU", "image")
    for row in rows:
        row["diversity"] = untrained if row["step"] == 0 else later
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.MODE_COLLAPSED


def test_no_high_quality_sample_covers_no_mode() -> None:
    rows = rows_of("PPP", "mixture")
    for row in rows[1:]:
        row["mode_share_r30"] = np.zeros(8)
    found = decide(from_rows(rows, "mixture"), MIXTURE_RULE)
    assert (found.outcome, found.evidence["coverage"]) == (Outcome.NOT_LEARNED, 0.0)


def test_half_of_a_window_is_no_collapse() -> None:
    assert decided("PPCP", "image", window=2).outcome is Outcome.NOT_LEARNED


def test_diverse_garbage_that_a_classifier_puts_in_one_class_is_not_a_collapse() -> None:
    rows = rows_of("UUUU", "image")
    for row in rows[1:]:
        row.update(image(170.0, one(10, 8, 1.0), 1.2))
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.NOT_LEARNED


def test_a_blob_off_every_mode_is_a_collapse() -> None:
    rows = rows_of("UUUU", "mixture")
    for row in rows[1:]:
        row.update(mixture(one(8, 0, 0.06), 0.05, 0.35))
    assert decide(from_rows(rows, "mixture"), MIXTURE_RULE).outcome is Outcome.MODE_COLLAPSED


def test_an_untrained_generator_that_already_passes_the_thresholds_is_not_good() -> None:
    rows = rows_of("GGG", "mixture")
    for row in rows:
        row.update(mixture(0.6 * WEIGHTS, 0.9, 0.1))
    assert decide(from_rows(rows, "mixture"), MIXTURE_RULE).outcome is Outcome.NOT_LEARNED


def test_ever_good_asks_for_a_whole_window_anywhere() -> None:
    assert ever_good(trace_of("PGGGCCCC", "mixture"), MIXTURE_RULE)
    assert not ever_good(trace_of("PGGCGGCC", "mixture"), MIXTURE_RULE)


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
            "first_good_step": 200,
            "first_bad_step": 500,
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


VALUES = st.one_of(st.sampled_from([nan, inf, -inf, 0.0, 1.0, -1.0, 1e308, None]), st.floats())


@st.composite
def any_traces(draw: st.DrawFn) -> ReplicaTrace:
    """Columns of any values, some missing, some with another shape, over any reference."""
    count = draw(st.integers(0, 6))
    scalars = [*HEALTH, "diversity", "frechet_classifier"]
    lists = {"mode_share_r30": 8, "distance_quantiles": 5, "class_share": 10}
    columns: dict[str, Any] = {"step": np.array(draw(st.lists(st.integers(-1, 9), min_size=count, max_size=count)))}
    for name in draw(st.sets(st.sampled_from(scalars))):
        columns[name] = np.array(draw(st.lists(VALUES, min_size=count, max_size=count)))
    for name in draw(st.sets(st.sampled_from([*lists]))):
        width = draw(st.sampled_from([lists[name], 1]))
        row = st.lists(VALUES, min_size=width, max_size=width)
        columns[name] = np.array(draw(st.lists(row, min_size=count, max_size=count)))
    reference = draw(st.sampled_from([{}, *REFERENCE.values(), {"mode_weights": np.full(8, nan)}]))
    return ReplicaTrace(seed=0, columns=columns, reference=reference)


@settings(deadline=None)
@given(any_traces(), st.sampled_from([MIXTURE_RULE, IMAGE_RULE, replace(IMAGE_RULE, window=1)]))
def test_any_trace_gets_one_outcome_with_finite_evidence(trace: ReplicaTrace, rule: OutcomeRule) -> None:
    found = decide(trace, rule)
    assert (found.outcome is Outcome.UNDECIDED) == (len(trace) == 0)
    assert all(isfinite(value) for value in found.evidence.values())
    assert found.step is None or isinstance(found.step, int)
    assert ever_good(trace, rule) or found.outcome is not Outcome.CONVERGED


COURSES = st.text("GCPU", max_size=14)


@settings(deadline=None)
@given(COURSES, st.sampled_from(KINDS), st.randoms())
def test_the_order_of_rows_does_not_matter(letters: str, kind: str, random: Any) -> None:
    rows = rows_of(letters, kind)
    shuffled = random.sample(rows, len(rows))
    assert decide(from_rows(shuffled, kind), RULES[kind]) == decide(from_rows(rows, kind), RULES[kind])


@settings(deadline=None)
@given(COURSES, st.permutations(range(8)))
def test_the_order_of_modes_does_not_matter(letters: str, order: list[int]) -> None:
    trace = trace_of(letters, "mixture")
    permuted = ReplicaTrace(
        seed=0,
        columns={**trace.columns, "mode_share_r30": trace.columns["mode_share_r30"][:, order]},
        reference={**trace.reference, "mode_weights": WEIGHTS[order]},
    )
    found, expected = decide(permuted, MIXTURE_RULE), decide(trace, MIXTURE_RULE)
    assert (found.outcome, found.step) == (expected.outcome, expected.step)


THRESHOLDS = ("share_floor", "coverage_min", "quality_min", "diversity_min")


@settings(deadline=None)
@given(any_traces(), st.sampled_from(THRESHOLDS), st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_stricter_threshold_makes_no_snapshot_good(trace: ReplicaTrace, name: str, a: float, b: float) -> None:
    changes: list[dict[str, Any]] = [{name: value} for value in sorted((a, b))]
    lax, strict = (snapshots(trace, replace(MIXTURE_RULE, **change)) for change in changes)
    assert not (strict.good & ~lax.good).any()


@settings(deadline=None)
@given(any_traces())
def test_no_snapshot_is_both_good_and_collapsed(trace: ReplicaTrace) -> None:
    found = snapshots(trace, IMAGE_RULE)
    assert not (found.good & found.collapsed).any()


@settings(deadline=None)
@given(COURSES, st.sampled_from(KINDS))
def test_what_comes_later_does_not_undo_ever_good(letters: str, kind: str) -> None:
    before = ever_good(trace_of(letters, kind), replace(RULES[kind], window=1))
    assert not before or ever_good(trace_of(letters + "C", kind), replace(RULES[kind], window=1))


@pytest.mark.parametrize("rule", [MIXTURE_RULE, IMAGE_RULE])
def test_a_rule_survives_json(rule: OutcomeRule) -> None:
    text = json.dumps(asdict(rule))
    assert pydantic.TypeAdapter(OutcomeRule).validate_json(text) == rule


CHANGES: Mapping[str, Any] = {
    "name": "other",
    "window": 4,
    "radius": "r3",
    "share_floor": 0.3,
    "coverage_min": 0.8,
    "quality_min": 0.6,
    "label_accuracy_min": 0.5,
    "classification_error_max": 0.1,
    "diversity_min": 0.6,
    "diversity_tiny": 0.01,
    "baseline_margin": 0.2,
    "tolerated_alternations": 4,
    "loss_bound": 1e5,
    "grad_norm_bound": 1e5,
    "param_norm_bound": 1e5,
}


def test_a_rule_s_digest_follows_every_field() -> None:
    assert CHANGES.keys() == asdict(MIXTURE_RULE).keys()
    digests = {replace(MIXTURE_RULE, **{name: value}).digest() for name, value in CHANGES.items()}
    assert len(digests | {MIXTURE_RULE.digest()}) == len(CHANGES) + 1


CLASSIFIER = OutcomeRule(name="classifier", coverage_min=0.8, quality_min=0.9, classification_error_max=0.1)


def classifier(*errors: float, samples: str = "image") -> ReplicaTrace:
    """Errors from step 0 on, with samples that no rule would call good."""
    rows = rows_of("C" * (len(errors) - 1), samples)
    return from_rows([{**row, "classification_error": error} for row, error in zip(rows, errors, strict=True)], samples)


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        ((0.9, 0.5, 0.1, 0.1, 0.08), Outcome.CONVERGED),
        ((0.9, 0.5, 0.101, 0.1, 0.08), Outcome.NOT_LEARNED),
        ((0.9, 0.1, 0.1, 0.1, 0.5), Outcome.NOT_LEARNED),
        ((0.15, 0.1, 0.1, 0.1, 0.1), Outcome.NOT_LEARNED),
        ((0.9, 0.1, 0.1, 0.1, nan), Outcome.NOT_LEARNED),
    ],
)
def test_a_classifier_is_judged_by_its_error_alone(errors: tuple[float, ...], outcome: Outcome) -> None:
    decision = decide(classifier(*errors), CLASSIFIER)
    assert decision.outcome is outcome
    if outcome is Outcome.CONVERGED:
        assert decision.evidence["quality"] == pytest.approx(1 - 0.28 / 3)
        assert "diversity" not in decision.evidence


def test_without_such_a_rule_the_error_does_not_count() -> None:
    assert decide(classifier(0.9, 0.0, 0.0, 0.0), IMAGE_RULE).outcome is Outcome.MODE_COLLAPSED


def test_a_trace_without_a_classifier_has_learned_nothing() -> None:
    assert decide(trace_of("GGG", "image"), CLASSIFIER).outcome is Outcome.NOT_LEARNED


def test_a_classifier_s_numbers_can_blow_up_too() -> None:
    rows = [{**row, "classification_error": 0.05, "class_loss": 1.0} for row in rows_of("GGGG", "image")]
    rows[2]["class_loss"] = inf
    assert decide(from_rows(rows, "image"), CLASSIFIER).outcome is Outcome.DIVERGED


def test_labels_name_rule_and_digest() -> None:
    assert MIXTURE_RULE.label() == f"mixture@{MIXTURE_RULE.digest()}"
    assert len(MIXTURE_RULE.digest()) == 8


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("window", 0, "window must be >= 1, got 0"),
        ("share_floor", 0.0, r"share_floor must be in \(0, 1\], got 0.0"),
        ("coverage_min", 1.1, r"coverage_min must be in \(0, 1\], got 1.1"),
        ("quality_min", nan, r"quality_min must be in \(0, 1\], got nan"),
        ("classification_error_max", 0.0, r"classification_error_max must be in \(0, 1\], got 0.0"),
        ("diversity_tiny", 0.6, r"diversity_tiny must be in \[0, diversity_min\], got 0.6"),
        ("baseline_margin", 1.0, r"baseline_margin must be in \[0, 1\), got 1.0"),
        ("tolerated_alternations", -1, "tolerated_alternations must be >= 0, got -1"),
        ("loss_bound", inf, "loss_bound must be finite and > 0, got inf"),
        ("param_norm_bound", 0.0, "param_norm_bound must be finite and > 0, got 0.0"),
        ("radius", "r5", "radius must be r3, r10 or r30, got r5"),
    ],
)
def test_a_threshold_out_of_range_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(MIXTURE_RULE, **{name: value})


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
