"""Known metrics, which are measured after a launch, in each tracker: beside the outcome of their replica, once."""

import csv
from pathlib import Path

import pytest

from study.storage import metrics_table
from study.storage.store import Store
from study.tracking import MlflowTracker, local_uri, sync, trackers
from study.tracking.values import known_metrics
from tests.study import made_metrics
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import Server, make_plan, make_store, tell
from tests.study.tracking.told_launches import out as out
from trainables.files import DamagedFile

_no_waiting = told_launches.no_waiting
NAME = "inception-6726825d.last.10000/fid"


def measured(store: Store, fid: float = 12.5) -> None:
    metrics_table.add(store, [made_metrics.row(1, 22, fid=fid), made_metrics.row(0, 11, broken=3)])


def shown(root: Path, tracker: str) -> Store:
    """A launch that a tracker shows whole, and that is measured afterwards."""
    plan = make_plan()
    store = make_store(root, plan)
    own = trackers(root, "none", [tracker])
    own.start(plan, store)
    tell(own, plan, store)
    assert own.finish(store, complete=True)
    measured(store)
    return store


def test_mlflow_has_them_as_metrics_of_the_replica(out: Path) -> None:
    store = make_store(out, make_plan())
    for fid in (12.5, 12.5, 11.0):
        measured(store, fid)
        assert sync(store, MlflowTracker(local_uri(out)))
        found = Server(local_uri(out))
        assert found.replica(1, 22).data.metrics[NAME] == fid
        assert {name for name in found.replica(1, 22).data.metrics if "/" in name} == {
            f"inception-6726825d.last.10000/{name}" for name in metrics_table.NUMBERS
        }
        assert not any("/" in name for name in found.replica(0, 11).data.metrics)  # its samples are not finite
    assert [value for _, value in found.curve(found.replica(1, 22), NAME)] == [12.5, 11.0]


def test_two_measurements_have_names_of_their_own() -> None:
    own = {"features": "dino", "weights_digest": "", "plugin_digest": "0123456789abcdef"}
    rows = [made_metrics.row(1, 22, n=n, which=which, **own) for n, which in ((50, "last"), (60, "best"))]
    (points,) = known_metrics([*rows, made_metrics.row(0, 11, broken=3)], stamp=7).values()
    assert [name for point in points for name in point.values if name.endswith("/fid")] == [
        "dino-01234567.last.50/fid",
        "dino-01234567.best.60/fid",
    ]
    assert {point.stamp for point in points} == {7}


def test_csv_has_them_behind_the_curve(tmp_path: Path) -> None:
    store = shown(tmp_path, "csv")
    for _ in range(2):
        assert sync(store, trackers(tmp_path, "none", None, store))
        with (store.root / "csv" / "001 lr 0.0001" / "seed 22 converged.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [(row["step"], row["value"]) for row in rows if row["metric"] == NAME] == [("300", "12.5")]
    others = (store.root / "csv").rglob("seed 11*.csv")
    assert not any("inception" in path.read_text() for path in others)


def test_tensorboard_has_them_as_scalars(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    store = shown(tmp_path, "tensorboard")
    for _ in range(2):
        assert sync(store, trackers(tmp_path, "none", None, store))
        folder = store.root / "tensorboard" / "001 lr 0.0001" / "seed 22 converged"
        events = EventAccumulator(str(folder)).Reload()
        assert [(own.step, own.value) for own in events.Scalars(NAME)] == [(300, 12.5)]
        assert [own.step for own in events.Scalars("d_loss")] == list(told_launches.STEPS)


def test_wandb_begins_the_run_anew_that_lacks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.study.tracking.test_wandb_view import runs

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    store = shown(tmp_path, "wandb")
    before = {name: run.folder for name, run in runs(store).items()}
    name = "lr 0.0001, seed 22: converged"
    folders = []
    for _ in range(2):
        assert sync(store, trackers(tmp_path, "none", None, store))
        found = runs(store)
        assert found[name].summary[NAME] == 12.5
        assert found[name].summary["outcome"] == "converged"
        assert found[name].curve("d_loss") == [(step, 2.0 + step / 1000) for step in told_launches.STEPS]
        assert set(found) == set(before)
        folders.append(found[name].folder)
    assert folders[0] == folders[1] != before[name]
    assert found["lr 0.001, seed 22: mode collapsed"].folder == before["lr 0.001, seed 22: mode collapsed"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    store = shown(tmp_path, "csv")
    store.metrics_path.write_bytes(b"nothing")
    with pytest.raises(DamagedFile, match=r"metrics\.parquet cannot be read: .*delete it and measure again"):
        sync(store, trackers(tmp_path, "none", None, store))
