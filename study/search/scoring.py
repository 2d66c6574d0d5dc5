"""Candidates from records: what became of the replicas of each proposed cell."""

from collections import Counter
from collections.abc import Iterable, Sequence

from study.design.score import unit
from study.design.search import Point
from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.storage.records import Record, Status


def candidates(points: Sequence[Point], records: Iterable[Record]) -> tuple[Candidate, ...]:
    """Return the candidates with at least one replica that has ended, in order of cells.

    Args:
        points: what was proposed for each cell.
    """
    cells: dict[int, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    found = (candidate(points[cell], own) for cell, own in sorted(cells.items()))
    return tuple(own for own in found if own is not None)


def candidate(point: Point, records: Iterable[Record]) -> Candidate | None:
    """Return one cell's candidate from its records; None if no replica has ended yet."""
    ended = (r for r in records if r.decided or r.status is Status.STOPPED)
    seen = sorted(ended, key=lambda record: record.replica)
    if not seen:
        return None
    good = [record for record in seen if record.converged]
    qualities = [record.evidence["quality"] for record in good if "quality" in record.evidence]
    return Candidate(
        cell=seen[0].cell,
        name=seen[0].cell_name,
        point=point,
        outcomes=Counter(record.outcome for record in seen if record.decided),
        stopped=sum(not record.decided for record in seen),
        quality=sum(qualities) / len(qualities) if qualities else None,
        near=sum(_near(record) for record in seen) / len(seen),
        results=tuple(record.converged for record in seen),
    )


def _near(record: Record) -> float:
    return 0.0 if record.outcome is Outcome.DIVERGED else unit(record.evidence.get("quality"))
