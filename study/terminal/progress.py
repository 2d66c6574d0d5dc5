"""The live display of a running launch: blocks done, replicas by outcome, time left."""

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from study import formatting
from study.design.plan import Block, Plan
from study.formatting import plural
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.scheduling.observer import Observer
from study.storage.records import Status
from study.terminal import launches
from study.terminal.consoles import PlainConsole
from study.terminal.grid_progress import GridStanding
from study.terminal.search_progress import SearchStanding
from trainables.trace import Row

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_LIVE = 0.25


class Standing(Protocol):
    """The progress of a launch: a line after each block, a line in between, and the work left."""

    at_most: bool
    """Whether the launch may end before all of its work is done."""
    by_time: bool
    """Whether its budget is a time only."""

    def after(self, block: Block) -> str:
        """Return the line about a block that has just ended."""
        ...

    def line(self) -> str:
        """Return the progress of the launch in one line."""
        ...

    def work(self, steps: Mapping[str, int], running: Collection[str]) -> tuple[int, int]:
        """Return the work done and the work in total.

        Args:
            steps: generator updates done by each block.
            running: names of the running blocks.
        """
        ...

    def seconds_left(self) -> float | None:
        """Return the seconds left of a budget that is a time; None if there is no such budget."""
        ...


class LiveProgress:
    """A live line on a terminal; elsewhere (logs, pipes) a line every 15 seconds and after each block.

    Work is counted in generator updates over all blocks, so that the estimate moves from the first report on; in
    seconds for a search whose budget is a time.
    """

    def __init__(self, ledger: Ledger, console: Console) -> None:
        self._ledger = ledger
        self._console = console
        self._steps = {
            block.name: block.cell.config.steps
            for block in ledger.blocks
            if ledger.of(block)[0].status not in (Status.PLANNED, Status.SKIPPED)
        }
        self._inherited = sum(self._steps.values())
        self._running: set[str] = set()
        self._settled = ledger.settled
        self._standing: Standing = GridStanding(ledger) if ledger.plan.search is None else SearchStanding(ledger)
        self._began = self._shown = time.monotonic()
        # On a narrow terminal the text folds, so that no number is cut off.
        percent, bar, elapsed = (Column(no_wrap=True, min_width=width) for width in (5, 5, 7))
        self._bar = Progress(
            TextColumn("{task.percentage:>3.0f} %", markup=False, table_column=percent),
            BarColumn(bar_width=20 if console.width >= 100 else 5, table_column=bar),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=False, overflow="fold")),
            TimeElapsedColumn(table_column=elapsed),
            console=console,
        )
        done, total = self._work()
        self._task = self._bar.add_task("starting workers", total=total, completed=done)
        self._live = Live(self, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveProgress":
        if self._console.is_terminal:
            self._live.start()
        else:
            needed = sum(not self._ledger.skips(block.name) for block in self._ledger.blocks)
            self._console.print(f"{needed} blocks: starting workers" if needed else "starting workers")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def __rich__(self) -> Progress:
        return self._bar

    def block_started(self, block: Block) -> None:
        self._running.add(block.name)
        self._show()

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        self._steps[block.name] = max(step, self._steps.get(block.name, 0))
        self._show()

    def block_ended(self, block: Block) -> None:
        self._running.discard(block.name)
        self._steps[block.name] = block.cell.config.steps
        self._say(self._standing.after(block))
        self._tell_settled()
        self._show(speak=True)

    def _tell_settled(self) -> None:
        news, self._settled = self._ledger.settled - self._settled, self._ledger.settled
        if news:
            names = ", ".join(cell.name for cell in self._ledger.plan.cells if cell.index in news)
            self._say(f"no further seeds for: {names}")

    def _say(self, line: str) -> None:
        """Print one line; a terminal breaks it between words, a log does not break it."""
        self._console.print(Text(line), soft_wrap=not self._console.is_terminal)

    def _work(self) -> tuple[int, int]:
        return self._standing.work(self._steps, self._running)

    def _show(self, *, speak: bool = False) -> None:
        now = time.monotonic()
        if not speak and now - self._shown < (_SECONDS_LIVE if self._console.is_terminal else _SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        done, total = self._work()
        text = f"{self._standing.line()} · {self._left()}"
        if self._console.is_terminal:
            self._bar.update(self._task, completed=done, total=total, description=text)
        else:
            self._console.print(Text(f"{100 * done / max(total, 1):3.0f} %  {text}"), soft_wrap=True)

    def _now(self) -> str:
        return f"{plural(len(self._running), 'block')} running"

    def _left(self) -> str:
        """Return the time left: of the work at the pace so far, or of the budget, whichever is less."""
        done = sum(self._steps.values())
        fresh, limit = done - self._inherited, self._standing.seconds_left()
        if limit is not None and (self._standing.by_time or fresh <= 0):
            return f"{formatting.duration(limit)} left" if limit > 0 else self._now()
        if fresh <= 0:
            return self._now() if self._running else "starting workers"
        seconds = max(0.0, (time.monotonic() - self._began) / fresh * (self._work()[1] - done))
        seconds = seconds if limit is None else min(seconds, limit)
        return f"{'at most ' if self._standing.at_most else ''}about {formatting.duration(seconds)} left"


class Terminal(Observer):
    """The observer that prints what a launch will do, and then its progress in a live line."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = PlainConsole() if console is None else console
        self._live: LiveProgress | None = None

    def planned(self, plan: Plan) -> None:
        self._console.print(launches.describe(plan), soft_wrap=not self._console.is_terminal)
        launches.out_of_reach(plan, self._console)

    def connecting(self) -> None:
        self._console.print("starting Ray ...", style="dim")

    def judge_tried(self, data: str, sentence: str) -> None:
        self._console.print(f"judge of {data}: {sentence}", style="dim")

    def connected(self, allocation: Allocation) -> None:
        device = f"{allocation.cpus:g} CPU" + (f" and {allocation.gpus:g} GPU" if allocation.gpus else "")
        self._console.print(
            f"Ray with {allocation.cluster}: {plural(allocation.at_a_time, 'block')} at a time, {device} each",
            style="dim",
        )

    def classifier_trained(self, data: str, task: str, accuracy: float) -> None:
        self._console.print(
            f"features of {data}: a classifier of {task}, {accuracy:.1%} right on held-out images", style="dim"
        )

    def began(self, ledger: Ledger) -> None:
        self._console.print(f"launch {ledger.plan.launch}", soft_wrap=True, highlight=False)
        self._live = LiveProgress(ledger, self._console)
        self._live.__enter__()

    def block_started(self, block: Block) -> None:
        self._shown.block_started(block)

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        self._shown.rows(block, rows, step)

    def block_ended(self, block: Block) -> None:
        self._shown.block_ended(block)

    def ended(self) -> None:
        if self._live is not None:
            self._live.__exit__()

    @property
    def _shown(self) -> LiveProgress:
        assert self._live is not None, "blocks run only after the launch has begun"
        return self._live
