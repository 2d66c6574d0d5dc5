"""MLflow as a view of a launch, filled while it trains and rebuilt from Parquet when asked.

Importing this is cheap: ``runs``, the one module that imports mlflow, is imported by ``MlflowTracker.start``.
"""

from study.tracking.choice import NOWHERE, tracker_at
from study.tracking.server import check, local_uri, named, set_defaults, uri_for
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable, sync
from study.tracking.ui import port_for, root_of, serve, ui_command
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
