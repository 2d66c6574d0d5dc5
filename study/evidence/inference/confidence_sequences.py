"""Evidence that may be looked at after every seed: betting on the mean of bounded values.

Somebody who doubts "the mean is m" stakes a share of the wealth on every next value. With values scaled to
y in [0, 1], the bet q in (0, 1) multiplies the wealth by ``y q/m + (1 - y) (1 - q)/(1 - m)``. This is
``1 + lambda (y - m)`` with ``lambda = (q - m) / (m (1 - m))``: any bet that cannot lose more than all. If the mean
is m, no bet gains on average, so the wealth of a mixture of bets is a martingale that starts at 1: it reaches
``1/alpha``, at any time at all, with chance at most alpha (Ville 1939; Waudby-Smith & Ramdas 2024, JRSS B 86, section
4). One may therefore look after every value, and stop for any reason.

The mixture is q ~ Beta(1/2, 1/2), which stays within a factor of about sqrt(n) of the best bet in hindsight
(Krichevsky & Trofimov 1981, IEEE Trans. Inf. Theory 27). For values 0 and 1 the wealth is Robbins' beta-binomial
mixture (Robbins 1970, Ann. Math. Stat. 41); for -1, 0 and 1 with m = 0 it is that of the discordant pairs: a McNemar
test for every moment, valid whatever the correlation within a pair. For other values the wealth after n of them is a
polynomial in q of degree n, so that its mean over the J nodes of Gauss and Chebyshev, ``sin^2((2 j - 1) pi / 4 J)``,
is the mixture itself while n < 2 J; after that it is a mixture of J bets, as valid.

The wealth is log-convex in m: 1/m and 1/(1 - m) are, and sums, products, mixtures and maxima keep it. At the mean of
the values it is at most 1. Hence the means not ruled out after n values are an interval around the mean of the
values, and the means that were never ruled out are an interval too.

**The sign.** When the wealth against m reaches ``1/alpha``, the decision is "above m" if the mean of the values so
far is above m, else "below". It is wrong with chance at most alpha: at that moment the interval lies wholly on the
decided side, and the true mean is in the interval at all moments but for a chance of alpha. So read the sign off
``interval``.
"""

from collections.abc import Sequence
from math import exp, inf, log, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import betaln

Floats = NDArray[np.float64]

_MOST_BETS = 256
_LARGEST = 1e300  # of evidence: finite, so that it can be stored; less than the truth is still valid
_TINY = 1e-300  # a mean this close to an end stands for the end, where a single other value refutes it
_EDGE = 1e-12  # how close to an end of the scale the end of an interval is looked for


def evidence(values: Sequence[float], mean: float, low: float = 0.0, high: float = 1.0) -> float:
    """Return the most wealth that betting against the true mean ``mean`` had after any number of values, in [1, 1e300].

    ``1 / evidence`` is a p-value that holds however the number of values was chosen. The order of the values counts.

    Raises:
        ValueError: if low >= high, or a value or the mean is not in [low, high].
    """
    return min(_LARGEST, exp(min(700.0, _most(log_wealth(values, mean, low, high)))))


def interval(
    values: Sequence[float], low: float = 0.0, high: float = 1.0, confidence: float = 0.95
) -> tuple[float, float]:
    """All means that the wealth never reached ``1 / (1 - confidence)`` against, after any number of ``values``.

    Covers the true mean at every moment at once with chance >= ``confidence``; never widens as values are added;
    (low, high) without any. Values that contradict each other (they have no common mean) may leave none at all: then
    the last interval before that.

    Raises:
        ValueError: as ``evidence``; if confidence is not in (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
    scaled, _ = _scaled(values, low, low, high)
    limit = -log(1 - confidence)
    inside = _inside(scaled, limit)
    if inside is None:
        scaled, inside = _longest(scaled, limit)
    ends = (_end(scaled, limit, inside, edge) for edge in (0.0, 1.0))
    least, most = (low + (high - low) * end for end in ends)
    return max(low, least), min(high, most)


def log_wealth(values: ArrayLike, mean: float, low: float = 0.0, high: float = 1.0) -> Floats:
    """Logarithm of the wealth against "the true mean is ``mean``" after 1, 2, ..., n values.

    ``[..., n]`` values to ``[..., n]`` logarithms; leading axes are separate sequences.

    Raises:
        ValueError: as ``evidence``.
    """
    scaled, m = _scaled(values, mean, low, high)
    return _log_wealth(scaled, m)


def _log_wealth(y: Floats, m: float) -> Floats:
    up, down = max(m, _TINY), max(1 - m, _TINY)
    coins, idle = (y == 0) | (y == 1), (y == 0.5) & (m == 0.5)  # at m = 1/2 no bet wins or loses on 1/2
    if not np.all(coins | idle):
        return _mixture(y, up, down)
    wins, losses = np.cumsum(y == 1, axis=-1), np.cumsum(y == 0, axis=-1)
    prior = betaln(0.5, 0.5)
    found: Floats = betaln(wins + 0.5, losses + 0.5) - prior - wins * log(up) - losses * log(down)
    return found


def _mixture(y: Floats, up: float, down: float) -> Floats:
    bets = min(_MOST_BETS, y.shape[-1] // 2 + 1)
    q = np.sin((2 * np.arange(bets) + 1) * pi / (4 * bets)) ** 2
    logs = np.cumsum(np.log(y[..., None] * (q / up) + (1 - y[..., None]) * ((1 - q) / down)), axis=-2)
    top = logs.max(axis=-1, keepdims=True)
    found: Floats = top[..., 0] + np.log(np.exp(logs - top).mean(axis=-1))
    return found


def _most(logs: Floats) -> float:
    """Of the wealth at any moment, the start included."""
    return float(logs.max(initial=0.0))


def _inside(y: Floats, limit: float) -> float | None:
    """Return a mean that was never ruled out, preferably that of the values; None if there is none."""
    guess = float(y.mean()) if y.size else 0.5
    if _most(_log_wealth(y, guess)) < limit:
        return guess
    best = minimize_scalar(lambda m: _most(_log_wealth(y, m)), bounds=(0, 1), method="bounded", options={"xatol": 1e-9})
    return float(best.x) if best.fun < limit else None


def _longest(y: Floats, limit: float) -> tuple[Floats, float]:
    """Return the most first values that leave a mean, and that mean."""
    few, many, found = 0, y.size, 0.5
    while many - few > 1:
        middle = (few + many) // 2
        inside = _inside(y[:middle], limit)
        few, many = (few, middle) if inside is None else (middle, many)
        found = found if inside is None else inside
    return y[:few], found


def _end(y: Floats, limit: float, inside: float, edge: float) -> float:
    """Where the wealth reaches the limit between ``inside`` and an end of the scale; that end where it does not."""

    def excess(m: float) -> float:
        return _most(_log_wealth(y, m)) - limit

    near = abs(edge - _EDGE)
    if abs(inside - edge) <= _EDGE or excess(near) < 0:
        return edge
    return float(brentq(excess, min(near, inside), max(near, inside), xtol=1e-10))


def _scaled(values: ArrayLike, mean: float, low: float, high: float) -> tuple[Floats, float]:
    if not -inf < low < high < inf:
        raise ValueError(f"low must be < high, got {low} and {high}")
    if not low <= mean <= high:
        raise ValueError(f"mean must be in [{low}, {high}], got {mean}")
    array = np.asarray(values, dtype=np.float64)
    outside = array[~((array >= low) & (array <= high))]
    if outside.size:
        raise ValueError(f"values must be in [{low}, {high}], got {outside[0]}")
    return (array - low) / (high - low), (mean - low) / (high - low)
