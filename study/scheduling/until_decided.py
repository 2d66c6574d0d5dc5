"""When a launch that runs ``until_decided`` stops adding seeds to a cell.

Blocks are started round by round over the cells, in a fixed order of seeds. Whenever one ends, the declared hypotheses
are judged in a way that holds however often one looks (``study.evidence.judging``, ``anytime``). Cells that no
undecided hypothesis speaks of are *settled*: those of their blocks that no worker has got are skipped. A settled cell
stays so.
"""

from collections.abc import Callable, Sequence
from time import monotonic

from study.design.plan import Block, Plan
from study.evidence.judging import open_cells
from study.scheduling.ledger import Ledger
from study.storage.records import Record
from trainables.trace import Row


def settled(plan: Plan, records: Sequence[Record]) -> frozenset[int]:
    """Return the cells that need no more seeds: no hypothesis that speaks of them is undecided."""
    cells = frozenset(cell.index for cell in plan.cells)
    return cells - open_cells(plan.hypotheses, records)


class Stopping:
    """Watches a launch and settles its cells. Does nothing unless the launch runs ``until_decided``.

    What earlier processes left is judged at once, so that a killed driver loses no decision; their time counts for the
    budget.

    Args:
        clock: seconds from any moment on.

    Raises:
        OSError: if ``settled.json`` cannot be written, here and at the end of a block.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float] = monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._began = clock() - ledger.store.spent()
        self._settle()

    def block_started(self, block: Block) -> None:
        """Nothing is known yet."""

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        """Do nothing: an outcome is decided from a whole trace."""

    def block_ended(self, block: Block) -> None:
        self._settle()

    def _settle(self) -> None:
        plan = self._ledger.plan
        if not plan.until_decided:
            return
        spent = self._clock() - self._began
        if plan.budget is not None and spent >= plan.budget:
            found = frozenset(cell.index for cell in plan.cells)
        else:
            found = settled(plan, self._ledger.records)
        self._ledger.settle(self._ledger.settled | found, spent)
