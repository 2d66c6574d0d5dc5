from collections.abc import Callable
from math import comb, isfinite, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.evidence.inference.proportions import Rate, boschloo, clopper_pearson, newcombe, wilson

Z = 1.959963984540054


@st.composite
def counts(draw: st.DrawFn, largest: int = 60) -> tuple[int, int]:
    n = draw(st.integers(0, largest))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (3, 10), (17, 20)])
def test_wilson_is_the_score_interval(k: int, n: int) -> None:
    p, z2 = k / n, Z**2
    center = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    found = wilson(k, n)
    assert (found.low, found.high) == pytest.approx((center - half, center + half), abs=1e-12)


@pytest.mark.parametrize(("k", "n", "low", "high"), [(5, 5, 0.4782, 1.0), (0, 10, 0.0, 0.3085), (10, 10, 0.6915, 1.0)])
def test_clopper_pearson_at_the_ends(k: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(k, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)


def test_clopper_pearson_puts_half_of_the_error_in_each_tail() -> None:
    k, n = 4, 11
    found = clopper_pearson(k, n, confidence=0.9)
    upper = sum(comb(n, i) * found.low**i * (1 - found.low) ** (n - i) for i in range(k, n + 1))
    lower = sum(comb(n, i) * found.high**i * (1 - found.high) ** (n - i) for i in range(k + 1))
    assert (upper, lower) == pytest.approx((0.05, 0.05), abs=1e-9)


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_no_observation_says_nothing(interval: Callable[[int, int], Rate]) -> None:
    found = interval(0, 0)
    assert found == Rate(successes=0, n=0, low=0.0, high=1.0)
    assert found.rate == 0.0


@given(counts(), st.floats(0.01, 0.999))
def test_the_observed_rate_lies_in_its_interval(pair: tuple[int, int], confidence: float) -> None:
    for found in (wilson(*pair, confidence), clopper_pearson(*pair, confidence)):
        assert 0 <= found.low <= found.rate <= found.high <= 1


@given(counts())
def test_intervals_of_failures_mirror_those_of_successes(pair: tuple[int, int]) -> None:
    k, n = pair
    found, mirrored = wilson(k, n), wilson(n - k, n)
    assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match=rf"successes must be in \[0, n\], got {k} of {n}"):
        wilson(k, n)
    with pytest.raises(ValueError, match=r"successes must be in \[0, n\]"):
        boschloo(1, 2, k, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_an_impossible_confidence_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence must be in \(0, 1\)"):
        wilson(1, 2, confidence)


def fisher_less(k1: int, n1: int, k2: int, n2: int) -> float:
    total = k1 + k2
    ways = sum(comb(n1, i) * comb(n2, total - i) for i in range(max(0, total - n2), k1 + 1))
    return ways / comb(n1 + n2, total)


def enumerated(k1: int, n1: int, k2: int, n2: int) -> float:
    """Boschloo's test by its definition: all tables, a fine grid of common rates."""
    rates = np.linspace(0, 1, 4001)[:, None]
    tables = [(i, j) for i in range(n1 + 1) for j in range(n2 + 1)]
    weight = np.array([comb(n1, i) * comb(n2, j) for i, j in tables], dtype=float)
    total = np.array([i + j for i, j in tables])
    chances = weight * rates**total * (1 - rates) ** (n1 + n2 - total)

    def less(i: int, j: int) -> float:
        return fisher_less(i, n1, j, n2)

    def greater(i: int, j: int) -> float:
        return fisher_less(j, n2, i, n1)

    sides = []
    for statistic in (less, greater):
        extreme = np.array([statistic(i, j) <= statistic(k1, k2) * (1 + 1e-9) for i, j in tables])
        sides.append(float(chances[:, extreme].sum(axis=1).max()))
    return min(1.0, 2 * min(sides))


@pytest.mark.parametrize(("n1", "n2"), [(1, 1), (2, 5), (4, 4), (5, 3), (6, 7)])
def test_boschloo_equals_enumeration(n1: int, n2: int) -> None:
    for k1 in range(n1 + 1):
        for k2 in range(n2 + 1):
            assert boschloo(k1, n1, k2, n2) == pytest.approx(enumerated(k1, n1, k2, n2), abs=2e-5), (k1, k2)


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (0, 0, 3, 5), (5, 5, 0, 0), (0, 4, 0, 9), (4, 4, 9, 9)])
def test_a_table_without_contrast_has_p_one(table: tuple[int, int, int, int]) -> None:
    assert boschloo(*table) == 1.0


@settings(max_examples=30)
@given(counts(12), counts(12))
def test_boschloo_does_not_depend_on_names(a: tuple[int, int], b: tuple[int, int]) -> None:
    p = boschloo(*a, *b)
    assert 0 <= p <= 1
    assert p == pytest.approx(boschloo(*b, *a), abs=1e-6)
    assert p == pytest.approx(boschloo(a[1] - a[0], a[1], b[1] - b[0], b[1]), abs=1e-6)


def test_boschloo_is_fast_and_small_for_large_samples() -> None:
    assert 0 <= boschloo(200, 200, 0, 200) < 1e-50


def test_newcombe_of_the_published_example() -> None:
    # Newcombe 1998, table II, contrast a: 56/70 - 48/80, method 10: 0.0524 to 0.3339.
    assert newcombe(wilson(56, 70), wilson(48, 80)) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@given(counts(), counts())
def test_a_difference_lies_in_its_interval(a: tuple[int, int], b: tuple[int, int]) -> None:
    first, second = wilson(*a), wilson(*b)
    low, high = newcombe(first, second)
    assert -1 <= low <= high <= 1
    assert isfinite(low)
    assert isfinite(high)
    if first.n and second.n:
        assert low - 1e-12 <= first.rate - second.rate <= high + 1e-12


def test_a_difference_to_nothing_observed_is_unknown() -> None:
    assert newcombe(wilson(5, 5), wilson(0, 0)) == (-1.0, 1.0)
