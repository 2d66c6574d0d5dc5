"""Several trackers of one launch, each on its own: what fails in one touches no other."""

from collections.abc import Sequence

from study.design.plan import Block, Cell, Plan
from study.evidence.estimates import CellSummary
from study.formatting import joined
from study.storage.records import Record
from study.storage.store import Store
from study.tracking.tracker import Tracker
from trainables.trace import Row


class Together:
    """Shows a launch in several trackers, and notes in its folder which ones.

    Args:
        trackers: in the order in which they are started.
        names: what was chosen, for the next process that goes on with the launch.
    """

    def __init__(self, trackers: Sequence[Tracker], names: Sequence[str]) -> None:
        self._trackers, self._names = tuple(trackers), tuple(names)
        self._behind: tuple[Tracker, ...] = ()

    def load(self) -> None:
        for each in self._trackers:
            each.load()

    def start(self, plan: Plan, store: Store) -> None:
        store.write_trackers(self._names)
        for each in self._trackers:
            each.start(plan, store)

    def named(self) -> str:
        return joined([each.named() for each in self._behind or self._trackers]) if self._trackers else ""

    def cell_begins(self, cell: Cell) -> None:
        for each in self._trackers:
            each.cell_begins(cell)

    def curves(self, block: Block, rows: Sequence[Row]) -> None:
        for each in self._trackers:
            each.curves(block, rows)

    def replica(self, record: Record, block: Block) -> None:
        for each in self._trackers:
            each.replica(record, block)

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        for each in self._trackers:
            each.cell(summary, score)

    def finish(self, store: Store, complete: bool) -> bool:
        """Finish each; a file of the launch that cannot be read is named once all have had their turn."""
        errors: list[ValueError] = []
        behind = []
        for each in self._trackers:
            try:
                if not each.finish(store, complete):
                    behind.append(each)
            except ValueError as error:
                errors.append(error)
        self._behind = tuple(behind)
        if errors:
            raise errors[0]
        return not behind

    def lacking(self) -> str:
        return " and ".join(each.lacking() for each in self._behind)
