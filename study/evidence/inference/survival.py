"""Survival: the share that has not failed yet, and whether two groups fail alike. Times in, numbers out, never NaN."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import CensoredData
from scipy.stats import logrank as scipy_logrank

Floats = npt.NDArray[np.float64]


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
    """The log-rank test: ``p`` two-sided, in [0, 1]; ``z`` > 0 if the first group fails more than expected."""

    z: float
    p: float


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


def logrank(a: Lifetimes, b: Lifetimes) -> LogRank:
    """Whether two groups fail at the same rate: Mantel 1966, Cancer Chemotherapy Reports 50, normal approximation.

    Total: where no failure could tell the groups apart (no failures, an empty group, one subject left whenever
    somebody failed) z is 0 and p is 1.
    """
    if not len(a.time) or not len(b.time) or not (a.failed.any() or b.failed.any()):
        return LogRank(z=0.0, p=1.0)
    with np.errstate(all="ignore"):
        found = scipy_logrank(_censored(a), _censored(b))
    if not np.isfinite(found.statistic):
        return LogRank(z=0.0, p=1.0)  # no variance
    return LogRank(z=float(found.statistic), p=float(found.pvalue))


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
