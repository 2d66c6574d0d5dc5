"""A launch that never ran: plan, traces, records and grids made up, so that every outcome and every gap occurs."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
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
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from study.report import build
from study.report.drawing import svg
from study.storage.records import Record, Status
from study.storage.store import Store
from trainables import trace
from trainables.config import GanConfig, Latent, digest, to_dict
from trainables.data import Digits, Ring
from trainables.networks import Dcgan, Mlp
from trainables.objectives import LeastSquares, NonSaturating
from trainables.optim import Adam
from trainables.streams import EDITION

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741
Ends = Sequence[Sequence[Outcome]]
"""Cell by cell the outcomes of its replicas."""

CELLS = [{"bn": bn, "objective": objective} for bn in ("full", "no_bn_g") for objective in ("ls(0,1,1)", "ns")]
MIXED: Ends = [[C, C, C, C, O], [C, C, M, L, D], [C, M, M, N, U], [D, D, M, M, N]]
STEPS = np.arange(0, 1_001, 50)
SPACES = ("features", "pixels")
SCALE = {"floor": 0.0, "ceiling": 1.0}
Make = Callable[..., Store]


@pytest.fixture(name="make")
def make_fixture(tmp_path: Path) -> Make:
    """Makes a launch: ``make(ends, images=..., crashed=..., grids=..., traces=...)``."""

    def made(ends: Ends = MIXED, **options: Any) -> Store:
        return make_launch(tmp_path / "runs" / "demo" / "launch", ends, **options)

    return made


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are their labels alone, for tests of words: drawing is most of the time that a page takes."""
    monkeypatch.setattr(svg, "embed", lambda picture: f'<svg role="img" aria-label="{escape(picture.label)}"></svg>')


@pytest.fixture(scope="session", params=["images", "ring"])
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The launch ``MIXED`` with its report, once on images and once on the ring; not to be changed."""
    root = tmp_path_factory.mktemp("mixed") / "launch"
    store = make_launch(root, MIXED, images=request.param == "images")
    build(store)
    return store


def make_launch(
    root: Path,
    ends: Ends,
    *,
    images: bool = True,
    crashed: Sequence[tuple[int, int]] = (),
    grids: bool = True,
    traces: bool = True,
    plan: Mapping[str, Any] | None = None,
) -> Store:
    store = Store(root)
    planned = _plan(ends, images, plan or {})
    store.write_plan(planned)
    records: list[Record] = []
    for cell, outcomes in zip(planned.cells, ends, strict=True):
        replicas = list(zip(planned.seeds, outcomes, strict=True))
        ran = [(seed, outcome) for seed, outcome in replicas if outcome is not U]
        for replica, (seed, outcome) in enumerate(replicas):
            records.append(_record(planned, cell, replica, seed, outcome, (cell.index, replica) in crashed))
            if grids and outcome is not U:
                _grid(store.sample_folder(cell.index, seed), seed, outcome)
        if traces and ran:
            block = next(block for block in planned.blocks() if block.cell == cell)
            trace.write(_trace(cell, ran, images), store.trace_path(block))
    store.write_records(tuple(records))
    return store


def _plan(ends: Ends, images: bool, changes: Mapping[str, Any]) -> Plan:
    shape: dict[str, Any] = (
        {"data": Digits(), "generator": Dcgan(), "discriminator": Dcgan()}
        if images
        else {"data": Ring(), "generator": Mlp(), "discriminator": Mlp()}
    )
    cells = []
    for index, levels in enumerate(CELLS[: len(ends)]):
        objective = NonSaturating() if levels["objective"] == "ns" else LeastSquares()
        config = GanConfig(
            **shape, latent=Latent(dim=64), objective=objective, g_optimizer=Adam(lr=2e-4), d_optimizer=Adam(lr=2e-4),
            steps=1_000, batch_size=64 + index,
        )  # fmt: skip
        name = " / ".join(levels.values())
        cells.append(Cell(index=index, name=name, levels=levels, config=config, digest=digest(config)))
    values: dict[str, Any] = {
        "launch": "20260102-030405-quick",
        "study": "demo",
        "title": "Batch normalisation and the loss",
        "question": "Does least squares train more often than cross-entropy when G has no batch normalisation?",
        "sources": ("Mao et al. 2017, section 4.4",),
        "hypotheses": (
            MoreSuccess(
                name="ls", claim="Least squares converges more often than cross-entropy.", source="Mao et al. 2017",
                better={"objective": "ls(0,1,1)"}, worse={"objective": "ns"},
            ),
            Share(
                name="collapse", claim="Without batch normalisation in G most replicas fail.", source="Mao et al. 2017",
                where={"bn": "no_bn_g"}, outcomes=(C,), side="below", threshold=0.5,
            ),
        ),
        "contrasts": (Contrast(factor="objective", a="ls(0,1,1)", b="ns"),),
        "profile": "quick",
        "note": "smaller nets and fewer steps than the source",
        "factors": tuple(
            Factor(
                name=name, source="test",
                levels=tuple(Level(label=label, assign={f"updates.{name}": label}) for label in labels),
            )
            for name, labels in (("bn", ("full", "no_bn_g")), ("objective", ("ls(0,1,1)", "ns")))
        ),
        "cells": tuple(cells),
        "seeds": tuple(4_503_599_627_370_000 + 7 * i for i in range(len(ends[0]))),
        "block": len(ends[0]),
        "rule": IMAGE_RULE if images else MIXTURE_RULE,
        "created": "2026-01-02T03:04:05+0000",
        "versions": {"torch": "2.15.0", "ray": "2.60.0"},
    }  # fmt: skip
    return Plan(**(values | dict(changes)))


def _record(plan: Plan, cell: Cell, replica: int, seed: int, outcome: Outcome, crashed: bool) -> Record:
    ran = outcome is not U
    return Record(
        launch=plan.launch, study=plan.study, profile=plan.profile, cell=cell.index, cell_name=cell.name,
        levels=cell.levels, digest=cell.digest, config=to_dict(cell.config), block=f"c{cell.index:03d}-b000",
        replica=replica, seed=seed,
        status=Status.FINISHED if ran else Status.CRASHED if crashed else Status.PLANNED,
        outcome=outcome, outcome_step=600 if outcome in (M, L, D) else None, ever_good=outcome in (C, L, O),
        evidence={"quality": 0.412, "coverage": 0.8, "alternations": 0.0} if ran else {},
        rule=plan.rule.label(), steps=1_000 if ran else 0, planned_steps=1_000, seconds=12.5 if ran else 0.0,
        mode="stack[5]" if ran else "", device="cpu" if ran else "", versions=plan.versions if ran else {},
    )  # fmt: skip


def _trace(cell: Cell, ran: Sequence[tuple[int, Outcome]], images: bool) -> trace.Trace:
    rows = [row for step in STEPS for replica, (seed, outcome) in enumerate(ran)
            for row in [_row(int(step), replica, seed, outcome, images)]]  # fmt: skip
    reference: dict[str, Any] = {"data_diversity": [1.0], "samples": [2_500.0]}
    if images:
        scale = {f"knn_coverage_{kind}_{space}": [share] for space in SPACES for kind, share in SCALE.items()}
        reference |= {"frechet_real": [0.8], "feature_variance": [60.8], "class_weights": [0.1] * 10}
        reference |= {"neighbors": [512.0], "knn_recall_ceiling_pixels": [1.0], **scale}
    else:
        reference |= {"mode_weights": [0.125] * 8, "hq_floor_eighth": [0.1], "hq_ceiling_eighth": [1.0]}
    meta: dict[str, Any] = {
        "config": to_dict(cell.config), "digest": cell.digest, "seeds": [seed for seed, _ in ran], "device": "cpu",
        "mode": f"stack[{len(ran)}]", "versions": {}, "reference": reference, "seconds": 60.0, "complete": True,
        "streams": EDITION,
    }  # fmt: skip
    if images:
        meta["features"] = {"task": "labels", "accuracy": 0.9722, "data": "0123abcd"}
    return trace.Trace(meta=meta, rows=rows)


def _row(step: int, replica: int, seed: int, outcome: Outcome, images: bool) -> dict[str, Any]:
    rng = np.random.default_rng([seed, step])
    good = _goodness(outcome, step / STEPS[-1])
    finite = not (outcome is D and step > 600)
    noise = rng.normal(0, 0.03)
    row: dict[str, Any] = {
        "replica": replica, "seed": seed, "step": step, "finite": finite,
        "d_loss": 0.25 + 0.3 * (1 - good) + noise, "g_loss": 0.5 + (1 - good) + 3 * noise,
        "diversity": max(0.0, 0.2 + 0.75 * good + noise),
    }  # fmt: skip
    if images:
        row |= {"frechet_classifier": 0.8 + 60 * (1 - good) ** 2 + 3 * abs(noise), "class_share": [0.1] * 10}
        row |= {f"knn_{name}_{space}": good for name in ("precision", "coverage") for space in SPACES}
        row |= {"knn_recall_pixels": good, "distinctness": 1.0, "memorization": 0.0, "spacing": 1.0, "residue": 1.0}
    else:
        share = [float(np.clip(good * 0.12 + rng.normal(0, 0.004), 0, 1)) for _ in range(8)]
        row |= {
            "mode_share_eighth": share,
            "hq_share_eighth": sum(share),
            "distance_quantiles": [0.01, 0.02, 0.05, 0.1, 0.4],
        }
    if not finite:
        row |= {k: [np.nan] * len(v) if isinstance(v, list) else np.nan for k, v in row.items() if k not in _KEYS}
    return row


_KEYS = ("replica", "seed", "step", "finite")


def _goodness(outcome: Outcome, time: float) -> float:
    rise = 1 - np.exp(-5 * time)
    if outcome is O:
        return float(rise * (0.6 + 0.4 * np.cos(14 * time)))
    if outcome is L:
        return float(rise if time < 0.6 else 0.35)
    return float(rise * {C: 1.0, M: 0.45, N: 0.1, D: 0.3}[outcome])


def _grid(folder: Path, seed: int, outcome: Outcome) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for step in (500, 1_000):
        tiles = rng.integers(0, 256, (8, 8, 4, 4)) if outcome is C else np.full((8, 8, 4, 4), 90)
        pixels = np.kron(tiles.transpose(0, 2, 1, 3).reshape(32, 32), np.ones((4, 4))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"step-{step:06d}.png")
