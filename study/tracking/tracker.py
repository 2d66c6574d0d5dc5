"""The tracker interface, and rebuilding a tracked launch from its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from study.design.plan import Block, Cell, Plan
    from study.evidence.estimates import CellSummary
    from study.storage.records import Record
    from study.storage.store import Store
    from trainables.trace import Row


class TrackingUnreachable(ValueError):
    """The tracking server cannot be used, found out before anything was trained."""


class Tracker(Protocol):
    """The tracker interface: the driver's side of a view.

    No method waits for a server but ``start`` and ``finish``, and none fails with it but ``start``.
    """

    def load(self) -> None:
        """Import what ``start`` needs, which may take seconds and may be done in any thread before."""

    def start(self, plan: Plan, store: Store) -> None:
        """Begin a launch, or go on with a resumed one.

        Args:
            plan: what is trained.
            store: the launch's folder, from which traces and pictures of replicas are read once they have ended.

        Raises:
            TrackingUnreachable: if it cannot be shown.
        """

    def named(self) -> str:
        """Return what sentences call it, with where it is; after ``finish`` of several those that lack something.

        Empty if it shows nothing.
        """

    def cell_begins(self, cell: Cell) -> None:
        """Take in that a block of the cell begins; a search's cell may be new."""

    def curves(self, block: Block, rows: Sequence[Row]) -> None:
        """Show reports of one block, as rows of its trace in order of steps; rows that were shown may come again."""

    def replica(self, record: Record, block: Block) -> None:
        """Show what became of a replica: what the rule judged, step by step, and its pictures so far."""

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        """Show a cell's success rate so far, and of a search the score that its sampler gets."""

    def finish(self, store: Store, complete: bool) -> bool:
        """Show what is stored and not shown yet, and ends the launch.

        Args:
            complete: whether every planned replica was trained to its end.

        Returns:
            Whether everything that is stored is shown now.

        Raises:
            ValueError: if a file of the launch cannot be read.
        """

    def lacking(self) -> str:
        """Say what ``finish`` could not send, as the rest of a sentence; empty if nothing."""


class NullTracker:
    """Shows nothing."""

    def load(self) -> None: ...

    def start(self, plan: Plan, store: Store) -> None: ...

    def named(self) -> str:
        return ""

    def cell_begins(self, cell: Cell) -> None: ...

    def curves(self, block: Block, rows: Sequence[Row]) -> None: ...

    def replica(self, record: Record, block: Block) -> None: ...

    def cell(self, summary: CellSummary, score: float | None = None) -> None: ...

    def finish(self, store: Store, complete: bool) -> bool:
        return True

    def lacking(self) -> str:
        return ""


def sync(store: Store, tracker: Tracker) -> bool:
    """Build the view of a launch from its folder alone; what is shown already is not sent again.

    Returns:
        Whether everything that is stored is shown now.

    Raises:
        TrackingUnreachable: if the server cannot be used.
        ValueError: if the folder holds no launch, or a file of it cannot be read.
    """
    complete = store.records_path.exists() and all(record.status.ended for record in store.records())
    tracker.start(store.plan(), store)
    return tracker.finish(store, complete)
