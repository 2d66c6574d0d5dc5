"""Differences of two success rates, a minus b, with one class per dependence structure of the observations.

===============  ====================================  ==========================  ===================================
class            observations                          test of equal rates         interval
===============  ====================================  ==========================  ===================================
``OnePair``      one pair per seed                     exact McNemar               exact unconditional score
``ManyPairs``    several pairs per seed                exact sign-flip over seeds  Newcombe, a seed as one observation
``Independent``  no pairs                              Boschloo                    Newcombe
``Betting``      per-seed differences, looked at       evidence by betting         confidence sequence
                 after every seed
===============  ====================================  ==========================  ===================================

``interval`` goes with the test of equal rates: it holds 0 where that test does not reject, if need be widened to 0.
``margin_interval`` goes with the tests of other differences, which invert it: Newcombe's, paired where there are pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from scipy.optimize import brentq

from study.evidence.inference import confidence_sequences
from study.evidence.inference.clusters import effective, score_interval
from study.evidence.inference.paired import Pairs, mcnemar, newcombe_paired, sign_flip
from study.evidence.inference.paired_exact import agreeing, exact_interval
from study.evidence.inference.proportions import Rate, boschloo, newcombe, wilson
from study.evidence.inference.shares import BettingShare, Counts, bet_against, pooled_rate, share_of

_LEAST = 1e-12
"""The smallest level that is looked at where a p-value is found from intervals."""
Cluster = tuple[int, int, int]
"""Pairs of one seed, successes on side a, successes on side b."""


class Difference(Protocol):
    """Two success rates and their difference.

    Attributes:
        test: in words, of equal rates; ``equivalence``: of rates that differ by less than a margin.
        tails: 2 if ``against`` gives two-sided p-values that may be halved for a claim about one side, else 1.
    """

    test: ClassVar[str]
    equivalence: ClassVar[str]
    tails: ClassVar[int]

    @property
    def rates(self) -> tuple[Rate, Rate]:
        """Of a and b, with 95 % intervals."""
        ...

    @property
    def estimate(self) -> float: ...

    @property
    def correlation(self) -> float | None:
        """Of the two outcomes of a pair; absent without pairs, or where one side never varied."""
        ...

    def interval(self, confidence: float) -> tuple[float, float]:
        """Of the difference; holds 0 wherever the test of equal rates has ``p >= 1 - confidence``."""
        ...

    def margin_interval(self, confidence: float) -> tuple[float, float]:
        """Of the difference; holds what ``against`` does not refute, 0 perhaps excepted."""
        ...

    def against(self, difference: float, alpha: float) -> tuple[float, int]:
        """Return p of this true difference, and on which side of it the data lie: 1 above, -1 below, 0 neither."""
        ...


@dataclass(frozen=True, slots=True)
class OnePair:
    """One pair per seed."""

    pairs: Pairs
    test: ClassVar[str] = "exact McNemar test"
    equivalence: ClassVar[str] = "two one-sided tests by Newcombe's interval for pairs"
    tails: ClassVar[int] = 2

    @property
    def rates(self) -> tuple[Rate, Rate]:
        pairs = self.pairs
        return wilson(pairs.both + pairs.only_a, pairs.n), wilson(pairs.both + pairs.only_b, pairs.n)

    @property
    def estimate(self) -> float:
        return (self.pairs.only_a - self.pairs.only_b) / self.pairs.n

    @property
    def correlation(self) -> float | None:
        return self.pairs.correlation

    def interval(self, confidence: float) -> tuple[float, float]:
        return exact_interval(self.pairs, confidence)

    def margin_interval(self, confidence: float) -> tuple[float, float]:
        return newcombe_paired(self.pairs, confidence)

    def against(self, difference: float, alpha: float) -> tuple[float, int]:
        p = mcnemar(self.pairs) if difference == 0 else _inverted(self, difference)
        return p, _sign(self.estimate - difference)


@dataclass(frozen=True, slots=True)
class ManyPairs:
    """Several pairs per seed; ``pairs`` are all of them together."""

    clusters: Sequence[Cluster]
    pairs: Pairs
    test: ClassVar[str] = "exact sign-flip test"
    equivalence: ClassVar[str] = "two one-sided tests by Newcombe's interval"
    tails: ClassVar[int] = 2

    @property
    def rates(self) -> tuple[Rate, Rate]:
        return self._rates(0.95)

    @property
    def estimate(self) -> float:
        return (self.pairs.only_a - self.pairs.only_b) / self.pairs.n

    @property
    def correlation(self) -> float | None:
        return self.pairs.correlation

    def interval(self, confidence: float) -> tuple[float, float]:
        return agreeing(*self.margin_interval(confidence), self.against(0.0, 1 - confidence)[0], confidence)

    def margin_interval(self, confidence: float) -> tuple[float, float]:
        return newcombe(*self._rates(confidence))

    def against(self, difference: float, alpha: float) -> tuple[float, int]:
        if difference:
            return _inverted(self, difference), _sign(self.estimate - difference)
        sums = [a - b for _, a, b in self.clusters]
        return sign_flip(sums), _sign(sum(sums))

    def _rates(self, confidence: float) -> tuple[Rate, Rate]:
        pairs, seeds = self.pairs, effective([n for n, _, _ in self.clusters])
        a, b = (
            pooled_rate([(k, pairs.n)], score_interval(k / pairs.n, seeds, confidence))
            for k in (pairs.both + pairs.only_a, pairs.both + pairs.only_b)
        )
        return a, b


@dataclass(frozen=True, slots=True)
class Independent:
    """Successes and numbers of two samples without pairs."""

    a: tuple[int, int]
    b: tuple[int, int]
    test: ClassVar[str] = "Boschloo's exact test"
    equivalence: ClassVar[str] = "two one-sided tests by Newcombe's interval"
    tails: ClassVar[int] = 2

    @property
    def rates(self) -> tuple[Rate, Rate]:
        return wilson(*self.a), wilson(*self.b)

    @property
    def estimate(self) -> float:
        a, b = self.rates
        return a.rate - b.rate if a.n and b.n else 0.0

    @property
    def correlation(self) -> float | None:
        return None

    def interval(self, confidence: float) -> tuple[float, float]:
        return agreeing(*self.margin_interval(confidence), self.against(0.0, 1 - confidence)[0], confidence)

    def margin_interval(self, confidence: float) -> tuple[float, float]:
        return newcombe(wilson(*self.a, confidence), wilson(*self.b, confidence))

    def against(self, difference: float, alpha: float) -> tuple[float, int]:
        p = boschloo(*self.a, *self.b) if difference == 0 else _inverted(self, difference)
        return p, _sign(self.estimate - difference)


@dataclass(frozen=True, slots=True)
class Betting:
    """Differences and both shares of each seed, in the order in which seeds count.

    Attributes:
        a, b: successes and number of replicas of each seed.
        correlation: as found from the pairs.
    """

    a: Counts
    b: Counts
    correlation: float | None
    test: ClassVar[str] = "betting, valid at any time"
    equivalence: ClassVar[str] = "two bets, valid at any time"
    tails: ClassVar[int] = 1

    @property
    def rates(self) -> tuple[Rate, Rate]:
        return BettingShare(self.a).rate(0.95), BettingShare(self.b).rate(0.95)

    @property
    def estimate(self) -> float:
        return share_of(self.a) - share_of(self.b)

    def interval(self, confidence: float) -> tuple[float, float]:
        low, high = confidence_sequences.interval(self._values(), -1.0, 1.0, confidence)
        return min(low, self.estimate), max(high, self.estimate)

    def margin_interval(self, confidence: float) -> tuple[float, float]:
        return self.interval(confidence)

    def against(self, difference: float, alpha: float) -> tuple[float, int]:
        return bet_against(self._values(), difference, -1.0, 1.0, alpha)

    def _values(self) -> list[float]:
        return [x / m - y / n for (x, m), (y, n) in zip(self.a, self.b, strict=True)]


def of_two_cells(pairs: Pairs | None, a: tuple[int, int], b: tuple[int, int]) -> OnePair | Independent:
    """Return the difference of two cells: on pairs of one seed, if there are any.

    Args:
        a, b: successes and number of the replicas of each cell.
    """
    return Independent(a, b) if pairs is None else OnePair(pairs)


def difference_of(clusters: Sequence[Cluster], pairs: Pairs) -> OnePair | ManyPairs:
    """Return the difference over seeds with at least one pair each."""
    return OnePair(pairs) if all(n == 1 for n, _, _ in clusters) else ManyPairs(clusters, pairs)


def remark(found: Difference, confidence: float) -> str:
    """Say how the interval of the difference was made to agree with the test, or that it does not; empty otherwise."""
    if isinstance(found, Betting):
        return ""  # the interval is what the test does not refute
    low, high = found.interval(confidence)
    rejects = found.against(0.0, 1 - confidence)[0] < 1 - confidence
    if rejects and low <= 0 <= high:
        return "this interval and the test use different approximations, and the test decides"
    return "" if rejects or low < 0 < high else "the interval is widened to 0, which the test does not refute"


def _inverted(found: Difference, difference: float) -> float:
    """Return the smallest level at which the interval leaves out ``difference``."""
    above = found.estimate > difference

    def excess(level: float) -> float:
        low, high = found.margin_interval(1 - level)
        return low - difference if above else difference - high

    if found.estimate == difference or excess(1 - _LEAST) <= 0:
        return 1.0
    return _LEAST if excess(_LEAST) > 0 else float(brentq(excess, _LEAST, 1 - _LEAST))


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)
