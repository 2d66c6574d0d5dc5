"""Which report is the best one: its class by the rule first, then its quality."""

import pickle
from dataclasses import replace
from typing import Any

import pytest

from study.outcomes.best import COLLAPSED, GOOD, POOR, Standing
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from tests.study.made_traces import REFERENCE, RULES, rows_of

STORED = {kind: {name: value.tolist() for name, value in own.items()} for kind, own in REFERENCE.items()}
"""The constants as a trace's metadata have them."""


def standing(letter: str, kind: str, **changes: Any) -> tuple[int, float] | None:
    start, row = rows_of(letter, kind)
    return Standing(RULES[kind])(start, {**row, **changes}, STORED[kind])


@pytest.mark.parametrize("kind", ["mixture", "image"])
def test_a_report_has_the_class_and_the_quality_of_the_rule(kind: str) -> None:
    found = {letter: standing(letter, kind) for letter in "GPC"}
    assert [own[0] for own in found.values() if own is not None] == [GOOD, POOR, COLLAPSED]
    assert found["G"] is not None
    assert found["G"][1] == pytest.approx({"mixture": 0.9, "image": 0.94}[kind])


def test_copies_of_training_images_are_below_poor_ones() -> None:
    found = standing("M", "image")
    assert found is not None
    assert found[0] == COLLAPSED


def test_a_collapsed_generator_of_high_quality_is_below_a_poor_one() -> None:
    """All its points lie at one mode, as near as the data do."""
    collapsed, poor = standing("C", "mixture"), standing("P", "mixture")
    assert collapsed is not None
    assert poor is not None
    assert collapsed[1] > poor[1]
    assert poor > collapsed


def test_what_was_not_measured_has_no_standing() -> None:
    assert standing("G", "image", frechet_classifier=float("nan")) is None
    start, row = rows_of("G", "mixture")
    assert Standing(replace(MIXTURE_RULE, edition=1))(start, row, STORED["mixture"]) is None


def test_it_can_be_sent_to_a_worker() -> None:
    own = Standing(IMAGE_RULE)
    assert pickle.loads(pickle.dumps(own)) == own
