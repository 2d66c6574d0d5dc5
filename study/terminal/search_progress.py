"""The progress of a search: its candidates so far, and how much of its budget is spent."""

import time
from collections.abc import Collection

from study import formatting
from study.design.plan import Block
from study.formatting import count_of, plural
from study.scheduling.ledger import Ledger
from study.search import race
from study.search.candidates import Candidate
from study.search.scoring import candidate
from study.storage import search_log
from study.storage.records import Status


class SearchStanding:
    """The progress of a search. Work is counted in generator updates, or in seconds if the budget is a time.

    Args:
        ledger: the ledger of a launch that is a search.

    Raises:
        ValueError: if the log of the search cannot be read.
    """

    def __init__(self, ledger: Ledger) -> None:
        search = ledger.plan.search
        assert search is not None
        self._ledger, self._search = ledger, search
        self._began = time.monotonic() - search_log.read(ledger.store.search_path).seconds
        self._candidates: dict[int, Candidate] = {}
        self.at_most, self.by_time = True, search.blocks is None
        self._ended = 0
        for block in ledger.blocks:
            if ledger.of(block)[0].status.trained:
                self._take_in(block)

    def after(self, block: Block) -> str:
        """Return the candidate's results after the block: its name at its first block, its number at later ones."""
        result, record = self._take_in(block), self._ledger.of(block)[0]
        if record.status is Status.CRASHED:
            result = f"crashed: {self._ledger.crashes.get(block.name, '')}"
        elif record.status is Status.STOPPED:
            result += f", stopped at step {formatting.whole(record.steps)}"
        return f"{block.cell.name if block.first == 0 else f'#{block.cell.index}'}: {result}"

    def work(self, done: int, running: Collection[str]) -> tuple[int, int]:
        """Return the steps done and the steps that the budget allows; in seconds if the budget is a time."""
        blocks = self._search.blocks
        if blocks is not None:
            return done, blocks * self._search.base.steps
        seconds, left = self._ledger.plan.budget or 0.0, self.seconds_left() or 0.0
        return round(seconds - left), round(seconds)

    def _take_in(self, block: Block) -> str:
        """Count an ended block; return its candidate's successes, from block 2 on with an anytime interval."""
        cell = block.cell
        self._ended += 1
        latest = candidate(cell.levels, self._ledger.of_cell(cell.index))
        if latest is None:
            return "nothing decided"
        self._candidates[cell.index] = latest
        counted = count_of(latest.successes, latest.n)
        return counted if block.first == 0 else f"{counted} {formatting.interval(*race.interval(latest))}"

    def line(self) -> str:
        """Return a line such as ``12 candidates (3 raced on) · 38 of 200 blocks · best 9 of 10 [0.50, 1.00] #7``."""
        granted = self._ledger.plan.granted
        raced = sum(blocks > 1 for blocks in granted)
        known = plural(len(granted), "candidate") + f" ({raced} raced on)" * (raced > 0)
        most = self._search.blocks
        spent = f"{self._ended} blocks" if most is None else f"{self._ended} of {most} blocks"
        return " · ".join([known, spent, *self._best()])

    def seconds_left(self) -> float | None:
        """Return the seconds left of a budget that is a time; None for a budget of blocks."""
        budget = self._ledger.plan.budget
        return None if budget is None else max(0.0, budget - (time.monotonic() - self._began))

    def _best(self) -> list[str]:
        best = race.best(tuple(self._candidates.values()), self._search.goal, self._search.floor)
        if best is None:
            return []
        return [f"best {best.successes} of {best.n} {formatting.interval(*race.interval(best))} #{best.cell}"]
