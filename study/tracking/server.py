"""Where tracking data live: the local default, a quick look whether a server can be used, and the command of its UI."""

import os
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from study.tracking.tracker import TrackingUnreachable

_DEFAULTS = {
    # No usage data leave the machine: neither from this process nor from the UI, whose server inherits this.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # One attempt of at most 10 s (mlflow's own: 8 attempts of 120 s). The writer knows better when to try again.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # The UI's server starts 8 job runners by default (1.2 GB of memory), and a study has no use for them.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
_SQLITE = "sqlite:///"
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306}
_CHECK_SECONDS = 5.0


def set_defaults() -> None:
    """Set mlflow's environment variables unless the user has; must come before mlflow is imported."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def local_uri(out: Path) -> str:
    """Return the SQLite database ``mlflow.db`` in the folder ``out``."""
    return f"{_SQLITE}{out.resolve() / 'mlflow.db'}"


def artifact_folder(uri: str) -> Path | None:
    """``mlartifacts`` beside a SQLite database; none for servers, which choose themselves."""
    return Path(uri.removeprefix(_SQLITE)).resolve().parent / "mlartifacts" if uri.startswith(_SQLITE) else None


def ui_command(out: Path, port: int | None) -> list[str]:
    """Return the command that serves MLflow's UI of the launches in ``out`` on 127.0.0.1.

    Args:
        out: the folder that holds ``mlflow.db``.
        port: where to listen; none for a free one, which stands behind ``--port`` in the result.
    """
    uri = local_uri(out)
    return [
        *(sys.executable, "-m", "mlflow", "ui"),
        *("--backend-store-uri", uri),
        *("--artifacts-destination", (out.resolve() / "mlartifacts").as_uri()),
        *("--host", "127.0.0.1"),
        *("--port", str(_free_port() if port is None else port)),
        *("--workers", "1"),
    ]


def check(uri: str) -> None:
    """Fails fast where mlflow would try for minutes to open a database.

    Raises:
        TrackingUnreachable: if a SQLite file cannot be written, or nobody listens where another database should be.
    """
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        if uri.startswith(_SQLITE):
            _check_sqlite(Path(uri.removeprefix(_SQLITE)))
        elif scheme in _DATABASE_PORTS and parts.hostname is not None:
            place = (parts.hostname, parts.port or _DATABASE_PORTS[scheme])
            socket.create_connection(place, timeout=_CHECK_SECONDS).close()
    except (OSError, sqlite3.Error) as error:
        raise unreachable(uri, error) from error


def unreachable(uri: str, error: BaseException) -> TrackingUnreachable:
    """Return the error in one sentence, with its innermost cause and without a password."""
    return TrackingUnreachable(f"tracking server {without_password(uri)} cannot be used: {reason(error)}")


def reason(error: BaseException) -> str:
    """Return the first line of the innermost cause."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:300]


def without_password(uri: str) -> str:
    """Hide the password of an address."""
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@") if password else uri


def _check_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=_CHECK_SECONDS, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("ROLLBACK")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
