"""How likely a test decides, before anything was run: exact where all studies can be enumerated, simulated elsewhere.

A pair is two replicas of one seed, in cell a and cell b; both rates and their correlation describe it. A seed with
several pairs (several cells on each side) is one observation, and its pairs are taken as independent of one another. A
test decides when its p-value is *below* a level.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc
from scipy.stats import binom, multinomial, norm

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DRAWS = 4_000
"""Simulated studies: a probability has a standard error of at most 0.008."""
_ENUMERATED = 20_000
CHUNK = 2_000_000
"""Numbers that are worked on at a time."""
SEED = 1947
_ROUNDING = 1e-12
_DIP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Probabilities of what a pair does; they sum to 1."""

    both: float
    only_a: float
    only_b: float
    neither: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """Probabilities of a decision.

    Attributes:
        up: that a is found above b, a share above its threshold, or two rates equal to within their margin.
        down: that b is found above a, a share below its threshold, or two rates further apart than their margin.
        error: largest standard error of the two by simulation; 0 if they are exact.
        seeds: expected number of observations until the decision, or the end.
    """

    up: float
    down: float
    error: float
    seeds: float


def joint(a: float, b: float, correlation: float = 0.0) -> Joint:
    """Return a pair with success rates ``a``, ``b`` and phi ``correlation``.

    ``both = a b + phi sqrt(a (1-a) b (1-b))``.

    Raises:
        ValueError: if a rate is not in [0, 1], or no pair has these rates and that correlation.
    """
    low, high = correlations(a, b)
    if not low - _ROUNDING <= correlation <= high + _ROUNDING:
        raise ValueError(
            f"correlation must be in [{low:.2g}, {high:.2g}] for rates {a:g} and {b:g}, got {correlation:g}"
        )
    both = a * b + correlation * sqrt(a * (1 - a) * b * (1 - b))
    return Joint(both=both, only_a=max(0.0, a - both), only_b=max(0.0, b - both), neither=max(0.0, 1 - a - b + both))


def correlations(a: float, b: float) -> tuple[float, float]:
    """Return the least and the largest phi of a pair with these rates; [-1, 1] where one of the two never varies.

    Raises:
        ValueError: if a rate is not in [0, 1].
    """
    for rate in (a, b):
        if not 0 <= rate <= 1:
            raise ValueError(f"rates must be in [0, 1], got {rate:g}")
    spread = sqrt(a * (1 - a) * b * (1 - b))
    if not spread:
        return -1.0, 1.0
    return (max(0.0, a + b - 1) - a * b) / spread, (min(a, b) - a * b) / spread


def paired(seeds: int, pairs: int, what: Joint, levels: Sequence[float]) -> tuple[Chances, ...]:
    """Of ``sign_flip`` over ``seeds`` seeds with ``pairs`` pairs each, one for each level.

    Exact for one pair per seed (there it is McNemar's test) and for few seeds, else from ``DRAWS`` simulated studies.
    """
    if pairs == 1:
        return tuple(_mcnemar(seeds, what, level) for level in levels)
    counts, weights, exact = _studies(seeds, differences(pairs, what))
    sums = counts @ np.arange(-pairs, pairs + 1)
    p = flipped(counts, sums, seeds * pairs)
    return tuple(weighed(weights, (p < level) & (sums > 0), (p < level) & (sums < 0), exact, seeds) for level in levels)


def share(seeds: int, replicas: int, rate: float, threshold: float, levels: Sequence[float]) -> tuple[Chances, ...]:
    """Of ``exact_p`` of the threshold, exactly, one for each level.

    A seed counts once, with the mean of its ``replicas``, which are taken as independent.
    """
    successes = np.arange(seeds * replicas + 1)
    weights, totals = binom.pmf(successes, seeds * replicas, rate), successes / replicas
    above, below = np.ones_like(totals), np.ones_like(totals)
    above[1:] = betainc(totals[1:], seeds - totals[1:] + 1, threshold)
    below[:-1] = betainc(seeds - totals[:-1], totals[:-1] + 1, 1 - threshold)
    return tuple(weighed(weights, 2 * above < level, 2 * below < level, True, seeds) for level in levels)


def same(seeds: int, pairs: int, what: Joint, margin: float, levels: Sequence[float]) -> tuple[Chances, ...]:
    """Of two one-sided tests by the interval of the difference, one for each level.

    The interval at ``1 - 2 level`` is Newcombe's: for pairs where a seed has one, else with a seed as one observation.
    """
    chances = np.array([what.both, what.only_a, what.only_b, what.neither])
    counts, weights, exact = _studies(seeds * pairs, chances / chances.sum())
    found = []
    for level in levels:
        low, high = _newcombe(counts / pairs, seeds, 2 * level, paired=pairs == 1)
        within, beyond = (low > -margin) & (high < margin), (low > margin) | (high < -margin)
        found.append(weighed(weights, within, beyond, exact, seeds))
    return tuple(found)


def smallest(power: Callable[[int], float], target: float, most: int) -> int | None:
    """Return the fewest seeds with which the power is at least ``target``; None if more than ``most`` are needed.

    By bisection, then downwards over the dips that the power of an exact test has, which span a few seeds.
    """
    few, many = 0, 1
    while power(many) < target:
        few, many = many, 2 * many
        if few >= most:
            return None
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if power(middle) >= target else (middle, many)
    lower = many - 1
    while lower > max(0, many - _DIP):
        if power(lower) >= target:
            many = lower
        lower -= 1
    return many if many <= most else None


def _mcnemar(n: int, what: Joint, level: float) -> Chances:
    """By the number of discordant pairs, and how many of them may be of the rarer kind for p < level."""
    discordant, m = what.only_a + what.only_b, np.arange(n + 1)
    weights = binom.pmf(m, n, min(1.0, discordant))
    rarer = binom.ppf(level / 2, m, 0.5)
    rarer = np.where(2 * binom.cdf(rarer, m, 0.5) < level, rarer, rarer - 1)
    a = what.only_a / discordant if discordant else 0.5
    return weighed(weights, np.asarray(binom.cdf(rarer, m, 1 - a)), np.asarray(binom.cdf(rarer, m, a)), True, n)


def differences(pairs: int, what: Joint) -> Floats:
    """Probabilities of the sum of a - b over a seed's pairs, from ``-pairs`` to ``pairs``."""
    chances = np.ones(1)
    for _ in range(pairs):
        chances = np.convolve(chances, [what.only_b, what.both + what.neither, what.only_a])
    return np.asarray(chances / chances.sum(), dtype=np.float64)


def _studies(seeds: int, chances: Floats) -> tuple[Ints, Floats, bool]:
    """``[studies, kinds]`` seeds of each kind with their probabilities: all possible studies, or simulated ones."""
    kinds = len(chances)
    if comb(seeds + kinds - 1, kinds - 1) > _ENUMERATED:
        drawn = np.random.default_rng(SEED).multinomial(seeds, chances, size=DRAWS)
        return drawn, np.full(DRAWS, 1 / DRAWS), False
    bars = np.array(list(combinations(range(seeds + kinds - 1), kinds - 1))).reshape(-1, kinds - 1)
    ends = np.full((len(bars), 1), -1), np.full((len(bars), 1), seeds + kinds - 1)
    counts = np.diff(np.hstack([ends[0], bars, ends[1]]), axis=1) - 1
    return counts, np.asarray(multinomial.pmf(counts, seeds, chances), dtype=np.float64), True


def flipped(counts: Ints, sums: Ints, most: int) -> Floats:
    """p-values of ``sign_flip`` for all studies at once: the distribution of the signed sum by its Fourier transform.

    ``counts``: ``[studies, 2 k + 1]``, seeds with the difference -k, ..., k; ``most``: the largest possible sum.
    """
    k, steps = counts.shape[1] // 2, np.arange(most + 1)
    sizes = counts[:, k + 1 :] + counts[:, k - 1 :: -1]
    grid = 2 * np.pi * np.arange(2 * most + 1) / (2 * most + 1)
    waves = np.cos(np.outer(steps, grid)) * (1 + (steps > 0))[:, None] / len(grid)
    tails = waves[::-1].cumsum(axis=0)[::-1]  # of sums at least as far from 0 as each
    cosines = np.cos(np.outer(np.arange(1, k + 1), grid))  # none is 0, as the grid has an odd number of points
    step, parts = max(1, CHUNK // len(grid)), []
    for first in range(0, len(sizes), step):
        own = sizes[first : first + step]
        transform = np.exp(own @ np.log(np.abs(cosines))) * (1 - 2 * (own @ (cosines < 0) % 2))
        parts.append((transform * tails[np.abs(sums[first : first + step])]).sum(axis=1))
    return np.concatenate(parts)


def _newcombe(counts: Floats, n: int, alpha: float, *, paired: bool) -> tuple[Floats, Floats]:
    """``newcombe_paired``, or ``ManyPairs.interval``, for all studies at once: both, only a, only b, neither."""
    both, only_a, only_b, neither = counts.T
    shares = (both + only_a) / n, (both + only_b) / n
    z2 = float(norm.isf(alpha / 2)) ** 2
    centers = [(one + z2 / (2 * n)) / (1 + z2 / n) for one in shares]
    reaches = [np.sqrt(z2 * (one * (1 - one) / n + z2 / (4 * n * n))) / (1 + z2 / n) for one in shares]
    down = [one - np.maximum(0, center - reach) for one, center, reach in zip(shares, centers, reaches, strict=True)]
    up = [np.minimum(1, center + reach) - one for one, center, reach in zip(shares, centers, reaches, strict=True)]
    phi = np.zeros(len(both))
    if paired:
        spread = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
        determinant = both * neither - only_a * only_b
        shrunk = np.where(determinant > 0, np.maximum(0, determinant - n / 2), determinant)
        phi = np.divide(shrunk, np.sqrt(spread), out=phi, where=spread > 0)
    difference = shares[0] - shares[1]
    return difference - _diagonal(down[0], up[1], phi), difference + _diagonal(up[0], down[1], phi)


def _diagonal(x: Floats, y: Floats, phi: Floats) -> Floats:
    return np.sqrt(np.maximum(0, x * x - 2 * phi * x * y + y * y))


def weighed(weights: Floats, up: NDArray[np.generic], down: NDArray[np.generic], exact: bool, seeds: float) -> Chances:
    """``up`` and ``down``: which studies decide so, or with which chance."""
    found = [min(1.0, max(0.0, float(weights @ which.astype(np.float64)))) for which in (up, down)]
    error = 0.0 if exact else max(1 / len(weights), *(sqrt(one * (1 - one) / len(weights)) for one in found))
    return Chances(up=found[0], down=found[1], error=error, seeds=float(seeds))
