"""Kept networks are artifacts of their replica's run, sent once, when it is known that they stay."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient

from study.storage.records import Status
from study.storage.store import Store
from study.tracking import MlflowTracker, local_uri, sync
from tests.study.tracking.told_launches import Server, make_plan, make_record, make_store
from tests.study.tracking.told_launches import out as out
from trainables import weights

FILES = ["weights/generator-0000300.safetensors", "weights/last.json"]


def kept(out: Path, **changes: Any) -> Store:
    """A launch that has kept the networks of one replica."""
    plan = replace(make_plan(), **changes)
    store = make_store(out, plan)
    about = {"which": "last", "step": 300, "digest": plan.cells[1].digest}
    weights.write(store.weight_folder(1, 22), about, {"generator": {"w": torch.ones(2)}})
    return store


def sent(out: Path) -> list[str]:
    files: list[str] = Server(local_uri(out)).contents()["launch-1/cell=1/seed=22"]["files"]
    return [file for file in files if file.startswith("weights/")]


def test_they_are_sent_once(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    log = MlflowClient.log_artifact

    def counted(self: MlflowClient, run: str, path: str, folder: str | None = None) -> None:
        calls.append(Path(path).name)
        log(self, run, path, folder)

    monkeypatch.setattr(MlflowClient, "log_artifact", counted)
    store = kept(out)
    assert sync(store, MlflowTracker(local_uri(out)))
    assert sent(out) == FILES
    assert sync(store, MlflowTracker(local_uri(out)))
    assert [calls.count(Path(file).name) for file in FILES] == [1, 1]


@pytest.mark.parametrize(("keep", "expected"), [(None, []), ("last", FILES)])
def test_of_an_unfinished_launch_only_what_will_stay(keep: Any, expected: list[str], out: Path) -> None:
    store = kept(out, keep=keep)
    plan = store.plan()
    rows = [make_record(plan, block, seed) for block in plan.blocks() for seed in block.seeds]
    store.write_records((replace(rows[0], status=Status.PLANNED), *rows[1:]))
    assert sync(store, MlflowTracker(local_uri(out)))
    assert sent(out) == expected
