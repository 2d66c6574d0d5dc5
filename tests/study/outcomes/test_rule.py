"""Outcome rules: their digests, labels, ranges and file form."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from math import inf, nan
from typing import Any

import pydantic
import pytest

from study.outcomes.own_rule import OwnRule
from study.outcomes.rule import (
    IMAGE_RULE,
    MIXTURE_RULE,
    PLAUSIBLE,
    THRESHOLDS,
    OutcomeRule,
    OwnCriterion,
    changed,
    plausible,
    stored_fields,
)


@pytest.mark.parametrize("rule", [MIXTURE_RULE, IMAGE_RULE])
def test_a_rule_survives_json(rule: OutcomeRule) -> None:
    text = json.dumps(asdict(rule))
    assert pydantic.TypeAdapter(OutcomeRule).validate_json(text) == rule


CHANGES: Mapping[str, Any] = {
    "own_criteria": (OwnCriterion(column="height", at_most=0.1),),
    "own_rule": OwnRule(kind="steady", plugin="mine", digest="0" * 16),
    "name": "other",
    "edition": 1,
    "window": 4,
    "radius": "r3",
    "share_floor": 0.3,
    "coverage_min": 0.8,
    "balance_min": 0.7,
    "quality_min": 0.6,
    "support_min": 0.3,
    "recall_min": 0.3,
    "distinctness_min": 0.3,
    "spacing_max": 2.0,
    "residue_max": 2.0,
    "memorization_max": 0.3,
    "label_accuracy_min": 0.5,
    "classification_error_max": 0.1,
    "diversity_min": 0.6,
    "confidence_min": 0.8,
    "diversity_tiny": 0.01,
    "precision_min": 0.4,
    "alike_max": 0.4,
    "baseline_margin": 0.2,
    "hopping_max": 0.2,
    "steadiness_min": 0.8,
    "returns_min": 3,
    "flicker_min": 0.3,
    "tolerance": 1.0,
    "tolerated_alternations": 4,
    "loss_bound": 1e5,
    "grad_norm_bound": 1e5,
    "param_norm_bound": 1e5,
}


def test_a_rule_s_digest_follows_every_field() -> None:
    assert CHANGES.keys() == asdict(MIXTURE_RULE).keys()
    digests = {replace(MIXTURE_RULE, **{name: value}).digest() for name, value in CHANGES.items()}
    assert len(digests | {MIXTURE_RULE.digest()}) == len(CHANGES) + 1


def test_a_field_that_says_what_was_so_before_it_changes_no_digest() -> None:
    before = {
        "own_criteria": (),
        "own_rule": None,
        "residue_max": None,
        "alike_max": None,
        "returns_min": 2,
        "flicker_min": 0.2,
    }
    rule = asdict(MIXTURE_RULE)
    assert before.items() <= rule.items()
    assert stored_fields(rule) == {name: value for name, value in rule.items() if name not in before}


def test_labels_name_rule_and_digest() -> None:
    assert MIXTURE_RULE.label() == f"modes@{MIXTURE_RULE.digest()}"
    assert len(MIXTURE_RULE.digest()) == 8


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("edition", 3, "edition must be 1 to 2, got 3"),
        ("tolerance", -1.0, "tolerance must be >= 0, got -1.0"),
        ("spacing_max", 0.0, "spacing_max must be finite and > 0, got 0.0"),
        ("hopping_max", 0.0, r"hopping_max must be in \(0, 1\], got 0.0"),
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
        ("radius", "r5", "radius must be eighth, r3, r10 or r30, got r5"),
    ],
)
def test_a_threshold_out_of_range_is_refused(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(MIXTURE_RULE, **{name: value})


@pytest.mark.parametrize("rule", [MIXTURE_RULE, IMAGE_RULE], ids=lambda rule: rule.name)
def test_every_threshold_has_a_plausible_range_around_the_rules_own_value(rule: OutcomeRule) -> None:
    assert tuple(PLAUSIBLE) == THRESHOLDS
    for name in THRESHOLDS:
        own, values = getattr(rule, name), plausible(rule, name)
        assert (own in values and len(values) >= 4) if own is not None else not values
        assert all(changed(rule, {name: value}) for value in values)
        if not isinstance(own, str) and own is not None:
            assert list(values) == sorted(set(values))
            assert values[0] < own < values[-1]


@pytest.mark.parametrize(
    ("name", "own", "low", "high"),
    [
        ("quality_min", 0.5, 0.333, 0.667),
        ("quality_min", 0.9, 0.818, 0.947),
        ("quality_min", 1.0, 0.818, 1.0),
        ("window", 3, 2, 6),
        ("window", 1, 1, 2),
        ("tolerated_alternations", 0, 0, 2),
        ("tolerance", 0.5, 0.0, 1.5),
        ("loss_bound", 1e4, 1e3, 1e5),
        ("diversity_tiny", 0.3, 0.075, 0.424),
    ],
)
def test_plausible_ranges_end_where_the_scale_does(name: str, own: float, low: float, high: float) -> None:
    rule = changed(replace(MIXTURE_RULE, diversity_min=0.51), {name: own})
    assert rule is not None
    values = plausible(rule, name)
    assert (values[0], values[-1]) == (low, high)
    assert own in values


def test_an_unknown_threshold_has_no_range() -> None:
    with pytest.raises(ValueError, match=r"threshold must be one of window, radius, .*, got name"):
        plausible(MIXTURE_RULE, "name")
