"""MLflow and other trackers as views of a launch, filled while it trains and rebuilt from Parquet when asked.

Importing this is cheap: views and writer, which need statistics, are imported when they are asked for, and the modules
that import a tracker's library by ``Writer.start``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from study.tracking.registry import NOWHERE, in_mlflow, names, places, tracker_at, tracker_plugin, trackers
from study.tracking.server import check, local_uri, named, set_defaults, uri_for
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable, sync
from study.tracking.ui import port_for, root_of, serve, ui_command

if TYPE_CHECKING:
    from study.tracking.mlflow_tracker import MlflowTracker, saved_views
    from study.tracking.view import View, series_of
    from study.tracking.writer import Writer

__all__ = [
    "NOWHERE",
    "MlflowTracker",
    "NullTracker",
    "Tracker",
    "TrackingUnreachable",
    "View",
    "Writer",
    "check",
    "in_mlflow",
    "local_uri",
    "named",
    "names",
    "places",
    "port_for",
    "root_of",
    "saved_views",
    "series_of",
    "serve",
    "sync",
    "tracker_at",
    "tracker_plugin",
    "trackers",
    "ui_command",
    "uri_for",
]

set_defaults()

_HOMES = {
    "MlflowTracker": "mlflow_tracker",
    "View": "view",
    "Writer": "writer",
    "saved_views": "mlflow_tracker",
    "series_of": "view",
}
"""What needs statistics, and is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"study.tracking.{_HOMES[name]}"), name)
