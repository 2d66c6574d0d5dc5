from itertools import pairwise

import numpy as np
import pytest

import study
from study.evidence.inference import paired
from study.evidence.inference.paired import Pairs

A = [True, True, True, False, False, True]
B = [True, False, False, True, False, False]


def test_pairs_are_counted_from_truth_values_of_any_kind() -> None:
    wanted = paired.mcnemar(Pairs(both=1, only_a=3, only_b=1, neither=1))
    for a, b in ((A, B), (np.array(A), np.array(B)), (np.array(A, dtype=int), np.array(B, dtype=float))):
        assert study.mcnemar(a, b) == wanted


def test_the_interval_is_that_of_the_same_pairs() -> None:
    wanted = paired.newcombe_paired(Pairs(both=1, only_a=3, only_b=1, neither=1), 0.9)
    assert study.newcombe(A, B, confidence=0.9) == wanted


def test_without_a_pair_nothing_is_known() -> None:
    assert study.mcnemar([], []) == 1.0
    assert study.newcombe([], []) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([True], [True, False], r"of one length, got \[1\] and \[2\]"),
        ([[True]], [[True]], r"must be \[N\]"),
        ([0.5], [1], "a must hold truth values, got 0.5"),
        ([1], [2], "b must hold truth values, got 2"),
        ([1], [float("nan")], "b must hold truth values, got nan"),
    ],
)
def test_what_are_no_pairs_is_one_sentence(a: list[object], b: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        study.mcnemar(a, b)  # type: ignore[arg-type]


def test_a_confidence_sequence_never_widens() -> None:
    values = np.random.default_rng(0).integers(0, 2, 60).tolist()
    widths = [high - low for low, high in (study.confidence_sequence(values[:n]) for n in range(0, 61, 5))]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(widths))
    assert widths[0] == 1.0
    assert widths[-1] < 0.6


def test_lifetimes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"time and failed must be \[N\] each"):
        study.kaplan_meier([1, 2], [True])
    with pytest.raises(ValueError, match="time must be finite"):
        study.logrank([-1], [True], [1], [True])
