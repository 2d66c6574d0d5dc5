"""The progress of a launch with fixed cells: cells and replicas by outcome."""

import time
from collections import Counter
from collections.abc import Collection, Mapping

from study.design.plan import Block
from study.formatting import plural
from study.report import phrases
from study.scheduling.ledger import Ledger
from study.storage.records import Status


class GridStanding:
    """The progress of a launch whose cells were all planned. Work is counted in generator updates."""

    by_time = False

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._began = time.monotonic() - ledger.store.spent()
        self.at_most = ledger.plan.until_decided

    def after(self, block: Block) -> str:
        """Return the outcomes of the block's replicas, or why it crashed."""
        records = self._ledger.of(block)
        counts = Counter(record.outcome for record in records)
        what = ", ".join(f"{number} {phrases.LABELS[outcome]}" for outcome, number in counts.items())
        if records[0].status is Status.CRASHED:
            what = f"crashed: {self._ledger.crashes.get(block.name, '')}"
        seconds = sum(record.seconds for record in records)
        return f"{block.cell.name}  ({plural(len(block.seeds), 'replica')}, {seconds:.0f} s): {what}"

    def line(self) -> str:
        """Return a line such as ``cells 3/8 · replicas 17/40 (12 converged, 5 not learned)``."""
        records = self._ledger.records
        outcomes = Counter(r.outcome for r in records if r.decided)
        counted = ", ".join(f"{number} {phrases.LABELS[outcome]}" for outcome, number in outcomes.most_common())
        cells_open = {record.cell for record in records if record.status is Status.PLANNED}
        cells, skipped = len(self._ledger.plan.cells), sum(record.status is Status.SKIPPED for record in records)
        return (
            f"cells {cells - len(cells_open)}/{cells} · replicas {outcomes.total()}/{len(records) - skipped}"
            + (f" ({counted})" if counted else "")
            + (f", {skipped} skipped" if skipped else "")
        )

    def work(self, steps: Mapping[str, int], running: Collection[str]) -> tuple[int, int]:
        """Return the steps done, and the steps of all blocks that will run: a skipped block counts if it is running."""
        total = sum(
            block.cell.config.steps
            for block in self._ledger.blocks
            if not self._ledger.skips(block.name) or block.name in running
        )
        return sum(steps.values()), total

    def seconds_left(self) -> float | None:
        """Return the seconds left of the budget, after which no block starts; None without a budget."""
        budget = self._ledger.plan.budget
        return None if budget is None else max(0.0, budget - (time.monotonic() - self._began))
