"""What a tracking server shows of a launch: runs, levels, rates, curves, files, and only finite numbers."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from study.outcomes.outcome import Outcome
from study.storage.records import Status
from study.storage.store import Store
from study.tracking import MlflowTracker, local_uri, sync
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, Server, make_plan, make_record, make_rows, make_store, show
from trainables import trace
from trainables.trace import Trace

# pytest finds fixtures among the names of a module; the first is for all tests here.
_no_waiting, out, shown = told_launches.no_waiting, told_launches.out, told_launches.shown


@pytest.fixture(scope="module")
def seen(empty_database: Path, tmp_path_factory: pytest.TempPathFactory, _no_waiting: None) -> Server:
    """A server after an undisturbed launch, for tests that only look."""
    folder = tmp_path_factory.mktemp("seen")
    shutil.copy(empty_database, folder / "mlflow.db")
    return show(folder)


def test_runs_nest_launch_cell_replica(seen: Server) -> None:
    (launch,) = seen.runs("launch")
    cells = {run.info.run_id for run in seen.runs("cell")}
    assert {run.data.tags["mlflow.parentRunId"] for run in seen.runs("cell")} == {launch.info.run_id}
    assert {run.data.tags["mlflow.parentRunId"] for run in seen.runs("replica")} == cells
    assert (len(cells), len(seen.runs("replica"))) == (2, 4)


def test_names_can_be_read_in_the_ui(seen: Server) -> None:
    names = {level: {run.info.run_name for run in seen.runs(level)} for level in ("launch", "cell", "replica")}
    assert names == {"launch": {"launch-1"}, "cell": {"lr 0.001", "lr 0.0001"}, "replica": {"seed 11", "seed 22"}}


def test_a_cell_has_its_levels_and_its_configuration_as_params(seen: Server) -> None:
    params = next(run for run in seen.runs("cell") if run.info.run_name == "lr 0.0001").data.params
    assert params["lr"] == "0.0001"
    assert params["g_optimizer.lr"] == "0.0001"
    assert params["g_optimizer.kind"] == "adam"
    assert json.loads(params["generator.hidden"]) == [8, 8]


def test_a_factor_called_like_a_path_keeps_its_label(seen: Server) -> None:
    params = seen.runs("cell")[0].data.params
    assert (params["clip"], params["config.clip"]) == ("none", "null")


def test_a_cell_has_its_rate_interval_and_outcomes_as_metrics(seen: Server) -> None:
    metrics = next(run for run in seen.runs("cell") if run.info.run_name == "lr 0.001").data.metrics
    assert metrics["success_rate"] == 0.5
    assert metrics["success_low"] == pytest.approx(0.0945, abs=1e-4)  # Wilson 1927, 1 of 2
    assert metrics["success_high"] == pytest.approx(0.9055, abs=1e-4)
    assert (metrics["n"], metrics["successes"], metrics["crashed"]) == (2, 1, 0)
    counts = {name: count for name, count in metrics.items() if name.startswith("outcome_")}
    assert counts["outcome_converged"] == counts["outcome_mode_collapsed"] == 1
    assert sum(counts.values()) == 2


def test_cells_sort_by_success_rate(seen: Server) -> None:
    best_first = seen.runs("cell", order_by=["metrics.success_rate DESC"])
    assert [run.info.run_name for run in best_first] == ["lr 0.0001", "lr 0.001"]


def test_a_replica_has_its_outcome_and_seed(seen: Server) -> None:
    run = seen.replica(0, 22)
    tags = run.data.tags
    assert (tags["outcome"], tags["status"], tags["outcome_step"]) == ("mode_collapsed", "finished", "200")
    assert (run.data.params["seed"], run.data.params["replica"], run.data.params["lr"]) == ("22", "1", "0.001")
    assert (run.data.metrics["success"], seen.replica(0, 11).data.metrics["success"]) == (0.0, 1.0)
    assert run.info.status == "FINISHED"


def test_curves_are_metrics_by_step(seen: Server) -> None:
    run = seen.replica(0, 22)
    assert seen.curve(run, "d_loss") == [(0, 2.0), (100, 2.1), (200, 2.2), (300, 2.3)]
    assert set(run.data.metrics) == {"step", "finite", "d_loss", "g_loss", "success"}


def test_grids_and_report_are_artifacts_beside_the_database(shown: Server, out: Path) -> None:
    contents = shown.contents()
    assert contents["launch-1"]["files"] == ["report/index.html"]
    assert contents["launch-1/cell=1/seed=11"]["files"] == ["samples/step-000300.png"]
    assert len(list((out / "mlartifacts" / "ring-lr").rglob("step-000300.png"))) == 4


def test_the_launch_has_its_question(seen: Server) -> None:
    (launch,) = seen.runs("launch")
    assert launch.data.tags["question"] == "Which learning rate trains reliably?"
    assert (launch.data.tags["profile"], launch.info.status) == ("smoke", "FINISHED")


def test_what_is_not_finite_is_never_sent(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[float] = []
    plain = MlflowClient.log_batch

    def spying(self: MlflowClient, run_id: str, metrics: Any = (), **others: Any) -> None:
        sent.extend(metric.value for metric in metrics)
        plain(self, run_id, metrics=metrics, **others)

    monkeypatch.setattr(MlflowClient, "log_batch", spying)
    plan = make_plan()
    store = make_store(out, plan)
    block = plan.blocks()[0]
    bad = [math.nan, math.inf, -math.inf, None]
    rows = [
        {"replica": 0, "seed": 11, "step": step, "finite": False, "d_loss": value, "g_loss": 1.0}
        for step, value in zip(STEPS, bad, strict=True)
    ]
    trace.write(Trace(meta={"reference": {}}, rows=rows), store.trace_path(block))
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
    tracker.curves(block, rows)
    assert tracker.finish(store, complete=True)
    assert len(sent) > 12
    assert all(math.isfinite(value) for value in sent)
    run = Server(local_uri(out)).replica(0, 11)
    assert "d_loss" not in run.data.metrics
    assert len(Server(local_uri(out)).curve(run, "g_loss")) == 4


def test_a_crash_is_failed_and_no_failure_of_the_gan(out: Path) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    crash = {"status": Status.CRASHED, "outcome": Outcome.UNDECIDED, "outcome_step": None, "ever_good": False}
    store.write_records(
        tuple(make_record(plan, block, seed, **crash) for block in plan.blocks() for seed in block.seeds)
    )
    assert sync(store, MlflowTracker(local_uri(out)))
    view = Server(local_uri(out))
    run = view.replica(0, 11)
    assert (run.info.status, run.data.tags["status"]) == ("FAILED", "crashed")
    assert "success" not in run.data.metrics
    cell = view.runs("cell")[0].data.metrics
    assert (cell["n"], cell["crashed"]) == (0, 2)
    assert "success_rate" not in cell


def test_an_interrupted_launch_leaves_no_run_open(out: Path) -> None:
    plan = make_plan()
    store = Store(out / plan.study / plan.launch)
    store.write_plan(plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
    tracker.curves(plan.blocks()[0], make_rows(plan.blocks()[0], STEPS[:2]))
    assert tracker.finish(store, complete=False)
    view = Server(local_uri(out))
    statuses = {run.info.status for level in ("launch", "cell", "replica") for run in view.runs(level)}
    assert statuses == {"KILLED"}


def test_a_curve_longer_than_one_batch_is_whole(out: Path) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    block = plan.blocks()[0]
    steps = tuple(range(0, 30_000, 100))  # 300 rows of 4 numbers, where a batch takes 1000
    trace.write(Trace(meta={"reference": {}}, rows=make_rows(block, steps)), store.trace_path(block))
    assert sync(store, MlflowTracker(local_uri(out)))
    view = Server(local_uri(out))
    assert [step for step, _ in view.curve(view.replica(0, 22), "g_loss")] == list(steps)
