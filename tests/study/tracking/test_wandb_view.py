"""A launch in Weights & Biases offline, read back from the records that W&B keeps for its server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wandb.proto import wandb_internal_pb2

from study.storage.store import Store
from study.tracking import sync, trackers
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, make_plan, make_record, make_rows, make_store, tell, wait_until

_no_waiting = told_launches.no_waiting
_KEY = "0123456789" * 4


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", _KEY)


@dataclass
class Run:
    """What a run's file says, its keys joined by dots."""

    folder: Path
    name: str = ""
    group: str = ""
    project: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None

    def curve(self, name: str) -> list[tuple[int, float]]:
        return [(row["step"], row[name]) for row in self.rows if name in row]


def records(path: Path) -> Iterator[wandb_internal_pb2.Record]:
    """Read W&B's file: a LevelDB log after 7 bytes, in blocks of 32 KiB of pieces with a header of 7 bytes."""
    content, place, whole = path.read_bytes(), 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # full, last
            yield wandb_internal_pb2.Record.FromString(whole)
            whole = b""


def _items(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}


def run_of(path: Path) -> Run:
    run = Run(path.parent)
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.name = record.run.display_name or run.name  # a later record may hold what has changed alone
            run.group, run.project = record.run.run_group or run.group, record.run.project or run.project
            run.config |= _items(record.run.config.update)
        elif kind == "history":
            run.rows.append(_items(record.history.item))
        elif kind == "summary":
            run.summary |= _items(record.summary.update)
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    return run


def runs(store: Store) -> dict[str, Run]:
    """Return all runs by name; fails if one is there twice. W&B's own process may write a file after `finish`."""
    end = time.monotonic() + 30
    while True:
        found = [run_of(path) for path in sorted(store.root.glob("wandb/offline-run-*/run-*.wandb"))]
        if all(run.name for run in found) or time.monotonic() > end:
            break
        time.sleep(0.1)
    assert len({run.name for run in found}) == len(found), [run.name for run in found]
    return {run.name: run for run in found}


def contents(store: Store) -> dict[str, Any]:
    """Everything but times and W&B's own entries."""
    return {
        name: (
            [
                {key: value for key, value in row.items() if not key.startswith(("_", "samples", "cells"))}
                for row in run.rows
            ],
            run.exit_code,
        )
        for name, run in runs(store).items()
    }


@pytest.fixture
def shown(tmp_path: Path) -> Store:
    plan = make_plan()
    store = make_store(tmp_path, plan)
    tracker = trackers(tmp_path, "none", ["wandb"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    return store


def test_runs_curves_outcomes_rates_and_grids(shown: Store) -> None:
    found = runs(shown)
    assert set(found) == {
        "launch-1",
        "lr 0.001, seed 11: converged",
        "lr 0.001, seed 22: mode collapsed",
        "lr 0.0001, seed 11: converged",
        "lr 0.0001, seed 22: converged",
    }
    failed = found["lr 0.001, seed 22: mode collapsed"]
    assert (failed.project, failed.group, failed.exit_code) == ("ring-lr", "launch-1", 0)
    assert failed.curve("d_loss") == [(step, 2.0 + step / 1000) for step in STEPS]
    assert (failed.summary["outcome"], failed.summary["success"], failed.summary["outcome_step"]) == (
        "mode_collapsed",
        0,
        200,
    )
    assert (failed.config["lr"], failed.config["seed"], failed.config["batch_size"]) == ("0.001", 22, "64")
    (row,) = [row for row in failed.rows if any(key.startswith("samples") for key in row)]
    assert (row["step"], row["samples.width"], row["samples.format"]) == (300, 8, "png")
    assert (failed.folder / "files" / row["samples.path"]).stat().st_size > 0
    launch = found["launch-1"]
    rates = {name: value for name, value in launch.summary.items() if name.startswith("success_rate")}
    assert rates == {"success_rate/lr 0.001": 0.5, "success_rate/lr 0.0001": 1.0}
    content = json.loads((launch.folder / "files" / launch.summary["cells.path"]).read_text())
    assert [dict(zip(content["columns"], row, strict=True))["outcomes"] for row in content["data"]] == [
        "1 converged, 1 mode collapsed",
        "2 converged",
    ]


def test_a_sync_adds_nothing_and_another_rule_makes_the_runs_anew(shown: Store, tmp_path: Path) -> None:
    before = {path.name for path in shown.root.glob("wandb/offline-run-*")}
    expected = contents(shown)
    assert sync(shown, trackers(tmp_path, "none", None, shown))
    assert {path.name for path in shown.root.glob("wandb/offline-run-*")} == before
    notes = shown.root / "wandb" / "shown.jsonl"
    rule = json.loads(notes.read_text().splitlines()[-1])["rule"]
    notes.write_text(notes.read_text().replace(rule, "ring@0"))
    assert sync(shown, trackers(tmp_path, "none", None, shown))
    assert not before & {path.name for path in shown.root.glob("wandb/offline-run-*")}
    assert contents(shown) == expected


def test_a_killed_launch_is_shown_like_an_undisturbed_one(shown: Store, tmp_path: Path) -> None:
    plan = make_plan()
    store = make_store(tmp_path / "killed", plan)
    block = plan.blocks()[0]
    killed = trackers(store.out, "none", ["wandb"])
    killed.start(plan, store)
    killed.curves(block, make_rows(block, STEPS[:3]))
    wait_until(lambda: len(list(store.root.glob("wandb/offline-run-*"))) == 2 and killed._trackers[0]._queue.empty())  # type: ignore[attr-defined]
    resumed = trackers(store.out, "none", None, store)
    resumed.start(plan, store)
    resumed.curves(block, make_rows(block, STEPS[1:]))
    resumed.replica(make_record(plan, block, 11), block)
    assert resumed.finish(store, complete=True)
    found = {name: run.curve("d_loss") for name, run in runs(store).items()}
    assert {name: sorted(curve) for name, curve in found.items()} == {
        name: run.curve("d_loss") for name, run in runs(shown).items()
    }


def test_the_key_is_in_no_file(shown: Store) -> None:
    files = [path for path in shown.root.rglob("*") if path.is_file()]
    assert any(path.suffix == ".wandb" for path in files)
    assert not [path for path in files if _KEY.encode() in path.read_bytes()]


def test_no_key_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB_")}
    command = [sys.executable, "-m", "study", "run", "dirac", "--profile", "smoke", "--tracker", "wandb"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "runs")],
        env=environment | {"NETRC": os.devnull, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "error: tracker wandb needs a key: set WANDB_API_KEY, run `wandb login`, or set WANDB_MODE=offline to keep"
        " everything on this machine\n",
    )
    assert not (tmp_path / "runs").exists()


def test_what_wandb_raises_is_one_warning_without_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise ConnectionError(f"no answer for key {_KEY}")

    plan = make_plan()
    store = make_store(tmp_path, plan)
    with monkeypatch.context() as broken:
        broken.setattr("wandb.init", fail)
        tracker = trackers(tmp_path, "none", ["wandb"])
        tracker.start(plan, store)
        tell(tracker, plan, store)
        assert not tracker.finish(store, complete=True)
    (said,) = [record.getMessage() for record in caplog.records if record.name == "study.tracking.writer"]
    assert said.startswith("Weights & Biases (offline) does not take everything (no answer for key ***)")
    assert sync(store, trackers(tmp_path, "none", None, store))
    assert len(runs(store)) == 5
