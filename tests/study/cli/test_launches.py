"""Commands about launches as a user runs them: through Ray and MLflow, and with every mistake that costs no compute."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import typer
from mlflow import MlflowClient
from mlflow.entities import Run
from ray._private.utils import psutil
from rich.console import Console
from typer.testing import CliRunner, Result

from study import tracking
from study.cli import app, launches
from study.outcomes.outcome import Outcome
from study.storage import kept_weights
from study.storage.records import Record, Status
from study.storage.store import Store
from study.studies import studies
from study.tracking import NullTracker
from trainables.reporting import report_steps

STUDY = Path(sys.executable).with_name("study")
SMALL = ("--seeds", "2", "--set", "steps=40", "--set", "batch_size=16", "--set", "evaluation.every=10")
QUICKLY = ("--profile", "smoke", *SMALL)


def study(*arguments: str | Path, seconds: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STUDY, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env={**os.environ, "COLUMNS": "140", **environment},
    )


def here(*arguments: str | int | Path) -> Result:
    """The same in this process, for what needs no Ray: a process of its own loads for seconds."""
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "140"})


def only_launch(out: Path, name: str = "mixture-modes") -> Store:
    (root,) = (out / name).iterdir()
    return Store(root)


def what_was_computed(records: Sequence[Record]) -> list[tuple[object, ...]]:
    return [(r.cell, r.replica, r.seed, r.digest, r.status, r.outcome, r.outcome_step, r.evidence) for r in records]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "lsgan"], f"study must be one of {', '.join(studies())}, got 'lsgan'"),
        (
            ["run", "mixture-modes", "--profile", "huge"],
            "profile must be one of smoke, quick, hour, deeper, standard, paper, got 'huge'",
        ),
        (["run", "mixture-modes", "--set", "stepz=3"], "stepz is no field"),
        (["run", "mixture-modes", "--set", "steps"], "--set needs path=value, got 'steps'"),
        (["run", "mixture-modes", "--set", "steps=many"], "steps: input should be a valid integer"),
        (["run", "mixture-modes", "--set", "objective.a=1"], "varied by the factor objective"),
        (["run", "mixture-modes", "--seeds", "0"], "seeds must be in [1, 10000], got 0"),
        (["run", "mixture-modes", "--budget", "2h"], "--budget needs --until-decided"),
        (
            ["run", "mixture-modes", "--until-decided", "--budget", "2"],
            "--budget must be a number > 0 followed by s, m or h, got '2'",
        ),
        (["run", "wgan-clip", "--set", "d_optimizer.lr=-1"], "d_optimizer"),
        (["run", "lsgan-stability", "--set", "clip=-0.01"], "clip must be > 0, got -0.01 (study lsgan-stability"),
        (["run", "mixture-modes", "--set", "g_optimizer.kind=lion"], "g_optimizer.kind must be one of sgd, adam"),
        (["run", "mixture-modes", "--gpus-per-block", "1.5"], "--gpus-per-block must be a whole number above 1"),
        (["run", "mixture-modes", "--cpus-per-block", "0"], "--cpus-per-block must be > 0"),
        (["run", "lsgan-stability", "--profile", "paper"], "bedroom"),
        (["resume", "nothing"], "LAUNCH must be a launch's folder"),
        (["status", "nothing"], "LAUNCH must be a launch's folder"),
        (["confirm", "nothing"], "LAUNCH must be a launch's folder"),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_sentence_and_trains_nothing(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = here(*arguments, "--out", out)
    assert done.exit_code == 2, done.output
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not out.exists()


def test_a_triplet_that_cannot_tell_real_from_fake_is_refused(tmp_path: Path) -> None:
    changes = ("--set", "objective.kind=least_squares", "--set", "objective.a=1", "--set", "objective.b=1")
    done = here("run", "wgan-clip", *changes, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "objective: label a (fake) must differ from label b (real), got a = b = 1.0" in done.stderr


def test_an_out_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = here("run", "mixture-modes", *QUICKLY, "--out", tmp_path / "file" / "runs")
    assert done.exit_code == 2
    assert "--out must be a writable folder" in done.stderr


@pytest.mark.parametrize("created", [False, True])
@pytest.mark.parametrize(
    ("end", "code", "before"),
    [(KeyboardInterrupt(), 130, "interrupted; "), (OSError(28, "No space left on device"), 1, "error: ")],
)
def test_only_a_launch_that_is_there_can_be_gone_on_with(
    end: BaseException,
    code: int,
    before: str,
    created: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(tmp_path / "demo" / "launch")
    if created:
        store.root.mkdir(parents=True)
        store.plan_path.write_text("{}")

    def go() -> object:
        raise end

    monkeypatch.setattr(launches, "errors", Console(file=sys.stdout, width=400))
    with pytest.raises(typer.Exit) as stopped:
        launches.finish(store, go, NullTracker(), "none")
    assert stopped.value.exit_code == code
    said = capsys.readouterr().out
    assert said.startswith(before)
    assert ("  study resume " in said) is created
    assert ("nothing has been trained, and there is no launch to resume" in said) is not created


def test_a_server_that_mlflows_variable_names_is_said_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:TOKEN@127.0.0.1:9")
    done = here("run", "mixture-modes", *QUICKLY, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "tracking server http://***@127.0.0.1:9 (MLFLOW_TRACKING_URI) cannot be used: " in done.stderr
    assert "TOKEN" not in done.output
    assert not (tmp_path / "out").exists()


def test_sync_says_what_is_left_and_sends_it_later(trained_once: Store, tmp_path: Path, empty_database: Path) -> None:
    out = tmp_path / "runs"
    shutil.copytree(trained_once.out, out)
    shutil.copy(empty_database, out / "mlflow.db")
    store = only_launch(out, trained_once.root.parent.name)
    grid = store.grids(0, store.plan().seeds[1])[-1]
    picture = grid.read_bytes()
    grid.write_bytes(b"no picture")
    done = here("sync", store.root)
    assert done.exit_code == 2
    assert f"MLflow at sqlite:///{out}/mlflow.db lacks 1 file ({grid} cannot be read: " in done.stderr
    assert f"everything else of {store.root} is there, and the same command sends the rest" in done.stderr
    grid.write_bytes(picture)
    assert f"MLflow at sqlite:///{out}/mlflow.db shows all of {store.root}" in here("sync", store.root).stdout
    assert here("sync", store.root, "--tracking-uri", "none").stdout == "nothing was sent: --tracking-uri is none\n"


def test_the_ui_is_told_of_when_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setattr(tracking, "saved_views", lambda out: {"demo": {"cells": "/#/cells"}})
    monkeypatch.setattr(tracking, "serve", lambda command, port, ready: None)
    command = ("ui", "--out", tmp_path, "--port", port := free_port())
    assert here(*command).stdout == "starting MLflow's UI ...\n"
    monkeypatch.setattr(tracking, "serve", lambda command, port, ready: ready())
    said = here(*command).stdout.splitlines()
    assert said[1:] == [
        f"MLflow UI on http://127.0.0.1:{port} (Ctrl-C ends it)",
        f"  demo, cells: http://127.0.0.1:{port}/#/cells",
    ]


def test_the_ui_of_a_folder_without_launches_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "it has no mlflow.db yet\n" in here("ui", "--out", tmp_path).stderr
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://TOKEN@lab.example")
    said = here("ui", "--out", tmp_path).stderr
    assert "yet; what is at http://***@lab.example (MLFLOW_TRACKING_URI) is shown there" in said


@pytest.mark.slow
@pytest.mark.ray
def test_more_gpus_than_the_cluster_has_are_refused(tmp_path: Path) -> None:
    done = study("run", "mixture-modes", *QUICKLY, "--gpus-per-block", "64", "--out", tmp_path / "out")
    assert done.returncode == 2, done.stderr
    assert "--gpus-per-block must be <= the" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unreachable_tracking_server_is_refused_before_ray_starts(tmp_path: Path) -> None:
    address = ("--tracking-uri", "http://127.0.0.1:9")
    done = here("run", "mixture-modes", *QUICKLY, *address, "--out", tmp_path / "out")
    assert done.exit_code == 2, done.stderr
    assert "127.0.0.1:9 cannot be used" in done.stderr
    assert "starting Ray" not in done.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.ray
def test_a_small_study_goes_from_plan_to_report_and_can_be_decided_again(tmp_path: Path) -> None:
    done = study("run", "mixture-modes", *QUICKLY, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    store = only_launch(tmp_path)
    for part in ("6 cells x 2 seeds = 12 replicas", "2 CPUs", "at a time", "replicas 12/12", str(store.records_path)):
        assert part in done.stdout, done.stdout
    records = store.records()
    assert len(records) == 12
    assert {record.status for record in records} == {Status.FINISHED}
    assert Outcome.UNDECIDED not in {record.outcome for record in records}
    assert len({(record.cell, record.seed) for record in records}) == 12
    assert len({record.seed for record in records}) == 2
    assert store.report_path.read_text().count("<svg") > 2
    assert all(store.grids(record.cell, record.seed) for record in records)
    assert not store.tune_path.exists()

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "mixture-modes"]
    runs = client.search_runs([experiment.experiment_id], max_results=1_000)
    assert len(runs) == 1 + 6 + 12
    kept = kept_weights.replicas(store)
    assert {cell for cell, _ in kept} == {*range(6)}, "of every cell the first seed, and what the report shows"
    assert {(cell, records[0].seed) for cell in range(6)} <= {*kept}
    tagged = [run for run in runs if "stability.weights" in run.data.tags]
    assert len(tagged) == len(kept)
    sent = [file.path for file in client.list_artifacts(tagged[0].info.run_id, "weights")]
    assert [Path(path).suffix for path in sent] == [".safetensors", ".safetensors", ".json"]
    by_id = {run.info.run_id: run for run in runs}

    def depth(run: Run) -> int:
        parent = run.data.tags.get("mlflow.parentRunId")
        return 0 if parent is None else 1 + depth(by_id[parent])

    assert sorted(map(depth, runs)) == [0] + [1] * 6 + [2] * 12

    before = [record.outcome for record in records]
    strict = here("decide", store.root, "--rule", "param_norm_bound=0.001", "--out", tmp_path)
    assert strict.exit_code == 0, strict.output
    again = store.records()
    assert [record.seed for record in again] == [record.seed for record in records]
    assert [record.outcome for record in again] != before
    assert {record.rule for record in again}.isdisjoint({record.rule for record in records})
    page = store.report_path.read_text()
    assert again[0].rule in page
    assert f"declared before the run was <code>{records[0].rule}" in page
    back = here("decide", store.root, "--out", tmp_path)
    assert "replicas have a different outcome than before" in back.stdout
    assert [record.outcome for record in store.records()] == before

    finished = study("resume", store.root, "--out", tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert what_was_computed(store.records()) == what_was_computed(records)
    assert len(client.search_runs([experiment.experiment_id], max_results=1_000)) == 19


LONGER = (*QUICKLY, "--set", "steps=600", "--set", "evaluation.every=50")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A launch that ran without interruption."""
    out = tmp_path_factory.mktemp("whole")
    whole = study("run", "mixture-modes", *LONGER, "--out", out)
    assert whole.returncode == 0, whole.stderr
    return only_launch(out)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_launch_that_was_stopped_in_the_middle_ends_as_an_undisturbed_one(
    stop: signal.Signals, undisturbed: Store, tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    driver = subprocess.Popen(
        [STUDY, "run", "mixture-modes", *LONGER, "--out", out],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while not list(out.rglob("traces/*/*.parquet")):
        assert driver.poll() is None, driver.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    driver.send_signal(stop)
    output, _ = driver.communicate(timeout=60)
    store = only_launch(out)
    left = len(list(store.traces_path.rglob("*.parquet")))
    assert 0 < left < 6, "the launch was not stopped in its middle"
    if stop != signal.SIGKILL:
        assert driver.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[stop]
        assert f"study resume {store.root}" in output

    waiting = here("status", store.root, "--out", out)
    assert "planned" in waiting.stdout
    resumed = study("resume", store.root, "--out", out)
    assert resumed.returncode == 0, resumed.stderr
    assert what_was_computed(store.records()) == what_was_computed(undisturbed.records())
    client = MlflowClient(f"sqlite:///{out / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "mixture-modes"]
    runs = client.search_runs([experiment.experiment_id], max_results=1_000)
    keys = [run.data.tags["stability.key"] for run in runs]
    assert len(keys) == len(set(keys)) == 19
    for run in runs:
        if "outcome" in run.data.tags:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, "g_param_norm")]
            assert tuple(steps) == report_steps(600, 50)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("part", ["raylet", "gcs_server"])
def test_a_launch_whose_ray_died_ends_in_one_sentence_and_is_resumed(
    part: str, undisturbed: Store, tmp_path: Path
) -> None:
    driver = subprocess.Popen(
        [STUDY, "run", "mixture-modes", *LONGER, "--out", tmp_path],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "140"},
    )  # fmt: skip
    wait_for(lambda: driver.poll() is not None or bool(list(tmp_path.rglob("traces/*/*.parquet"))), seconds=180)
    processes = psutil.Process(driver.pid).children(recursive=True)
    next(process for process in processes if process.name() == part).kill()
    _, sentence = driver.communicate(timeout=60)
    store = only_launch(tmp_path)
    assert driver.returncode == 1
    assert f"error: Ray's process {part} on this machine was ended by SIGKILL" in sentence
    assert f"study resume {store.root}" in sentence
    assert "Traceback" not in sentence
    wait_for(lambda: not any(map(lives, processes)), seconds=30)

    resumed = study("resume", store.root, "--out", tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert what_was_computed(store.records()) == what_was_computed(undisturbed.records())


@pytest.mark.ray
@pytest.mark.slow
def test_blocks_that_crash_are_reported_and_the_rest_is_complete(tmp_path: Path) -> None:
    """A file where one cell's pictures should go makes every try of that cell's block fail."""
    started = study("run", "mixture-modes", *QUICKLY, "--out", tmp_path)
    assert started.returncode == 0, started.stderr
    store = only_launch(tmp_path)
    shutil.rmtree(store.traces_path / "cell=1")
    shutil.rmtree(store.samples_path / "cell=1")
    (store.samples_path / "cell=1").write_text("in the way")
    crashed = study("resume", store.root, "--out", tmp_path)
    assert crashed.returncode == 1, crashed.stderr
    assert "block c001-b000 crashed: " in crashed.stderr
    assert "died without a message" not in crashed.stderr
    assert f"study resume {store.root}" in crashed.stderr
    records = store.records()
    assert len(records) == 12
    assert {r.cell for r in records if r.status is Status.CRASHED} == {1}
    assert {r.outcome for r in records if r.cell == 1} == {Outcome.UNDECIDED}
    assert sum(r.status is Status.FINISHED for r in records) == 10
    assert "2 crashed" in here("status", store.root, "--out", tmp_path).stdout
    assert here("decide", store.root, "--out", tmp_path).exit_code == 0
    assert store.records() == records

    (store.samples_path / "cell=1").unlink()
    fixed = study("resume", store.root, "--out", tmp_path)
    assert fixed.returncode == 0, fixed.stderr
    assert {record.status for record in store.records()} == {Status.FINISHED}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Three raylets on this machine: a head that offers nothing and two workers with 2 CPUs and a pretended GPU each.

    Yields:
        The address for drivers, the one for Ray clients, and the environment that lets either in.
    """
    ray = Path(sys.executable).with_name("ray")
    (tmp_path / "token").write_text("0123456789abcdef" * 4)
    access = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    quietly = {"RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **quietly, **access}
    port, client = free_port(), free_port()
    head = (
        "--head",
        "--include-dashboard=false",
        "--num-cpus=0",
        f"--port={port}",
        f"--ray-client-server-port={client}",
    )
    worker = (f"--address=127.0.0.1:{port}", "--num-cpus=2", "--num-gpus=1")
    raylets = []

    def start(*arguments: str) -> None:
        command = [ray, "start", "--block", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        raylets.append(subprocess.Popen(command, env=environment, start_new_session=True, **quiet))  # type: ignore[call-overload]

    def told(*arguments: str) -> str:
        return subprocess.run([ray, *arguments], capture_output=True, text=True, check=False, env=environment).stdout

    try:
        start(*head)
        wait_for(lambda: listens(port) and listens(client))
        for cpus in ("/2.0 CPU", "/4.0 CPU"):  # one after the other: two raylets that start at once pick the same ports
            start(*worker)
            wait_for(lambda cpus=cpus: cpus in told("status", "--address", f"127.0.0.1:{port}"))  # type: ignore[misc]
        yield f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}", access
    finally:
        for raylet in reversed(raylets):
            os.killpg(raylet.pid, signal.SIGKILL)
            raylet.wait(timeout=30)


@pytest.mark.ray
@pytest.mark.slow
def test_a_cluster_runs_as_many_blocks_as_its_gpus_hold(
    cluster: tuple[str, str, dict[str, str]], tmp_path: Path
) -> None:
    driver, client, access = cluster
    share = ("--gpus-per-block", "0.5")
    done = study("run", "mixture-modes", *QUICKLY, "--address", driver, *share, "--out", tmp_path / "driver", **access)
    assert done.returncode == 0, done.stderr
    assert "3 nodes, 4 CPUs, 2 GPUs: 4 blocks at a time, 1 CPU and 0.5 GPU each" in done.stdout
    assert len(only_launch(tmp_path / "driver").records()) == 12

    most = ("--address", driver, "--gpus-per-block", "3", "--out", tmp_path)
    too_much = study("run", "mixture-modes", *QUICKLY, *most, **access)
    assert too_much.returncode == 2
    assert "--gpus-per-block must be <= the 2 GPUs of the cluster, got 3" in too_much.stderr

    sent = study("run", "mixture-modes", *QUICKLY, "--address", client, *share, "--out", tmp_path / "client", **access)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert sent.stdout.startswith(f"on {socket.gethostname()}, where relative paths begin at /")
    assert "4 blocks at a time" in sent.stdout
    records = only_launch(tmp_path / "client").records()
    assert what_was_computed(records) == what_was_computed(only_launch(tmp_path / "driver").records())


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = study("run", "mixture-modes", *QUICKLY, "--address", f"ray://127.0.0.1:{free_port()}", "--out", tmp_path)
    assert missing.returncode == 2, missing.stderr
    assert "no Ray cluster could be reached at --address ray://127.0.0.1" in missing.stderr
    assert "Traceback" not in missing.stderr


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.5)
