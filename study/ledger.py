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
    """

    def __init__(self, spec: LaunchSpec, store: Store, *, again: bool = False) -> None:
        self.spec = spec
        self.store = store
        self.crashes: dict[str, str] = {}
        known = store.records() if store.records_path.exists() and not again else ()
        crashed = {record.block for record in known if record.status is Status.CRASHED}
        self._by_block = {
            block.name: self._decided(block, Status.CRASHED if block.name in crashed else Status.PLANNED)
            for block in spec.blocks()
        }
        self._written = 0.0

    @property
    def records(self) -> tuple[Record, ...]:
        """One row per planned replica, by cell and replica."""
        rows = [record for own in self._by_block.values() for record in own]
        return tuple(sorted(rows, key=lambda record: (record.cell, record.replica)))

    def of(self, block: Block) -> tuple[Record, ...]:
        return self._by_block[block.name]

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

    def write(self) -> None:
        self.store.write_rule(self.spec.rule)
        self.store.write_records(self.records)
        self._written = time.monotonic()

    def _decided(self, block: Block, status: Status) -> tuple[Record, ...]:
        trace = self.store.trace(block)
        return records.decide_block(self.spec, block, trace, Status.FINISHED if trace else status)


def redecide(spec: LaunchSpec, store: Store, rule: OutcomeRule) -> Ledger:
    """The ledger under another rule; ``spec.json`` and traces stay as they are."""
    return Ledger(dataclasses.replace(spec, rule=rule), store)
