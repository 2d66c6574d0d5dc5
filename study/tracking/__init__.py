"""MLflow and other trackers as views of a launch, filled while it trains and rebuilt from Parquet when asked.

Importing this is cheap: the modules that import a tracker's library are imported by ``Writer.start``.
"""

from study.tracking.mlflow_tracker import MlflowTracker, saved_views
from study.tracking.registry import NOWHERE, in_mlflow, names, places, tracker_at, tracker_plugin, trackers
from study.tracking.server import check, local_uri, named, set_defaults, uri_for
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable, sync
from study.tracking.ui import port_for, root_of, serve, ui_command
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
