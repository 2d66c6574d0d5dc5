"""Testing one hypothesis on the records of a launch: which replicas are observations, and what a test says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share, in_words, sides
from study.evidence.inference.differences import Betting, Difference, Independent, difference_of
from study.evidence.inference.paired import Pairs
from study.evidence.inference.shares import BettingShare, FixedShare
from study.evidence.pairing import Design, Unit, converged, match, pairs_of

_TOO_EARLY = "No seed counts yet: the first ones lack outcomes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """A test and what it was made on.

    Attributes:
        p: two-sided; for a ``SameSuccess`` that of the equivalence.
        leaning: whether p, if it is small, speaks for the hypothesis (1) or against it (-1); 0 if it is not small.
        seeds: independent observations.
        left_out: replicas whose partner has no outcome; ``later``: those after the end of the sequence.
    """

    found: Difference | FixedShare | BettingShare
    p: float
    leaning: int
    seeds: int
    pairs: Pairs | None = None
    left_out: int = 0
    later: int = 0


def examine(hypothesis: Hypothesis, design: Design, anytime: bool) -> Tested | str:
    """The test, or in one sentence why there can be none."""
    for where in sides(hypothesis):
        cells = design.cells(where)
        if not cells:
            return f"This profile has no cell with {in_words(where)}."
        if not design.successes(cells)[1]:
            return f"No replica with {in_words(where)} has an outcome yet."
    if isinstance(hypothesis, Share):
        return _share(hypothesis, design, anytime)
    return _difference(hypothesis, design, anytime)


def _share(hypothesis: Share, design: Design, anytime: bool) -> Tested | str:
    cells = design.cells(hypothesis.where)
    units = design.apart(cells, {}, lambda record: record.outcome in hypothesis.outcomes, hypothesis.drawn)
    counted = _in_sequence(units) if anytime else units
    counts = [(sum(unit.a), len(unit.a)) for unit in counted if unit.a]
    if not counts:
        return _TOO_EARLY
    found = BettingShare(counts) if anytime else FixedShare(counts)
    p, side = found.against(hypothesis.threshold, hypothesis.alpha)
    return Tested(
        found=found,
        p=p,
        leaning=side if hypothesis.side == "above" else -side,
        seeds=len(counts),
        later=sum(len(unit.a) for unit in units[len(counted) :]),
    )


def _difference(hypothesis: MoreSuccess | SameSuccess, design: Design, anytime: bool) -> Tested | str:
    drawn, (a, b) = hypothesis.drawn, (design.cells(where) for where in sides(hypothesis))
    together = match(a, b, {name for where in sides(hypothesis) for name in where})
    units = design.pairs(together, drawn) if together.complete else design.apart(a, b, converged, drawn)
    counted = _in_sequence(units) if anytime else units
    seen = [unit for unit in counted if unit.a and unit.b]
    if anytime and not seen:
        return _TOO_EARLY
    pairs = _pairs(seen) if together.complete and seen else None
    found = _betting(seen, pairs) if anytime else _fixed(seen, pairs, design.successes(a), design.successes(b))
    p, leaning = _more(hypothesis, found) if isinstance(hypothesis, MoreSuccess) else _same(hypothesis, found)
    return Tested(
        found=found,
        p=p,
        leaning=leaning,
        seeds=len(seen),
        pairs=pairs,
        left_out=0 if isinstance(found, Independent) else sum(unit.left_out for unit in counted),
        later=sum(len(unit.a) + len(unit.b) + unit.left_out for unit in units[len(counted) :]),
    )


def _fixed(seen: Sequence[Unit], pairs: Pairs | None, a: tuple[int, int], b: tuple[int, int]) -> Difference:
    if pairs is None:
        return Independent(a, b)
    return difference_of([(len(unit.a), sum(unit.a), sum(unit.b)) for unit in seen], pairs)


def _betting(seen: Sequence[Unit], pairs: Pairs | None) -> Difference:
    a, b = ([(sum(unit.a), len(unit.a)) for unit in seen], [(sum(unit.b), len(unit.b)) for unit in seen])
    return Betting(a, b, pairs.correlation if pairs else None)


def _more(hypothesis: MoreSuccess, found: Difference) -> tuple[float, int]:
    return found.against(0.0, hypothesis.alpha)


def _same(hypothesis: SameSuccess, found: Difference) -> tuple[float, int]:
    """Equal rates need both ends of the margin refuted, unequal ones the end that they are beyond."""
    upper, above = found.against(hypothesis.margin, hypothesis.alpha)
    lower, below = found.against(-hypothesis.margin, hypothesis.alpha)
    if above > 0:
        return upper / found.tails, -1
    if below < 0:
        return lower / found.tails, -1
    return max(upper, lower) / found.tails, 1


def _in_sequence(units: Sequence[Unit]) -> list[Unit]:
    return list(takewhile(lambda unit: not unit.open, units))


def _pairs(units: Sequence[Unit]) -> Pairs:
    return pairs_of([x for unit in units for x in unit.a], [x for unit in units for x in unit.b])
