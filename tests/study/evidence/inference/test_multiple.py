from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.evidence.inference.multiple import holm

Chances = st.lists(st.floats(0, 1), max_size=8)


def stepping_down(ps: Sequence[float], alpha: float) -> list[bool]:
    """Holm's procedure as he states it: smallest first, stop at the first that fails."""
    rejected = [False] * len(ps)
    for left, index in zip(range(len(ps), 0, -1), np.argsort(ps, kind="stable"), strict=True):
        if ps[index] > alpha / left:
            break
        rejected[index] = True
    return rejected


@given(Chances, st.floats(0.001, 0.999))
def test_rejecting_adjusted_values_is_stepping_down(ps: list[float], alpha: float) -> None:
    adjusted = holm(ps)
    clear = [abs(p - alpha) > 1e-9 for p in adjusted]  # at equality the two differ by rounding
    for found, p, decided in zip(stepping_down(ps, alpha), adjusted, clear, strict=True):
        assert not decided or found == (p <= alpha)


@given(Chances, st.randoms())
def test_the_order_given_is_the_order_returned(ps: list[float], random: Random) -> None:
    places = list(range(len(ps)))
    random.shuffle(places)
    assert holm([ps[place] for place in places]) == tuple(holm(ps)[place] for place in places)


@given(Chances)
def test_adjusting_lies_between_nothing_and_bonferroni(ps: list[float]) -> None:
    for p, adjusted in zip(ps, holm(ps), strict=True):
        assert p <= adjusted <= min(1.0, len(ps) * p)


def test_an_example_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))


def test_a_single_test_needs_no_adjustment_and_none_gives_none() -> None:
    assert holm([0.03]) == (0.03,)
    assert holm([]) == ()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_chance_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\], got"):
        holm([0.5, p])
