"""The view of an experiment that MLflow's UI has no default for: one row per cell, its rate and outcomes as columns."""

import json

from study.design.plan import Plan
from study.outcomes.outcome import Outcome
from study.tracking.forms import form_of
from study.tracking.values import param_name

_NAME = "cells"
TAG = f"mlflow.sharedViewState.{_NAME}"
"""The experiment's tag in which MLflow's own "share view" keeps a view."""


def address(experiment: str) -> str:
    """Return the view's address below MLflow's root."""
    return f"/#/experiments/{experiment}/runs?viewStateShareKey={_NAME}"


def tags(plan: Plan) -> dict[str, str]:
    """Tags of a study's experiment: the view, and that it trains models (the UI's other kind is language models)."""
    outcomes = [f"outcome_{outcome.value}" for outcome in Outcome if outcome.decided]
    varied, further = form_of(plan).columns()
    metrics = ["success_rate", "success_low", "success_high", "n", *outcomes, *further]
    view = {
        "searchFilter": "metrics.success_rate >= 0",
        "orderByKey": "metrics.`success_rate`",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            *(f"params.`{param_name(name)}`" for name in varied),
            *(f"metrics.`{name}`" for name in metrics),
        ],
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
    }
    return {TAG: json.dumps(view), "mlflow.experimentKind": "custom_model_development"}
