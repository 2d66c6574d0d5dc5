"""Candidates from records: what became of the replicas of each proposed cell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from study.outcome import Outcome
from study.records import Record, Status
from study.search.candidates import Candidate, unit
from study.search.proposals import Point


def candidates(points: Mapping[int, Point], records: Iterable[Record]) -> tuple[Candidate, ...]:
    """The candidates with at least one replica that has ended, in order of cells.

    Args:
        points: cell to what was proposed for it.
    """
    cells: dict[int, list[Record]] = {cell: [] for cell in points}
    for record in records:
        if record.outcome is not Outcome.UNDECIDED or record.status is Status.STOPPED:
            cells[record.cell].append(record)
    return tuple(candidate(points[cell], own) for cell, own in sorted(cells.items()) if own)


def candidate(point: Point, records: Sequence[Record]) -> Candidate:
    """One cell's candidate from its replicas that have ended, at least one."""
    seen = sorted(records, key=lambda record: record.replica)
    good = [record for record in seen if record.outcome is Outcome.CONVERGED]
    qualities = [record.evidence["quality"] for record in good if "quality" in record.evidence]
    return Candidate(
        cell=seen[0].cell,
        name=seen[0].cell_name,
        point=point,
        outcomes=Counter(record.outcome for record in seen if record.outcome is not Outcome.UNDECIDED),
        stopped=sum(record.outcome is Outcome.UNDECIDED for record in seen),
        quality=sum(qualities) / len(qualities) if qualities else None,
        near=sum(_near(record) for record in seen) / len(seen),
        results=tuple(record.outcome is Outcome.CONVERGED for record in seen),
    )


def _near(record: Record) -> float:
    return 0.0 if record.outcome is Outcome.DIVERGED else unit(record.evidence.get("quality"))
