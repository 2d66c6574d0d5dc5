"""The same replicas for both stacks: cells by name, with the FID that each of their seeds has, NaN where it diverged.

Ours are traces, decided by the image rule as a launch's are. ``pinned`` marks what only describes the stock stack.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from math import nan
from typing import Any

import numpy as np

from study.design.plan import Block, Cell, Plan
from study.outcomes.rule import IMAGE_RULE
from study.storage.records import Record, Status, decide_block
from trainables.config import GanConfig, Latent, digest
from trainables.data import Digits
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import Row, Trace

ONE_OF_FIVE = (nan, nan, 20.0, nan, nan)
"""Four seeds of five diverge."""
FIVE_OF_FIVE = (30.0, 31.0, 29.0, 30.0, 30.0)
"""A setting that always trains, a little worse than the one lucky seed."""

STEPS = (0, 100, 200, 300)
_VARIANCE = 1000.0
REFERENCE = {
    "class_weights": np.full(10, 0.1),
    "feature_variance": np.array([_VARIANCE]),
    "data_diversity": np.array([9.0]),
    "samples": np.array([10_000.0]),
    "neighbors": np.array([512.0]),
    "knn_recall_ceiling_pixels": np.array([1.0]),
    **{f"knn_coverage_floor_{space}": np.array([0.0]) for space in ("features", "pixels")},
    **{f"knn_coverage_ceiling_{space}": np.array([1.0]) for space in ("features", "pixels")},
}
_NORMS = ("d_grad_norm", "g_grad_norm", "d_param_norm", "g_param_norm")


@contextmanager
def pinned(reasons: str) -> Iterator[None]:
    """A decorator of tests of the stock stack: whatever breaks one, the failure says what to do.

    Args:
        reasons: where the project says why it does not do what stock does.
    """
    try:
        yield
    except BaseException as error:
        installed = ", ".join(f"{name} {version(name)}" for name in ("ray", "optuna", "mlflow"))
        page = "docs/explanation/stock_stack.md"
        error.add_note(f"upstream has fixed this ({installed}): update {page} and the reasons in {reasons}")
        raise


def launch(cells: Mapping[str, Sequence[float]]) -> Plan:
    """A launch of one block per cell."""
    configs = {name: _config(1e-3 * (index + 1)) for index, name in enumerate(cells)}
    return Plan(
        launch="contrast",
        study="contrast",
        title="Two settings",
        question="Which setting trains?",
        sources=(),
        hypotheses=(),
        contrasts=(),
        profile="quick",
        note="Made up.",
        factors=(),
        cells=tuple(
            Cell(index=index, name=name, levels={"setting": name}, config=config, digest=digest(config))
            for index, (name, config) in enumerate(configs.items())
        ),
        seeds=tuple(range(max(map(len, cells.values())))),
        block=max(map(len, cells.values())),
        rule=IMAGE_RULE,
        created="2026-11-21T00:00:00+0000",
        versions={},
    )


def decided(**cells: Sequence[float]) -> tuple[Record, ...]:
    """The records of the launch of these cells, from traces."""
    plan = launch(cells)
    return tuple(
        record
        for block in plan.blocks()
        for record in decide_block(plan, block, trace_of(block, cells[block.cell.name]), Status.FINISHED)
    )


def trace_of(block: Block, fids: Sequence[float]) -> Trace:
    """What a block leaves whose replicas end with these FIDs; where one is NaN, so are its losses."""
    meta: dict[str, Any] = {
        "digest": block.cell.digest, "steps": STEPS[-1], "complete": True, "seconds": 5.0, "mode": "stack[5]",
        "device": "cpu", "versions": {},
        "reference": {name: list(values) for name, values in REFERENCE.items()},
    }  # fmt: skip
    return Trace(meta=meta, rows=rows_of(block, fids))


def rows_of(block: Block, fids: Sequence[float]) -> list[Row]:
    """The rows of that trace: untrained at step 0, then as good, or as dead, as it will be."""
    return [row for step in STEPS for row in rows_at(block, step, fids)]


def rows_at(block: Block, step: int, fids: Sequence[float]) -> list[Row]:
    """One report of a block."""
    return [_row(seed, step, fid) for seed, fid in zip(block.seeds, fids, strict=True)]


def _row(seed: int, step: int, fid: float) -> dict[str, Any]:
    alive = step == 0 or fid == fid
    loss = 0.5 if alive else nan
    return {
        "replica": seed, "seed": seed, "step": step, "finite": alive, "d_loss": loss, "g_loss": loss,
        **dict.fromkeys(_NORMS, 1.0 if alive else nan),
        "frechet_classifier": fid if step else _VARIANCE, "diversity": 0.9 if step else 0.3,
        "class_share": list(np.full(10, 0.1) if step else np.eye(10)[0]), **_near(0.9 if step else 0.0),
    }  # fmt: skip


def _near(support: float) -> dict[str, float]:
    """Images that share so much of their neighbors with the data, and repeat nothing."""
    shares = {f"knn_{name}_{space}": support for name in ("precision", "coverage") for space in ("features", "pixels")}
    return {
        **shares,
        "knn_recall_pixels": support,
        "distinctness": 1.0,
        "memorization": 0.0,
        "spacing": 1.0,
        "residue": 1.0,
    }


def _config(lr: float) -> GanConfig:
    adam, network = Adam(lr=lr), Mlp(hidden=(8, 8))
    return GanConfig(
        data=Digits(),
        generator=network,
        discriminator=network,
        latent=Latent(dim=2),
        g_optimizer=adam,
        d_optimizer=adam,
        steps=STEPS[-1],
    )
