"""MLflow's UI of a folder of launches: its command, and serving it until Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

from study.reaper import Reaper
from study.tracking import database
from study.tracking.server import local_uri

_HOST = "127.0.0.1"
_HIGHEST = 65_535
_START_SECONDS = 120.0
_POLL_SECONDS = 0.1
_END_SECONDS = 2.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_QUIETLY = "ignore:starlette.middleware.wsgi is deprecated"
"""A warning of a library below MLflow's server, about which its users can do nothing."""


def ui_command(out: Path, port: int) -> list[str]:
    """Return the command that serves MLflow's UI of the launches in ``out``, to this machine only."""
    return [
        *(sys.executable, "-m", "mlflow", "ui"),
        *("--backend-store-uri", local_uri(out)),
        *("--artifacts-destination", (out.resolve() / database.ARTIFACTS).as_uri()),
        *("--host", _HOST),
        *("--port", str(port)),
        *("--workers", "1"),
    ]


def port_for(wanted: int | None) -> int:
    """Return the wanted port, or a free one.

    Raises:
        ValueError: if it is no port, or something else listens there, or this user may not; a free one is proposed.
    """
    if wanted is not None and not 0 <= wanted <= _HIGHEST:
        raise ValueError(f"--port must be between 0 (a free one) and {_HIGHEST}, got {wanted}")
    try:
        return _bound(wanted or 0)
    except OSError as error:
        raise ValueError(f"--port must be a free port, got {wanted}: {error.strerror}; {_bound(0)} is free") from None


def root_of(port: int) -> str:
    """Return the address of a UI on this machine."""
    return f"http://{_HOST}:{port}"


def serve(command: list[str], port: int, ready: Callable[[], None]) -> None:
    """Serve the UI until Ctrl-C. What the server prints is shown only if it ends by itself.

    Args:
        command: see :func:`ui_command`.
        port: where it listens.
        ready: called once the UI answers.

    Raises:
        ValueError: with the last line that it printed, if the server ends.
    """
    quiet = {**os.environ, "PYTHONWARNINGS": ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), _QUIETLY)))}
    with tempfile.TemporaryFile("w+") as output:
        # A group of its own, which Ctrl-C does not reach: it would print tracebacks, and leave workers behind.
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=quiet, start_new_session=True)
        reaper = Reaper([-process.pid], grace=0)
        try:
            _wait(process, port)
            if process.poll() is None:
                ready()
            process.wait()
            raise ValueError(f"MLflow's server has ended: {_last_line(output)}")
        except KeyboardInterrupt:
            return
        finally:
            _end(process)
            reaper.dismiss()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and not _answers(port):
        if time.monotonic() > end:
            raise ValueError(f"MLflow's server has not answered on {root_of(port)} for {_START_SECONDS:g} s")
        time.sleep(_POLL_SECONDS)


def _answers(port: int) -> bool:
    try:
        with _DIRECT.open(f"{root_of(port)}/health", timeout=1) as page:
            return bool(page.status == 200)
    except OSError:
        return False


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the server and the processes that it has started; another Ctrl-C meanwhile changes nothing."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(_END_SECONDS)


def _last_line(output: IO[str]) -> str:
    output.seek(0)
    lines = [line.strip() for line in output if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _bound(port: int) -> int:
    """Return the port after listening there for a moment; a free one for 0."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((_HOST, port))
        found: int = probe.getsockname()[1]
        return found
