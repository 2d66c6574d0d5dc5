"""Launches with made-up traces, from which everything else is computed as in a real launch."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from search_spaces import Factor, Level
from study.design.hypotheses import MoreSuccess, Share
from study.design.plan import Cell, Plan
from study.design.study import Contrast
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling.ledger import Ledger
from study.storage.store import Store
from tests.study.ended_launches import make_fixture, mixed, undrawn
from trainables import trace
from trainables.config import GanConfig, Latent, digest, to_dict
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.objectives import LeastSquares, NonSaturating
from trainables.optim import Adam
from trainables.streams import EDITION
from trainables.trace import Trace

__all__ = ["make_fixture", "mixed", "undrawn"]  # fixtures

C, M, N, D, U = (
    Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.DIVERGED, Outcome.UNDECIDED
)  # fmt: skip
MIXED = ((C, C, M), (C, D, N))
OBJECTIVES = {"ls": LeastSquares(), "ns": NonSaturating()}
STEPS = range(0, 1_001, 100)
REFERENCE = {"mode_weights": [0.5, 0.5], "samples": [2_500.0], "hq_floor_eighth": [0.1], "hq_ceiling_eighth": [1.0]}


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Store]:
    """``trained(outcomes, name=..., report=..., ...)``; see ``make``."""
    return lambda *args, **options: make(tmp_path, *args, **options)


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The launch ``MIXED`` with its report; not to be changed, but to be copied."""
    return make(tmp_path_factory.mktemp("trained"))


def make(
    out: Path,
    outcomes: Sequence[Sequence[Outcome]] = MIXED,
    *,
    name: str = "20260102-030405-quick",
    page: bool = True,
    noise: int = 0,
    meta: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Store:
    """Make a launch whose replicas have these outcomes, cell by cell; undecided ones have not been trained.

    Args:
        noise: a different number gives different measurements with the same outcomes.
        meta, config, changes: fields of the traces' metadata, of every configuration and of the plan.
    """
    plan = _plan(outcomes, name, config or {}, changes)
    store = Store(out / plan.study / plan.launch)
    store.write_plan(plan)
    store.records_path.unlink(missing_ok=True)  # of a launch that the test has made before, of another plan
    for block in plan.blocks():
        ends = outcomes[block.cell.index][block.first : block.first + len(block.seeds)]
        if U not in ends:
            trace.write(trace_of(plan, block, ends, noise, meta or {}), store.trace_path(block))
            for seed, end in zip(block.seeds, ends, strict=True):
                draw_grid(store.sample_folder(block.cell.index, seed), end)
    Ledger(plan, store).write()
    if page:
        from study import report  # not for tests that need no figures

        report.build(store)
    return store


def graded(trained: Callable[..., Store]) -> Store:
    """A launch whose replicas differ in how good they are, so that thresholds decide how many converge."""
    store = trained(((C,) * 12, (N,) * 12), page=False)
    plan = store.plan()
    for block in plan.blocks():
        own = store.trace(block)
        assert own is not None
        rows = [row | {"mode_share_eighth": _graded(block.cell.index, row)} for row in own.rows]
        trace.write(Trace(meta=own.meta, rows=rows), store.trace_path(block))
    Ledger(plan, store).write()
    return store


def _graded(cell: int, row: Mapping[str, Any]) -> list[float]:
    """Quality is 0.53 to 0.86 in the first cell, 0.32 to 0.65 in the second."""
    quality = (0.53 if cell == 0 else 0.32) + 0.03 * row["seed"]
    return [(0.1 + 0.9 * quality) / 2] * 2 if row["step"] else [0.05, 0.05]


def _plan(
    outcomes: Sequence[Sequence[Outcome]], name: str, config: Mapping[str, Any], changes: Mapping[str, Any]
) -> Plan:
    cells = []
    for index, (label, objective) in enumerate(list(OBJECTIVES.items())[: len(outcomes)]):
        values: dict[str, Any] = {
            "data": Ring(modes=2), "generator": Mlp(), "discriminator": Mlp(), "latent": Latent(dim=2),
            "objective": objective, "g_optimizer": Adam(lr=1e-3), "d_optimizer": Adam(lr=1e-3), "steps": STEPS[-1],
        }  # fmt: skip
        resolved = GanConfig(**(values | dict(config)))
        cells.append(Cell(index=index, name=label, levels={"loss": label}, config=resolved, digest=digest(resolved)))
    values = {
        "launch": name,
        "study": "demo",
        "title": "Two losses",
        "question": "Does least squares train more often than cross-entropy?",
        "sources": ("Mao et al. 2017",),
        "hypotheses": (
            MoreSuccess(
                name="ls", claim="Least squares converges more often.", source="Mao et al. 2017, section 4.4",
                better={"loss": "ls"}, worse={"loss": "ns"},
            ),
            Share(
                name="ns", claim="Cross-entropy fails more often than not.", source="Mao et al. 2017",
                where={"loss": "ns"}, outcomes=(C,), side="below", threshold=0.5,
            ),
        ),
        "contrasts": (Contrast(factor="loss", a="ls", b="ns"),),
        "profile": "quick",
        "note": "smaller than the source",
        "factors": (
            Factor(
                name="loss", source="test",
                levels=tuple(Level(label=label, assign={"objective.kind": label}) for label in OBJECTIVES),
            ),
        ),
        "cells": tuple(cells),
        "seeds": tuple(range(len(outcomes[0]))),
        "block": len(outcomes[0]),
        "rule": MIXTURE_RULE,
        "created": "2026-01-02T03:04:05+0000",
        "versions": {"code": "0123456789ab", "torch": "2.15.0"},
    }  # fmt: skip
    return Plan(**(values | dict(changes)))


def trace_of(plan: Plan, block: Any, ends: Sequence[Outcome], noise: int, changes: Mapping[str, Any]) -> Trace:
    rows = [
        _row(step, block.first + i, seed, end, noise)
        for step in STEPS
        for i, (seed, end) in enumerate(zip(block.seeds, ends, strict=True))
    ]
    meta: dict[str, Any] = {
        "launch": plan.launch, "plan": plan.digest(), "config": to_dict(block.cell.config), "digest": block.cell.digest,
        "seeds": list(block.seeds), "device": "cpu", "mode": f"stack[{len(ends)}]", "versions": dict(plan.versions),
        "reference": REFERENCE, "seconds": 6.0, "steps": STEPS[-1], "complete": True,
        "streams": EDITION,
    }  # fmt: skip
    return Trace(meta=meta | dict(changes), rows=rows)


def _row(step: int, replica: int, seed: int, end: Outcome, noise: int) -> dict[str, Any]:
    rng = np.random.default_rng([seed, step, noise])
    shares = {C: [0.45, 0.45], M: [0.9, 0.0], N: [0.02, 0.02], D: [0.45, 0.45]}[end] if step else [0.01, 0.01]
    shares = [max(0.0, share + rng.uniform(-0.01, 0.01)) for share in shares]
    return {
        "replica": replica, "seed": seed, "step": step, "finite": not (end is D and step > 500),
        "mode_share_eighth": shares, "hq_share_eighth": sum(shares), "diversity": 0.1 if end is M and step else 0.9,
        "d_loss": 0.5 + rng.uniform(-0.1, 0.1), "g_loss": 0.6 + rng.uniform(-0.1, 0.1),
        "distance_quantiles": [0.01, 0.02, 0.05, 0.1, 0.4],
    }  # fmt: skip


def draw_grid(folder: Path, end: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for step in (500, 1_000):
        gray = np.full((32, 32), 40 * list(Outcome).index(end) + step // 100, dtype=np.uint8)
        Image.fromarray(gray).save(folder / f"step-{step:06d}.png")
