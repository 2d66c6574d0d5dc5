"""Shares of replicas that come in clusters: several cells of one seed draw on the same random streams.

Replicas of one seed may agree more than replicas of different seeds do, so that counting all of them as independent
would promise more than was seen. Here a seed is one observation, the share of its replicas, in [0, 1]. The variance of
such a share is at most that of one success or failure with the same mean, which it reaches where all replicas of a seed
agree. Intervals for n successes or failures, taken at the share of all replicas, are therefore too wide rather than too
narrow. With one replica per seed they are the ordinary ones.
"""

from collections.abc import Sequence
from math import sqrt

from scipy.special import betainc, betaincinv
from scipy.stats import norm


def effective(sizes: Sequence[int]) -> float:
    """How many seeds of equal size say as much as these: ``(sum m)^2 / sum m^2``; 0 without any.

    Kish 1965, Survey Sampling, section 8.2, for observations that agree inside a seed. Equals the number of seeds if
    none lacks a replica.
    """
    return sum(sizes) ** 2 / sum(m * m for m in sizes) if sizes else 0.0


def score_interval(share: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's interval around a share of ``n`` seeds, which need be no whole number of them; (0, 1) when n is 0.

    Wilson 1927, JASA 22; that of ``wilson`` where share times n is whole.

    Raises:
        ValueError: if share is not in [0, 1], n is below 0, or confidence is not in (0, 1).
    """
    _check(share, n, confidence)
    if n == 0:
        return 0.0, 1.0
    z2 = float(norm.isf((1 - confidence) / 2)) ** 2
    center, reach = share + z2 / (2 * n), sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n)))
    low, high = ((center + sign * reach) / (1 + z2 / n) for sign in (-1, 1))
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def exact_interval(share: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval by quantiles of the beta distribution, as ``score_interval``; (0, 1) when n is 0.

    Clopper & Pearson 1934, Biometrika 26; that of ``clopper_pearson`` where share times n is whole.

    Raises:
        ValueError: as ``score_interval``.
    """
    _check(share, n, confidence)
    total, tail = share * n, (1 - confidence) / 2
    low = float(betaincinv(total, n - total + 1, tail)) if total > 0 else 0.0
    high = float(betaincinv(total + 1, n - total, 1 - tail)) if total < n else 1.0
    return min(low, share), max(high, share)


def exact_p(share: float, n: float, threshold: float) -> float:
    """Return the smallest level at which ``exact_interval`` leaves out ``threshold``.

    It is twice the smaller binomial tail, at most 1.

    Raises:
        ValueError: as ``score_interval``; if threshold is not in [0, 1].
    """
    _check(share, n, 0.5)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be in [0, 1], got {threshold}")
    total = share * n
    above = float(betainc(total, n - total + 1, threshold)) if total > 0 else 1.0
    below = float(betainc(n - total, total + 1, 1 - threshold)) if total < n else 1.0
    return min(1.0, 2 * min(above, below))


def _check(share: float, n: float, confidence: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in [0, 1], got {share}")
    if not n >= 0:
        raise ValueError(f"n must be >= 0, got {n}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
