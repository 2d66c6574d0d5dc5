"""Tracking servers that cannot be used, break, hang or die stop no launch; what a process loads and sends; the UI."""

import logging
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

from study.evidence.estimates import summarize
from study.tracking import MlflowTracker, TrackingUnreachable, local_uri, server, sync, ui_command, writer
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, Server, make_plan, make_rows, make_store, tell, wait_until

# pytest finds fixtures among the names of a module; the first is for all tests here.
_no_waiting, out, shown = told_launches.no_waiting, told_launches.out, told_launches.shown


def test_a_path_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    begin = time.monotonic()
    with pytest.raises(TrackingUnreachable, match=r"mlflow\.db cannot be used: "):
        MlflowTracker(local_uri(tmp_path / "file")).start(make_plan())
    assert time.monotonic() - begin < 5


def test_a_server_that_refuses_is_refused_at_start() -> None:
    begin = time.monotonic()
    with pytest.raises(
        TrackingUnreachable, match=r"^tracking server http://127\.0\.0\.1:\d+ cannot be used: .*refused"
    ):
        MlflowTracker(f"http://127.0.0.1:{free_port()}").start(make_plan())
    assert time.monotonic() - begin < 10


def test_a_database_where_nobody_listens_is_refused_at_start() -> None:
    begin = time.monotonic()
    with pytest.raises(TrackingUnreachable, match=r"me:\*\*\*@127.*refused"):
        MlflowTracker(f"postgresql://me:secret@127.0.0.1:{free_port()}/mlflow").start(make_plan())
    assert time.monotonic() - begin < 5


def test_a_deleted_experiment_is_refused_at_start(out: Path, shown: Server) -> None:
    experiment = shown.client.get_experiment_by_name("ring-lr")
    assert experiment is not None
    shown.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(TrackingUnreachable, match="'ring-lr' must be active, got deleted"):
        MlflowTracker(local_uri(out)).start(make_plan())


def test_an_outage_is_told_once_and_made_up_for(
    out: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shown: Server
) -> None:
    plan = make_plan("launch-2")
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, logger="study.tracking"):
        calls = count_failures(broken)
        tell(tracker, plan, store)
        wait_until(lambda: tracker._queue.empty() and len(caplog.records) == 1)
    assert len(calls) <= 4  # the rest is dropped without asking
    assert tracker.finish(store, complete=True)
    (record,) = [record for record in caplog.records if record.name == "study.tracking.writer"]
    assert "study sync launch-2" in record.getMessage()
    assert shown.curve(shown.replica(1, 22, "launch-2"), "d_loss") == [(0, 2.0), (100, 2.1), (200, 2.2), (300, 2.3)]


def test_an_outage_leaves_no_gap_in_a_curve(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BACK_OFF_SECONDS", (0.05, 0.05))
    plan = make_plan()
    store = make_store(out, plan)
    block = plan.blocks()[0]
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
    with monkeypatch.context() as broken:
        calls = count_failures(broken)
        tracker.curves(block, make_rows(block, STEPS[:2]))
        wait_until(lambda: len(calls) >= 2)  # the first is tried twice, then the rest dropped
        time.sleep(0.2)
    tracker.curves(block, make_rows(block, STEPS[2:3]))
    tracker.cell(summarize(store.records())[0])
    view = Server(local_uri(out))
    wait_until(lambda: len(view.runs("cell")) == 1 and "n" in view.runs("cell")[0].data.metrics)
    assert tracker.finish(store, complete=True)
    assert [step for step, _ in view.curve(view.replica(0, 11), "d_loss")] == list(STEPS)


def test_finish_says_that_not_all_is_shown(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
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
    plan = make_plan()
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan)
    released = Event()

    def hang(*args: Any, **kwargs: Any) -> None:
        released.wait(60)
        raise ConnectionError("no answer")

    monkeypatch.setattr(MlflowClient, "create_run", hang)
    tracker.curves(plan.blocks()[0], make_rows(plan.blocks()[0]))
    begin = time.monotonic()
    assert not tracker.finish(store, complete=True)
    assert 0.9 < time.monotonic() - begin < 10
    released.set()


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
    plan = make_plan("launch-2")
    store = make_store(out, plan)
    block = plan.blocks()[0]
    tracker = MlflowTracker(uri)
    tracker.start(plan)
    tracker.curves(block, make_rows(block, STEPS[:1]))
    wait_until(lambda: len(shown.runs("replica")) == 6 and "step" in shown.replica(0, 22, "launch-2").data.metrics)
    process.terminate()
    process.wait(20)
    tell(tracker, plan, store)
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
