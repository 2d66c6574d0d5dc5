"""Launches with kept weights, trained in this process: without Ray, report and tracker."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import study
from study.design.plan import Cell, Plan
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.scheduling.ray_driver import task_of
from study.storage.store import Store
from trainables.conditioning import ByLabel
from trainables.config import Config, Evaluation, GanConfig, Latent, digest
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.tune_trainable import BlockTrainable, packed

ALLOCATION = Allocation(cpus=1.0, gpus=0.0, at_a_time=1, cluster="here")
RING = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(16, 16), norm="batch"),
    discriminator=Mlp(hidden=(16, 16)),
    latent=Latent(dim=4),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    batch_size=32,
    steps=24,
    evaluation=Evaluation(every=4, samples=128),
)
LABELED = replace(RING, conditioning=ByLabel())


def plan(*configs: Config, keep: Any = None, seeds: int = 2, profile: str = "smoke", block: int = 2) -> Plan:
    """A plan of these cells."""
    cells = tuple(
        Cell(index=i, name=f"cell {'abc'[i]}", levels={"cell": "abc"[i]}, config=config, digest=digest(config))
        for i, config in enumerate(configs)
    )
    own = replace(study.plan("dirac", "smoke"), hypotheses=(), contrasts=(), factors=(), cells=cells)
    return replace(own, seeds=tuple(range(seeds)), block=block, rule=MIXTURE_RULE, keep=keep, profile=profile)


def dirac(*, keep: Any = None, seeds: int = 1) -> Plan:
    """The smallest study that there is: one parameter each."""
    return replace(study.plan("dirac", "smoke", seeds=seeds, set={"steps": 20, "evaluation.every": 2}), keep=keep)


def train(planned: Plan, out: Path) -> Store:
    """Train all blocks of a plan and write the records."""
    store = Store(out / planned.study / planned.launch)
    store.create(planned, {})
    ledger = Ledger(planned, store)
    for block in planned.blocks():
        task = task_of(ledger, out / "cache", ALLOCATION, block)
        trainable = BlockTrainable(config={"block": block.name, "task": packed(task, ())})
        while not (result := trainable.train())["done"]:
            pass
        assert "refusal" not in result, result["refusal"]
    Ledger(planned, store).write()
    return store
