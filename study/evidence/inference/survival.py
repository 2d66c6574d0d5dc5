"""Survival: the share that has not failed yet, and whether two groups fail alike. Times in, numbers out, never NaN."""

from dataclasses import dataclass
from math import comb
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import CensoredData, permutation_test
from scipy.stats import logrank as scipy_logrank

Floats = npt.NDArray[np.float64]
DRAWS = 19_999
"""Permutations that a test looks at, at most: all of up to 14 pairs, or of 8 against 8."""
_SEED = 1966
_DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """When each of N subjects was last seen, and whether it failed then.

    Attributes:
        time: ``[N]``, at least 0: of the failure, or of the last look at a subject that had not failed by then.
        failed: ``[N]``; where it is false the lifetime is right-censored.

    Raises:
        ValueError: if the two differ in length, or a time is negative or not finite.
    """

    time: Floats
    failed: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.time.ndim != 1 or self.time.shape != self.failed.shape:
            raise ValueError(f"time and failed must be [N] each, got {self.time.shape} and {self.failed.shape}")
        if not (np.isfinite(self.time) & (self.time >= 0)).all():
            raise ValueError("time must be finite and >= 0 everywhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalCurve:
    """A step function: the values at ``time[j]`` hold until ``time[j + 1]``, the last ones to the end.

    Attributes:
        time: ``[J]``, ascending from 0: every time at which somebody failed or was seen last.
        survival: ``[J]``, the estimated share that fails later than ``time``; never rises.
        low, high: ``[J]``, its pointwise interval; ``0 <= low <= survival <= high <= 1``.
    """

    time: Floats
    survival: Floats
    low: Floats
    high: Floats

    def at(self, time: Floats) -> tuple[Floats, Floats, Floats]:
        """``survival``, ``low`` and ``high`` at other times, all at least 0."""
        place = np.searchsorted(self.time, time, side="right") - 1
        return self.survival[place], self.low[place], self.high[place]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRank:
    """A log-rank test by permutation.

    Attributes:
        z: the statistic over its standard deviation; > 0 if the first group fails more than expected.
        p: two-sided, in [0, 1].
        least: the smallest p that groups of these sizes can give.
    """

    z: float
    p: float
    least: float


def kaplan_meier(lifetimes: Lifetimes, weights: Floats | None = None, confidence: float = 0.95) -> SurvivalCurve:
    """Return the product-limit estimate ``S(t) = prod (1 - d_j / Y_j)`` over the times ``t_j <= t`` of failures.

    Kaplan & Meier 1958, JASA 53. ``d_j`` and ``Y_j`` are the weights that fail at ``t_j`` and that are at risk then
    (seen at ``t_j`` or later). The interval is that of ``log(-log S)``, with Greenwood's variance, where ``S`` is
    strictly between 0 and 1; with weights, every ``Y_j`` subjects count as ``(sum w)^2 / sum w^2`` (Xie & Liu 2005,
    Statistics in Medicine 24, eq. 5). Where ``S`` is 1 or 0 that formula has no value: there it is Clopper's and
    Pearson's interval for all of those still at risk, or none of all. Nobody at all gives 1 with the interval 0 to 1.

    Args:
        weights: ``[N]``, at least 0: how many subjects each one stands for; 0 leaves it out. All 1 if not given.

    Raises:
        ValueError: if confidence is not in (0, 1), or the weights are not [N], finite and >= 0.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
    weight = _weights(lifetimes, weights)
    seen, failed, weight = lifetimes.time[weight > 0], lifetimes.failed[weight > 0], weight[weight > 0]
    if not len(seen):
        return SurvivalCurve(time=np.zeros(1), survival=np.ones(1), low=np.zeros(1), high=np.ones(1))
    time = np.unique([0.0, *seen])
    at_risk, squares = (_from(seen, values, time) for values in (weight, weight**2))
    number = at_risk**2 / squares
    kept = 1 - _from(seen[failed], weight[failed], time, only=True) / at_risk
    kept[np.abs(kept) < 1e-12] = 0.0  # the weights of all those at risk, summed in another order
    survival = kept.cumprod()
    low, high = _interval(survival, kept, number, confidence)
    return SurvivalCurve(time=time, survival=survival, low=low, high=high)


def logrank(a: Lifetimes, b: Lifetimes, *, paired: bool = False) -> LogRank:
    """Test whether two groups fail at the same rate, by permutation of the log-rank scores.

    The statistic is Mantel's (1966, Cancer Chemotherapy Reports 50) number of failures of ``a`` less the expected one.
    It is a sum of scores, ``failed - sum d_j / Y_j`` over the times up to the subject's own of all failures, which
    depend on the two groups together alone. p is twice the smaller tail over all ways to divide the subjects into
    groups of these sizes; of pairs, over all ways to swap some of them (the sign-flip test for censored pairs: O'Brien
    & Fleming 1987, Biometrics 43; Dabrowska 1990, JASA 85). Up to ``DRAWS`` ways are all counted; of more, so many are
    drawn, always the same ones, and ``(k + 1) / (DRAWS + 1)`` is a valid p (Phipson & Smyth 2010).

    Total: where no failure could tell the groups apart (no failures, an empty group, one subject left whenever
    somebody failed) z is 0 and p is 1.

    Args:
        paired: whether subject i of both is a pair, such as two replicas of one seed.

    Raises:
        ValueError: if ``paired`` and the groups differ in size.
    """
    if paired and len(a.time) != len(b.time):
        raise ValueError(f"paired groups must have the same size, got {len(a.time)} and {len(b.time)}")
    ways = 2 ** len(a.time) if paired else comb(len(a.time) + len(b.time), len(a.time))
    least = min(1.0, 2 / min(ways, DRAWS + 1))
    scores = _scores(a, b)
    z = _paired_z(*scores) if paired else _mantel(a, b)
    if not z:
        return LogRank(z=0.0, p=1.0, least=least)
    return LogRank(z=z, p=_permuted(*scores, paired=paired) if ways > 2 else 1.0, least=least)


def _scores(a: Lifetimes, b: Lifetimes) -> tuple[Floats, Floats]:
    """Return the log-rank score of every subject of both groups; over all of them they sum to 0."""
    time, failed = np.concatenate([a.time, b.time]), np.concatenate([a.failed, b.failed])
    ends = np.unique(time)
    ones = np.ones(len(time))
    hazard = np.cumsum(_from(time, failed.astype(np.float64), ends, only=True) / _from(time, ones, ends))
    scores = failed - hazard[np.searchsorted(ends, time)]
    return scores[: len(a.time)], scores[len(a.time) :]


def _paired_z(a: Floats, b: Floats) -> float:
    """Standardize the sum of the differences by its variance over all swaps."""
    differences = np.round(a - b, _DIGITS)
    spread = float(np.sqrt((differences**2).sum()))
    return float(differences.sum()) / spread if spread else 0.0


def _mantel(a: Lifetimes, b: Lifetimes) -> float:
    if not len(a.time) or not len(b.time) or not (a.failed.any() or b.failed.any()):
        return 0.0
    with np.errstate(all="ignore"):
        z = float(scipy_logrank(_censored(a), _censored(b)).statistic)
    return z if np.isfinite(z) else 0.0  # without variance


def _permuted(a: Floats, b: Floats, *, paired: bool) -> float:
    def statistic(x: Floats, y: Floats, axis: int) -> Floats:
        # Rounded, so that sums that are equal but for the order of their terms count as equal.
        found: Floats = np.round(x.sum(axis=axis) - y.sum(axis=axis), _DIGITS)
        return found

    if not paired and min(len(a), len(b)) == 1:
        return _one_against(*((a, b) if len(a) == 1 else (b, a)))
    kind: Literal["samples", "independent"] = "samples" if paired else "independent"
    chosen = np.random.default_rng(_SEED)
    found = permutation_test((a, b), statistic, permutation_type=kind, n_resamples=DRAWS, vectorized=True, rng=chosen)
    return float(found.pvalue)


def _one_against(one: Floats, others: Floats) -> float:
    """Return p of a group of one, which scipy does not take: any of all subjects could have been this one."""
    everybody = np.concatenate([one, others])
    below, above = (everybody <= one + 10**-_DIGITS).mean(), (everybody >= one - 10**-_DIGITS).mean()
    return float(min(1.0, 2 * min(below, above)))


def _censored(own: Lifetimes) -> CensoredData:
    return CensoredData(uncensored=own.time[own.failed], right=own.time[~own.failed])


def _weights(lifetimes: Lifetimes, weights: Floats | None) -> Floats:
    if weights is None:
        return np.ones(len(lifetimes.time))
    if weights.shape != lifetimes.time.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(f"weights must be {len(lifetimes.time)} finite numbers >= 0, one for each lifetime")
    return weights


def _from(seen: Floats, values: Floats, time: Floats, *, only: bool = False) -> Floats:
    """Return the sum of ``values`` seen at each time or later, or at that time ``only``."""
    order = np.argsort(seen)
    before = np.concatenate([[0.0], np.cumsum(values[order])])
    first = np.searchsorted(seen[order], time, side="left")
    last = np.searchsorted(seen[order], time, side="right") if only else len(seen)
    total: Floats = before[last] - before[first]
    return total


@np.errstate(all="ignore")
def _interval(survival: Floats, kept: Floats, number: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits at every time, from the share kept at each and the (effective) number at risk."""
    tail = (1 - confidence) / 2
    greenwood = np.cumsum((1 - kept) / (kept * number))
    spread = -ndtri(tail) * np.sqrt(greenwood) / -np.log(survival)
    all_left, none_left = survival == 1, survival == 0
    low = np.where(all_left, tail ** (1 / number), np.where(none_left, 0.0, survival ** np.exp(spread)))
    high = np.where(all_left, 1.0, np.where(none_left, 1 - tail ** (1 / number[0]), survival ** np.exp(-spread)))
    return np.minimum(low, survival), np.maximum(high, survival)
