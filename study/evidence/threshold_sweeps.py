"""Paired comparisons over a sweep of thresholds: which of two settings passes, on the same settings and seeds.

One cut decides too much: whether "success" is a quality above 0.5 or above 0.9 can turn a comparison round. The table
shows every cut, as Gulrajani et al. 2017 (appendix) do for 200 architectures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.design.study import Sweep
from study.evidence.inference.paired import mcnemar
from study.evidence.pairing import pairs_of
from study.outcomes.outcome import Outcome
from study.storage.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """All pairs at one threshold.

    Attributes:
        p: exact McNemar test of equal chances; 1 if no pair differs.
        correlation: phi of the two passes of a pair; absent where one side passed always or never.
    """

    threshold: float
    only_a: int
    only_b: int
    both: int
    neither: int
    p: float
    correlation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepTable:
    """A sweep with its cuts; ``missing`` pairs are planned, but one of their replicas has no outcome (yet)."""

    sweep: Sweep
    cuts: tuple[Cut, ...]
    pairs: int
    missing: int


def table(sweep: Sweep, records: Sequence[Record]) -> SweepTable:
    """Return the four-way table of a sweep."""
    a, b = (_side(sweep, label, records) for label in (sweep.a, sweep.b))
    planned = [(a[place], b[place]) for place in a if place in b]
    pairs = [pair for pair in planned if all(record.decided for record in pair)]
    values = [(_number(sweep, one), _number(sweep, other)) for one, other in pairs]
    cuts = tuple(_cut(threshold, values) for threshold in sweep.thresholds)
    return SweepTable(sweep=sweep, cuts=cuts, pairs=len(pairs), missing=len(planned) - len(pairs))


def _side(sweep: Sweep, label: str, records: Sequence[Record]) -> Mapping[tuple[object, ...], Record]:
    return {_place(sweep, record): record for record in records if record.levels.get(sweep.factor) == label}


def _place(sweep: Sweep, record: Record) -> tuple[object, ...]:
    return (*(record.levels.get(name) for name in sweep.paired_by), record.seed)


def _number(sweep: Sweep, record: Record) -> float:
    if record.outcome is Outcome.DIVERGED:
        return float("-inf")
    return record.evidence.get(sweep.evidence, float("-inf"))


def _cut(threshold: float, values: Sequence[tuple[float, float]]) -> Cut:
    pairs = pairs_of([a > threshold for a, _ in values], [b > threshold for _, b in values])
    return Cut(
        threshold=threshold,
        only_a=pairs.only_a,
        only_b=pairs.only_b,
        both=pairs.both,
        neither=pairs.neither,
        p=mcnemar(pairs),
        correlation=pairs.correlation,
    )
