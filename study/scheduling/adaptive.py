"""Driving a search: the engine's decisions become cells and blocks of a launch, its results the next decisions.

Every decision is in the log before it takes effect, so a search that is killed goes on where it was: a block that was
given is trained, none is given twice.
"""

from collections.abc import Callable, Sequence
from time import monotonic

from study.design.plan import Block
from study.design.search import SearchSpec
from study.outcomes.columns import Reference
from study.scheduling.ledger import Ledger
from study.search import engine, race, samplers
from study.search.candidates import Candidate
from study.search.early_stopping import EarlyStopping
from study.search.optuna_adapter.dashboard import Mirror
from study.search.scoring import candidate
from study.storage.records import Status
from study.storage.search_log import Log, Proposal, grown
from trainables.trace import Row


class Searching:
    """Hands out the blocks of a search, and watches them.

    Args:
        ledger: of the launch, whose plan grows.
        search: what is searched, and how.
        mirror: shows the search to Optuna's dashboard.
        reference: the constants that a block's traces will carry.
        clock: seconds from any moment on.

    Raises:
        ValueError: if the log cannot be read.
        OSError: if the log cannot be written, here and later.
    """

    def __init__(
        self,
        ledger: Ledger,
        search: SearchSpec,
        mirror: Mirror,
        reference: Callable[[Block], Reference],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        plan = ledger.plan
        self._ledger, self._search, self._mirror, self._clock = ledger, search, mirror, clock
        self._log = Log(ledger.store.search_path)
        self._history = self._log.history
        self._engine = engine.Engine(
            samplers.proposer(search), most=len(plan.seeds), goal=search.goal, floor=search.floor
        )
        for event in self._history.events:
            self._engine.restore(event if isinstance(event, Proposal) else None)
        self._began = clock() - self._history.seconds
        self._candidates: dict[int, Candidate] = {}
        self._early = EarlyStopping(
            plan.rule,
            search.stop,
            search.audit,
            search.seed,
            reference=reference,
            stops=self._history.stops,
        )
        self._running: dict[str, Block] = {}
        self._waiting: list[Block] = []
        for block in plan.blocks():
            self._inherit(block)
        mirror.catch_up(self._history.points, self._candidates)
        self._racing = set(self._candidates)
        self._let_go()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates that have a finished replica, with their present counts."""
        return tuple(self._candidates[cell] for cell in sorted(self._candidates))

    def next(self) -> Block | None:
        """Return the next block; None while the search waits for one that runs, or is over."""
        if self._waiting:
            return self._give(self._waiting.pop(0))
        if self._over():
            return None
        decision = self._engine.next(self.candidates, self._busy())
        if decision is None:
            if not self._running:
                self._end("the sampler has no further proposal")
            return None
        if isinstance(decision, Proposal):
            self._log.proposed(decision, self._spent())
        else:
            self._log.raced(decision, self._spent())
        return self._give(self._grow(decision))

    def finished(self) -> bool:
        """Whether no block will ever follow."""
        return not self._waiting and self._over()

    def block_started(self, block: Block) -> None:
        """Do nothing: the block was given already."""

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        stop = self._early.observe(block, rows)
        if stop is None:
            return
        self._log.stopped(stop, self._spent())
        if not stop.audited:
            self._ledger.store.write_halt(block, stop.rule, stop.step)

    def block_ended(self, block: Block) -> None:
        self._running.pop(block.name, None)
        self._early.forget(block)
        self._take_in(block)
        found = self._candidates.get(block.cell.index)
        if found is not None:
            self._mirror.scored(found)
            self._racing.add(found.cell)
            self._let_go()

    def _let_go(self) -> None:
        """Tells the mirror who has left the race, each once."""
        best = race.incumbent(self.candidates)
        for cell in sorted(self._racing):
            if race.left(self._candidates[cell], best, self._engine.most):
                self._racing.discard(cell)
                self._mirror.left(self._candidates[cell])

    def _busy(self) -> set[int]:
        """Return the cells that cannot take another block: one runs, or all were given (crashed ones included)."""
        plan = self._ledger.plan
        full = (cell for cell, blocks in enumerate(self._history.blocks) if blocks * plan.block >= len(plan.seeds))
        return {block.cell.index for block in self._running.values()}.union(full)

    def _over(self) -> bool:
        if self._history.ended:
            return True
        given = sum(self._history.blocks)
        if self._search.blocks is not None and given >= self._search.blocks:
            self._end(f"all {given} blocks of the budget were given")
        elif given and self._ledger.plan.budget is not None and self._spent() >= self._ledger.plan.budget:
            self._end("the time of the budget is over")
        return bool(self._history.ended)

    def _end(self, why: str) -> None:
        self._log.ended(why, self._spent())

    def close(self) -> None:
        """All blocks have ended: the mirror gets the last scores."""
        if self.finished():
            self._mirror.close(self._candidates)

    def _grow(self, decision: Proposal | int) -> Block:
        """Let the ledger take in the block that the log has now."""
        self._ledger.extend(grown(self._ledger.plan, self._search, self._history))
        cell = decision if isinstance(decision, int) else len(self._history.points) - 1
        if isinstance(decision, Proposal):
            self._mirror.proposed(decision.point)
        plan = self._ledger.plan
        return plan.block_of(cell, plan.granted[cell] - 1)

    def _give(self, block: Block) -> Block:
        self._running[block.name] = block
        return block

    def _inherit(self, block: Block) -> None:
        """Take in a block that an earlier process gave: train it again from its checkpoint, or use what it found."""
        if self._ledger.of(block)[0].status in (Status.PLANNED, Status.CRASHED):
            self._waiting.append(block)
            for stop in self._history.stops:  # the log may have been written, and the halt not
                if stop.block == block.name and not stop.audited:
                    self._ledger.store.write_halt(block, stop.rule, stop.step)
            return
        self._take_in(block)
        if self._search.stop in ("asha", "median"):
            trace = self._ledger.store.trace(block)
            if trace is not None:
                self._early.replay(block, trace.rows)

    def _take_in(self, block: Block) -> None:
        """Update what is known of a candidate when a block of it has ended."""
        cell = block.cell.index
        found = candidate(self._history.points[cell], self._ledger.of_cell(cell))
        if found is not None:
            self._candidates[cell] = found

    def _spent(self) -> float:
        return self._clock() - self._began
