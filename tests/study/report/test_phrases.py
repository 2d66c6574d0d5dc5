from types import SimpleNamespace
from typing import Any

import pytest

from study import formatting
from study.evidence.judging import Verdict
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


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "0.0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7_500, "2 h 05 min")]
)
def test_durations_are_written_in_two_units(seconds: float, expected: str) -> None:
    assert formatting.duration(seconds) == expected


def test_bands_join_thresholds_of_one_verdict() -> None:
    found: Any = SimpleNamespace(thresholds=(0.1, 0.2, 0.3, 0.4))
    verdicts = (Verdict.UNDECIDED, Verdict.SUPPORTED, Verdict.SUPPORTED, Verdict.CONTRADICTED)
    own: Any = SimpleNamespace(judgments=[SimpleNamespace(verdict=verdict) for verdict in verdicts])
    assert phrases.by_threshold(found, own) == "undecided from 0.1, supported from 0.2, contradicted from 0.4"
