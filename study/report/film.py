"""Sample films: how the samples of one replica change along training, for each outcome that occurred.

A film is a few frames and, where scripts run, a slider; without a script its last frame stands alone. Nothing plays by
itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.outcomes.outcome import Outcome
from study.report import samples
from study.report.palette import ORDER
from study.report.samples import Shown
from study.storage.records import Record
from study.storage.store import Store

_FRAMES = 6
_LARGEST_SIDE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The samples at one step."""

    step: int
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One replica's samples in order of steps; at least one frame, at most six, the last one among them."""

    record: Record
    frames: tuple[Frame, ...]


def films(store: Store, records: Sequence[Record]) -> list[Film]:
    """Return a film of the first replica of each outcome that has a sample grid, in the fixed order of outcomes."""
    by_outcome = [[r for r in records if r.outcome is outcome] for outcome in ORDER if outcome is not Outcome.UNDECIDED]
    found = (_first(store, own) for own in by_outcome)
    return [film for film in found if film is not None]


def spread(paths: Sequence[Path], most: int = _FRAMES) -> list[Path]:
    """Return at most ``most`` of the paths, evenly spaced, including the first and the last."""
    if len(paths) <= most:
        return list(paths)
    return [paths[round(place * (len(paths) - 1) / (most - 1))] for place in range(most)]


def _first(store: Store, records: Iterable[Record]) -> Film | None:
    for record in records:
        grids = sorted(store.grids(record.cell, record.seed), key=samples.step_of)
        frames = tuple(frame for path in spread(grids) if (frame := _frame(path)) is not None)
        if frames:
            return Film(record=record, frames=frames)
    return None


def _frame(path: Path) -> Frame | None:
    try:
        return Frame(step=samples.step_of(path), shown=samples.embedded(path, _LARGEST_SIDE))
    except (OSError, ValueError):  # damaged, or cut off by a crash
        return None
