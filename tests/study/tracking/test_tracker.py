"""A launch told again, resumed, or rebuilt from its folder: the same view, and nothing twice."""

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from mlflow import MlflowClient

from study.evidence.estimates import summarize
from study.outcomes.outcome import Outcome
from study.storage.store import Store
from study.tracking import MlflowTracker, NullTracker, local_uri, sync, writer
from study.tracking.view import View
from study.tracking.writer import Writer, _Counts, _gathered
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import (
    STEPS,
    Server,
    make_plan,
    make_record,
    make_rows,
    make_store,
    show,
    tell,
    wait_until,
)
from trainables import trace
from trainables.trace import Trace

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


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each method of MLflow's client is called from now on."""
    calls: Counter[str] = Counter()

    def counting(name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: MlflowClient, *arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            return plain(self, *arguments, **options)

        return call

    for name in ("create_run", "log_batch", "set_terminated", "update_run", "set_tag", "log_artifact", "search_runs"):
        monkeypatch.setattr(MlflowClient, name, counting(name, getattr(MlflowClient, name)))
    return calls


def test_a_replica_takes_three_requests_besides_its_curves(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    show(out)
    launches, cells, replicas = 1, 2, 4
    assert calls["create_run"] == calls["set_terminated"] == launches + cells + replicas
    curves = len(STEPS) * replicas
    # Of a replica the outcome, and that it has pictures; of a cell its description, counts, curves and that, too.
    assert calls["log_batch"] <= launches + 4 * cells + 2 * replicas + curves
    assert calls["log_artifact"] == 2 * (cells + replicas) + 1
    assert (calls["update_run"], calls["set_tag"], calls["search_runs"]) == (0, 0, 1)


def test_what_is_shown_is_neither_read_nor_sent_again(
    out: Path, shown: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unread(path: Path) -> Trace:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(trace, "read", unread)
    monkeypatch.setattr(writer, "_read", lambda path, stamp: unread(path))
    calls = counted(monkeypatch)
    assert sync(Store(out / "ring-lr" / "launch-1"), MlflowTracker(local_uri(out)))
    of_launch = {"update_run": 1, "set_terminated": 1, "log_artifact": 1}  # open while it is looked through; its report
    assert calls == {"search_runs": 1} | of_launch


def test_a_launch_is_shown_later_the_longer_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    own = Writer(lambda plan, store: View(plan, store), "nobody")

    class Again(Event):
        def set(self) -> None:
            own._queue.put(self if len(waited) < 8 else None)

    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: 100.0 * len(waited)))
    monkeypatch.setattr(own, "_hurry", SimpleNamespace(wait=waited.append))
    own._queue.put(Again())
    own._work()
    assert waited == [writer._GATHER_SECONDS, *(5.0 * n for n in range(1, 6)), 30.0, 30.0, 30.0]


def test_of_the_counts_of_a_cell_the_last_ones_are_sent(tmp_path: Path) -> None:
    first, second = summarize(make_store(tmp_path, make_plan()).records())
    counts = [_Counts(dataclasses.replace(own, crashed=n), None) for n, own in enumerate((first, second, first))]
    mark = Event()
    assert list(_gathered([counts[0], mark, counts[1], counts[2]])) == [mark, counts[1], counts[2]]


def test_the_null_tracker_takes_everything(tmp_path: Path) -> None:
    assert sync(make_store(tmp_path, make_plan()), NullTracker())
