import json
import logging
import math
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from search_spaces import Factor, Level
from study.evidence.estimates import summarise
from study.outcome import MIXTURE_RULE, Outcome
from study.records import Record, Status
from study.spec import Block, Cell, LaunchSpec
from study.store import Store
from study.tracking import MlflowTracker, NullTracker, TrackingUnreachable, local_uri, server, sync, ui_command, writer
from trainables import trace
from trainables.config import GanConfig, Latent, digest, to_dict
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import Row, Trace

STEPS = (0, 100, 200, 300)
SEEDS = (11, 22)


def make_spec(launch: str = "launch-1") -> LaunchSpec:
    config = {lr: GanConfig(**base(), g_optimizer=Adam(lr=lr), d_optimizer=Adam(lr=lr)) for lr in (1e-3, 1e-4)}
    cells = tuple(
        Cell(index=i, name=f"lr {lr:g}", levels={"lr": f"{lr:g}", "clip": "none"}, config=one, digest=digest(one))
        for i, (lr, one) in enumerate(config.items())
    )
    levels = tuple(Level(label=f"{lr:g}", assign={"g_optimizer.lr": lr, "d_optimizer.lr": lr}) for lr in config)
    return LaunchSpec(
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


def make_record(spec: LaunchSpec, block: Block, seed: int, **changes: Any) -> Record:
    converged = seed == SEEDS[0] or block.cell.index == 1
    values: dict[str, Any] = {
        "launch": spec.launch,
        "study": spec.study,
        "profile": spec.profile,
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


def make_store(root: Path, spec: LaunchSpec) -> Store:
    """A complete launch on disk: traces, records, one sample grid per replica, and a report."""
    store = Store(root / spec.study / spec.launch)
    store.write_spec(spec)
    for block in spec.blocks():
        path = store.trace_path(block)
        trace.write(Trace(meta={"reference": {}}, rows=make_rows(block)), path)
        for seed in block.seeds:
            grid = store.sample_folder(block.cell.index, seed) / "step-000300.png"
            grid.parent.mkdir(parents=True)
            grid.write_bytes(b"a picture")
    store.write_records(tuple(make_record(spec, block, seed) for block in spec.blocks() for seed in block.seeds))
    store.report_path.parent.mkdir(parents=True)
    store.report_path.write_text("<html></html>")
    return store


def tell(tracker: MlflowTracker, spec: LaunchSpec, store: Store) -> None:
    """What a driver tells during an undisturbed launch, up to ``finish``."""
    for block in spec.blocks():
        for step in STEPS:
            tracker.curves(block, make_rows(block, (step,)))
        for seed in block.seeds:
            tracker.replica(make_record(spec, block, seed), store.grids(block.cell.index, seed))
    for summary in summarise(store.records()):
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
        return [(point.step, point.value) for point in self.client.get_metric_history(run.info.run_id, name)]

    def contents(self) -> dict[str, Any]:
        """Everything but ids and times, of all runs; whatever is there twice shows."""
        runs = [run for level in ("launch", "cell", "replica") for run in self.runs(level)]
        keys = [run.data.tags["stability.key"] for run in runs]
        assert len(keys) == len(set(keys)), f"runs with the same key: {keys}"
        return {key: self._content(run) for key, run in zip(keys, runs, strict=True)}

    def _content(self, run: Run) -> dict[str, Any]:
        tags = {name: value for name, value in run.data.tags.items() if name != "mlflow.parentRunId"}
        folders = [file.path for file in self.client.list_artifacts(run.info.run_id)]
        files = [file.path for folder in folders for file in self.client.list_artifacts(run.info.run_id, folder)]
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
def _no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_GATHER_SECONDS", 0.05)
        patch.setattr(writer, "_RETRY_SECONDS", 0.05)
        yield


def show(folder: Path) -> Server:
    """A server after an undisturbed launch, all in one folder."""
    spec = make_spec()
    store = make_store(folder, spec)
    tracker = MlflowTracker(local_uri(folder))
    tracker.start(spec)
    tell(tracker, spec, store)
    assert tracker.finish(store, complete=True)
    return Server(local_uri(folder))


@pytest.fixture
def shown(out: Path) -> Server:
    """A server after an undisturbed launch, for tests that go on with it."""
    return show(out)


@pytest.fixture(scope="module")
def seen(empty_database: Path, tmp_path_factory: pytest.TempPathFactory, _no_waiting: None) -> Server:
    """The same for tests that only look."""
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


def test_a_resumed_launch_goes_on_in_its_runs(out: Path, shown: Server) -> None:
    expected = shown.contents()
    spec = make_spec()
    store = Store(out / "ring-lr" / "launch-1")
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    tell(tracker, spec, store)
    assert tracker.finish(store, complete=True)
    assert shown.contents() == expected


def test_a_killed_launch_is_shown_like_an_undisturbed_one(out: Path, tmp_path: Path, shown: Server) -> None:
    spec = make_spec("launch-2")
    store = make_store(out, spec)
    killed = MlflowTracker(local_uri(out))
    killed.start(spec)
    block = spec.blocks()[0]
    killed.curves(block, make_rows(block, STEPS[:3]))
    wait_until(lambda: len(shown.runs("replica")) == 6 and shown.replica(0, 22, "launch-2").data.metrics != {})
    resumed = MlflowTracker(local_uri(out))
    resumed.start(spec)
    resumed.curves(block, make_rows(block, STEPS[1:]))  # from a checkpoint before the last report
    assert resumed.finish(store, complete=True)
    contents = shown.contents()
    again = {key: entry for key, entry in contents.items() if key.startswith("launch-2")}
    before = {key.replace("launch-1", "launch-2"): entry for key, entry in contents.items() if "launch-1" in key}
    assert json.loads(json.dumps(again)) == json.loads(json.dumps(before).replace("launch-1", "launch-2"))


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
    spec = make_spec()
    store = Store(out / "ring-lr" / "launch-1")
    failed = {"outcome": Outcome.DIVERGED, "outcome_step": 100, "ever_good": False}
    store.write_records(
        tuple(make_record(spec, block, seed, **failed) for block in spec.blocks() for seed in block.seeds)
    )
    assert sync(store, MlflowTracker(local_uri(out)))
    assert {run.data.metrics["success_rate"] for run in shown.runs("cell")} == {0.0}
    assert {run.data.metrics["success"] for run in shown.runs("replica")} == {0.0}
    assert {run.data.tags["outcome"] for run in shown.runs("replica")} == {"diverged"}


def test_what_is_not_finite_is_never_sent(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[float] = []
    plain = MlflowClient.log_batch

    def spying(self: MlflowClient, run_id: str, metrics: Any = (), **others: Any) -> None:
        sent.extend(metric.value for metric in metrics)
        plain(self, run_id, metrics=metrics, **others)

    monkeypatch.setattr(MlflowClient, "log_batch", spying)
    spec = make_spec()
    store = make_store(out, spec)
    block = spec.blocks()[0]
    bad = [math.nan, math.inf, -math.inf, None]
    rows = [
        {"replica": 0, "seed": 11, "step": step, "finite": False, "d_loss": value, "g_loss": 1.0}
        for step, value in zip(STEPS, bad, strict=True)
    ]
    trace.write(Trace(meta={"reference": {}}, rows=rows), store.trace_path(block))
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    tracker.curves(block, rows)
    assert tracker.finish(store, complete=True)
    assert len(sent) > 12
    assert all(math.isfinite(value) for value in sent)
    run = Server(local_uri(out)).replica(0, 11)
    assert "d_loss" not in run.data.metrics
    assert len(Server(local_uri(out)).curve(run, "g_loss")) == 4


def test_a_crash_is_failed_and_no_failure_of_the_gan(out: Path) -> None:
    spec = make_spec()
    store = make_store(out, spec)
    crash = {"status": Status.CRASHED, "outcome": Outcome.UNDECIDED, "outcome_step": None, "ever_good": False}
    store.write_records(
        tuple(make_record(spec, block, seed, **crash) for block in spec.blocks() for seed in block.seeds)
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
    spec = make_spec()
    store = Store(out / spec.study / spec.launch)
    store.write_spec(spec)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    tracker.curves(spec.blocks()[0], make_rows(spec.blocks()[0], STEPS[:2]))
    assert tracker.finish(store, complete=False)
    view = Server(local_uri(out))
    statuses = {run.info.status for level in ("launch", "cell", "replica") for run in view.runs(level)}
    assert statuses == {"KILLED"}


def test_a_curve_longer_than_one_batch_is_whole(out: Path) -> None:
    spec = make_spec()
    store = make_store(out, spec)
    block = spec.blocks()[0]
    steps = tuple(range(0, 30_000, 100))  # 300 rows of 4 numbers, where a batch takes 1000
    trace.write(Trace(meta={"reference": {}}, rows=make_rows(block, steps)), store.trace_path(block))
    assert sync(store, MlflowTracker(local_uri(out)))
    view = Server(local_uri(out))
    assert [step for step, _ in view.curve(view.replica(0, 22), "g_loss")] == list(steps)


def test_a_run_deleted_in_the_ui_is_made_again(out: Path) -> None:
    spec = make_spec()
    store = make_store(out, spec)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    view = Server(local_uri(out))
    block = spec.blocks()[0]
    tracker.curves(block, make_rows(block, STEPS[:1]))
    wait_until(lambda: len(view.runs("replica")) == 2 and "step" in view.replica(0, 11).data.metrics)
    view.client.delete_run(view.replica(0, 11).info.run_id)
    tracker.curves(block, make_rows(block, STEPS[1:2]))
    assert tracker.finish(store, complete=True)
    assert [step for step, _ in view.curve(view.replica(0, 11), "d_loss")] == [100, 200, 300]


def test_a_path_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    begin = time.monotonic()
    with pytest.raises(TrackingUnreachable, match=r"mlflow\.db cannot be used: "):
        MlflowTracker(local_uri(tmp_path / "file")).start(make_spec())
    assert time.monotonic() - begin < 5


def test_a_server_that_refuses_is_refused_at_start() -> None:
    begin = time.monotonic()
    with pytest.raises(
        TrackingUnreachable, match=r"^tracking server http://127\.0\.0\.1:\d+ cannot be used: .*refused"
    ):
        MlflowTracker(f"http://127.0.0.1:{free_port()}").start(make_spec())
    assert time.monotonic() - begin < 10


def test_a_database_where_nobody_listens_is_refused_at_start() -> None:
    begin = time.monotonic()
    with pytest.raises(TrackingUnreachable, match=r"me:\*\*\*@127.*refused"):
        MlflowTracker(f"postgresql://me:secret@127.0.0.1:{free_port()}/mlflow").start(make_spec())
    assert time.monotonic() - begin < 5


def test_a_deleted_experiment_is_refused_at_start(out: Path, shown: Server) -> None:
    experiment = shown.client.get_experiment_by_name("ring-lr")
    assert experiment is not None
    shown.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(TrackingUnreachable, match="'ring-lr' must be active, got deleted"):
        MlflowTracker(local_uri(out)).start(make_spec())


def test_an_outage_is_told_once_and_made_up_for(
    out: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shown: Server
) -> None:
    spec = make_spec("launch-2")
    store = make_store(out, spec)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, logger="study.tracking"):
        calls = count_failures(broken)
        tell(tracker, spec, store)
        wait_until(lambda: tracker._queue.empty() and len(caplog.records) == 1)
    assert len(calls) <= 4  # the rest is dropped without asking
    assert tracker.finish(store, complete=True)
    (record,) = [record for record in caplog.records if record.name == "study.tracking.writer"]
    assert "study sync launch-2" in record.getMessage()
    assert shown.curve(shown.replica(1, 22, "launch-2"), "d_loss") == [(0, 2.0), (100, 2.1), (200, 2.2), (300, 2.3)]


def test_an_outage_leaves_no_gap_in_a_curve(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BACK_OFF_SECONDS", (0.05, 0.05))
    spec = make_spec()
    store = make_store(out, spec)
    block = spec.blocks()[0]
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    with monkeypatch.context() as broken:
        calls = count_failures(broken)
        tracker.curves(block, make_rows(block, STEPS[:2]))
        wait_until(lambda: len(calls) >= 2)  # the first is tried twice, then the rest dropped
        time.sleep(0.2)
    tracker.curves(block, make_rows(block, STEPS[2:3]))
    tracker.cell(summarise(store.records())[0])
    view = Server(local_uri(out))
    wait_until(lambda: len(view.runs("cell")) == 1 and "n" in view.runs("cell")[0].data.metrics)
    assert tracker.finish(store, complete=True)
    assert [step for step, _ in view.curve(view.replica(0, 11), "d_loss")] == list(STEPS)


def test_finish_says_that_not_all_is_shown(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = make_spec()
    store = make_store(out, spec)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    count_failures(monkeypatch)
    begin = time.monotonic()
    assert not tracker.finish(store, complete=True)
    assert time.monotonic() - begin < 10


def count_failures(patch: pytest.MonkeyPatch) -> list[str]:
    """From now on every write fails as it does when a connection breaks; returns the calls."""
    calls: list[str] = []

    def fail(*args: Any, **kwargs: Any) -> None:
        calls.append("called")
        raise ConnectionError("the line is dead")

    for name in ("create_run", "log_batch", "set_terminated", "update_run"):
        patch.setattr(MlflowClient, name, fail)
    return calls


def test_a_server_that_never_answers_does_not_hold_the_launch(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_PATIENCE_SECONDS", 1.0)
    spec = make_spec()
    store = make_store(out, spec)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(spec)
    released = Event()

    def hang(*args: Any, **kwargs: Any) -> None:
        released.wait(60)
        raise ConnectionError("no answer")

    monkeypatch.setattr(MlflowClient, "create_run", hang)
    tracker.curves(spec.blocks()[0], make_rows(spec.blocks()[0]))
    begin = time.monotonic()
    assert not tracker.finish(store, complete=True)
    assert 0.9 < time.monotonic() - begin < 10
    released.set()


def test_the_null_tracker_takes_everything(tmp_path: Path) -> None:
    assert sync(make_store(tmp_path, make_spec()), NullTracker())


@pytest.fixture(scope="module")
def fresh_process() -> list[str]:
    """Whether mlflow is imported with the package, and whether its telemetry is off then; outside of pytest, in whose
    environment mlflow never sends any."""
    code = (
        "import sys, study.tracking; print('mlflow' in sys.modules);"
        "from mlflow.telemetry.utils import is_telemetry_disabled as off; print(off())"
    )
    plain = {"PATH": "/usr/bin", "PYTHONPATH": str(Path(server.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=plain, capture_output=True, text=True)
    return done.stdout.split()


def test_importing_the_package_does_not_import_mlflow(fresh_process: list[str]) -> None:
    assert fresh_process[0] == "False"


def test_no_usage_data_are_sent(fresh_process: list[str]) -> None:
    assert fresh_process[1] == "True"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return bool(page.status == 200)
    except OSError:
        return False


@pytest.fixture
def serve(out: Path) -> Iterator[Callable[[int], "subprocess.Popen[bytes]"]]:
    """Starts ``ui_command`` on a port and waits until it answers."""
    started: list[subprocess.Popen[bytes]] = []

    def start(port: int) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(ui_command(out, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        started.append(process)
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), 120)
        return process

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


@pytest.mark.slow
def test_the_ui_serves_the_page_and_the_grids(
    out: Path, shown: Server, serve: Callable[[int], "subprocess.Popen[bytes]"]
) -> None:
    port = free_port()
    serve(port)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as page:
        assert b"MLflow" in page.read()
    run = shown.replica(0, 11).info.run_id
    url = f"http://127.0.0.1:{port}/get-artifact?path=samples%2Fstep-000300.png&run_uuid={run}"
    with urllib.request.urlopen(url, timeout=20) as grid:
        assert grid.read() == b"a picture"


@pytest.mark.slow
def test_a_server_that_dies_stops_nothing_and_sync_rebuilds(
    out: Path,
    shown: Server,
    serve: Callable[[int], "subprocess.Popen[bytes]"],
    caplog: pytest.LogCaptureFixture,
) -> None:
    port = free_port()
    process = serve(port)
    uri = f"http://127.0.0.1:{port}"
    spec = make_spec("launch-2")
    store = make_store(out, spec)
    block = spec.blocks()[0]
    tracker = MlflowTracker(uri)
    tracker.start(spec)
    tracker.curves(block, make_rows(block, STEPS[:1]))
    wait_until(lambda: len(shown.runs("replica")) == 6 and "step" in shown.replica(0, 22, "launch-2").data.metrics)
    process.terminate()
    process.wait(20)
    tell(tracker, spec, store)
    begin = time.monotonic()
    assert not tracker.finish(store, complete=True)
    assert time.monotonic() - begin < 30
    assert len([record for record in caplog.records if record.name == "study.tracking.writer"]) == 1
    serve(port)
    assert sync(store, MlflowTracker(uri))
    contents = shown.contents()
    assert len([key for key in contents if key.startswith("launch-2/cell=1/seed=")]) == 2
    for key in ("cell=0/seed=11", "cell=0/seed=22", "cell=1/seed=11", "cell=1/seed=22"):
        before, after = contents[f"launch-1/{key}"], contents[f"launch-2/{key}"]
        assert after["curves"] == before["curves"]
        assert (after["files"], after["status"]) == (before["files"], before["status"])
