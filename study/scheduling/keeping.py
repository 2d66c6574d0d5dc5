"""What is kept of trained networks: what each block's worker is told, and what is removed when more is known."""

from collections.abc import Collection, Sequence

from study.design.plan import Block, Plan
from study.outcomes.best import Standing
from study.scheduling.ledger import Ledger
from study.storage import kept_weights
from study.storage.store import Store
from trainables.trace import Row
from trainables.weights import Keep


def keep_of(plan: Plan, store: Store, block: Block) -> Keep | None:
    """Return what the worker of a block keeps of its networks; None for nothing."""
    if plan.kept == "none":
        return None
    chooses = plan.kept in ("best", "both")
    return Keep(
        folder=store.cell_weights(block.cell.index).absolute(),
        last=plan.kept in ("last", "both"),
        score=Standing(plan.rule) if chooses else None,
        rule=plan.rule.label() if chooses else "",
    )


def observers(ledger: Ledger) -> "Sequence[Pruning]":
    """Return the observer that removes what the report will not show, if only that is kept."""
    return (Pruning(ledger),) if ledger.plan.keeps_shown else ()


def prune_cells(ledger: Ledger, shown: Collection[int]) -> None:
    """Remove the networks of all cells but those that the report shows, once every block has ended."""
    for cell in {cell for cell, _ in kept_weights.replicas(ledger.store)} - {*shown}:
        kept_weights.prune(ledger.store, cell, ())


class Pruning:
    """The observer that removes networks of replicas that the report will not show, cell by cell as blocks end."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def block_started(self, block: Block) -> None: ...

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None: ...

    def block_ended(self, block: Block) -> None:
        records = self._ledger.of_cell(block.cell.index)
        kept_weights.prune(self._ledger.store, block.cell.index, kept_weights.candidates(records))
