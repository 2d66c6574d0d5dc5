"""What a user sees while a launch runs: blocks done, replicas by outcome, time left."""

import time
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from study.ledger import Ledger
from study.outcome import Outcome
from study.records import Record, Status
from study.report import words
from study.spec import Block
from trainables.trace import Row

_SECONDS_BETWEEN_LINES = 15.0


class Terminal:
    """One live line on a terminal; a line every 15 seconds and per finished block elsewhere (logs, pipes).

    Work is counted in generator updates over all blocks, so the estimate moves from the first report on.
    """

    def __init__(self, ledger: Ledger, console: Console) -> None:
        self._ledger = ledger
        self._console = console
        self._blocks = ledger.spec.blocks()
        self._steps = {block.name: 0 for block in self._blocks}
        for block in self._blocks:
            if ledger.of(block)[0].status not in (Status.PLANNED, Status.SKIPPED):
                self._steps[block.name] = block.cell.config.steps
        self._inherited = sum(self._steps.values())
        self._running: set[str] = set()
        self._settled = ledger.settled
        self._began = self._spoke = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f} %"), BarColumn(bar_width=20), TextColumn("{task.description}"),
            TimeElapsedColumn(), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("starting workers", total=self._total(), completed=self._inherited)
        self._live = Live(self._bar, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Terminal":
        if self._console.is_terminal:
            self._live.start()
        else:
            needed = sum(not self._ledger.skips(block.name) for block in self._blocks)
            self._console.print(f"{needed} blocks: starting workers")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def block_started(self, block: Block) -> None:
        self._running.add(block.name)
        self._show()

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        if rows:  # a skipped block ends without any
            self._steps[block.name] = max(step, self._steps[block.name])
        self._show()

    def block_ended(self, block: Block) -> None:
        self._running.discard(block.name)
        records = self._ledger.of(block)
        if records[0].status is not Status.SKIPPED:
            self._steps[block.name] = block.cell.config.steps
            self._tell(block, records)
        self._tell_settled()
        self._show(speak=records[0].status is not Status.SKIPPED)

    def _tell(self, block: Block, records: Sequence[Record]) -> None:
        counts = Counter(record.outcome for record in records)
        what = ", ".join(f"{number} {outcome.value}" for outcome, number in counts.items())
        if records[0].status is Status.CRASHED:
            what = f"crashed: {self._ledger.crashes.get(block.name, '')}"
        seconds = sum(record.seconds for record in records)
        line = Text(f"{block.cell.name}  ({len(block.seeds)} replicas, {seconds:.0f} s): {what}")
        self._console.print(line, soft_wrap=True)

    def _tell_settled(self) -> None:
        news, self._settled = self._ledger.settled - self._settled, self._ledger.settled
        if news:
            names = ", ".join(cell.name for cell in self._ledger.spec.cells if cell.index in news)
            self._console.print(Text(f"no further seeds for: {names}"), soft_wrap=True)

    def _total(self) -> int:
        """Steps of all blocks but the skipped ones; one that was begun before its cell was settled goes on."""
        return sum(
            block.cell.config.steps
            for block in self._blocks
            if not self._ledger.skips(block.name) or block.name in self._running
        )

    def _show(self, *, speak: bool = False) -> None:
        done, total = sum(self._steps.values()), self._total()
        text = f"{self._counts()} · {self._left(done, total)}"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total, description=text)
        elif speak or time.monotonic() - self._spoke > _SECONDS_BETWEEN_LINES:
            self._spoke = time.monotonic()
            self._console.print(f"{100 * done / max(total, 1):3.0f} %  {text}", soft_wrap=True)

    def _counts(self) -> str:
        records = self._ledger.records
        cells_open = {record.cell for record in records if record.status is Status.PLANNED}
        cells = len(self._ledger.spec.cells)
        outcomes = Counter(r.outcome for r in records if r.outcome is not Outcome.UNDECIDED)
        told = ", ".join(f"{number} {outcome.value}" for outcome, number in outcomes.most_common())
        done, skipped = sum(outcomes.values()), sum(record.status is Status.SKIPPED for record in records)
        return (
            f"cells {cells - len(cells_open)}/{cells} · replicas {done}/{len(records) - skipped}"
            + (f" ({told})" if told else "")
            + (f", {skipped} skipped" if skipped else "")
        )

    def _left(self, done: int, total: int) -> str:
        fresh = done - self._inherited
        if fresh <= 0:
            return f"{len(self._running)} blocks running" if self._running else "starting workers"
        seconds = (time.monotonic() - self._began) / fresh * (total - done)
        return f"{'at most ' if self._ledger.spec.until_decided else ''}about {words.duration(seconds)} left"
