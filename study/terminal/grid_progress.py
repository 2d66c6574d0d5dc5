"""The progress of a launch with fixed cells: cells and replicas by outcome."""

import time
from collections import Counter
from collections.abc import Collection

from study.design.plan import Block
from study.formatting import plural
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.scheduling.ledger import Ledger
from study.storage.records import Status

_ORDER = {outcome: place for place, outcome in enumerate(Outcome)}


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
        tally = self._ledger.tally
        decided = sorted(tally.outcomes.items(), key=lambda own: (-own[1], _ORDER[own[0]]))
        counted = ", ".join(f"{number} {phrases.LABELS[outcome]}" for outcome, number in decided)
        cells, skipped = len(self._ledger.plan.cells), tally.statuses[Status.SKIPPED]
        needed = tally.statuses.total() - skipped
        return (
            f"cells {cells - len(tally.planned)}/{cells} · replicas {tally.outcomes.total()}/{needed}"
            + (f" ({counted})" if counted else "")
            + (f", {skipped} skipped" if skipped else "")
        )

    def work(self, done: int, running: Collection[str]) -> tuple[int, int]:
        """Return the steps done, and the steps of all blocks that will run: a skipped block counts if it is running."""
        skipped = (name for name in running if self._ledger.skips(name))
        return done, self._ledger.tally.steps + sum(self._ledger.block(name).cell.config.steps for name in skipped)

    def seconds_left(self) -> float | None:
        """Return the seconds left of the budget, after which no block starts; None without a budget."""
        budget = self._ledger.plan.budget
        return None if budget is None else max(0.0, budget - (time.monotonic() - self._began))
