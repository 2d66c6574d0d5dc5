"""What a launch tells whoever shows it, and showing it again from what is stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from study.design.plan import Block, Cell, Plan
from study.evidence.estimates import CellSummary
from study.storage.records import Record
from study.storage.store import Store
from trainables.trace import Row


class TrackingUnreachable(ValueError):
    """The tracking server cannot be used, found out before anything was trained."""


class Tracker(Protocol):
    """The driver's side of a view. No method waits for a server but ``start`` and ``finish``, and none fails with it
    but ``start``."""

    def start(self, plan: Plan) -> None:
        """Begins a launch, or goes on with a resumed one.

        Raises:
            TrackingUnreachable: if it cannot be shown.
        """

    def cell_begins(self, cell: Cell) -> None:
        """A block of the cell begins; a search's cell may be new."""

    def curves(self, block: Block, rows: Sequence[Row]) -> None:
        """Reports of one block, as rows of its trace in order of steps; rows told before may come again."""

    def replica(self, record: Record, grids: Sequence[Path]) -> None:
        """What became of a replica, and its sample grids so far."""

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        """A cell's success rate so far, and of a search what its sampler is told of it."""

    def finish(self, store: Store, complete: bool) -> bool:
        """Shows what is stored and not shown yet, and ends the launch.

        Args:
            complete: whether every planned replica was trained to its end.

        Returns:
            Whether everything that is stored is shown now.

        Raises:
            ValueError: if a file of the launch cannot be read.
        """


class NullTracker:
    """Shows nothing."""

    def start(self, plan: Plan) -> None: ...

    def cell_begins(self, cell: Cell) -> None: ...

    def curves(self, block: Block, rows: Sequence[Row]) -> None: ...

    def replica(self, record: Record, grids: Sequence[Path]) -> None: ...

    def cell(self, summary: CellSummary, score: float | None = None) -> None: ...

    def finish(self, store: Store, complete: bool) -> bool:
        return True


def sync(store: Store, tracker: Tracker) -> bool:
    """Builds the view of a launch from its folder alone; what is shown already is not told again.

    Returns:
        Whether everything that is stored is shown now.

    Raises:
        TrackingUnreachable: if the server cannot be used.
        ValueError: if the folder holds no launch, or a file of it cannot be read.
    """
    tracker.start(store.plan())
    complete = store.records_path.exists() and all(record.status.ended for record in store.records())
    return tracker.finish(store, complete)
