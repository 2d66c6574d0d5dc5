"""Where tracking data live: the local default, a quick look whether a server can be used, and what is said of it."""

import os
import re
import socket
import sqlite3
import ssl
import urllib.error
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from study.formatting import without_secrets
from study.tracking import database
from study.tracking.tracker import TrackingUnreachable

ENVIRONMENT = "MLFLOW_TRACKING_URI"
"""The environment variable by which MLflow's users name their server."""

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
_SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks", "databricks-uc", "uc")
_BARE = ("none", "databricks", "databricks-uc", "uc")
"""Addresses that are a word."""
_PLUGINS = "mlflow.tracking_store"
_DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306}
_CHECK_SECONDS = 5.0
_SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "WANDB_API_KEY")
_WHO_ARE_YOU = re.compile(
    r"\b40[13]\b|unauthorized|unauthenticated|not authenticated|forbidden|permission_denied", flags=re.IGNORECASE
)
_ADDRESS = re.compile(r"\w[\w+.-]*://[^\s'\"<>]+")


def set_defaults() -> None:
    """Set mlflow's environment variables unless the user has; must come before mlflow is imported."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def local_uri(out: Path) -> str:
    """Return the SQLite database ``mlflow.db`` in the folder ``out``."""
    return f"{database.SQLITE}{out.resolve() / 'mlflow.db'}"


def uri_for(out: Path, given: str | None) -> str:
    """Return the given address, else that of ``MLFLOW_TRACKING_URI``, else the database in ``out``."""
    return given or os.environ.get(ENVIRONMENT) or local_uri(out)


def named(uri: str) -> str:
    """Return an address as it may be shown, without secrets and with the variable that it comes from."""
    source = f" ({ENVIRONMENT})" if uri == os.environ.get(ENVIRONMENT) else ""
    return f"{without_secrets(uri)}{source}"


def check(uri: str) -> None:
    """Fail fast where mlflow would try for long, before it is even imported.

    Raises:
        TrackingUnreachable: if the address cannot be read, or MLflow does not know its scheme, a SQLite file cannot be
            written, or nobody answers.
    """
    _check_scheme(uri)
    try:
        path = database.path_of(uri)
        if path is not None:
            database.check(path)
        elif "://" in uri:
            _check_server(uri)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise unreachable(uri, error) from None


def _check_scheme(uri: str) -> None:
    """Refuse an address that neither MLflow nor a plugin of it can read, and one without a scheme.

    MLflow takes the latter for a folder, whatever it was meant to be, and refuses folders later.
    """
    scheme = uri.partition(":")[0].partition("+")[0].lower()
    plugins = {own.name for own in entry_points(group=_PLUGINS)}
    if (":" in uri and scheme in _SCHEMES) or uri in _BARE or scheme in plugins:
        return
    known = ", ".join(f"{name}://" for name in _SCHEMES[:-2])
    advice = "" if ":" in uri else f"; a database in this file is {database.SQLITE}{without_secrets(uri)}"
    raise TrackingUnreachable(f"--tracking-uri must be none or begin with one of {known}, got {named(uri)}{advice}")


def unreachable(uri: str, error: BaseException) -> TrackingUnreachable:
    """Return the error in one sentence, with its innermost cause, what to do, and without secrets."""
    cause = reason(error, uri)
    if _WHO_ARE_YOU.search(cause):
        advice = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
    elif database.path_of(uri) is not None:
        advice = "give another --out or --tracking-uri (none: no tracking)"
    else:
        advice = "start it, or give another --tracking-uri (none: no tracking)"
    return TrackingUnreachable(f"tracking server {named(uri)} cannot be used: {cause}; {advice}")


def reason(error: BaseException, uri: str) -> str:
    """Return the first line of the innermost cause, without the secrets of an address or of the environment."""
    while (cause := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = cause
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the Python package {error.name}, which is not installed here"
    text = _ADDRESS.sub(lambda found: without_secrets(found.group()), str(error))
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, "***")
    lines = text.splitlines() or [type(error).__name__]
    return lines[0][:300].rstrip(".")


def _check_server(uri: str) -> None:
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        port = parts.port
    except ValueError:
        raise ValueError("what stands behind the colon of its host must be the number of a port") from None
    if parts.hostname is None:
        return
    if scheme in _DATABASE_PORTS:
        socket.create_connection((parts.hostname, port or _DATABASE_PORTS[scheme]), timeout=_CHECK_SECONDS).close()
    elif scheme in ("http", "https"):
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        _knock(f"{scheme}://{host}{'' if port is None else f':{port}'}/health")


def _knock(url: str) -> None:
    """Raise OSError if nobody answers; whatever comes back, a refusal as well, is an answer.

    A certificate that is not trusted is left to mlflow, whose users may have told it to trust it.
    """
    try:
        urllib.request.urlopen(url, timeout=_CHECK_SECONDS).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError) and not isinstance(error.reason, ssl.SSLError):
            raise error.reason from None


def _secrets(uri: str) -> set[str]:
    """Return what must not be shown: user, password and query of an address, and the environment's credentials."""
    user = uri.partition("://")[2].rpartition("@")[0]
    known = {*user.split(":"), *(value for _, value in parse_qsl(urlsplit(uri).query))} if "://" in uri else set()
    known |= {os.environ.get(name, "") for name in _SECRETS}
    return {form for secret in known for form in (secret, unquote(secret)) if len(form) > 2}
