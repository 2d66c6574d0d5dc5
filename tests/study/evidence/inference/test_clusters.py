from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from study.evidence.inference.clusters import effective, exact_interval, exact_p, score_interval
from study.evidence.inference.proportions import clopper_pearson, wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 7), (10, 10), (0, 12), (19, 40)])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_whole_totals_have_the_ordinary_intervals(successes: int, n: int, confidence: float) -> None:
    score, exact = wilson(successes, n, confidence), clopper_pearson(successes, n, confidence)
    assert score_interval(successes / n, n, confidence) == pytest.approx((score.low, score.high), abs=1e-9)
    assert exact_interval(successes / n, n, confidence) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 7), (10, 10), (0, 12), (19, 40)])
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.5, 0.95, 1.0])
def test_p_is_twice_the_smaller_binomial_tail(successes: int, n: int, threshold: float) -> None:
    tails = (binomtest(successes, n, threshold, alternative=side).pvalue for side in ("less", "greater"))
    assert exact_p(successes / n, n, threshold) == pytest.approx(min(1.0, 2 * min(tails)), abs=1e-12)


@given(st.floats(0, 1), st.floats(0.5, 50), st.floats(0.01, 0.99))
def test_p_is_the_level_at_which_the_interval_loses_the_threshold(share: float, n: float, threshold: float) -> None:
    p = exact_p(share, n, threshold)
    assert 0 <= p <= 1
    for level, inside in ((0.99 * p, True), (min(1.01 * p, 0.999), False)):
        if 1e-9 < level < 0.99 and p < 0.98:
            low, high = exact_interval(share, n, 1 - level)
            assert (low <= threshold <= high) is inside


@given(st.floats(0, 1), st.floats(0.01, 1_000), st.floats(0.01, 0.99))
def test_intervals_hold_the_share_and_stay_in_range(share: float, n: float, confidence: float) -> None:
    for low, high in (score_interval(share, n, confidence), exact_interval(share, n, confidence)):
        assert isfinite(low)
        assert 0 <= low <= share <= high <= 1


def test_nothing_seen_says_nothing() -> None:
    assert score_interval(0.0, 0) == exact_interval(0.0, 0) == (0.0, 1.0)
    assert exact_p(0.0, 0, 0.5) == 1.0
    assert effective([]) == 0.0


def test_seeds_that_lack_replicas_count_for_less() -> None:
    assert effective([4, 4, 4]) == 3.0
    assert effective([4, 4, 1]) == pytest.approx(81 / 33, abs=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: score_interval(1.5, 3), r"share must be in \[0, 1\], got 1.5"),
        (lambda: exact_interval(0.5, -1), r"n must be >= 0, got -1"),
        (lambda: score_interval(0.5, 3, 1.0), r"confidence must be in \(0, 1\), got 1.0"),
        (lambda: exact_p(0.5, 3, 2.0), r"threshold must be in \[0, 1\], got 2.0"),
    ],
)
def test_what_is_no_share_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
