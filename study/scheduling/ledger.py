"""The ledger of a launch: which block is where, and the records that follow from the traces on disk."""

import dataclasses
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from study.design.plan import Block, Plan
from study.outcomes.decision import undecidable
from study.outcomes.outcome import Outcome
from study.outcomes.own_rule import check_here
from study.outcomes.rule import OutcomeRule
from study.storage import records
from study.storage.records import Record, Status
from study.storage.store import Store
from trainables.config import to_dict

_SECONDS_BETWEEN_WRITES = 5.0
_WRITING_SHARE = 0.01
"""At most this share of the time goes into writing records, however many there are: the traces have all of them."""


class Tally:
    """The counts of a launch, kept as blocks begin and end: counting all records each time would cost ever more.

    Attributes:
        outcomes: decided replicas.
        statuses: all replicas.
        planned: replicas that are left to be trained, by cell; absent for a cell without any.
        steps: generator updates of the blocks that are not skipped.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.statuses: Counter[Status] = Counter()
        self.planned: Counter[int] = Counter()
        self.steps = 0

    def replace(self, before: Sequence[Record], now: Sequence[Record], steps: int) -> None:
        """Count a block anew, whose replicas have so many steps."""
        for rows, sign in ((before, -1), (now, 1)):
            for row in rows:
                self.statuses[row.status] += sign
                self.outcomes[row.outcome] += sign * row.decided
                self.planned[row.cell] += sign * (row.status is Status.PLANNED)
            if rows and rows[0].status is not Status.SKIPPED:
                self.steps += sign * steps
        for counts in (self.outcomes, self.statuses, self.planned):
            for key in [key for key, count in counts.items() if not count]:
                del counts[key]


class Ledger:
    """Records of a launch, kept in step with its traces; every planned replica has a row from the start.

    Args:
        plan: the plan, with the cells that a search has proposed so far.
        store: the launch's folder; traces that are there count as finished.
        again: whether blocks that crashed before count as planned, because they are about to be run again.
        plan_digest: digest of the plan, if ``plan`` is only the part of it that is known yet.

    Attributes:
        plan_digest: digest of the plan; it stays while the launch grows.
        crashes: block name to what it died of.
        settled: cells that need no more seeds.
        tally: counts of all records.
    """

    def __init__(self, plan: Plan, store: Store, *, again: bool = False, plan_digest: str | None = None) -> None:
        self.plan = plan
        self.store = store
        self.plan_digest = plan.digest() if plan_digest is None else plan_digest
        self.crashes: dict[str, str] = {}
        self.settled = store.settled()
        self.tally = Tally()
        self._blocks: dict[str, Block] = {}
        self._by_block: dict[str, tuple[Record, ...]] = {}
        self._of_cell: dict[int, list[str]] = {}
        self._configs: dict[int, Mapping[str, object]] = {}
        known = store.records() if store.records_path.exists() and not again else ()
        # What an earlier version decided by a rule that this one does not apply stays as it was decided.
        self._kept = {} if plan.rule.applied else _by_name(store)
        self._add(crashed={record.block for record in known if record.status is Status.CRASHED})
        self._next_write = 0.0

    @property
    def records(self) -> tuple[Record, ...]:
        """One row per planned replica, by cell and replica."""
        return tuple(record for cell in sorted(self._of_cell) for record in self.of_cell(cell))

    def of_cell(self, cell: int) -> tuple[Record, ...]:
        """One row per planned replica of the cell, in order."""
        return tuple(record for name in self._of_cell[cell] for record in self._by_block[name])

    @property
    def blocks(self) -> Collection[Block]:
        """The launch's blocks, in the order in which it came to have them."""
        return self._blocks.values()

    def block(self, name: str) -> Block:
        return self._blocks[name]

    def extend(self, plan: Plan) -> None:
        """Take in a launch that has grown: the same one with more cells or blocks. What is known is kept.

        Raises:
            ValueError: if it is another launch, or lacks cells of this one.
        """
        before = self.plan.cells
        if plan.launch != self.plan.launch or plan.cells[: len(before)] != before:
            raise ValueError(f"launch {self.plan.launch} must keep its {len(before)} cells as it grows")
        self.plan = plan
        self._add(crashed=frozenset())

    def _add(self, crashed: Collection[str]) -> None:
        """Rows for the blocks that have none yet."""
        for block in self.plan.blocks():
            if block.name not in self._blocks:
                self._blocks[block.name] = block
                self._of_cell.setdefault(block.cell.index, []).append(block.name)
                status = Status.CRASHED if block.name in crashed else Status.PLANNED
                self._take_in(block, status)
        self._skip()

    def _take_in(self, block: Block, status: Status) -> None:
        """Decide the records of a block again."""
        before, now = self._by_block.get(block.name, ()), self._decided(block, status)
        self._by_block[block.name] = now
        self.tally.replace(before, now, block.cell.config.steps)

    def of(self, block: Block) -> tuple[Record, ...]:
        return self._by_block[block.name]

    def skips(self, name: str) -> bool:
        """Whether the stopping rule does without the block of this name."""
        return self._by_block[name][0].status is Status.SKIPPED

    def end(self, block: Block, status: Status, reason: str = "") -> None:
        """Take in a block that has ended; writes the records file, at most every few seconds.

        Raises:
            OSError: if the file cannot be written.
        """
        self._take_in(block, status)
        if status is Status.CRASHED:
            self.crashes[block.name] = reason
        if time.monotonic() >= self._next_write:
            self.write()

    def refuse(self, block: Block, reason: str) -> None:
        """Take in a block that no try would train: the planned blocks of its cell count as crashed with it.

        Raises:
            OSError: if the file cannot be written.
        """
        names = self._of_cell[block.cell.index]
        for name in names:
            if self._by_block[name][0].status is Status.PLANNED:
                self._take_in(self._blocks[name], Status.CRASHED)
        if not any(name in self.crashes for name in names):  # said once
            self.crashes[block.name] = f"cell {block.cell.name}: {reason}"
        self.write()

    def settle(self, cells: frozenset[int], seconds: float) -> None:
        """Stop adding seeds to these cells. Blocks already running still count when they finish.

        Args:
            seconds: the time that the launch has taken.

        Raises:
            OSError: if ``settled.json`` cannot be written.
        """
        self.store.write_settled(cells, seconds)
        self.settled = cells
        self._skip()

    def _skip(self) -> None:
        if not self.settled:
            return
        for block in self._blocks.values():
            planned = self.of(block)[0].status is Status.PLANNED
            if planned and block.cell.index in self.settled and self.plan.may_skip(block):
                self._take_in(block, Status.SKIPPED)

    def write(self) -> None:
        began = time.monotonic()
        self.store.write_decided(self.plan.rule, self.records)
        now = time.monotonic()
        self._next_write = now + max(_SECONDS_BETWEEN_WRITES, (now - began) / _WRITING_SHARE)

    def _decided(self, block: Block, status: Status) -> tuple[Record, ...]:
        if block.name in self._kept:
            return self._kept[block.name]
        trace = self.store.trace(block)
        status, cell = Status.FINISHED if trace else status, block.cell
        if cell.index not in self._configs:
            self._configs[cell.index] = to_dict(cell.config)
        own = self._configs[cell.index]
        return records.decide_block(self.plan, block, trace, status, self.plan_digest, own)


def redecide(plan: Plan, store: Store, rule: OutcomeRule) -> Ledger:
    """Return the ledger under a rule; ``spec.json`` and traces stay as they are.

    Raises:
        ValueError: if the rule is not the one that decided the records, and cannot decide the traces; or it is that of
            a plugin which is not loaded.
    """
    check_here(rule.own_rule)
    known = store.records() if store.records_path.exists() else ()
    if any(record.rule != rule.label() for record in known):
        reasons = _reasons(plan, store, rule)
        if why := next(filter(None, reasons if rule.own_rule else islice(reasons, 1)), ""):  # the same probes have all
            raise ValueError(f"{store.root} cannot be decided again: {why}")
    return Ledger(dataclasses.replace(plan, rule=rule), store, plan_digest=plan.digest())


def failures(ledger: Ledger) -> tuple[str, ...]:
    """Return why a plugin's rule left replicas undecided, each reason once; empty if it did not, or there is none."""
    rule = ledger.plan.rule
    if rule.own_rule is None or all(record.decided for record in ledger.records):
        return ()
    return tuple(dict.fromkeys(filter(None, _reasons(ledger.plan, ledger.store, rule))))


def _reasons(plan: Plan, store: Store, rule: OutcomeRule) -> Iterator[str]:
    """Yield why the rule cannot decide each replica with a trace; empty texts where it can."""
    for block in plan.blocks():
        trace = store.trace(block)
        if trace is not None:
            yield from (undecidable(trace.replica(seed), rule) for seed in block.seeds)


def _by_name(store: Store) -> dict[str, tuple[Record, ...]]:
    """Return the stored records of every block by its name."""
    found: dict[str, list[Record]] = {}
    for record in store.records() if store.records_path.exists() else ():
        found.setdefault(record.block, []).append(record)
    return {name: tuple(rows) for name, rows in found.items()}
