"""Proportions: success rates with intervals, and exact comparisons. Counts in, numbers out, never NaN."""

from dataclasses import dataclass
from math import hypot, sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """``successes`` of ``n`` with an interval of the true rate; ``0 <= low <= rate <= high <= 1``."""

    successes: int
    n: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The observed share; 0 without any observation, where ``low`` and ``high`` are 0 and 1."""
        return self.successes / self.n if self.n else 0.0


def wilson(successes: int, n: int, confidence: float = 0.95) -> Rate:
    """Return the score interval, for display: its coverage is close to nominal on average, even for small n.

    Wilson 1927, JASA 22, as recommended by Brown, Cai & DasGupta 2001, Statistical Science 16.

    Args:
        successes: of the ``n`` trials.
        n: number of independent trials; without any the interval is (0, 1).
        confidence: in (0, 1).

    Returns:
        The observed rate with its interval ``low`` to ``high``, all in [0, 1].

    Raises:
        ValueError: if the counts are not 0 <= successes <= n, or confidence is not in (0, 1).

    Examples:
        >>> import study
        >>> rate = study.wilson(3, 5)
        >>> round(rate.rate, 2), round(rate.low, 2), round(rate.high, 2)
        (0.6, 0.23, 0.88)
    """
    if not _checked(successes, n, confidence):
        return _UNKNOWN
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, scale = successes / n, 1 + z * z / n
    center, half = share + z * z / (2 * n), z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return _rate(successes, n, (center - half) / scale, (center + half) / scale)


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Rate:
    """Return the exact interval, for claims: it never covers less often than ``confidence``.

    Clopper & Pearson 1934, Biometrika 26. Arguments, value and errors are those of :func:`wilson`.

    Args:
        successes: of the ``n`` trials.
        n: number of independent trials; without any the interval is (0, 1).
        confidence: in (0, 1).

    Raises:
        ValueError: if the counts are not 0 <= successes <= n, or confidence is not in (0, 1).

    Examples:
        >>> import study
        >>> rate = study.clopper_pearson(3, 5)
        >>> round(rate.low, 2), round(rate.high, 2)
        (0.15, 0.95)
    """
    if not _checked(successes, n, confidence):
        return _UNKNOWN
    from scipy.stats import binomtest  # not for the intervals above: it takes longer to load than `study status` does

    found = binomtest(successes, n).proportion_ci(confidence_level=confidence, method="exact")
    return _rate(successes, n, float(found.low), float(found.high))


def boschloo(successes_1: int, n_1: int, successes_2: int, n_2: int) -> float:
    """Return the two-sided exact p-value that two independent proportions are equal.

    Twice the smaller one-sided p-value, each the largest probability, over the common rate, of a table with a Fisher
    p-value no larger than the observed one (Boschloo 1970, Statistica Neerlandica 24). Uniformly more powerful than
    Fisher's test. Samples count as independent: shared seeds are not used for pairing (:func:`study.mcnemar` does).

    Args:
        successes_1: of the ``n_1`` replicas of one setting.
        n_1: number of replicas.
        successes_2: of the ``n_2`` replicas of the other setting.
        n_2: number of replicas.

    Returns:
        p in [0, 1]; 1 when an n is 0.

    Raises:
        ValueError: if the counts are not 0 <= successes <= n.

    Examples:
        >>> import study
        >>> round(study.boschloo(9, 10, 3, 10), 3)
        0.008
    """
    _check(successes_1, n_1)
    _check(successes_2, n_2)
    if successes_1 + successes_2 in (0, n_1 + n_2) or not n_1 or not n_2:
        return 1.0  # every common rate explains such a table; scipy has no p-value where one sample is empty
    from scipy.stats import boschloo_exact

    table = [[successes_1, successes_2], [n_1 - successes_1, n_2 - successes_2]]
    return min(1.0, max(0.0, float(boschloo_exact(table).pvalue)))


def newcombe(a: Rate, b: Rate) -> tuple[float, float]:
    """Interval of the difference ``a - b``, from the Wilson intervals of both; (-1, 1) when an n is 0.

    ``d - hypot(p_a - l_a, u_b - p_b), d + hypot(u_a - p_a, p_b - l_b)``: Newcombe 1998, Statistics in Medicine 17,
    method 10.
    """
    if not a.n or not b.n:
        return -1.0, 1.0
    difference = a.rate - b.rate
    low = difference - hypot(a.rate - a.low, b.high - b.rate)
    high = difference + hypot(a.high - a.rate, b.rate - b.low)
    return max(-1.0, low), min(1.0, high)


_UNKNOWN = Rate(successes=0, n=0, low=0.0, high=1.0)


def _checked(successes: int, n: int, confidence: float) -> bool:
    """Return whether there is any observation; raise ValueError if the numbers are impossible."""
    _check(successes, n)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
    return n > 0


def _rate(successes: int, n: int, low: float, high: float) -> Rate:
    """Return the rate with its interval; rounding may leave the observed rate outside at the ends."""
    share = successes / n
    return Rate(successes=successes, n=n, low=max(0.0, min(low, share)), high=min(1.0, max(high, share)))


def _check(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be in [0, n], got {successes} of {n}")
