"""Choosing trackers: by name, of a plugin, remembered by the launch; each on its own beside the others."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.storage.records import Record
from study.storage.store import Store
from study.tracking import (
    MlflowTracker,
    NullTracker,
    TrackingUnreachable,
    View,
    in_mlflow,
    names,
    places,
    registry,
    sync,
    tracker_plugin,
    trackers,
)
from study.tracking.values import Point
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import make_plan, make_store, tell

_no_waiting = told_launches.no_waiting


class Listed(View):
    """A tracker of somebody's own, which keeps what it is told."""

    title = "my tracker"
    told: ClassVar[list[tuple[object, ...]]] = []

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        self.told += [("curve", cell, seed, point.step, point.values["d_loss"]) for point in points]

    def replica(self, record: Record, judged: Sequence[Point], rule: str) -> None:
        self.told.append(("replica", record.cell, record.seed, record.outcome.value))

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        self.told.append(("cell", summary.cell, summary.rate.rate))

    def replica_picture(self, record: Record, path: Path) -> None:
        self.told.append(("picture", record.cell, record.seed, path.name))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> type[Listed]:
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.setattr(Listed, "told", [])
    return tracker_plugin("listed")(Listed)


def test_a_plugin_is_told_everything(tmp_path: Path, listed: type[Listed]) -> None:
    assert "listed" in names()
    plan = make_plan()
    store = make_store(tmp_path, plan)
    tracker = trackers(tmp_path, "none", ["listed"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    assert ("curve", 1, 22, 300, 2.3) in listed.told
    assert ("replica", 0, 22, "mode_collapsed") in listed.told
    assert ("cell", 0, 0.5) in listed.told
    assert ("picture", 0, 11, "step-000300.png") in listed.told


@pytest.mark.parametrize("name", ["mlflow", "csv", "listed"])
def test_a_name_is_of_one_tracker(name: str, listed: type[Listed]) -> None:
    class Other(View):
        pass

    with pytest.raises(ValueError, match=f"the tracker {name} must have a name that no other one has"):
        tracker_plugin(name)(Other)
    assert tracker_plugin("listed")(listed) is listed  # its file may be loaded again


def test_a_plugin_is_a_view() -> None:
    with pytest.raises(
        ValueError, match=r"the tracker x must be a subclass of study\.tracking\.View, got <class 'object'>"
    ):
        tracker_plugin("x")(object)  # type: ignore[type-var]


def test_a_failing_plugin_spoils_no_other_tracker(
    tmp_path: Path, listed: type[Listed], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Listed, "curves", lambda *args: {}["a mistake of its author"])
    plan = make_plan()
    store = make_store(tmp_path, plan)
    tracker = trackers(tmp_path, "none", ["listed", "csv"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert not tracker.finish(store, complete=True)
    assert tracker.named() == "my tracker"
    assert "a mistake of its author" in tracker.lacking()
    (said,) = [record.getMessage() for record in caplog.records if record.name == "study.tracking.writer"]
    assert said.startswith("my tracker does not take everything ('a mistake of its author'); nothing is lost")
    assert (store.root / "csv" / "000 lr 0.001" / "seed 11 converged.csv").read_text().count("d_loss") == 4


def test_a_plugin_that_cannot_start_is_one_sentence(
    tmp_path: Path, listed: type[Listed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("no such account")

    monkeypatch.setattr(Listed, "__init__", fail)
    plan = make_plan()
    with pytest.raises(TrackingUnreachable, match=r"^listed cannot be used: no such account$"):
        trackers(tmp_path, "none", ["listed"]).start(plan, make_store(tmp_path, plan))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^tracker must be one of mlflow, tensorboard, wandb and csv, got 'tensorbord'"
    ):
        trackers(Path("runs"), "none", ["tensorbord"])


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_an_absent_library_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find_spec", lambda package: None)
    rule = f"^tracker {name} needs the Python package {name}, which is not installed here: .*`uv pip install {name}`"
    with pytest.raises(TrackingUnreachable, match=rule):
        trackers(Path("runs"), "none", [name])


def test_a_launch_remembers_its_trackers(tmp_path: Path) -> None:
    plan = make_plan()
    store = make_store(tmp_path, plan)
    assert store.trackers() is None
    assert in_mlflow(None, store)
    assert isinstance(trackers(tmp_path, None, None, store), MlflowTracker)
    assert isinstance(trackers(tmp_path, "none", None, store), NullTracker)
    assert sync(store, trackers(tmp_path, "none", ["csv", "mlflow", "csv"], store))
    assert store.trackers() == ("csv", "mlflow")
    assert places(store) == [("CSV", str(store.root / "csv"))]
    assert sync(store, trackers(tmp_path, None, ["csv"], store))
    assert store.trackers() == ("csv",)
    assert not in_mlflow(None, store)
    assert not (tmp_path / "mlflow.db").exists()


def test_the_libraries_are_imported_for_their_trackers_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("study.tracking.wandb_view", "study.tracking.tensorboard_view"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    plan: Plan = make_plan()
    store: Store = make_store(tmp_path, plan)
    assert sync(store, trackers(tmp_path, "none", ["csv"]))
    assert not {"study.tracking.wandb_view", "study.tracking.tensorboard_view"} & set(sys.modules)
