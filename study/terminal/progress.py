"""The live display of a running launch: blocks done, replicas by outcome, time left."""

import time
from collections.abc import Collection, Sequence
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from study import formatting
from study.design.plan import Block, Plan
from study.formatting import plural
from study.report import phrases
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.scheduling.observer import Observer
from study.storage.records import Status
from study.terminal import launches
from study.terminal.consoles import PlainConsole
from study.terminal.grid_progress import GridStanding
from study.terminal.search_progress import SearchStanding
from study.terminal.waiting import Waiting
from study.terminal.width import narrow
from trainables.trace import Row

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_LIVE = 0.25
_SECONDS_OF_PACE = 60.0
"""Seconds of training after which the time left is estimated even if no block has ended."""


_STARTING = "starting workers, which load their libraries before they train"


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

    def work(self, done: int, running: Collection[str]) -> tuple[int, int]:
        """Return the work done and the work in total.

        Args:
            done: generator updates done by all blocks.
            running: names of the running blocks.
        """
        ...

    def seconds_left(self) -> float | None:
        """Return the seconds left of a budget that is a time; None if there is no such budget."""
        ...


class LiveProgress:
    """A live line on a terminal; elsewhere (logs, pipes) a line every 15 seconds and after each block.

    Work is counted in generator updates over all blocks; in seconds for a search whose budget is a time. The time left
    is estimated from the pace since the first block began to train, once a block has ended or trained for a minute:
    starting workers takes long, and once.
    """

    def __init__(self, ledger: Ledger, console: Console) -> None:
        self._ledger = ledger
        self._console, self._is_terminal = console, console.is_terminal  # asked at every report, and slow to answer
        self._steps = {
            block.name: block.cell.config.steps
            for block in ledger.blocks
            if ledger.of(block)[0].status not in (Status.PLANNED, Status.SKIPPED)
        }
        self._done = self._untrained = sum(self._steps.values())
        self._trains_since: float | None = None
        self._paced = False
        self._line = ""
        self._running: set[str] = set()
        self._settled = ledger.settled
        self._standing: Standing = GridStanding(ledger) if ledger.plan.search is None else SearchStanding(ledger)
        self._shown = time.monotonic()
        # On a narrow terminal the text folds, so that no number is cut off, and there is no bar.
        percent, elapsed = (Column(no_wrap=True, min_width=width) for width in (5, 7))
        self._bar = Progress(
            SpinnerColumn("line", style="dim"),
            TextColumn("{task.percentage:>3.0f} %", table_column=percent),
            *([] if narrow(console) else [BarColumn(bar_width=20, table_column=Column(no_wrap=True, min_width=20))]),
            TextColumn("{task.description}", table_column=Column(no_wrap=False, overflow="fold"), markup=False),
            TimeElapsedColumn(table_column=elapsed),
            console=console,
        )
        done, self._total = self._work()
        self._task = self._bar.add_task(_STARTING, total=self._total, completed=done)
        self._live = Live(self, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> "LiveProgress":
        if self._is_terminal:
            self._live.start()
        else:
            needed = sum(not self._ledger.skips(block.name) for block in self._ledger.blocks)
            self._say(f"{plural(needed, 'block')}: {_STARTING}" if needed else _STARTING)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._is_terminal:
            self._live.stop()

    def __rich__(self) -> Progress:
        """Return the live line, whose time left is that of the moment when it is drawn, by a thread of its own."""
        if self._line:
            self._bar.update(self._task, description=f"{self._line} · {self._left()}")
        return self._bar

    def block_started(self, block: Block) -> None:
        self._running.add(block.name)
        self._trains_since = time.monotonic() if self._trains_since is None else self._trains_since
        self._show(speak=self._line == "")

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        self._advance(block, max(step, self._steps.get(block.name, 0)))
        self._show()

    def _advance(self, block: Block, step: int) -> None:
        self._done += step - self._steps.get(block.name, 0)
        self._steps[block.name] = step

    def block_ended(self, block: Block) -> None:
        self._running.discard(block.name)
        trained = self._steps.get(block.name, 0)
        self._advance(block, block.cell.config.steps)
        status = self._ledger.of(block)[0].status
        self._paced = self._paced or status.trained
        if status is not Status.FINISHED:
            self._untrained += self._steps[block.name] - trained
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
        self._console.print(Text(line), soft_wrap=not self._is_terminal)

    def _work(self) -> tuple[int, int]:
        return self._standing.work(self._done, self._running)

    def _show(self, *, speak: bool = False) -> None:
        """Take in the progress and, in a log, print it; not too often, unless ``speak``."""
        now = time.monotonic()
        if not speak and now - self._shown < (_SECONDS_LIVE if self._is_terminal else _SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        self._line = self._standing.line()
        done, self._total = self._work()
        if self._is_terminal:
            self._bar.update(self._task, completed=done, total=self._total)
        else:
            text = f"{100 * done / max(self._total, 1):3.0f} %  {self._line} · {self._left()}"
            self._console.print(Text(text), soft_wrap=True)

    def _left(self) -> str:
        """Return the time left: of the work at the pace so far, or of the budget, whichever is less."""
        limit, running = self._standing.seconds_left(), len(self._running)
        if limit == 0:
            return f"the time is over: waiting for {plural(running, 'block')} to end" if running else "the time is over"
        if limit is not None and self._standing.by_time:
            return f"{formatting.duration(limit)} left"
        needed = self._seconds_needed()
        if needed == 0 and not running:
            return "all blocks have ended"
        if needed is None:
            now = f"{plural(running, 'block')} running" if running else "starting workers"
            return now if limit is None else f"{now}, at most {formatting.duration(limit)} left"
        seconds = needed if limit is None else min(needed, limit)
        return f"{'at most ' if self._standing.at_most else ''}about {formatting.duration(seconds)} left"

    def _seconds_needed(self) -> float | None:
        """Return the seconds that the rest takes at the pace of the training so far; None while that is not known."""
        done = self._done
        trained = done - self._untrained
        if self._trains_since is None or trained <= 0:
            return None
        seconds = time.monotonic() - self._trains_since
        if not self._paced and seconds < _SECONDS_OF_PACE:
            return None
        return max(0.0, seconds / trained * (self._total - done))


class Terminal(Observer):
    """The observer that prints what a launch will do, and then its progress in a live line."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = PlainConsole() if console is None else console
        self._live: LiveProgress | None = None
        self._waiting = Waiting(self._console)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *exception: object) -> None:
        """Give the terminal back, whatever the launch ended with before it began."""
        self._waiting.off()

    def planned(self, plan: Plan) -> None:
        self._console.print(launches.describe(plan), soft_wrap=not self._console.is_terminal)
        launches.out_of_reach(plan, self._console)
        if other := phrases.other_data(plan):
            self._say(other, style="yellow")
        self._waiting.on("reading the data and trying the rule on them ...", logged=False)

    def warned(self, sentence: str) -> None:
        self._console.print(Text(f"warning: {sentence}", style="yellow"), soft_wrap=not self._console.is_terminal)

    def connecting(self) -> None:
        self._waiting.on("starting Ray ...")

    def data_loaded(self, data: str, sentence: str) -> None:
        self._console.print(Text(f"data {data}: {sentence}", style="dim"), soft_wrap=not self._console.is_terminal)

    def judge_tried(self, data: str, sentence: str) -> None:
        self._say(f"the rule, tried on {data}: {sentence}")

    def connected(self, allocation: Allocation) -> None:
        device = f"{allocation.cpus:g} CPU" + (f" and {allocation.gpus:g} GPU" if allocation.gpus else "")
        self._say(f"Ray with {allocation.cluster}: {plural(allocation.at_a_time, 'block')} at a time, {device} each")
        self._waiting.on("preparing the launch ...", logged=False)

    def classifier_trained(self, data: str, task: str, accuracy: float) -> None:
        self._say(f"features of {data}: a classifier of {task}, {accuracy:.1%} right on held-out images")

    def began(self, ledger: Ledger) -> None:
        self._waiting.off()
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
        self._waiting.on("writing the records and the report ...", logged=False)

    def _say(self, line: str, style: str = "dim") -> None:
        """Print one line; a terminal breaks it between words, a log does not break it."""
        self._console.print(Text(line, style=style), soft_wrap=not self._console.is_terminal)

    @property
    def _shown(self) -> LiveProgress:
        assert self._live is not None, "blocks run only after the launch has begun"
        return self._live
