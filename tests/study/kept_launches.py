"""Launches with kept weights, trained in this process: without Ray, report and tracker."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import study
from study.design.plan import Plan
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.scheduling.ray_driver import task_of
from study.storage.store import Store
from trainables.tune_trainable import BlockTrainable

ALLOCATION = Allocation(cpus=1.0, gpus=0.0, at_a_time=1, cluster="here")


def plan(name: str = "dirac", *, keep: Any = None, seeds: int = 2, **changes: Any) -> Plan:
    """A small plan; the changes are dotted paths with dots written as two underscores."""
    small = {path.replace("__", "."): value for path, value in changes.items()}
    return replace(study.plan(name, "smoke", seeds=seeds, set=small), keep=keep)


def train(planned: Plan, out: Path) -> Store:
    """Train all blocks of a plan and write the records."""
    store = Store(out / planned.study / planned.launch)
    store.create(planned, {})
    ledger = Ledger(planned, store)
    for block in planned.blocks():
        task = task_of(ledger, out / "cache", ALLOCATION, block)
        trainable = BlockTrainable(config={"block": block.name, "task": task})
        while not (result := trainable.train())["done"]:
            pass
        assert "refusal" not in result, result["refusal"]
    Ledger(planned, store).write()
    return store
