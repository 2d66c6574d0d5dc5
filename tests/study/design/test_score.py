"""The score of a setting: finite, and more successes are always more."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.design.score import score

qualities = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(st.integers(1, 50), st.data())
def test_one_more_success_is_worth_more_than_any_quality(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert 0 < score(k, n, data.draw(qualities)) < score(k + 1, n, data.draw(qualities)) < 1


@given(st.integers(0, 20), st.integers(0, 20), qualities)
def test_a_score_is_finite(k: int, failures: int, quality: float | None) -> None:
    assert math.isfinite(score(k, k + failures, quality))


def test_quality_breaks_ties() -> None:
    assert score(3, 5, 0.9) > score(3, 5, 0.5) > score(3, 5, None) == score(3, 5, math.nan)


def test_a_middling_quality_makes_it_the_posterior_mean() -> None:
    assert score(7, 10, 0.5) == (7 + 0.5) / (10 + 1)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"successes must be in \[0, 3\], got 4"):
        score(4, 3, None)
