from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, rankdata, wilcoxon

from study.evidence.inference.proportions import wilson
from study.evidence.inference.quality import Qualities, QualityComparison, independent, paired

Tiny = st.lists(st.none() | st.integers(0, 3).map(float), max_size=4)


def test_failures_are_counted_beside_the_quality() -> None:
    found = independent([0.5, None, None, 0.7], [0.4, 0.3, None])
    assert (found.n_a, found.n_b) == (2, 2)
    assert (found.failures_a, found.failures_b) == (wilson(2, 4), wilson(1, 3))


def test_independent_samples_are_compared_by_mann_and_whitney() -> None:
    rng = np.random.default_rng(0)
    for n in (6, 15):
        a, b = rng.normal(size=n), rng.normal(1, 1, size=n + 2)
        assert independent(list(a), list(b)).p == pytest.approx(mannwhitneyu(a, b).pvalue, abs=1e-9)


@pytest.mark.parametrize(("a", "b"), [([1, 2, 2], [2, 3, 3, 4]), ([0, 0, 1, 5], [0, 1, 1]), ([1, 1], [1, 2])])
def test_small_samples_with_ties_are_compared_exactly(a: list[float], b: list[float]) -> None:
    ranks = rankdata([*a, *b])
    sums = np.array([sum(ranks[list(chosen)]) for chosen in combinations(range(len(ranks)), len(a))])
    observed = ranks[: len(a)].sum()
    p = 2 * min(np.mean(sums <= observed + 1e-9), np.mean(sums >= observed - 1e-9))
    assert independent(a, b).p == pytest.approx(min(1.0, p))


def test_paired_seeds_are_compared_by_wilcoxon_where_both_succeeded() -> None:
    a = [0.9, 0.8, None, 0.75, 0.6, 0.71, None]
    b = [0.7, None, 0.5, 0.7, 0.5, 0.72, None]
    found = paired(a, b)
    assert (found.n_a, found.n_b) == (4, 4)
    assert (found.failures_a, found.failures_b) == (wilson(2, 7), wilson(2, 7))
    assert found.p == pytest.approx(wilcoxon([0.2, 0.05, 0.1, -0.01]).pvalue)


def test_paired_seeds_with_ties_are_compared_exactly() -> None:
    differences = [1.0, 1.0, -1.0, 2.0, 3.0]
    ranks = rankdata(np.abs(differences))
    sums = np.array(
        [sum(r for r, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=5)]
    )
    observed = sum(r for r, d in zip(ranks, differences, strict=True) if d > 0)
    p = 2 * min(np.mean(sums <= observed), np.mean(sums >= observed))
    assert paired(differences, [0.0] * 5).p == pytest.approx(min(1.0, p))


def test_the_difference_is_that_of_hodges_and_lehmann() -> None:
    a, b = [1.0, 5.0, 9.0], [2.0, 3.0, 7.0]
    assert independent(a, b).difference == np.median([x - y for x in a for y in b])
    d = [x - y for x, y in zip(a, b, strict=True)]
    assert paired(a, b).difference == np.median([(d[i] + d[j]) / 2 for i in range(3) for j in range(i, 3)])


@settings(max_examples=40)
@given(Tiny, Tiny)
def test_tiny_samples_always_have_an_answer(a: Qualities, b: Qualities) -> None:
    seeds = min(len(a), len(b))
    for found in (independent(a, b), paired(a[:seeds], b[:seeds])):
        assert 0 < found.p <= 1
        assert (found.difference is None) == (found.n_a == 0 or found.n_b == 0)


@pytest.mark.parametrize("compare", [independent, paired])
@pytest.mark.parametrize(("a", "b"), [([], []), ([None], [1.0]), ([1.0, 1.0], [1.0, 1.0])])
def test_where_nothing_can_be_told_p_is_one(
    compare: Callable[[Qualities, Qualities], QualityComparison], a: Qualities, b: Qualities
) -> None:
    assert compare(a, b).p == 1.0


def test_names_do_not_matter() -> None:
    a, b = [0.1, 0.4, None, 0.9], [0.3, 0.8, 0.85, 0.7]
    for compare in (independent, paired):
        one, other = compare(a, b), compare(b, a)
        assert one.p == pytest.approx(other.p)
        assert one.difference == pytest.approx(-other.difference)


def test_seeds_must_agree() -> None:
    with pytest.raises(ValueError, match="a and b must have the same seeds, got 1 and 2"):
        paired([1.0], [1.0, 2.0])


def test_quality_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="quality must be finite, got nan"):
        independent([float("nan")], [1.0])
