"""A launch's runs in MLflow, the only module that imports it. Client calls only: nothing here is global state.

===========  ==============================  ================================================================
run          name                            carries
===========  ==============================  ================================================================
launch       the launch's id                 question, profile, digest; the report as an artifact; of a search also
                                             the space, the sampler and so on as params, and importances
cell         its level labels                levels and configuration as params; success rate, interval and
                                             outcome counts as metrics; of a search also the exact point as
                                             ``param.<axis>``, the score, and its number as the tag ``candidate``
replica      ``seed <s>``                    curves by step; ``outcome``, ``status``, ``outcome_step`` as tags;
                                             ``success`` 0 or 1; sample grids under ``samples``
===========  ==============================  ================================================================

``stability.key`` tells a run apart for good: ``<launch>``, ``<launch>/cell=<i>``, ``<launch>/cell=<i>/seed=<s>``.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from study.design.plan import Cell, Plan
from study.evidence.estimates import CellSummary
from study.search.importance import Importance
from study.storage.records import Record, Status
from study.tracking import server, views
from study.tracking.forms import form_of
from study.tracking.tracker import TrackingUnreachable
from study.tracking.values import (
    Point,
    cell_metrics,
    cell_params,
    importance_json,
    importance_metrics,
    param_name,
)

ERRORS = (MlflowException, OSError, SQLAlchemyError)
"""What a request raises when a server refuses it or cannot be reached."""

_KEY, _LAUNCH, _LEVEL = "stability.key", "stability.launch", "stability.level"
_METRICS_PER_BATCH, _PARAMS_PER_BATCH, _RUNS_PER_PAGE = 1000, 100, 1000
_VALUE_LENGTH = 6000
_TOO_MANY_REQUESTS = 429

# It prints a traceback for each refused write; the writer says it once, in one sentence.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def is_refusal(error: Exception) -> bool:
    """Whether a server that works refused this one request, for instance because its run was deleted in the UI."""
    if not isinstance(error, MlflowException):
        return False
    code: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
    return 400 <= code < 500 and code != _TOO_MANY_REQUESTS


def open_runs(uri: str, artifacts: Path | None, plan: Plan) -> "Runs":
    """Open the launch's runs; the launch run itself is made if need be.

    Raises:
        TrackingUnreachable: if the server does not answer, refuses, or has no driver here.
    """
    try:
        client = MlflowClient(tracking_uri=uri)
        experiment = _experiment(client, plan.study, artifacts)
        for tag, value in views.tags(plan).items():
            client.set_experiment_tag(experiment, tag, value)
        return Runs(client, plan, experiment)
    except (*ERRORS, ImportError) as error:
        raise server.unreachable(uri, error) from error


@dataclass(slots=True, kw_only=True)
class _Known:
    """What the server has of one run. ``samples`` is absent until asked; ``described`` once its params are complete."""

    id: str
    status: str
    last_step: int
    params: set[str]
    metrics: dict[str, float]
    tags: dict[str, str]
    samples: set[str] | None = None
    described: bool = False


class Runs:
    """The runs of one launch. Every method talks to the server at once, and raises one of ``ERRORS``.

    Runs are made when there is something to put into them; only differences to what the server has are sent. To be
    used by one thread at a time, but for ``heard``: the time of the last answer on the monotonic clock.
    """

    def __init__(self, client: MlflowClient, plan: Plan, experiment: str) -> None:
        self.heard = time.monotonic()
        self._client = client
        self._plan, self._form = plan, form_of(plan)
        self._experiment = experiment
        self._cells = {cell.index: cell for cell in plan.cells}
        self._runs: dict[str, _Known] = {}
        self._stamp = 0
        self.attach()
        self._open(self._launch())

    def attach(self) -> None:
        """Learns what the server has of this launch; of several runs with one key, the oldest counts."""
        found: dict[str, _Known] = {}
        token: str | None = None
        while token != "":
            page = self._client.search_runs(
                [self._experiment],
                filter_string=f"tags.`{_LAUNCH}` = '{self._plan.launch}'",
                order_by=["attributes.start_time ASC"],
                max_results=_RUNS_PER_PAGE,
                page_token=token,
            )
            for run in page:
                found.setdefault(run.data.tags[_KEY], _known(run))
            token = page.token or ""
            self.heard = time.monotonic()
        self._runs = found

    def know(self, cell: Cell) -> None:
        """Take in a cell that the launch has, too; makes no request, and may be called from any thread."""
        self._cells[cell.index] = cell

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        """Send the points behind the last step that the server has, whole rows in as few requests as possible."""
        run = self._replica(cell, seed)
        batch: list[Metric] = []
        last = run.last_step
        for point in points:
            if point.step <= last:
                continue
            if len(batch) + len(point.values) > _METRICS_PER_BATCH:
                self._send_curves(run, batch, last)
                batch = []
            batch += [Metric(name, value, point.stamp, point.step) for name, value in point.values.items()]
            last = point.step
        if batch:
            self._send_curves(run, batch, last)

    def replica(self, record: Record, grids: Sequence[Path]) -> None:
        """Send the outcome and the samples, and end the run.

        A replica that never ran gets no run, an undecided one no ``success``: neither is a failure of the GAN.
        """
        if record.status in (Status.PLANNED, Status.SKIPPED):
            return
        run = self._replica(record.cell, record.seed)
        decided = record.decided
        self._update(
            run,
            metrics={"success": float(record.converged)} if decided else {},
            tags={
                "outcome": record.outcome.value,
                "status": record.status.value,
                "outcome_step": "" if record.outcome_step is None else str(record.outcome_step),
            },
        )
        self._upload_samples(run, grids)
        self._end(run, "FAILED" if record.status is Status.CRASHED else "FINISHED")

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        run = self._cell(self._cells[summary.cell])
        self._update(run, metrics=cell_metrics(summary, run.metrics) | ({} if score is None else {"score": score}))
        if summary.pending == 0:
            self._end(run, "FINISHED")
        else:
            self._open(run)

    def finish(self, report: Path, complete: bool, found: Sequence[Importance] = ()) -> None:
        """Upload the report, if there is one, and leaves no run open.

        Args:
            found: of a search, what decides its outcomes.
        """
        launch = self._launch()
        if found:
            self._update(launch, metrics=importance_metrics(found))
            self._client.log_text(launch.id, importance_json(found), "importance.json")
        if report.exists():
            self._client.log_artifact(launch.id, str(report), "report")
            self.heard = time.monotonic()
        for run in self._runs.values():
            if run.status == "RUNNING":
                self._end(run, "FINISHED" if complete else "KILLED")

    def _launch(self) -> _Known:
        plan = self._plan
        run = self._run(plan.launch, plan.launch, "launch", None)
        if not run.described:
            tags = {"question": plan.question, "profile": plan.profile, "digest": self._form.digest()}
            tags["mlflow.note.content"] = f"{plan.question}\n\n{plan.note}".strip()
            params = {"study": plan.study, **self._form.params(), "seeds": str(len(plan.seeds))}
            self._update(run, params=params, tags=tags)
            run.described = True
        return run

    def _cell(self, cell: Cell) -> _Known:
        run = self._run(f"{self._plan.launch}/cell={cell.index}", cell.name, "cell", self._launch())
        if not run.described:
            tags = {"cell": cell.name, "digest": cell.digest, "profile": self._plan.profile, **self._form.tags(cell)}
            self._update(run, params={**cell_params(cell), **self._form.point(cell)}, tags=tags)
            run.described = True
        return run

    def _replica(self, index: int, seed: int) -> _Known:
        """Return a replica's run. The levels are its params too, so that the UI can group and color curves by them."""
        cell = self._cells[index]
        key = f"{self._plan.launch}/cell={index}/seed={seed}"
        run = self._run(key, f"seed {seed}", "replica", self._cell(cell))
        if not run.described:
            levels = {param_name(factor): label for factor, label in cell.levels.items()}
            own = {"seed": str(seed), "replica": str(self._plan.seeds.index(seed))}
            self._update(
                run, params={**levels, **self._form.point(cell), **own}, tags={"cell": cell.name, "digest": cell.digest}
            )
            run.described = True
        return run

    def _run(self, key: str, name: str, level: str, parent: _Known | None) -> _Known:
        if key not in self._runs:
            tags = {_KEY: key, _LAUNCH: self._plan.launch, _LEVEL: level}
            if parent is not None:
                tags["mlflow.parentRunId"] = parent.id
            made = _known(self._client.create_run(self._experiment, tags=tags, run_name=name))
            made.samples = set()
            self._runs[key] = made
            self.heard = time.monotonic()
        return self._runs[key]

    def _update(
        self,
        run: _Known,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Send what is new or different. Metrics go to step 0, which the UI draws as bars, one for each run."""
        # Of two values at one step the later stamp counts, so no two updates may have the same.
        self._stamp = max(self._stamp + 1, time.time_ns() // 1_000_000)
        news = {key: value[:_VALUE_LENGTH] for key, value in (params or {}).items() if key not in run.params}
        changed = {key: value for key, value in (metrics or {}).items() if run.metrics.get(key) != value}
        marks = {key: value[:_VALUE_LENGTH] for key, value in (tags or {}).items()}
        marks = {key: value for key, value in marks.items() if run.tags.get(key, "") != value}
        entities = [Param(key, value) for key, value in news.items()]
        for first in range(0, len(entities), _PARAMS_PER_BATCH):
            self._client.log_batch(run.id, params=entities[first : first + _PARAMS_PER_BATCH])
        if changed or marks:
            points = [Metric(key, value, self._stamp, 0) for key, value in changed.items()]
            self._client.log_batch(run.id, metrics=points, tags=[RunTag(key, value) for key, value in marks.items()])
        run.params |= news.keys()
        run.metrics |= changed
        run.tags |= marks
        self.heard = time.monotonic()

    def _send_curves(self, run: _Known, batch: Sequence[Metric], last: int) -> None:
        self._open(run)
        self._client.log_batch(run.id, metrics=batch)
        run.last_step = last
        self.heard = time.monotonic()

    def _upload_samples(self, run: _Known, grids: Sequence[Path]) -> None:
        if grids and run.samples is None:
            run.samples = {Path(file.path).name for file in self._client.list_artifacts(run.id, "samples")}
        shown = run.samples if run.samples is not None else set()
        for grid in grids:
            if grid.name not in shown and grid.exists():
                self._client.log_artifact(run.id, str(grid), "samples")
                shown.add(grid.name)
                self.heard = time.monotonic()

    def _end(self, run: _Known, status: str) -> None:
        if run.status != status:
            self._client.set_terminated(run.id, status)
            run.status = status
            self.heard = time.monotonic()

    def _open(self, run: _Known) -> None:
        if run.status != "RUNNING":
            self._client.update_run(run.id, status="RUNNING")
            run.status = "RUNNING"
            self.heard = time.monotonic()


def _known(run: Run) -> _Known:
    metrics = dict(run.data.metrics)
    return _Known(
        id=run.info.run_id,
        status=run.info.status,
        last_step=int(metrics.get("step", -1)),
        params=set(run.data.params),
        metrics=metrics,
        tags=dict(run.data.tags),
    )


def cell_views(uri: str) -> dict[str, str]:
    """Study to the address, below MLflow's root, of its table of cells sorted by success rate."""
    experiments = MlflowClient(tracking_uri=uri).search_experiments(filter_string=f"tags.`{views.TAG}` LIKE '%'")
    return {experiment.name: views.address(experiment.experiment_id) for experiment in experiments}


def _experiment(client: MlflowClient, name: str, artifacts: Path | None) -> str:
    """Return the study's experiment; make it if there is none."""
    known = client.get_experiment_by_name(name)
    if known is None:
        location = None if artifacts is None else (artifacts.resolve() / name).as_uri()
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:  # another launch of this study may have been first
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    if known.lifecycle_stage != "active":
        raise TrackingUnreachable(f"MLflow experiment {name!r} must be active, got {known.lifecycle_stage}: restore it")
    return known.experiment_id
