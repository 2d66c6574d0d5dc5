"""A made-up estimate of what a launch costs, for tests that measure nothing."""

from typing import Any

from study.scheduling.cost import Estimate, Replica


def estimated(**changes: Any) -> Estimate:
    """An hour on two cores: two of steps, ten minutes of reports."""
    seconds = {"training_seconds": 7_200.0, "report_seconds": 600.0, "start_seconds": 20.0}
    walls = {"wall_seconds": 3_600.0, "least_wall_seconds": 3_600.0}
    replicas = {cell: Replica(training=300.0, reports=60.0) for cell in range(100)}
    return Estimate(**{**seconds, **walls, "at_a_time": 2, "device": "CPU core", "replicas": replicas} | changes)
