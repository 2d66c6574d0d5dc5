"""Tracking servers that cannot be used, break, hang or die stop no launch; what a process loads and sends; the UI."""

import json
import logging
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

from study.evidence.estimates import summarize
from study.storage.store import Store
from study.tracking import MlflowTracker, TrackingUnreachable, local_uri, server, sync, ui_command, writer
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, Server, make_plan, make_rows, make_store, tell, wait_until

# pytest finds fixtures among the names of a module; the first is for all tests here.
_no_waiting, out, shown = told_launches.no_waiting, told_launches.out, told_launches.shown


def test_a_path_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    begin = time.monotonic()
    with pytest.raises(
        TrackingUnreachable, match=r"mlflow\.db cannot be used: .*; give another --out or --tracking-uri"
    ):
        MlflowTracker(local_uri(tmp_path / "file")).start(make_plan(), Store(tmp_path))
    assert time.monotonic() - begin < 5


def test_a_server_that_refuses_is_refused_at_start() -> None:
    said = (
        r"^tracking server http://127\.0\.0\.1:\d+ cannot be used: .*refused; start it, or give another --tracking-uri"
    )
    with pytest.raises(TrackingUnreachable, match=said):
        server.check(f"http://127.0.0.1:{free_port()}")


def test_a_server_that_never_answers_is_refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    assert server._CHECK_SECONDS <= 5
    monkeypatch.setattr(server, "_CHECK_SECONDS", 0.1)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        with pytest.raises(TrackingUnreachable, match="timed out; start it"):
            server.check(f"http://127.0.0.1:{silent.getsockname()[1]}")


def test_a_database_where_nobody_listens_is_refused_at_start() -> None:
    with pytest.raises(TrackingUnreachable, match=r"postgresql://\*\*\*@127.*refused"):
        server.check(f"postgresql://me:secret@127.0.0.1:{free_port()}/mlflow")


@pytest.mark.parametrize(
    "uri",
    [
        "http://TOKEN@127.0.0.1:1",
        "http://me:TOKEN@127.0.0.1:1",
        "http://127.0.0.1:1/?token=TOKEN",
        "http://127.0.0.1:TOKEN",
        "http://me:TO/KEN@127.0.0.1:1",
        "mysql://me:TOKEN@127.0.0.1:1/mlflow",
        "postgresql://127.0.0.1:TOKEN/mlflow",
    ],
)
def test_no_secret_of_an_address_is_said(uri: str) -> None:
    with pytest.raises(TrackingUnreachable, match="cannot be used") as refused:
        server.check(uri)
    assert "TOKEN" not in str(refused.value)
    assert "KEN@" not in str(refused.value)


def test_no_secret_is_in_the_reason_of_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "SESAME")
    uri = "http://me:TO%20KEN@lab.example/?key=OPEN"
    error = ValueError(f"GET {uri}&x=1 with SESAME, OPEN and 'TO KEN' failed, see https://you:HIDDEN@lab.example")
    said = server.reason(error, uri)
    assert not any(secret in said for secret in ("SESAME", "OPEN", "TO KEN", "TO%20KEN", "HIDDEN"))
    assert said.startswith("GET http://***@lab.example/?*** with ***, *** and '***' failed")


def test_mlflows_own_variable_names_the_server_unless_an_option_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.uri_for(tmp_path, None) == local_uri(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:TOKEN@lab.example:5000")
    assert server.uri_for(tmp_path, None) == "http://me:TOKEN@lab.example:5000"
    assert server.named(server.uri_for(tmp_path, None)) == "http://***@lab.example:5000 (MLFLOW_TRACKING_URI)"
    assert server.named(server.uri_for(tmp_path, "http://other.example")) == "http://other.example"


class Guarded(BaseHTTPRequestHandler):
    """As much of a tracking server as a launch needs to start, for those who say user and password."""

    answers: ClassVar[Mapping[str, Any]] = {
        "experiments/get-by-name": {
            "experiment": {"experiment_id": "1", "name": "ring-lr", "lifecycle_stage": "active"}
        },
        "runs/create": {"run": {"info": {"run_id": "r", "status": "RUNNING"}, "data": {}}},
    }

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        allowed = self.headers.get("Authorization") == f"Basic {b64encode(b'me:TOKEN').decode()}"
        found = next((own for end, own in self.answers.items() if self.path.partition("?")[0].endswith(end)), {})
        body = json.dumps(found if allowed else {"error_code": "PERMISSION_DENIED", "message": "who are you"}).encode()
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = answer

    def log_message(self, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def guarded() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def test_a_server_that_asks_who_is_there_is_told(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = r"cannot be used: .*; set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
    with pytest.raises(TrackingUnreachable, match=said):
        MlflowTracker(f"http://{guarded}").start(make_plan(), Store(tmp_path))
    MlflowTracker(f"http://me:TOKEN@{guarded}").start(make_plan(), Store(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "TOKEN")
    MlflowTracker(f"http://{guarded}").start(make_plan(), Store(tmp_path))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ModuleNotFoundError("No module named 'boto3'", name="boto3"), "it needs the Python package boto3"),
        (PermissionError(13, "Permission denied", "/srv/mlartifacts"), "Permission denied: '/srv/mlartifacts'"),
    ],
)
def test_where_no_file_can_be_sent_all_numbers_are_and_sync_sends_the_files_later(
    error: Exception,
    why: str,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    shown: Server,
) -> None:
    plan = make_plan("launch-2")
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    with monkeypatch.context() as broken:
        for name in ("log_image", "log_artifact"):
            broken.setattr(MlflowClient, name, fail)
        tell(tracker, plan, store)
        assert not tracker.finish(store, complete=True)
    (record,) = [record for record in caplog.records if record.name == "study.tracking.writer"]
    assert record.getMessage().startswith(f"MLflow at sqlite:///{out}/mlflow.db does not take files (")
    assert why in record.getMessage()
    assert f"`study sync {store.root}`" in record.getMessage()
    assert tracker.lacking().startswith("7 files (")  # four grids, those of two cells, and the report
    contents = shown.contents()
    for key in [key for key in contents if key.startswith("launch-2")]:
        before, after = contents[key.replace("launch-2", "launch-1")], contents[key]
        assert (after["curves"], after["status"], after["files"]) == (before["curves"], "FINISHED", [])
    assert sync(store, MlflowTracker(local_uri(out)))
    contents = shown.contents()
    assert all(contents[key.replace("launch-1", "launch-2")]["files"] == own["files"] for key, own in contents.items())


def test_a_damaged_picture_is_the_only_one_that_is_missing(out: Path) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    (grid,) = store.grids(1, 22)
    grid.write_bytes(b"no picture")
    tracker = MlflowTracker(local_uri(out))
    assert not sync(store, tracker)
    assert tracker.lacking().startswith(f"1 file ({grid} cannot be read: no image of a known format")
    files = {key: own["files"] for key, own in Server(local_uri(out)).contents().items()}
    assert [key for key, own in files.items() if not own] == ["launch-1/cell=1/seed=22"]


def test_an_error_of_any_kind_ends_neither_the_thread_nor_the_launch(
    out: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plan = make_plan()
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
    with monkeypatch.context() as broken:
        broken.setattr(MlflowClient, "log_batch", lambda *args, **kwargs: {}["what a driver may raise"])
        tracker.curves(plan.blocks()[0], make_rows(plan.blocks()[0], STEPS[:1]))
        wait_until(lambda: len(caplog.records) == 1)
    assert "'what a driver may raise'" in caplog.records[0].getMessage()
    assert tracker.finish(store, complete=True)
    assert len(Server(local_uri(out)).contents()) == 7


def test_a_deleted_experiment_is_refused_at_start(out: Path, shown: Server) -> None:
    experiment = shown.client.get_experiment_by_name("ring-lr")
    assert experiment is not None
    shown.client.delete_experiment(experiment.experiment_id)
    with pytest.raises(TrackingUnreachable, match="'ring-lr' must be active, got deleted"):
        MlflowTracker(local_uri(out)).start(make_plan(), Store(out / "ring-lr" / "launch-1"))


def test_an_outage_is_told_once_and_made_up_for(
    out: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, shown: Server
) -> None:
    plan = make_plan("launch-2")
    store = make_store(out, plan)
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, logger="study.tracking"):
        calls = count_failures(broken)
        tell(tracker, plan, store)
        wait_until(lambda: tracker._queue.empty() and len(caplog.records) == 1)
    assert len(calls) <= 4  # the rest is dropped without asking
    assert tracker.finish(store, complete=True)
    (record,) = [record for record in caplog.records if record.name == "study.tracking.writer"]
    assert f"study sync {store.root}" in record.getMessage()
    assert shown.curve(shown.replica(1, 22, "launch-2"), "d_loss") == [(0, 2.0), (100, 2.1), (200, 2.2), (300, 2.3)]


def test_an_outage_leaves_no_gap_in_a_curve(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_BACK_OFF_SECONDS", (0.05, 0.05))
    plan = make_plan()
    store = make_store(out, plan)
    block = plan.blocks()[0]
    tracker = MlflowTracker(local_uri(out))
    tracker.start(plan, store)
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
    tracker.start(plan, store)
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
    tracker.start(plan, store)
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


@pytest.mark.parametrize("uri", ["mlflow.db", "./mlruns", "TOKEN@lab.example"])
def test_an_address_without_a_scheme_is_refused_as_mlflow_would_take_it_for_a_folder(uri: str) -> None:
    with pytest.raises(TrackingUnreachable, match=r"^--tracking-uri must .* begin with .*; .* is sqlite:///") as said:
        server.check(uri)
    assert "TOKEN" not in str(said.value)
    assert (uri == "mlflow.db") is str(said.value).endswith(
        "got mlflow.db; a database in this file is sqlite:///mlflow.db"
    )


@pytest.mark.parametrize("uri", ["foo://x", "localhost:5000", "htp://host", "ftp://me:secret@host/x"])
def test_an_address_that_mlflow_cannot_read_is_refused_at_once(uri: str) -> None:
    with pytest.raises(
        TrackingUnreachable, match=r"^--tracking-uri must be none or begin with one of http://, "
    ) as said:
        server.check(uri)
    assert "secret" not in str(said.value)


@pytest.mark.parametrize("uri", ["none", "databricks", "databricks://me", "mssql+pyodbc://h/x", "file:///tmp/x"])
def test_an_address_of_another_store_is_left_to_mlflow(uri: str) -> None:
    server.check(uri)


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
    (path,) = [f.path for f in shown.client.list_artifacts(run, "images") if f.path.endswith(".png")]
    url = f"http://127.0.0.1:{port}/get-artifact?path={quote(path, safe='')}&run_uuid={run}"
    with urllib.request.urlopen(url, timeout=20) as grid:
        assert grid.read().startswith(b"\x89PNG")


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
    tracker.start(plan, store)
    tracker.curves(block, make_rows(block, STEPS[:1]))
    wait_until(lambda: len(shown.runs("replica")) == 6 and "d_loss" in shown.replica(0, 22, "launch-2").data.metrics)
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
