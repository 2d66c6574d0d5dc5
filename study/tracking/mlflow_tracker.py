"""MLflow as a tracker. ``runs``, the one module that imports mlflow, is imported late, because that takes seconds."""

import sqlite3
from functools import partial
from importlib import import_module
from pathlib import Path

from study.design.plan import Plan
from study.storage.store import Store
from study.tracking import server, views
from study.tracking.view import View
from study.tracking.writer import Writer


class MlflowTracker(Writer):
    """Shows a launch in MLflow; see ``runs`` for what is shown where.

    It starts within about 10 s, plus 3 s for importing mlflow and, once per machine and version, 3 s for a database.

    Args:
        uri: an MLflow tracking URI: ``sqlite:///<file>``, ``http(s)://<server>``, another database. The artifacts of
            new experiments are in ``mlartifacts`` beside a SQLite file, and where the server chooses otherwise.
    """

    def __init__(self, uri: str) -> None:
        def open_view(plan: Plan, store: Store) -> View:
            server.check(uri)
            from study.tracking import runs

            return runs.open_runs(uri, plan, store)

        super().__init__(open_view, "MLflow", partial(import_module, "study.tracking.runs"))


def saved_views(out: Path) -> dict[str, dict[str, str]]:
    """Study to the addresses of its views, by name and below the UI's root.

    Raises:
        TrackingUnreachable: if the database in ``out`` cannot be used.
    """
    from study.tracking import runs

    uri = server.local_uri(out)
    try:
        known = runs.client_at(uri).search_experiments(filter_string=f"tags.`{views.tag(views.CELLS)}` LIKE '%'")
    except (*runs.ERRORS, ImportError, sqlite3.Error) as error:
        raise server.unreachable(uri, error) from None
    return {one.name: {view: views.address(one.experiment_id, view) for view in views.NAMES} for one in known}
