"""Shares of replicas over seeds, each seed with one or several replicas: against a threshold, and with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from study.evidence.inference import confidence_sequences
from study.evidence.inference.clusters import effective, exact_interval, exact_p
from study.evidence.inference.proportions import Rate

Counts = Sequence[tuple[int, int]]
"""Successes and number of replicas of each seed; every number is at least 1."""


@dataclass(frozen=True, slots=True)
class FixedShare:
    """At a number of seeds that was fixed before: exact binomial, a seed as one observation."""

    counts: Counts

    @property
    def test(self) -> str:
        """The test's name in words; it is exact where a seed is one success or failure."""
        return "exact binomial test" if all(n == 1 for _, n in self.counts) else "binomial test"

    def rate(self, confidence: float) -> Rate:
        """Clopper and Pearson's interval."""
        return pooled_rate(self.counts, exact_interval(share_of(self.counts), self._seeds, confidence))

    def against(self, threshold: float, alpha: float) -> tuple[float, int]:
        """Return p of this true share, and on which side of it the data lie: 1 above, -1 below, 0 neither."""
        share = share_of(self.counts)
        return exact_p(share, self._seeds, threshold), (share > threshold) - (share < threshold)

    @property
    def _seeds(self) -> float:
        return effective([n for _, n in self.counts])


@dataclass(frozen=True, slots=True)
class BettingShare:
    """Looked at after every seed, in the order in which seeds count."""

    counts: Counts

    @property
    def test(self) -> str:
        return "betting, valid at any time"

    def rate(self, confidence: float) -> Rate:
        """Return the share with the interval that holds after every seed; seeds count alike."""
        found = confidence_sequences.interval([k / n for k, n in self.counts], confidence=confidence)
        return pooled_rate(self.counts, found)

    def against(self, threshold: float, alpha: float) -> tuple[float, int]:
        """As that of ``FixedShare``, by ``bet_against``."""
        return bet_against([k / n for k, n in self.counts], threshold, 0.0, 1.0, alpha)


def bet_against(values: Sequence[float], mean: float, low: float, high: float, alpha: float) -> tuple[float, int]:
    """p, valid at any time, of "the true mean is ``mean``", and the decided side: 1 above, -1 below, 0 not decided.

    p is one over the most evidence so far, so that it never grows; the side is fixed at the moment at which p first
    reached ``alpha``, so that what is decided stays so. That the side is wrong has chance at most alpha.
    """
    wealth = confidence_sequences.log_wealth(values, mean, low, high)
    # Twelve digits: the same wealth may come out a rounding error apart when there are more values.
    p = min(1.0, float(f"{exp(-float(wealth.max(initial=0.0))):.12g}"))
    reached = np.flatnonzero(wealth >= -log(alpha))
    if not reached.size:
        return p, 0
    then = float(np.mean(values[: reached[0] + 1]))
    return p, (then > mean) - (then < mean)


def share_of(counts: Counts) -> float:
    """Return the share of all replicas."""
    return sum(k for k, _ in counts) / sum(n for _, n in counts)


def pooled_rate(counts: Counts, interval: tuple[float, float]) -> Rate:
    """All successes of all replicas, with this interval, widened to hold their share."""
    low, high = interval
    share = share_of(counts)
    return Rate(
        successes=sum(k for k, _ in counts), n=sum(n for _, n in counts), low=min(low, share), high=max(high, share)
    )
