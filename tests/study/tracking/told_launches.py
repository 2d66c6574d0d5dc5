"""A made-up launch of two cells told to MLflow, and what a tracking server then holds."""

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from PIL import Image

from search_spaces import Factor, Level
from study.design.plan import Block, Cell, Plan
from study.evidence.estimates import summarize
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.storage.records import Record, Status
from study.storage.store import Store
from study.tracking import MlflowTracker, Tracker, local_uri, writer
from trainables import trace
from trainables.config import GanConfig, Latent, digest, to_dict
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import Row, Trace

STEPS = (0, 100, 200, 300)
SEEDS = (11, 22)


def make_plan(launch: str = "launch-1") -> Plan:
    config = {lr: GanConfig(**base(), g_optimizer=Adam(lr=lr), d_optimizer=Adam(lr=lr)) for lr in (1e-3, 1e-4)}
    cells = tuple(
        Cell(index=i, name=f"lr {lr:g}", levels={"lr": f"{lr:g}", "clip": "none"}, config=one, digest=digest(one))
        for i, (lr, one) in enumerate(config.items())
    )
    levels = tuple(Level(label=f"{lr:g}", assign={"g_optimizer.lr": lr, "d_optimizer.lr": lr}) for lr in config)
    return Plan(
        launch=launch,
        study="ring-lr",
        title="Learning rate on the ring",
        question="Which learning rate trains reliably?",
        sources=(),
        hypotheses=(),
        contrasts=(),
        profile="smoke",
        note="Tiny.",
        factors=(Factor(name="lr", levels=levels, source="test"),),
        cells=cells,
        seeds=SEEDS,
        block=2,
        rule=MIXTURE_RULE,
        created="2026-11-21T09:00:00+00:00",
        versions={},
    )


def base() -> dict[str, Any]:
    return {
        "data": Ring(),
        "generator": Mlp(hidden=(8, 8)),
        "discriminator": Mlp(hidden=(8, 8)),
        "latent": Latent(dim=2),
        "steps": 300,
    }


def make_rows(block: Block, steps: tuple[int, ...] = STEPS) -> list[Row]:
    return [
        {
            "replica": block.first + i,
            "seed": seed,
            "step": step,
            "finite": True,
            "d_loss": 1.0 + step / 1000 + i,
            "g_loss": 0.5 + block.cell.index,
            "mode_share_r3": [0.5, 0.5],
        }
        for step in steps
        for i, seed in enumerate(block.seeds)
    ]


def meta_of(block: Block) -> dict[str, Any]:
    """What every trace says of itself."""
    own = block.cell
    found = {"config": to_dict(own.config), "digest": own.digest, "seeds": list(block.seeds)}
    return found | {"reference": {}, "complete": True}


def make_record(plan: Plan, block: Block, seed: int, **changes: Any) -> Record:
    converged = seed == SEEDS[0] or block.cell.index == 1
    values: dict[str, Any] = {
        "launch": plan.launch,
        "study": plan.study,
        "profile": plan.profile,
        "cell": block.cell.index,
        "cell_name": block.cell.name,
        "levels": block.cell.levels,
        "digest": block.cell.digest,
        "config": to_dict(block.cell.config),
        "block": block.name,
        "replica": block.first + block.seeds.index(seed),
        "seed": seed,
        "status": Status.FINISHED,
        "outcome": Outcome.CONVERGED if converged else Outcome.MODE_COLLAPSED,
        "outcome_step": None if converged else 200,
        "ever_good": converged,
        "evidence": {},
        "rule": "ring@0",
        "steps": 300,
        "planned_steps": 300,
        "seconds": 1.5,
        "mode": "stack[2]",
        "device": "cpu",
        "versions": {},
    }
    return Record(**(values | changes))


def make_store(root: Path, plan: Plan) -> Store:
    """A complete launch on disk: traces, records, one sample grid per replica, and a report."""
    store = Store(root / plan.study / plan.launch)
    store.write_plan(plan)
    for block in plan.blocks():
        path = store.trace_path(block)
        trace.write(Trace(meta=meta_of(block), rows=make_rows(block)), path)
        for seed in block.seeds:
            grid = store.sample_folder(block.cell.index, seed) / "step-000300.png"
            grid.parent.mkdir(parents=True)
            Image.new("L", (8, 8), color=seed).save(grid)
    store.write_records(tuple(make_record(plan, block, seed) for block in plan.blocks() for seed in block.seeds))
    store.report_path.parent.mkdir(parents=True)
    store.report_path.write_text("<html></html>")
    return store


def tell(tracker: Tracker, plan: Plan, store: Store) -> None:
    """What a driver tells during an undisturbed launch, up to ``finish``."""
    for block in plan.blocks():
        for step in STEPS:
            tracker.curves(block, make_rows(block, (step,)))
        for seed in block.seeds:
            tracker.replica(make_record(plan, block, seed), block)
    for summary in summarize(store.records()):
        tracker.cell(summary)


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


class Server:
    """What a tracking server holds, read back through a client of its own."""

    def __init__(self, uri: str) -> None:
        self.client = MlflowClient(tracking_uri=uri)

    def runs(self, level: str, order_by: list[str] | None = None) -> list[Run]:
        experiment = self.client.get_experiment_by_name("ring-lr")
        if experiment is None:
            return []
        found = self.client.search_runs(
            [experiment.experiment_id], f"tags.`stability.level` = '{level}'", order_by=order_by
        )
        return list(found)

    def replica(self, cell: int, seed: int, launch: str = "launch-1") -> Run:
        key = f"{launch}/cell={cell}/seed={seed}"
        (run,) = [run for run in self.runs("replica") if run.data.tags["stability.key"] == key]
        return run

    def curve(self, run: Run, name: str) -> list[tuple[int, float]]:
        """The points of a curve by step; at one step by time, as the server has them."""
        history = self.client.get_metric_history(run.info.run_id, name)
        return [(point.step, point.value) for point in sorted(history, key=lambda point: point.step)]

    def contents(self) -> dict[str, Any]:
        """Everything but ids and times, of all runs; whatever is there twice shows."""
        runs = [run for level in ("launch", "cell", "replica") for run in self.runs(level)]
        keys = [run.data.tags["stability.key"] for run in runs]
        assert len(keys) == len(set(keys)), f"runs with the same key: {keys}"
        return {key: self._content(run) for key, run in zip(keys, runs, strict=True)}

    def _content(self, run: Run) -> dict[str, Any]:
        tags = {name: value for name, value in run.data.tags.items() if name != "mlflow.parentRunId"}
        folders = [file.path for file in self.client.list_artifacts(run.info.run_id)]
        paths = [file.path for folder in folders for file in self.client.list_artifacts(run.info.run_id, folder)]
        files = [re.sub(r"timestamp\+\d+\+[0-9a-f-]+", "*", path) for path in paths]
        return {
            "name": run.info.run_name,
            "status": run.info.status,
            "params": run.data.params,
            "tags": tags,
            "curves": {name: self.curve(run, name) for name in run.data.metrics},
            "files": sorted(files),
        }


@pytest.fixture
def out(tmp_path: Path, empty_database: Path) -> Path:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_GATHER_SECONDS", 0.05)
        patch.setattr(writer, "_RETRY_SECONDS", 0.05)
        yield


def show(folder: Path) -> Server:
    """A server after an undisturbed launch, all in one folder."""
    plan = make_plan()
    store = make_store(folder, plan)
    tracker = MlflowTracker(local_uri(folder))
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    return Server(local_uri(folder))


@pytest.fixture
def shown(out: Path) -> Server:
    """A server after an undisturbed launch, for tests that go on with it."""
    return show(out)
