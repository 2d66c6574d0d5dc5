"""A launch told again, resumed, or rebuilt from its folder: the same view, and nothing twice."""

import json
import shutil
from pathlib import Path

from study.outcomes.outcome import Outcome
from study.storage.store import Store
from study.tracking import MlflowTracker, NullTracker, local_uri, sync
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import (
    STEPS,
    Server,
    make_plan,
    make_record,
    make_rows,
    make_store,
    tell,
    wait_until,
)

# pytest finds fixtures among the names of a module; the first is for all tests here.
_no_waiting, out, shown = told_launches.no_waiting, told_launches.out, told_launches.shown


def test_a_resumed_launch_goes_on_in_its_runs(out: Path, shown: Server) -> None:
    expected = shown.contents()
    plan = make_plan()
    store = Store(out / "ring-lr" / "launch-1")
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    assert shown.contents() == expected


def test_a_killed_launch_is_shown_like_an_undisturbed_one(out: Path, tmp_path: Path, shown: Server) -> None:
    plan = make_plan("launch-2")
    store = make_store(out, plan)
    killed = MlflowTracker(local_uri(out))
    killed.start(plan, store)
    block = plan.blocks()[0]
    killed.curves(block, make_rows(block, STEPS[:3]))
    wait_until(lambda: len(shown.runs("replica")) == 6 and shown.replica(0, 22, "launch-2").data.metrics != {})
    resumed = MlflowTracker(local_uri(out))
    resumed.start(plan, store)
    resumed.curves(block, make_rows(block, STEPS[1:]))  # from a checkpoint before the last report
    assert resumed.finish(store, complete=True)
    contents = shown.contents()
    again = {key: entry for key, entry in contents.items() if key.startswith("launch-2")}
    before = {key.replace("launch-1", "launch-2"): entry for key, entry in contents.items() if "launch-1" in key}
    renamed = json.dumps(before).replace("launch-1", "launch-2").replace(make_plan().digest(), plan.digest())
    assert json.loads(json.dumps(again)) == json.loads(renamed)


def test_sync_rebuilds_the_view_from_the_folder(out: Path, shown: Server, empty_database: Path) -> None:
    other = out / "other"
    other.mkdir()
    shutil.copy(empty_database, other / "mlflow.db")
    store = Store(out / "ring-lr" / "launch-1")
    assert sync(store, MlflowTracker(local_uri(other)))
    assert Server(local_uri(other)).contents() == shown.contents()


def test_sync_twice_adds_nothing(out: Path, shown: Server) -> None:
    expected = shown.contents()
    for _ in range(2):
        assert sync(Store(out / "ring-lr" / "launch-1"), MlflowTracker(local_uri(out)))
    assert shown.contents() == expected


def test_another_decision_replaces_the_shown_one(out: Path, shown: Server) -> None:
    plan = make_plan()
    store = Store(out / "ring-lr" / "launch-1")
    failed = {"outcome": Outcome.DIVERGED, "outcome_step": 100, "ever_good": False}
    store.write_records(
        tuple(make_record(plan, block, seed, **failed) for block in plan.blocks() for seed in block.seeds)
    )
    assert sync(store, MlflowTracker(local_uri(out)))
    assert {run.data.metrics["success_rate"] for run in shown.runs("cell")} == {0.0}
    assert {run.data.metrics["success"] for run in shown.runs("replica")} == {0.0}
    assert {run.data.tags["outcome"] for run in shown.runs("replica")} == {"diverged"}


def test_a_run_deleted_in_the_ui_is_made_again(out: Path) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
    view = Server(local_uri(out))
    block = plan.blocks()[0]
    tracker.curves(block, make_rows(block, STEPS[:1]))
    wait_until(lambda: len(view.runs("replica")) == 2 and "d_loss" in view.replica(0, 11).data.metrics)
    view.client.delete_run(view.replica(0, 11).info.run_id)
    tracker.curves(block, make_rows(block, STEPS[1:2]))
    assert tracker.finish(store, complete=True)
    assert [step for step, _ in view.curve(view.replica(0, 11), "d_loss")] == [100, 200, 300]


def test_the_null_tracker_takes_everything(tmp_path: Path) -> None:
    assert sync(make_store(tmp_path, make_plan()), NullTracker())
