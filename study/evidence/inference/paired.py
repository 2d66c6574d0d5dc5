"""Pairs: two cells that tried the same seeds.

A seed names random streams: initial weights, order of the data, latent noise, ... Two cells that run the same seed
draw the same numbers from every stream that both use, so that (cell a, cell b, seed) is a pair: the luck of the draw
falls on both alike. How much alike, ``Pairs.correlation`` says; at 0 pairing gains nothing. The tests are exact
whatever the correlation, since all they use is that without a difference between the cells a pair may be turned
round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.stats import binomtest

from study.evidence.inference.proportions import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """How many seeds succeeded in both cells, in one of them only, in neither."""

    both: int
    only_a: int
    only_b: int
    neither: int

    def __post_init__(self) -> None:
        for name in ("both", "only_a", "only_b", "neither"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be >= 0, got {getattr(self, name)}")

    @property
    def n(self) -> int:
        """Number of pairs."""
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def correlation(self) -> float | None:
        """Phi of the two outcomes over the seeds, in [-1, 1]; None where a cell always (or never) succeeded."""
        spread = _margins(self)
        return _determinant(self) / sqrt(spread) if spread else None


def mcnemar(pairs: Pairs) -> float:
    """Two-sided exact p-value in (0, 1] that both cells succeed equally often; 1 without a discordant pair.

    Binomial test of ``only_a`` out of the discordant pairs against 1/2 (McNemar 1947, Psychometrika 12).
    """
    discordant = pairs.only_a + pairs.only_b
    return float(binomtest(pairs.only_a, discordant).pvalue) if discordant else 1.0


def sign_flip(differences: Sequence[int]) -> float:
    """Two-sided exact p-value in (0, 1] that the differences, one per seed, are symmetric about 0; 1 when all are 0.

    The share of the ``2**n`` ways to give signs to ``|d_i|`` whose sum is at least as far from 0 as the observed one
    (Fisher's randomisation test for pairs), counted by convolution. A difference may be a sum over several pairs of
    cells: what these share through the seed then stays inside one flip. Equals ``mcnemar`` where all are -1, 0 or 1.

    Raises:
        ValueError: if a difference is not an integer.
    """
    for difference in differences:
        if difference != int(difference):
            raise ValueError(f"difference must be an integer, got {difference}")
    sizes = np.abs(np.array(differences, dtype=np.int64))
    unit = int(np.gcd.reduce(sizes))
    if not unit:
        return 1.0
    chances = np.ones(1)  # of the sum -k, -k + 1, ..., k, in units of the greatest common divisor
    for size in sizes // unit:
        gap = np.zeros(2 * size)
        chances = (np.concatenate([chances, gap]) + np.concatenate([gap, chances])) / 2
    sums = np.arange(len(chances)) - len(chances) // 2
    return min(1.0, float(chances[np.abs(sums) >= abs(sum(differences)) // unit].sum()))


def newcombe_paired(pairs: Pairs, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the difference of the two success rates, a minus b, over the same seeds; (-1, 1) without a pair.

    From the Wilson intervals of both rates and phi, the latter shrunk by a continuity correction where it is positive:
    Newcombe 1998, Statistics in Medicine 17:2635, method 10.

    Raises:
        ValueError: if confidence is not in (0, 1).
    """
    a = wilson(pairs.both + pairs.only_a, pairs.n, confidence)
    b = wilson(pairs.both + pairs.only_b, pairs.n, confidence)
    if not pairs.n:
        return -1.0, 1.0
    difference, phi = a.rate - b.rate, _shrunk_phi(pairs)
    low = difference - _diagonal(a.rate - a.low, b.high - b.rate, phi)
    high = difference + _diagonal(a.high - a.rate, b.rate - b.low, phi)
    return max(-1.0, low), min(1.0, high)


def _shrunk_phi(pairs: Pairs) -> float:
    spread, determinant = _margins(pairs), _determinant(pairs)
    if determinant > 0:
        determinant = max(0.0, determinant - pairs.n / 2)
    return determinant / sqrt(spread) if spread else 0.0


def _diagonal(x: float, y: float, phi: float) -> float:
    return sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))


def _determinant(pairs: Pairs) -> float:
    return pairs.both * pairs.neither - pairs.only_a * pairs.only_b


def _margins(pairs: Pairs) -> int:
    a, b = pairs.both + pairs.only_a, pairs.both + pairs.only_b
    return a * (pairs.n - a) * b * (pairs.n - b)
