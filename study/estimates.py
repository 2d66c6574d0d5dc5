"""Estimates: how often each cell succeeded, and how two levels of a factor compare. Records in, summaries out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.outcome import Outcome
from study.records import Record, Status
from study.spec import Contrast
from study.statistics.proportions import Rate, boschloo, clopper_pearson, newcombe, wilson

__all__ = [
    "CellSummary",
    "Comparison",
    "Rate",
    "boschloo",
    "clopper_pearson",
    "compare",
    "newcombe",
    "summarise",
    "wilson",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSummary:
    """What became of the replicas of one cell. ``rate.n + crashed + pending`` is the number of planned ones.

    Attributes:
        rate: converged of decided replicas, with its 95 % Wilson interval; the final window counts.
        ever_good: the same for replicas that were good in any window ("best checkpoint").
        outcomes: every outcome but ``undecided`` to its count, 0 included; they sum to ``rate.n``.
        crashed: undecided replicas whose process crashed: no failure of the GAN, and no success.
        pending: all other undecided replicas, planned or stopped.
        seconds: training time of all replicas together.
    """

    cell: int
    name: str
    levels: Mapping[str, str]
    rate: Rate
    ever_good: Rate
    outcomes: Mapping[Outcome, int]
    crashed: int
    pending: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A contrast in one place of the design.

    Attributes:
        held: the other factors' levels.
        a, b: the rates of the two cells.
        difference: ``a.rate - b.rate`` with its 95 % Newcombe interval ``low`` to ``high``; 0 when an n is 0.
        p: Boschloo's two-sided p-value, not corrected for the number of comparisons.
    """

    contrast: Contrast
    held: Mapping[str, str]
    a: Rate
    b: Rate
    difference: float
    low: float
    high: float
    p: float


def summarise(records: Sequence[Record]) -> tuple[CellSummary, ...]:
    """One summary per cell, in order of cells. Undecided replicas are in no rate."""
    cells: dict[int, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    return tuple(_summary(cells[cell]) for cell in sorted(cells))


def compare(contrasts: Sequence[Contrast], summaries: Sequence[CellSummary]) -> tuple[Comparison, ...]:
    """Every contrast in every place of the design that has both its cells; in order of contrasts, then of cells."""
    return tuple(
        _comparison(contrast, a, b)
        for contrast in contrasts
        for a in summaries
        if a.levels.get(contrast.factor) == contrast.a
        for b in summaries
        if b.levels.get(contrast.factor) == contrast.b and _held(contrast, a) == _held(contrast, b)
    )


def _summary(records: Sequence[Record]) -> CellSummary:
    decided = [record for record in records if record.outcome is not Outcome.UNDECIDED]
    crashed = sum(record.outcome is Outcome.UNDECIDED and record.status is Status.CRASHED for record in records)
    counts = Counter(record.outcome for record in decided)
    return CellSummary(
        cell=records[0].cell,
        name=records[0].cell_name,
        levels=records[0].levels,
        rate=wilson(counts[Outcome.CONVERGED], len(decided)),
        ever_good=wilson(sum(record.ever_good for record in decided), len(decided)),
        outcomes={outcome: counts[outcome] for outcome in Outcome if outcome is not Outcome.UNDECIDED},
        crashed=crashed,
        pending=len(records) - len(decided) - crashed,
        seconds=sum(record.seconds for record in records),
    )


def _comparison(contrast: Contrast, a: CellSummary, b: CellSummary) -> Comparison:
    low, high = newcombe(a.rate, b.rate)
    return Comparison(
        contrast=contrast,
        held=_held(contrast, a),
        a=a.rate,
        b=b.rate,
        difference=a.rate.rate - b.rate.rate if a.rate.n and b.rate.n else 0.0,
        low=low,
        high=high,
        p=boschloo(a.rate.successes, a.rate.n, b.rate.successes, b.rate.n),
    )


def _held(contrast: Contrast, summary: CellSummary) -> dict[str, str]:
    return {factor: label for factor, label in summary.levels.items() if factor != contrast.factor}
