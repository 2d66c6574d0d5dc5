"""The exact interval of a difference of paired rates: its coverage, and that it agrees with McNemar's test."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from scipy.stats import multinomial

from study.evidence.inference.paired import Pairs, mcnemar, newcombe_paired
from study.evidence.inference.paired_exact import MOST, exact_interval


def tables(n: int) -> Iterator[Pairs]:
    for both in range(n + 1):
        for only_a in range(n + 1 - both):
            for only_b in range(n + 1 - both - only_a):
                yield Pairs(both=both, only_a=only_a, only_b=only_b, neither=n - both - only_a - only_b)


def disagree(pairs: Pairs, limits: tuple[float, float], confidence: float = 0.95) -> bool:
    return (mcnemar(pairs) < 1 - confidence) == (limits[0] <= 0 <= limits[1])


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 5, 6, 10, 15])
def test_the_interval_leaves_out_0_exactly_where_mcnemar_rejects(n: int, confidence: float) -> None:
    assert not any(disagree(pairs, exact_interval(pairs, confidence), confidence) for pairs in tables(n))


def rates() -> np.ndarray:
    """Chances of both, only a, only b, neither: everywhere, near the edges, and on them."""
    rng = np.random.default_rng(0)
    edges = [
        [(1 - q) * x, q * y, q * (1 - y), (1 - q) * (1 - x)]
        for q in np.linspace(0, 1, 21)
        for x in (0, 0.5, 1)
        for y in (0.5, 0.75, 1)
    ]
    return np.concatenate([rng.dirichlet([1] * 4, 600), rng.dirichlet([0.3] * 4, 600), edges])


@cache
def chances(n: int) -> np.ndarray:
    seen = np.array([[own.both, own.only_a, own.only_b, own.neither] for own in tables(n)])
    found: np.ndarray = multinomial.pmf(seen[None], n, rates()[:, None, :])
    return found


def test_newcombe_and_mcnemar_disagree_in_nearly_half_of_studies_at_worst() -> None:
    """The figures of ``docs/explanation/statistics.md``, before: 36 of 286 tables, 0.47 of studies; now none."""
    newcombe = np.array([disagree(pairs, newcombe_paired(pairs)) for pairs in tables(10)])
    assert (newcombe.sum(), newcombe.size) == (36, 286)
    assert (chances(10) @ newcombe).max() == pytest.approx(0.47, abs=0.01)
    alike = np.abs(rates()[:, 1] - rates()[:, 2]) < 1e-9
    assert (chances(10)[alike] @ newcombe).max() == pytest.approx(0.058, abs=0.01)


@pytest.mark.parametrize(("n", "least", "newcombe"), [(5, 0.97, 0.83), (10, 0.95, 0.86)])
def test_it_covers_at_least_as_often_as_it_says(n: int, least: float, newcombe: float) -> None:
    true = (rates()[:, 1] - rates()[:, 2])[:, None]

    def covered(limits: list[tuple[float, float]]) -> float:
        low, high = np.array(limits).T
        return float((chances(n) * ((low <= true + 1e-9) & (true <= high + 1e-9))).sum(axis=1).min())

    assert covered([exact_interval(pairs) for pairs in tables(n)]) >= least
    assert covered([newcombe_paired(pairs) for pairs in tables(n)]) < newcombe


@pytest.mark.parametrize("pairs", [own for own in tables(6) if own.only_a != own.only_b])
def test_it_mirrors_holds_the_estimate_and_widens_with_confidence(pairs: Pairs) -> None:
    low, high = exact_interval(pairs)
    swapped = Pairs(both=pairs.both, only_a=pairs.only_b, only_b=pairs.only_a, neither=pairs.neither)
    assert exact_interval(swapped) == (-high, -low)
    assert -1 <= low <= (pairs.only_a - pairs.only_b) / pairs.n <= high <= 1
    wide = exact_interval(pairs, 0.99)
    assert wide[0] <= low
    assert wide[1] >= high


def test_a_limit_is_where_the_likeliest_tail_is_as_large_as_allowed() -> None:
    """Ten of ten for a: 10 discordant pairs, all for a, has chance ((1 + d) / 2)^10, as q = 1 makes it likeliest."""
    low, high = exact_interval(Pairs(both=0, only_a=10, only_b=0, neither=0))
    assert low == pytest.approx(2 * 0.025**0.1 - 1, abs=1e-5)
    assert high == pytest.approx(1, abs=1e-6)


def test_many_pairs_have_newcombes_interval_which_agrees_too() -> None:
    pairs = Pairs(both=MOST, only_a=5, only_b=0, neither=1)
    assert mcnemar(pairs) > 0.05
    assert exact_interval(pairs) == (0.0, newcombe_paired(pairs)[1])
    clear = Pairs(both=MOST, only_a=20, only_b=1, neither=1)
    assert exact_interval(clear) == newcombe_paired(clear)


def test_no_pair_says_nothing_and_an_impossible_confidence_is_refused() -> None:
    nothing = Pairs(both=0, only_a=0, only_b=0, neither=0)
    assert exact_interval(nothing) == (-1.0, 1.0)
    with pytest.raises(ValueError, match=r"confidence must be in \(0, 1\), got 1"):
        exact_interval(nothing, 1)
