"""The ledger of a launch: which block is where, and the records that follow from the traces on disk."""

import dataclasses
import time

from study import records
from study.outcome import OutcomeRule
from study.records import Record, Status
from study.spec import Block, LaunchSpec
from study.store import Store

_SECONDS_BETWEEN_WRITES = 5.0


class Ledger:
    """Records of a launch, kept in step with its traces; every planned replica has a row from the start.

    Args:
        spec: the plan.
        store: the launch's folder; traces that are there count as finished.
        again: whether blocks that crashed before count as planned, because they are about to be run again.
        plan: digest of the plan, if ``spec`` is not the plan itself.
    """

    def __init__(self, spec: LaunchSpec, store: Store, *, again: bool = False, plan: str | None = None) -> None:
        self.spec = spec
        self.store = store
        self._plan = spec.digest() if plan is None else plan
        self.crashes: dict[str, str] = {}
        self.settled = store.settled()
        known = store.records() if store.records_path.exists() and not again else ()
        crashed = {record.block for record in known if record.status is Status.CRASHED}
        self._by_block = {
            block.name: self._decided(block, Status.CRASHED if block.name in crashed else Status.PLANNED)
            for block in spec.blocks()
        }
        self._skip()
        self._written = 0.0

    @property
    def records(self) -> tuple[Record, ...]:
        """One row per planned replica, by cell and replica."""
        rows = [record for own in self._by_block.values() for record in own]
        return tuple(sorted(rows, key=lambda record: (record.cell, record.replica)))

    def of(self, block: Block) -> tuple[Record, ...]:
        return self._by_block[block.name]

    def skips(self, name: str) -> bool:
        """Whether the stopping rule does without the block of this name."""
        return self._by_block[name][0].status is Status.SKIPPED

    def end(self, block: Block, status: Status, reason: str = "") -> None:
        """Takes in a block that has ended; writes the records file, at most every few seconds.

        Raises:
            OSError: if the file cannot be written.
        """
        self._by_block[block.name] = self._decided(block, status)
        if status is Status.CRASHED:
            self.crashes[block.name] = reason
        if time.monotonic() - self._written > _SECONDS_BETWEEN_WRITES:
            self.write()

    def settle(self, cells: frozenset[int], seconds: float) -> None:
        """Stops adding seeds to these cells. A block of theirs that is being trained counts once it has ended.

        Args:
            seconds: the time that the launch has taken.

        Raises:
            OSError: if ``settled.json`` cannot be written.
        """
        self.store.write_settled(cells, seconds)
        self.settled = cells
        self._skip()

    def _skip(self) -> None:
        for block in self.spec.blocks():
            planned = self.of(block)[0].status is Status.PLANNED
            if planned and block.cell.index in self.settled and self.spec.may_skip(block):
                self._by_block[block.name] = self._decided(block, Status.SKIPPED)

    def write(self) -> None:
        self.store.write_rule(self.spec.rule)
        self.store.write_records(self.records)
        self._written = time.monotonic()

    def _decided(self, block: Block, status: Status) -> tuple[Record, ...]:
        trace = self.store.trace(block)
        return records.decide_block(self.spec, block, trace, Status.FINISHED if trace else status, self._plan)


def redecide(spec: LaunchSpec, store: Store, rule: OutcomeRule) -> Ledger:
    """The ledger under another rule; ``spec.json`` and traces stay as they are."""
    return Ledger(dataclasses.replace(spec, rule=rule), store, plan=spec.digest())
