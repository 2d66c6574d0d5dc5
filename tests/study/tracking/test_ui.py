"""Serving MLflow's UI: said when it answers, ended without a trace, and only for this machine."""

import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from study.tracking import port_for, serve, ui_command

SERVER = """
import http.server, os, subprocess, sys, time
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(sys.argv[2], "a").write(self.path)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args): ...
if os.fork():
    os.wait()  # as mlflow waits for the server that it starts
time.sleep(0.2)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def stop() -> None:
    raise KeyboardInterrupt


def test_it_is_ready_when_it_answers_and_leaves_no_process(tmp_path: Path) -> None:
    asked, port, called = tmp_path / "asked", port_for(None), []

    def ready() -> None:
        called.append(asked.read_text())
        stop()

    serve([sys.executable, "-c", SERVER, str(port), str(asked)], port, ready)
    assert called[0].startswith("/health")
    end = time.monotonic() + 10
    while not free(port):
        assert time.monotonic() < end, "its server is still there"
        time.sleep(0.02)


KILLED = """
import os, signal, sys
from study.tracking import serve
serve([sys.executable, "-c", *sys.argv[1:]], int(sys.argv[2]), lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_a_killed_ui_takes_its_server_with_it(tmp_path: Path) -> None:
    port = port_for(None)
    subprocess.run([sys.executable, "-c", KILLED, SERVER, str(port), str(tmp_path / "asked")], check=False)
    end = time.monotonic() + 10
    while not free(port):
        assert time.monotonic() < end, "its server is still there"
        time.sleep(0.02)


def free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_server_that_ends_is_said_with_its_last_line() -> None:
    code = "print('starting'); print('the database is out of date'); raise SystemExit(1)"
    with pytest.raises(ValueError, match=r"^MLflow's server has ended: the database is out of date$"):
        serve([sys.executable, "-c", code], port_for(None), stop)


def test_a_taken_port_is_said_and_another_one_proposed() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=rf"^--port must be a free port, got {port}: .*in use; \d+ is free$"):
            port_for(port)


def test_a_port_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^--port must be between 0 \(a free one\) and 65535, got 70000$"):
        port_for(70_000)


def test_the_ui_is_for_this_machine_only(tmp_path: Path) -> None:
    command = ui_command(tmp_path, 5000)
    assert command[command.index("--host") + 1] == "127.0.0.1"


def test_nobody_has_to_read_warnings_about_a_library_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    code = "import warnings; warnings.warn('starlette.middleware.wsgi is deprecated and ...'); print('fine')"
    with pytest.raises(ValueError, match="ended: fine"):
        serve([sys.executable, "-c", code], port_for(None), stop)
