"""MLflow as a view of a launch, filled while it trains and rebuilt from Parquet when asked.

Importing this is cheap: ``runs``, the one module that imports mlflow, is imported by ``MlflowTracker.start``.
"""

from study.tracking.server import local_uri, set_defaults, ui_command
from study.tracking.tracker import NullTracker, Tracker, TrackingUnreachable, sync
from study.tracking.writer import MlflowTracker, cell_views

__all__ = [
    "MlflowTracker",
    "NullTracker",
    "Tracker",
    "TrackingUnreachable",
    "cell_views",
    "local_uri",
    "sync",
    "ui_command",
]

set_defaults()
