"""Views of an experiment that MLflow's UI has no default for: a table of cells, and one of replicas."""

import json
from collections.abc import Sequence

from study.design.plan import Plan
from study.tracking.forms import form_of

CELLS, REPLICAS = NAMES = ("cells", "replicas")
"""One row per cell, with its success rate and its outcomes; one row per replica, with its outcome."""


def tag(view: str) -> str:
    """Return the experiment's tag in which MLflow's own "share view" keeps a view."""
    return f"mlflow.sharedViewState.{view}"


def address(experiment: str, view: str) -> str:
    """Return a view's address below MLflow's root; its menus are those for training models, not language models."""
    return f"/#/experiments/{experiment}/runs?viewStateShareKey={view}&workflowType=machine_learning"


def tags(plan: Plan) -> dict[str, str]:
    """Tags of a study's experiment: its views, and that it trains models (the UI's other kind is language models).

    The UI sorts columns by name, metrics before parameters before tags, so the fewer there are, the more is seen.
    """
    varied, further = form_of(plan).columns()
    cells = _view(
        "metrics.success_rate >= 0", "metrics.`success_rate`", ["n", "success_rate", *further], varied, ["outcomes"]
    )
    replicas = _view(
        "tags.`stability.level` = 'replica'", "tags.`outcome`", ["coverage", "quality"], [*varied, "seed"], ["outcome"]
    )
    return {tag(CELLS): cells, tag(REPLICAS): replicas, "mlflow.experimentKind": "custom_model_development"}


def _view(shown: str, order: str, metrics: Sequence[str], params: Sequence[str], marks: Sequence[str]) -> str:
    columns = {"metrics": metrics, "params": params, "tags": marks}
    state = {
        "searchFilter": shown,
        "orderByKey": order,
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [f"{kind}.`{name}`" for kind, names in columns.items() for name in names],
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
    }
    return json.dumps(state)
