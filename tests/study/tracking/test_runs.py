"""What a tracking server shows of a launch: runs, levels, rates, curves, files, and only finite numbers."""

import dataclasses
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from study.outcomes.measures import measure
from study.outcomes.outcome import Outcome
from study.outcomes.snapshots import snapshots
from study.storage.records import Status
from study.storage.store import Store
from study.tracking import MlflowTracker, local_uri, runs, sync
from study.tracking.values import Point
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import (
    SEEDS,
    STEPS,
    Server,
    make_plan,
    make_record,
    make_rows,
    make_store,
    meta_of,
    show,
)
from trainables import trace
from trainables.trace import Trace

C, M = Outcome.CONVERGED, Outcome.MODE_COLLAPSED

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
    assert names == {
        "launch": {"launch-1"},
        "cell": {"lr 0.001", "lr 0.0001"},
        "replica": {
            "seed 11: converged (lr 0.001)",
            "seed 22: mode collapsed (lr 0.001)",
            "seed 11: converged (lr 0.0001)",
            "seed 22: converged (lr 0.0001)",
        },
    }


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


def test_a_cell_has_its_outcomes_as_text(seen: Server) -> None:
    outcomes = {run.info.run_name: run.data.tags["outcomes"] for run in seen.runs("cell")}
    assert outcomes == {"lr 0.001": "1 converged, 1 mode collapsed", "lr 0.0001": "2 converged"}


def test_cells_sort_by_success_rate(seen: Server) -> None:
    best_first = seen.runs("cell", order_by=["metrics.success_rate DESC"])
    assert [run.info.run_name for run in best_first] == ["lr 0.0001", "lr 0.001"]


def test_a_replica_has_its_outcome_and_seed(seen: Server) -> None:
    run = seen.replica(0, 22)
    tags = run.data.tags
    assert (tags["outcome"], tags["status"], tags["outcome_step"]) == ("mode_collapsed", "finished", "200")
    assert run.data.params == {"seed": "22", "lr": "0.001", "clip": "none"}
    assert (run.data.metrics["success"], seen.replica(0, 11).data.metrics["success"]) == (0.0, 1.0)
    assert run.info.status == "FINISHED"


def test_curves_are_metrics_by_step(seen: Server) -> None:
    run = seen.replica(0, 22)
    assert seen.curve(run, "d_loss") == [(0, 2.0), (100, 2.1), (200, 2.2), (300, 2.3)]
    assert set(run.data.metrics) == {"d_loss", "g_loss", "success", "good"}


def test_grids_and_report_are_artifacts_beside_the_database(shown: Server, out: Path) -> None:
    contents = shown.contents()
    assert contents["launch-1"]["files"] == ["report/index.html"]
    series = ["images/samples+step+300+*+compressed.webp", "images/samples+step+300+*.png"]
    assert contents["launch-1/cell=1/seed=11"]["files"] == series
    assert contents["launch-1/cell=1"]["files"] == series
    assert len(list((out / "mlartifacts" / "ring-lr").rglob("samples+step+300+*.png"))) == 4 + 2


def test_the_launch_has_its_question(seen: Server) -> None:
    (launch,) = seen.runs("launch")
    assert launch.data.tags["question"] == "Which learning rate trains reliably?"
    assert (launch.data.tags["profile"], launch.info.status) == ("smoke", "FINISHED")
    assert launch.data.tags["digest"] == make_plan().digest()


def test_what_the_rule_judges_is_curves_of_replica_and_cell(
    out: Path, trained: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_METRICS_PER_BATCH", 10)
    store = trained(((C, M), (C, C)), page=False)
    assert sync(store, MlflowTracker(local_uri(out)))
    client = MlflowClient(local_uri(out))
    (experiment,) = [known for known in client.search_experiments() if known.name == store.plan().study]
    found = {run.data.tags["stability.key"]: run for run in client.search_runs([experiment.experiment_id])}
    stored, rule = store.trace(store.plan().blocks()[0]), store.rule()
    assert stored is not None
    launch, (first, second) = store.plan().launch, store.plan().seeds
    measured = {seed: measure(stored.replica(seed), rule) for seed in (first, second)}

    def curve(key: str, name: str) -> list[tuple[int, float]]:
        return [(p.step, p.value) for p in client.get_metric_history(found[key].info.run_id, name)]

    for name in ("quality", "coverage", "balance", "hopping"):
        values = zip(measured[second].step, measured[second].values[name], strict=True)
        assert curve(f"{launch}/cell=0/seed={second}", name) == [(s, v) for s, v in values if np.isfinite(v)]
    medians = np.median([own.values["quality"] for own in measured.values()], axis=0)
    assert curve(f"{launch}/cell=0", "quality") == list(zip(measured[first].step, medians, strict=True))
    good = {seed: snapshots(stored.replica(seed), rule).good for seed in (first, second)}
    assert curve(f"{launch}/cell=0", "good")[-1] == (1000, np.mean([own[-1] for own in good.values()]))
    assert curve(f"{launch}/cell=0/seed={first}", "good")[-1] == (1000, 1.0)
    before = {key: run.info.run_id for key, run in found.items()}
    assert sync(store, MlflowTracker(local_uri(out)))
    assert {
        run.data.tags["stability.key"]: run.info.run_id for run in client.search_runs([experiment.experiment_id])
    } == before
    assert len(curve(f"{launch}/cell=0", "quality")) == len(medians)


def test_another_rule_makes_the_runs_anew_because_curves_cannot_be_taken_back(
    out: Path, trained: Callable[..., Store]
) -> None:
    store = trained(((C, M), (C, C)), page=False)
    assert sync(store, MlflowTracker(local_uri(out)))
    client = MlflowClient(local_uri(out))
    (experiment,) = [known for known in client.search_experiments() if known.name == store.plan().study]
    before = client.search_runs([experiment.experiment_id])
    strict = dataclasses.replace(store.rule(), quality_min=1.0)
    store.write_decided(strict, store.records())
    assert sync(store, MlflowTracker(local_uri(out)))
    after = client.search_runs([experiment.experiment_id])
    assert len(after) == len(before) == 1 + 2 + 4
    assert len({run.info.run_id for run in after} & {run.info.run_id for run in before}) == 1
    for run in after:
        if run.data.tags["stability.level"] != "launch":
            assert run.data.tags["stability.judged"] == strict.label()
            assert {p.value for p in client.get_metric_history(run.info.run_id, "good")} == {0.0}


def test_a_launch_of_an_earlier_version_goes_on_behind_its_last_step(out: Path, shown: Server) -> None:
    run = shown.replica(0, 11)
    shown.client.delete_tag(run.info.run_id, "stability.step")
    shown.client.log_metric(run.info.run_id, "step", 300.0, step=300)  # what it had instead of the tag
    assert sync(Store(out / "ring-lr" / "launch-1"), MlflowTracker(local_uri(out)))
    assert [step for step, _ in shown.curve(run, "d_loss")] == list(STEPS)


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
    trace.write(Trace(meta=meta_of(block), rows=rows), store.trace_path(block))
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
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
    tracker.start(plan, store)
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
    trace.write(Trace(meta=meta_of(block), rows=make_rows(block, steps)), store.trace_path(block))
    assert sync(store, MlflowTracker(local_uri(out)))
    view = Server(local_uri(out))
    assert [step for step, _ in view.curve(view.replica(0, 22), "g_loss")] == list(steps)


def test_a_driver_that_was_killed_between_points_and_their_tag_sends_none_twice(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def points(stamp: int) -> list[Point]:
        return [Point(step=step, stamp=stamp + step, values={"d_loss": 0.1 * step}) for step in (0, 100, 200)]

    plan = make_plan()
    store = make_store(out, plan)
    killed = runs.open_runs(local_uri(out), plan, store)
    log = MlflowClient.log_batch

    def cut(self: MlflowClient, run_id: str, metrics: Any = (), params: Any = (), tags: Any = ()) -> None:
        log(self, run_id, metrics=metrics, params=params)
        if metrics:
            raise KeyboardInterrupt

    monkeypatch.setattr(MlflowClient, "log_batch", cut)
    with pytest.raises(KeyboardInterrupt):
        killed.curves(0, SEEDS[0], points(1_000)[:2])
    monkeypatch.undo()
    again = runs.open_runs(local_uri(out), plan, store)
    again.curves(0, SEEDS[0], points(5_000))
    (run,) = Server(local_uri(out)).runs("replica")
    history = MlflowClient(local_uri(out)).get_metric_history(run.info.run_id, "d_loss")
    assert sorted((point.step, point.timestamp) for point in history) == [(0, 1_000), (100, 1_100), (200, 5_200)]
