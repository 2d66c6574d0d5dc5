"""Kinds of hypotheses that compare the success of two sets of cells, in pairs where cells and seeds agree."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

from study.design.hypothesis import in_words
from study.evidence.inference.differences import (
    Betting,
    Difference,
    Independent,
    ManyPairs,
    OnePair,
    difference_of,
)
from study.evidence.inference.paired import Pairs
from study.evidence.inference.power_fixed import correlations, joint
from study.evidence.inference.proportions import Rate
from study.evidence.kind import TOO_EARLY, Extent, H, Kind, Rates, Shown, Tested, in_sequence
from study.evidence.pairing import Design, Unit, match, pairs_of
from study.evidence.wording import counted, observation
from study.formatting import plural

USUAL = (0.9, 0.7, 0.5)
"""Rates to assume of two sets that do not differ."""


class TwoRates(Kind[H, Difference]):
    """Two sets of cells.

    A new kind of this sort says what p and its leaning are (``against``), what the sentence says of the
    interval (``interval``), and its power.
    """

    unit = "pair"

    @abstractmethod
    def against(self, hypothesis: H, found: Difference) -> tuple[float, int]:
        """Return p, and whether it speaks for the hypothesis (1) or against it (-1) if it is small."""

    @abstractmethod
    def interval(self, hypothesis: H, found: Difference) -> str:
        """Say where the interval of the difference lies."""

    def limits(self, found: Difference, confidence: float) -> tuple[float, float]:
        """Return the interval of the difference that goes with the test."""
        return found.interval(confidence)

    def name(self, found: Difference) -> str:
        """Return the name of the test in words."""
        return found.test

    def test(self, hypothesis: H, design: Design, anytime: bool) -> Tested[Difference] | str:
        drawn, (a, b) = hypothesis.drawn, (design.cells(where) for where in hypothesis.sides)
        together = match(a, b, {name for where in hypothesis.sides for name in where})
        units = (
            design.pairs(together, drawn)
            if together.complete
            else design.apart(a, b, lambda record: record.converged, drawn)
        )
        used = in_sequence(units) if anytime else units
        seen = [unit for unit in used if unit.a and unit.b]
        if anytime and not seen:
            return TOO_EARLY
        pairs = _pairs(seen) if together.complete and seen else None
        found = _betting(seen, pairs) if anytime else _fixed(seen, pairs, design.successes(a), design.successes(b))
        p, leaning = self.against(hypothesis, found)
        return Tested(
            found=found,
            p=p,
            leaning=leaning,
            seeds=len(seen),
            pairs=pairs,
            left_out=0 if isinstance(found, Independent) else sum(unit.left_out for unit in used),
            later=sum(len(unit.a) + len(unit.b) + unit.left_out for unit in units[len(used) :]),
        )

    def shown(self, hypothesis: H, tested: Tested[Difference]) -> Shown:
        found = tested.found
        difference = (found.estimate, *self.limits(found, 0.95))
        return Shown(test=self.name(found), rates=found.rates, difference=difference, correlation=found.correlation)

    def words(self, hypothesis: H, tested: Tested[Difference], rates: Sequence[Rate]) -> list[str]:
        found = tested.found
        counts = [
            f"{counted(rate, 0.95, isinstance(found, Betting))} {verb}with {in_words(where)}"
            for rate, where, verb in zip(rates, hypothesis.sides, ("converged ", ""), strict=True)
        ]
        parts = [*counts, self.interval(hypothesis, found), _basis(hypothesis, found, tested.seeds)]
        return parts if found.correlation is None else [*parts, f"correlation {found.correlation:.2g}"]

    def extremes(self, hypothesis: H, extent: Extent) -> Iterator[tuple[float, int]]:
        for a, b in self.clearest(extent.observations):
            yield self.against(hypothesis, _imagined(extent, a, b))

    @abstractmethod
    def clearest(self, observations: int) -> Sequence[tuple[int, int]]:
        """Return on how many of the observations, the first ones, each side succeeds in the clearest outcomes."""

    def possible(self, rates: Rates, correlation: float) -> bool:
        low, high = correlations(*rates)
        return low <= correlation <= high


def checked(rates: tuple[float, float], correlation: float) -> list[Rates]:
    """Return what the user assumes.

    Raises:
        ValueError: if no pair has these rates and this correlation.
    """
    joint(*rates, correlation)
    return [rates]


def _fixed(seen: Sequence[Unit], pairs: Pairs | None, a: tuple[int, int], b: tuple[int, int]) -> Difference:
    if pairs is None:
        return Independent(a, b)
    return difference_of([(len(unit.a), sum(unit.a), sum(unit.b)) for unit in seen], pairs)


def _imagined(extent: Extent, a: int, b: int) -> Difference:
    """Return the difference where all replicas of the first ``a`` and the first ``b`` observations succeed."""
    n, size = extent.observations, extent.size
    counts_a, counts_b = ([(size * (place < own), size) for place in range(n)] for own in (a, b))
    if extent.anytime:
        return Betting(counts_a, counts_b, None)
    if not extent.matched:
        one, other = extent.replicas
        return Independent((one * a // n, one), (other * b // n, other))
    both, either = min(a, b), max(a, b)
    pairs = Pairs(both=size * both, only_a=size * (a - both), only_b=size * (b - both), neither=size * (n - either))
    return difference_of([(size, x, y) for (x, _), (y, _) in zip(counts_a, counts_b, strict=True)], pairs)


def _betting(seen: Sequence[Unit], pairs: Pairs | None) -> Difference:
    a, b = ([(sum(unit.a), len(unit.a)) for unit in seen], [(sum(unit.b), len(unit.b)) for unit in seen])
    return Betting(a, b, pairs.correlation if pairs else None)


def _pairs(units: Sequence[Unit]) -> Pairs:
    return pairs_of([x for unit in units for x in unit.a], [x for unit in units for x in unit.b])


def _basis(hypothesis: H, found: Difference, seeds: int) -> str:
    noun = observation(hypothesis)
    if isinstance(found, OnePair):
        return f"over {plural(found.pairs.n, 'pair')} on the same {noun}s"
    if isinstance(found, ManyPairs):
        return f"over {plural(found.pairs.n, 'pair')} on {plural(seeds, noun)} that count as one observation each"
    return f"after {plural(seeds, noun)}" if isinstance(found, Betting) else "seeds counting as independent"
