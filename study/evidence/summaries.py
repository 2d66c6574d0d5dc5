"""Summaries: how often each cell succeeded. Records in, counts with intervals out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from study.evidence.inference.proportions import Rate, wilson
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSummary:
    """What became of the replicas of one cell. ``rate.n + crashed + pending + skipped + stopped`` are all planned ones.

    Attributes:
        rate: converged of decided replicas, with its 95 % Wilson interval; the final window counts.
        ever_good: the same for replicas that were good in any window ("best checkpoint").
        borderline: decided replicas whose outcome would be another one if every quantity were a standard error better,
            or worse; absent if that is not known of all of them.
        outcomes: every outcome but ``undecided`` to its count, 0 included; they sum to ``rate.n``.
        crashed: undecided replicas whose process crashed: no failure of the GAN, and no success.
        pending: all other undecided replicas.
        skipped: planned replicas that the stopping rule did not need.
        stopped: undecided replicas that a search gave up before their end.
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
    skipped: int = 0
    stopped: int = 0
    borderline: int | None = None


def summarize(records: Sequence[Record]) -> tuple[CellSummary, ...]:
    """One summary per cell, in order of cells. Undecided replicas are in no rate."""
    cells: dict[int, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    return tuple(_summary(cells[cell]) for cell in sorted(cells))


def by_rate(summaries: Sequence[CellSummary]) -> list[CellSummary]:
    """Best first; among equals the one known better, then the order of the study."""
    return sorted(summaries, key=lambda s: (s.rate.n == 0, -s.rate.rate, -s.rate.low, s.cell))


def _summary(records: Sequence[Record]) -> CellSummary:
    decided = [record for record in records if record.decided]
    apart = Counter(record.status for record in records if not record.decided)
    crashed, skipped, stopped = (apart[status] for status in (Status.CRASHED, Status.SKIPPED, Status.STOPPED))
    counts = Counter(record.outcome for record in decided)
    return CellSummary(
        cell=records[0].cell,
        name=records[0].cell_name,
        levels=records[0].levels,
        rate=wilson(counts[Outcome.CONVERGED], len(decided)),
        ever_good=wilson(sum(record.ever_good for record in decided), len(decided)),
        outcomes={outcome: counts[outcome] for outcome in Outcome if outcome.decided},
        crashed=crashed,
        pending=apart.total() - crashed - skipped - stopped,
        seconds=sum(record.seconds for record in records),
        skipped=skipped,
        stopped=stopped,
        borderline=_borderline(decided),
    )


def _borderline(decided: Sequence[Record]) -> int | None:
    known = [record.borderline for record in decided if record.borderline is not None]
    return sum(known) if len(known) == len(decided) else None
