"""MLflow as a view of a launch, filled while it trains and rebuilt from Parquet when asked.

Importing this is cheap: the writer, which needs statistics, is imported when it is asked for, and ``runs``, the one
module that imports mlflow, by ``MlflowTracker.start``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from study.tracking.choice import NOWHERE, tracker_at
from study.tracking.server import check, local_uri, named, set_defaults, uri_for
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable, sync
from study.tracking.ui import port_for, root_of, serve, ui_command

if TYPE_CHECKING:
    from study.tracking.writer import MlflowTracker, saved_views

__all__ = [
    "NOWHERE",
    "MlflowTracker",
    "NullTracker",
    "Tracker",
    "TrackingUnreachable",
    "check",
    "local_uri",
    "named",
    "port_for",
    "root_of",
    "saved_views",
    "serve",
    "sync",
    "tracker_at",
    "ui_command",
    "uri_for",
]

set_defaults()


def __getattr__(name: str) -> Any:
    if name not in ("MlflowTracker", "saved_views"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("study.tracking.writer"), name)
