"""What a replica's record says about the criteria that it misses."""

from dataclasses import replace

from study.outcomes.measures import missed
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE

EVIDENCE = {"quality": 0.95, "support": 0.2, "spacing": 1.6, "coverage": 1.0, "residue": 1.0, "best_quality": 0.1}


def test_the_criteria_below_their_least_and_above_their_largest_value_are_missed() -> None:
    assert [each.measure for each in missed(EVIDENCE, IMAGE_RULE)] == ["support", "spacing"]
    assert missed(EVIDENCE | {"support": 0.25, "spacing": 1.35}, IMAGE_RULE) == ()


def test_a_criterion_that_the_rule_does_not_have_cannot_be_missed() -> None:
    assert missed(EVIDENCE, MIXTURE_RULE) == ()
    assert [each.measure for each in missed(EVIDENCE, replace(IMAGE_RULE, spacing_max=None))] == ["support"]


def test_rules_that_are_not_applied_say_nothing() -> None:
    assert missed(EVIDENCE, replace(IMAGE_RULE, edition=1)) == ()
