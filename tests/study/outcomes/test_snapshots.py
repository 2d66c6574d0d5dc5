"""How a rule judges the snapshots of a trace."""

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.outcomes.decision import decide
from study.outcomes.measures import measure
from study.outcomes.measures import missed as criteria_missed
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.outcomes.snapshots import snapshots
from tests.study.made_traces import (
    CLASSES,
    COURSES,
    HEALTH,
    KINDS,
    REFERENCE,
    RULES,
    WEIGHTS,
    any_traces,
    decided,
    from_rows,
    good_rows,
    image,
    mixture,
    one,
    rows_of,
    trace_of,
)
from trainables.trace import ReplicaTrace


def test_coverage_asks_each_mode_for_a_fifth_of_its_share_of_the_high_quality_samples() -> None:
    # 6 of 8 modes are needed; the doubled mode 0 has weight 2/9, so it needs 0.2 * 2/9 of the HQ share.
    edge = 0.8 * np.array([0.2 * 2 / 9 + 1e-3, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2 - 2 / 45 - 1e-3])
    assert good_rows("mixture", mixture(edge, 0.9, 0.1), balance_min=None)
    short = 0.8 * np.array([0.2 * 2 / 9 - 1e-3, 0.0, 0.0, 0.2, 0.2, 0.2, 0.2, 0.2 - 2 / 45 + 1e-3])
    assert not good_rows("mixture", mixture(short, 0.9, 0.1), balance_min=None)


@pytest.mark.parametrize(("first", "expected"), [(0.78, False), (0.45, False), (0.35, True)])
def test_one_mode_with_most_of_the_samples_is_no_balance(first: float, expected: bool) -> None:
    shares = np.array([first, *[(1 - first) / 7] * 7])
    rows = [*rows_of("", "mixture"), *({"step": step, **HEALTH, **mixture(shares, 0.9, 0.1)} for step in (1, 2, 3))]
    uniform = {**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8)}
    assert decide(replace(from_rows(rows, "mixture"), reference=uniform), MIXTURE_RULE).ever_good is expected


@pytest.mark.parametrize(
    ("kind", "row", "missed", "said"),
    [
        ("mixture", mixture(0.9 * one(8, 3, 1.0), 0.97, 0.1), "coverage", "modes missing or too rare"),
        ("mixture", mixture(0.9 * np.array([0.6, *[0.4 / 7] * 7]), 0.97, 0.1), "balance", "modes missing or too rare"),
        ("mixture", mixture(0.9 * WEIGHTS, 0.1, 0.1), "diversity", "samples too alike"),
        ("image", image(6.0, CLASSES, 0.95, knn_recall_pixels=0.0), "recall", "parts of the data missing"),
        ("image", image(6.0, CLASSES, 0.95, distinctness=0.0), "distinctness", "samples too alike"),
    ],
)
def test_the_sentence_of_a_collapse_names_each_criterion_that_can_make_one(
    kind: str, row: dict[str, Any], missed: str, said: str
) -> None:
    rows = [*rows_of("", kind), *({"step": step, **HEALTH, **row} for step in (1, 2, 3))]
    trace = from_rows(rows, kind)
    found = decide(trace, RULES[kind])
    assert found.outcome is Outcome.MODE_COLLAPSED
    assert missed in {each.measure for each in criteria_missed(found.evidence, RULES[kind])}
    assert said in found.outcome.sentence


@pytest.mark.parametrize(("kept", "of"), [(8, 8), (4, 8), (1, 8), (700, 1_000)])
def test_the_balance_of_m_equal_modes_of_k_is_their_ratio_at_any_number_of_samples(kept: int, of: int) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        shares = np.bincount(rng.integers(kept, size=500), minlength=of) / 500
        reference = {**REFERENCE["mixture"], "mode_weights": np.full(of, 1 / of), "samples": np.array([500.0])}
        trace = from_rows([{"step": 0, **HEALTH, **mixture(shares, 0.9, 0.1)}], "mixture")
        measured = measure(replace(trace, reference=reference), MIXTURE_RULE)
        found.append((1 / measured.values["balance"][0], measured.errors["balance"][0]))
    assert np.mean([value for value, _ in found]) == pytest.approx(of / kept, rel=0.05)


def test_the_error_of_balance_is_that_of_repeated_samples() -> None:
    rng = np.random.default_rng(1)
    p = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8), "samples": np.array([500.0])}
    rows = [{"step": i, **HEALTH, **mixture(rng.multinomial(500, p) / 500, 0.9, 0.1)} for i in range(400)]
    measured = measure(replace(from_rows(rows, "mixture"), reference=reference), MIXTURE_RULE)
    assert np.median(measured.errors["balance"]) == pytest.approx(measured.values["balance"].std(), rel=0.15)


def test_quality_is_on_the_scale_from_no_modes_to_the_data() -> None:
    reference = {**REFERENCE["mixture"], "hq_floor_eighth": np.array([0.25]), "hq_ceiling_eighth": np.array([0.95])}
    rows = [{"step": step, **mixture(share * WEIGHTS, 0.9, 0.1)} for step, share in enumerate((0.1, 0.25, 0.6, 0.95))]
    measured = measure(replace(from_rows(rows, "mixture"), reference=reference), MIXTURE_RULE)
    assert measured.values["quality"] == pytest.approx([0, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"knn_coverage_features": 0.24}, Outcome.NOT_LEARNED),
        ({"knn_coverage_pixels": 0.24}, Outcome.NOT_LEARNED),
        ({"residue": 2.26}, Outcome.NOT_LEARNED),
        ({"knn_precision_pixels": 0.64}, Outcome.NOT_LEARNED),
        ({"knn_precision_pixels": 0.66}, Outcome.CONVERGED),
        ({"spacing": 1.76}, Outcome.NOT_LEARNED),
        ({"knn_recall_pixels": 0.39}, Outcome.MODE_COLLAPSED),
        ({"distinctness": 0.74}, Outcome.MODE_COLLAPSED),
        ({"knn_recall_pixels": 0.39, "knn_precision_pixels": 0.64}, Outcome.NOT_LEARNED),
        ({"diversity": 0.79}, Outcome.MODE_COLLAPSED),
        ({"diversity": 0.79, "knn_precision_pixels": 0.64}, Outcome.NOT_LEARNED),
        ({"diversity": 0.49, "knn_precision_pixels": 0.64}, Outcome.MODE_COLLAPSED),
        ({"memorization": 0.51}, Outcome.MEMORIZED),
        ({"memorization": 0.51, "frechet_classifier": 11.0}, Outcome.NOT_LEARNED),
        ({"memorization": 0.51, "distinctness": 0.74}, Outcome.MODE_COLLAPSED),
        ({"knn_recall_pixels": nan}, Outcome.NOT_LEARNED),
    ],
)
def test_images_are_named_by_what_they_lack(change: dict[str, float], outcome: Outcome) -> None:
    rows = rows_of("GGGG", "image")
    for row in rows[1:]:
        row.update(change)
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is outcome


def test_without_a_limit_for_them_images_off_the_data_are_collapsed_as_others_are() -> None:
    rows = rows_of("GGGG", "image")
    for row in rows[1:]:
        row.update({"diversity": 0.79, "knn_precision_pixels": 0.64})
    assert decide(from_rows(rows, "image"), replace(IMAGE_RULE, alike_max=None)).outcome is Outcome.MODE_COLLAPSED


@pytest.mark.parametrize(("quality", "expected"), [(0.66, True), (0.64, False)])
def test_a_mixture_needs_its_share_of_high_quality_samples(quality: float, expected: bool) -> None:
    assert good_rows("mixture", mixture(quality * WEIGHTS, 0.9, 0.1)) is expected


def test_the_radius_says_which_shares_count() -> None:
    rows = [{**row, "mode_share_r3": 0.01 * WEIGHTS} for row in rows_of("GGG", "mixture")]
    scale = {"hq_floor_r3": np.array([0.0]), "hq_ceiling_r3": np.array([1.0])}
    trace = replace(from_rows(rows, "mixture"), reference={**REFERENCE["mixture"], **scale})
    assert decide(trace, MIXTURE_RULE).ever_good
    assert not decide(trace, replace(MIXTURE_RULE, radius="r3")).ever_good


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
        row["diversity"] = RULES[kind].diversity_min - 0.01
    assert decide(from_rows(rows, kind), RULES[kind]).outcome is Outcome.MODE_COLLAPSED


def test_unlabeled_images_are_judged_without_classes() -> None:
    rows = [{name: value for name, value in row.items() if name != "class_share"} for row in rows_of("GGG", "image")]
    reference = {name: value for name, value in REFERENCE["image"].items() if name != "class_weights"}
    found = decide(replace(from_rows(rows, "image"), reference=reference), IMAGE_RULE)
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
        row["mode_share_eighth"] = np.zeros(8)
    found = decide(from_rows(rows, "mixture"), MIXTURE_RULE)
    assert (found.outcome, found.evidence["coverage"]) == (Outcome.NOT_LEARNED, 0.0)


def test_half_of_a_window_is_no_collapse() -> None:
    assert decided("PPCP", "image", window=2).outcome is Outcome.NOT_LEARNED


def test_diverse_garbage_that_a_classifier_puts_in_one_class_is_not_a_collapse() -> None:
    rows = rows_of("UUUU", "image")
    for row in rows[1:]:
        row.update(image(170.0, one(10, 8, 1.0), 1.2))
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.NOT_LEARNED


def test_one_class_that_the_classifier_is_sure_of_is_a_collapse_though_its_distance_has_not_fallen() -> None:
    rows = rows_of("UUUU", "image")
    for row in rows:
        sure = row["step"] > 0
        row.update(image(100.0, one(10, 8, 1.0) if sure else CLASSES, 0.6), class_confidence=0.95 if sure else 0.6)
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.MODE_COLLAPSED
    assert decide(from_rows(rows, "image"), replace(IMAGE_RULE, confidence_min=0.96)).outcome is Outcome.NOT_LEARNED


def test_noise_that_the_classifier_was_sure_of_from_the_start_is_not_a_collapse() -> None:
    rows = [{**row, **image(100.0, one(10, 8, 1.0), 0.6), "class_confidence": 0.99} for row in rows_of("UUUU", "image")]
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.NOT_LEARNED


def test_all_classes_that_the_classifier_is_sure_of_are_no_collapse() -> None:
    rows = [{**row, "class_confidence": 0.99 if row["step"] else 0.6} for row in rows_of("PPPP", "image")]
    assert decide(from_rows(rows, "image"), IMAGE_RULE).outcome is Outcome.NOT_LEARNED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("untrained", "spacing", "outcome"),
    [
        (1.5, 0.0, Outcome.MODE_COLLAPSED),
        (1.5, 0.019, Outcome.MODE_COLLAPSED),
        (1.5, 0.021, Outcome.CONVERGED),
        (0.0, 0.0, Outcome.NOT_LEARNED),
    ],
)
def test_points_over_and_over_are_never_good(kind: str, untrained: float, spacing: float, outcome: Outcome) -> None:
    rows = [{**row, "spacing": spacing if row["step"] else untrained} for row in rows_of("GGGG", kind)]
    assert decide(from_rows(rows, kind), RULES[kind]).outcome is outcome


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


def test_an_untrained_generator_on_one_mode_can_still_become_good() -> None:
    """Its quality is that of the data, and cannot rise; its coverage can."""
    rows = rows_of("GGG", "mixture")
    rows[0].update(mixture(one(8, 3, 1.0), 0.05, 0.1))
    assert decide(from_rows(rows, "mixture"), MIXTURE_RULE).outcome is Outcome.CONVERGED


@given(COURSES, st.permutations(range(8)))
def test_the_order_of_modes_does_not_matter(letters: str, order: list[int]) -> None:
    trace = trace_of(letters, "mixture")
    permuted = ReplicaTrace(
        seed=0,
        columns={**trace.columns, "mode_share_eighth": trace.columns["mode_share_eighth"][:, order]},
        reference={**trace.reference, "mode_weights": WEIGHTS[order]},
    )
    found, expected = decide(permuted, MIXTURE_RULE), decide(trace, MIXTURE_RULE)
    assert (found.outcome, found.step) == (expected.outcome, expected.step)


THRESHOLDS = ("share_floor", "coverage_min", "quality_min", "diversity_min")


@given(any_traces(), st.sampled_from(THRESHOLDS), st.floats(0.05, 1), st.floats(0.05, 1))
def test_a_stricter_threshold_makes_no_snapshot_good(trace: ReplicaTrace, name: str, a: float, b: float) -> None:
    changes: list[dict[str, Any]] = [{name: value} for value in sorted((a, b))]
    lax, strict = (snapshots(trace, replace(MIXTURE_RULE, **change)) for change in changes)
    assert not (strict.good & ~lax.good).any()


@given(any_traces())
def test_no_snapshot_is_both_good_and_collapsed(trace: ReplicaTrace) -> None:
    found = snapshots(trace, IMAGE_RULE)
    assert not (found.good & found.collapsed).any()


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
        ((0.9, 0.1, 0.1, 0.1, 0.5), Outcome.DEGRADED),
        ((0.15, 0.1, 0.1, 0.1, 0.1), Outcome.NOT_LEARNED),
        ((0.9, 0.1, 0.1, 0.1, nan), Outcome.DEGRADED),
    ],
)
def test_a_classifier_is_judged_by_its_error_alone(errors: tuple[float, ...], outcome: Outcome) -> None:
    decision = decide(classifier(*errors), CLASSIFIER)
    assert decision.outcome is outcome
    if outcome is Outcome.CONVERGED:
        assert decision.evidence["quality"] == pytest.approx(1 - 0.28 / 3)
        assert "diversity" not in decision.evidence


def test_a_classifier_s_error_has_an_error() -> None:
    """At 0.03, a good classifier stays good up to 0.16, and one that is within 0.03 of the threshold is borderline."""

    def measured(*errors: float) -> ReplicaTrace:
        trace = classifier(*errors)
        return replace(trace, columns=trace.columns | {"classification_standard_error": np.full(len(errors), 0.03)})

    assert decide(measured(0.9, 0.09, 0.16, 0.15), CLASSIFIER).outcome is Outcome.CONVERGED
    assert decide(measured(0.9, 0.09, 0.17, 0.09), CLASSIFIER).outcome is Outcome.NOT_LEARNED
    assert decide(measured(0.9, 0.09, 0.09, 0.09), CLASSIFIER).borderline
    assert not decide(measured(0.9, 0.06, 0.06, 0.06), CLASSIFIER).borderline
    assert decide(measured(0.9, 0.11, 0.11, 0.11), CLASSIFIER).borderline


def test_without_such_a_rule_the_error_does_not_count() -> None:
    assert decide(classifier(0.9, 0.0, 0.0, 0.0), IMAGE_RULE).outcome is Outcome.MODE_COLLAPSED


def test_a_trace_without_a_classifier_has_learned_nothing() -> None:
    assert decide(trace_of("GGG", "image"), CLASSIFIER).outcome is Outcome.NOT_LEARNED
