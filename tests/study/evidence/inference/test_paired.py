from itertools import product
from math import sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, permutation_test

from study.evidence.inference.paired import Pairs, mcnemar, newcombe_paired, sign_flip
from study.evidence.inference.proportions import newcombe, wilson

Z = 1.959963984540054


def tables(largest: int = 40) -> st.SearchStrategy[Pairs]:
    count = st.integers(0, largest)
    return st.builds(Pairs, both=count, only_a=count, only_b=count, neither=count)


def swapped(pairs: Pairs) -> Pairs:
    return Pairs(both=pairs.both, only_a=pairs.only_b, only_b=pairs.only_a, neither=pairs.neither)


@settings(max_examples=30)
@given(tables())
def test_the_correlation_is_that_of_the_outcomes(pairs: Pairs) -> None:
    a = np.repeat([1, 1, 0, 0], [pairs.both, pairs.only_a, pairs.only_b, pairs.neither])
    b = np.repeat([1, 0, 1, 0], [pairs.both, pairs.only_a, pairs.only_b, pairs.neither])
    if len(set(a)) < 2 or len(set(b)) < 2:
        assert pairs.correlation is None
    else:
        assert pairs.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-12)


def test_an_impossible_count_is_refused() -> None:
    with pytest.raises(ValueError, match="only_b must be >= 0, got -1"):
        Pairs(both=1, only_a=0, only_b=-1, neither=2)


@settings(max_examples=30)
@given(tables())
def test_mcnemar_is_the_binomial_test_of_the_discordant_pairs(pairs: Pairs) -> None:
    p = mcnemar(pairs)
    assert p == mcnemar(swapped(pairs))
    if pairs.only_a + pairs.only_b:
        assert p == binomtest(pairs.only_a, pairs.only_a + pairs.only_b).pvalue
    else:
        assert p == 1.0


def enumerated(differences: list[int]) -> float:
    observed = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in turns(len(differences))]
    return float(np.mean([total >= observed for total in sums]))


def turns(n: int) -> list[tuple[int, ...]]:
    return list(product((1, -1), repeat=n))


@settings(max_examples=40)
@given(st.lists(st.integers(-6, 6), max_size=9))
def test_sign_flip_is_the_share_of_all_ways_to_give_signs(differences: list[int]) -> None:
    assert sign_flip(differences) == pytest.approx(enumerated(differences), abs=1e-12)


@pytest.mark.parametrize("differences", [[3, -1, 4, 2, 0, 1, -2, 5], [2, 2, 2, -4, 6], [1, 1, 1, 1, -1, 0, 1]])
def test_sign_flip_is_scipys_permutation_test(differences: list[int]) -> None:
    values = (np.array(differences, dtype=float),)
    expected = permutation_test(
        values, lambda x, axis: x.sum(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip(differences) == pytest.approx(expected.pvalue, abs=1e-12)


@settings(max_examples=30)
@given(tables(60))
def test_sign_flip_of_single_pairs_is_mcnemar(pairs: Pairs) -> None:
    differences = [1] * pairs.only_a + [-1] * pairs.only_b + [0] * (pairs.both + pairs.neither)
    assert sign_flip(differences) == pytest.approx(mcnemar(pairs), rel=1e-9)


@settings(max_examples=30)
@given(st.lists(st.integers(-9, 9), max_size=40), st.randoms(), st.integers(1, 1000))
def test_sign_flip_knows_neither_order_nor_unit_nor_names(values: list[int], random: Random, unit: int) -> None:
    other = [-unit * value for value in values]
    random.shuffle(other)
    assert sign_flip(other) == pytest.approx(sign_flip(values), rel=1e-9)


def test_sign_flip_stays_positive_for_many_seeds() -> None:
    assert sign_flip([1] * 300) == pytest.approx(2.0**-299)


def test_sign_flip_refuses_halves() -> None:
    with pytest.raises(ValueError, match=r"difference must be an integer, got 0.5"):
        sign_flip([1, 0.5])  # type: ignore[list-item]


def test_newcombe_paired_of_the_published_example() -> None:
    # Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33, airway hyper-responsiveness: -0.507 to -0.026.
    found = newcombe_paired(Pairs(both=1, only_a=1, only_b=7, neither=12))
    assert found == pytest.approx((-0.507, -0.026), abs=5e-4)


@settings(max_examples=40)
@given(tables())
def test_newcombe_paired_is_the_formula_of_method_10(pairs: Pairs) -> None:
    if pairs.n == 0:
        assert newcombe_paired(pairs) == (-1.0, 1.0)
        return
    n, e, f, g, h = pairs.n, pairs.both, pairs.only_a, pairs.only_b, pairs.neither

    def ends(k: int) -> tuple[float, float, float]:
        root = Z * sqrt(Z**2 + 4 * k * (1 - k / n))
        return k / n, (2 * k + Z**2 - root) / (2 * (n + Z**2)), (2 * k + Z**2 + root) / (2 * (n + Z**2))

    (p2, l2, u2), (p3, l3, u3) = ends(e + f), ends(e + g)
    product_of_margins = (e + f) * (g + h) * (e + g) * (f + h)
    top = e * h - f * g
    top = top if top <= 0 else max(top - n / 2, 0)
    phi = top / sqrt(product_of_margins) if product_of_margins else 0.0
    dl2, du2, dl3, du3 = p2 - l2, u2 - p2, p3 - l3, u3 - p3
    low = p2 - p3 - sqrt(max(0, dl2**2 - 2 * phi * dl2 * du3 + du3**2))
    high = p2 - p3 + sqrt(max(0, du2**2 - 2 * phi * du2 * dl3 + dl3**2))
    assert newcombe_paired(pairs) == pytest.approx((low, high), abs=1e-7)


@settings(max_examples=30)
@given(tables(), st.floats(0.5, 0.99))
def test_the_difference_lies_in_its_interval(pairs: Pairs, confidence: float) -> None:
    low, high = newcombe_paired(pairs, confidence)
    assert -1 <= low <= high <= 1
    if pairs.n:
        assert low - 1e-12 <= (pairs.only_a - pairs.only_b) / pairs.n <= high + 1e-12
    mirrored = newcombe_paired(swapped(pairs), confidence)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-9)


def test_pairs_without_correlation_are_two_samples() -> None:
    pairs = Pairs(both=6, only_a=6, only_b=4, neither=4)
    assert pairs.correlation == 0
    assert newcombe_paired(pairs) == pytest.approx(newcombe(wilson(12, 20), wilson(10, 20)))


def test_pairs_that_go_together_tell_more() -> None:
    together = newcombe_paired(Pairs(both=10, only_a=2, only_b=0, neither=8))
    alone = newcombe(wilson(12, 20), wilson(10, 20))
    assert together[1] - together[0] < alone[1] - alone[0]


def test_an_impossible_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence must be in \(0, 1\), got 1.5"):
        newcombe_paired(Pairs(both=0, only_a=0, only_b=0, neither=0), confidence=1.5)
