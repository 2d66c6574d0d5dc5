"""Estimates: how two levels of a factor compare, beside how often each cell succeeded. Records in, summaries out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from study.design.study import Contrast
from study.evidence.inference.differences import Independent, OnePair, of_two_cells
from study.evidence.inference.multiple import holm
from study.evidence.inference.proportions import Rate, boschloo, clopper_pearson, newcombe, wilson
from study.evidence.inference.quality import QualityComparison, independent, paired
from study.evidence.pairing import Design, match, pairs_of
from study.evidence.summaries import CellSummary, by_rate, summarize
from study.storage.records import Record

__all__ = [
    "CellSummary",
    "Comparison",
    "Rate",
    "boschloo",
    "by_rate",
    "clopper_pearson",
    "compare",
    "newcombe",
    "summarize",
    "wilson",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A contrast in one place of the design, on the same seeds.

    Attributes:
        held: the labels of the other levels, the same in both cells.
        a, b: rates of the two cells, of the replicas that were compared: those with a partner, if there are pairs.
        difference: ``a.rate - b.rate`` with its 95 % interval, which agrees with p; 0 when an n is 0.
        test: its name in words: McNemar's on pairs with the same seed, Boschloo's where there is no such pair.
        p, p_adjusted: two-sided and exact, alone and by Holm over all rows of the call.
        pairs, correlation: how many pairs there are, and phi of their outcomes, absent where one side never varied.
        quality: of the successes among the replicas that were compared, with the share of failures; says nothing of how
            often a cell succeeds, and is not adjusted. Absent if some success has no ``quality`` in its evidence.
    """

    contrast: Contrast
    held: Mapping[str, str]
    a: Rate
    b: Rate
    difference: float
    low: float
    high: float
    test: str
    p: float
    p_adjusted: float
    pairs: int
    correlation: float | None
    quality: QualityComparison | None


def compare(contrasts: Sequence[Contrast], records: Sequence[Record]) -> tuple[Comparison, ...]:
    """Every contrast in every place of the design that has both its cells; in order of contrasts, then of cells."""
    design = Design(records)
    rows = [row for contrast in contrasts for row in _rows(contrast, design)]
    adjusted = holm([row.p for row in rows])
    return tuple(replace(row, p_adjusted=p) for row, p in zip(rows, adjusted, strict=True))


def _rows(contrast: Contrast, design: Design) -> list[Comparison]:
    """Return the rows of one contrast, p-values not adjusted."""
    first, second = (design.cells({contrast.factor: label}) for label in (contrast.a, contrast.b))
    matched = match(first, second, {contrast.factor})
    return [
        _row(contrast, {name: first[a][name] for name in matched.names}, design.rows(a), design.rows(b))
        for a, b in matched.cells.items()
    ]


def _row(contrast: Contrast, held: Mapping[str, str], a: Mapping[int, Record], b: Mapping[int, Record]) -> Comparison:
    """One contrast in one place, from the decided replicas of both cells by seed."""
    both = sorted(a.keys() & b.keys())
    rows = [[own[seed] for seed in both or sorted(own)] for own in (a, b)]
    found = _difference(*([row.converged for row in own] for own in rows), pairs=bool(both))
    low, high = found.interval(0.95)
    p, _ = found.against(0.0, 0.05)
    return Comparison(
        contrast=contrast,
        held=held,
        a=found.rates[0],
        b=found.rates[1],
        difference=found.estimate,
        low=low,
        high=high,
        test=found.test,
        p=p,
        p_adjusted=p,
        pairs=len(both),
        correlation=found.correlation,
        quality=_quality(*rows, pairs=bool(both)),
    )


def _difference(a: Sequence[bool], b: Sequence[bool], *, pairs: bool) -> OnePair | Independent:
    return of_two_cells(pairs_of(a, b) if pairs else None, (sum(a), len(a)), (sum(b), len(b)))


def _quality(a: Sequence[Record], b: Sequence[Record], *, pairs: bool) -> QualityComparison | None:
    if any(row.converged and "quality" not in row.evidence for row in (*a, *b)):
        return None
    first, second = ([row.evidence["quality"] if row.converged else None for row in own] for own in (a, b))
    return paired(first, second) if pairs else independent(first, second)
