"""Which tracker a launch has."""

from pathlib import Path

from study.tracking import server
from study.tracking.tracker import NullTracker, Tracker

NOWHERE = "none"
"""Stands for "do not track" where a tracking or storage address is asked for."""


def tracker_at(out: Path, uri: str | None) -> Tracker:
    """Return the tracker for a URI: MLflow, by default as ``server.uri_for`` says; for ``"none"`` one without effect.

    Raises:
        ValueError: if the server cannot be used.
    """
    address = server.uri_for(out, uri)
    if address == NOWHERE:
        return NullTracker()
    server.check(address)
    from study.tracking.writer import MlflowTracker

    return MlflowTracker(address)
