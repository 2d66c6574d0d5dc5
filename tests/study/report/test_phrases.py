from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from study import formatting
from study.evidence.judging import Verdict
from study.evidence.sensitivity import WorstPair
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from study.report import phrases

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.6, "0.60"),
        (-0.25, f"{MINUS}0.25"),
        (0.0, "0.00"),
        (0.0004, "0.0004"),
        (float("nan"), "\N{EN DASH}"),
        (float("-inf"), "\N{EN DASH}"),
        (None, "\N{EN DASH}"),
    ],
)
def test_numbers_are_written_for_readers(value: float | None, expected: str) -> None:
    assert formatting.number(value) == expected


@pytest.mark.parametrize(("p", "expected"), [(0.0499, "0.050"), (0.00099, "< 0.001"), (1.0, "1.000"), (0.0, "< 0.001")])
def test_p_values_are_never_zero(p: float, expected: str) -> None:
    assert formatting.p_value(p) == expected


def test_evidence_that_was_not_finite_is_said_to_be_so() -> None:
    assert phrases.evidence({"hq_share": float("nan"), "covered": 3.0}) == "hq share not finite, covered 3"


def test_what_a_replica_misses_is_said_with_its_threshold() -> None:
    values = {"quality": 0.95, "support": 0.2061, "spacing": 1.6}
    assert phrases.missed(values, IMAGE_RULE) == "support 0.206 (at least 0.25) and spacing 1.600 (at most 1.35)"
    assert phrases.missed({"quality": 0.95}, IMAGE_RULE) == ""


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "0.0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7_500, "2 h 05 min")]
)
def test_durations_are_written_in_two_units(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


def test_bands_join_thresholds_of_one_verdict() -> None:
    found: Any = SimpleNamespace(thresholds=(0.1, 0.2, 0.3, 0.4))
    verdicts = (Verdict.UNDECIDED, Verdict.SUPPORTED, Verdict.SUPPORTED, Verdict.CONTRADICTED)
    own: Any = SimpleNamespace(verdicts=verdicts)
    assert phrases.by_threshold(found, own) == "undecided from 0.1, supported from 0.2, contradicted from 0.4"
    found.thresholds = ("eighth", "r3", "r10", "r30")
    assert phrases.by_threshold(found, own) == "undecided at eighth, supported at r3, contradicted at r30"


@pytest.mark.parametrize(
    ("values", "flipped", "sentence"),
    [
        ({"a": 2, "b": 0.7}, {"x": Verdict.SUPPORTED}, "The worst pair is a 2 and b 0.7: 1 verdict would be another one"
         " (x is supported), where one threshold at an end of its range changes at most 0; success rates change by 0.25"
         " on average over the cells."),
        ({"a": 2}, {"x": Verdict.SUPPORTED}, "No two thresholds at the ends of their ranges are worse than a 2 alone: 1"
         " verdict would be another one (x is supported), and success rates change by 0.25 on average over the cells."),
        ({"a": 2, "b": 0.7}, {}, "No two thresholds at the ends of their ranges change a verdict. The worst is a 2 and"
         " b 0.7: success rates change by 0.25 on average over the cells."),
    ],
)  # fmt: skip
def test_the_worst_pair_is_one_sentence(values: Any, flipped: Any, sentence: str) -> None:
    assert phrases.worst_pair(WorstPair(values=values, flipped=flipped, alone=0, moved=0.25)) == sentence
    assert phrases.worst_pair(None) == "No two thresholds at the ends of their ranges change a verdict or a rate."


def test_the_legend_of_points_says_what_is_drawn_and_what_the_rule_counts() -> None:
    own, other = phrases.cloud(MIXTURE_RULE), phrases.cloud(replace(MIXTURE_RULE, radius="r3"))
    drawn = "blue dots are generated ones; real ones are not drawn. Pale discs are the modes of the data, drawn to an"
    assert drawn in own
    assert drawn in other
    assert own.endswith("closest two, within which the rule counts a point as near a mode.")
    assert other.endswith("closest two, while the rule counts a point as near a mode within 3 standard deviations.")
