"""A launch's runs in MLflow, the only module that imports it. Client calls only: nothing here is global state.

===========  ==============================  ================================================================
run          name                            carries
===========  ==============================  ================================================================
launch       the launch's id                 question, profile, digest of the plan; the report as an artifact; of a
                                             search also the space, the sampler and so on as params, and importances
cell         its level labels                levels and configuration as params; success rate, interval and
                                             outcome counts as metrics, ``outcomes`` as a tag; by step the share of good
                                             snapshots and medians; the last grid of its first seed; of a search also
                                             the score, and its number as the tag ``candidate``
replica      ``seed <s>: <outcome> (<cell>)``  curves by step, those that the rule judges too; ``outcome``, ``status``,
                                             ``outcome_step`` as tags; ``success`` 0 or 1; known metrics;
                                             grids as the image series ``samples``; kept networks in the folder
                                             ``weights``
===========  ==============================  ================================================================

The parameters that tell cells apart are their levels; of a search, whose levels are rounded, ``param.<axis>``.

``stability.key`` tells a run apart for good: ``<launch>``, ``<launch>/cell=<i>``, ``<launch>/cell=<i>/seed=<s>``.
``stability.step`` is the last step of its curves, ``stability.judged`` the rule that judged what it shows, and
``stability.weights`` the digest of the descriptions of its kept networks.
"""

import logging
import re
import shutil
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking.multimedia import compress_image_size
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_IMAGES, MLFLOW_RUN_NAME
from sqlalchemy.exc import SQLAlchemyError

from study.design.plan import Cell, Plan
from study.evidence.estimates import CellSummary
from study.search.importance import Importance
from study.storage.records import Record, Status
from study.storage.store import Store
from study.tracking import database, server, views
from study.tracking.forms import form_of
from study.tracking.tracker import TrackingUnreachable
from study.tracking.values import (
    Point,
    cell_metrics,
    config_params,
    importance_json,
    importance_metrics,
    outcomes_text,
    replica_marks,
    replica_name,
)
from study.tracking.view import View, series_of
from trainables.data import pixels
from trainables.files import json_digest

ERRORS = (MlflowException, OSError, SQLAlchemyError)
"""What a request raises when a server refuses it or cannot be reached."""

_KEY, _LAUNCH, _LEVEL = "stability.key", "stability.launch", "stability.level"
_STEP, _JUDGED = "stability.step", "stability.judged"
_WEIGHTS = "stability.weights"
_PICTURE = re.compile(r"(?P<key>.+)[+%]step[+%](?P<step>\d+)[+%].*[+%]compressed\.webp")
"""What MLflow calls the second of the two files of an image."""
_METRICS_PER_BATCH, _RUNS_PER_PAGE = 800, 1000
"""A request takes 1,000 entries, at most 100 of them params and 100 tags: numbers and their tag then go in one."""
_VALUE_LENGTH = 6000
_UNAUTHORIZED, _TOO_MANY_REQUESTS = 401, 429

# It prints a traceback for each refused write; the writer says it once, in one sentence.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def open_runs(uri: str, plan: Plan, store: Store) -> "Runs":
    """Open the launch's runs; the launch run itself is made if need be.

    Raises:
        TrackingUnreachable: if the server does not answer, refuses, or has no driver here.
    """
    try:
        client = client_at(uri)
        experiment = _experiment(client, plan.study, database.artifact_folder(uri))
        for tag, value in views.tags(plan).items():
            client.set_experiment_tag(experiment, tag, value)
        return Runs(client, uri, plan, store, experiment)
    except TrackingUnreachable:
        raise
    except (*ERRORS, ImportError, ValueError, sqlite3.Error) as error:
        raise server.unreachable(uri, error) from None


def client_at(uri: str) -> MlflowClient:
    """Return a client; a SQLite database is made, or mended, first."""
    path = database.path_of(uri)
    if path is not None:
        database.prepare(path, _create)
    return MlflowClient(tracking_uri=uri)


def _create(path: Path) -> None:
    database.create(path, f"mlflow-{mlflow.__version__}", _create_anew)


def _create_anew(path: Path) -> None:
    MlflowClient(tracking_uri=f"{database.SQLITE}{path}").search_experiments()


@dataclass(slots=True, kw_only=True)
class _Known:
    """What the server has of one run.

    Attributes:
        pictures: key and step of each; absent until asked.
        described: whether it is known what describes it: the server has that, or gets it with the next numbers.
        due_params, due_tags: what it gets with the next numbers.
        in_doubt: whether points behind ``last_step`` may be there, as in a run that was left open.
    """

    id: str
    name: str
    status: str
    last_step: int
    params: set[str]
    metrics: dict[str, float]
    tags: dict[str, str]
    pictures: set[tuple[str, int]] | None = None
    described: bool = False
    due_params: dict[str, str] = field(default_factory=dict)
    due_tags: dict[str, str] = field(default_factory=dict)
    in_doubt: bool = False


class Runs(View):
    """The runs of one launch. Every method talks to the server at once, and raises one of ``ERRORS``.

    Runs are made when there is something to put into them; only differences to what the server has are sent. To be
    used by one thread at a time, but for ``heard``: the time of the last answer on the monotonic clock.
    """

    title = "MLflow"

    def __init__(self, client: MlflowClient, uri: str, plan: Plan, store: Store, experiment: str) -> None:
        super().__init__(plan, store)
        self._client, self._uri = client, uri
        self._form = form_of(plan)
        self._experiment = experiment
        self._runs: dict[str, _Known] = {}
        self._stamp = 0
        self.attach()
        self._open(self._launch())

    @property
    def name(self) -> str:
        return f"MLflow at {server.named(self._uri)}"

    def is_refusal(self, error: Exception) -> bool:
        """Whether only this one request failed: its run was deleted in the UI, say, or a file is damaged."""
        if not isinstance(error, MlflowException):
            return super().is_refusal(error)
        code: int = error.get_http_status_code()  # type: ignore[no-untyped-call]
        return 400 <= code < 500 and code not in (_UNAUTHORIZED, _TOO_MANY_REQUESTS)

    def reason(self, error: Exception) -> str:
        return server.reason(error, self._uri)

    def attach(self) -> None:
        """Learns what the server has of this launch; of several runs with one key, the oldest counts."""
        found: dict[str, _Known] = {}
        token: str | None = None
        while token != "":
            page = self._client.search_runs(
                [self._experiment],
                filter_string=f"tags.`{_LAUNCH}` = '{self.plan.launch}'",
                order_by=["attributes.start_time ASC"],
                max_results=_RUNS_PER_PAGE,
                page_token=token,
            )
            for run in page:
                found.setdefault(run.data.tags[_KEY], _known(run))
            token = page.token or ""
            self.heard = time.monotonic()
        self._runs = found

    def last_step(self, cell: int, seed: int) -> int:
        run = self._runs.get(self._key(cell, seed))
        return -1 if run is None else run.last_step

    def shows(self, record: Record, rule: str) -> bool:
        run = self._runs.get(self._key(record.cell, record.seed))
        if run is None or record.status in (Status.PLANNED, Status.SKIPPED):
            return False
        curves = not record.status.trained or (run.tags.get(_JUDGED) == rule and run.last_step >= record.steps)
        told = self._metrics_of(record).items() <= run.metrics.items() and not _changed(run, replica_marks(record))
        return curves and told and (run.name, run.status) == (replica_name(record), _ended(record))

    def shows_cell_curves(self, cell: int, rule: str) -> bool:
        run = self._runs.get(self._key(cell))
        return run is not None and run.tags.get(_JUDGED) == rule

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        """Send the points behind the last step that the server has, whole rows in as few requests as possible."""
        run = self._replica(cell, seed)
        if run.in_doubt and points:
            self._ask_last_step(run, next(iter(points[-1].values)))
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

    def _ask_last_step(self, run: _Known, metric: str) -> None:
        """Find out how far a curve reaches: points of a driver that was killed before the tag would come twice."""
        found = self._client.get_metric_history(run.id, metric)
        run.last_step, run.in_doubt = max([run.last_step, *(point.step for point in found)]), False
        self.heard = time.monotonic()

    def renew(self, rule: str) -> None:
        """Delete the runs of cells and replicas if another rule judged what they show: curves cannot be taken back."""
        if any(_JUDGED in run.tags and run.tags[_JUDGED] != rule for run in self._runs.values()):
            for key in [key for key in self._runs if key != self.plan.launch]:
                self._client.delete_run(self._runs[key].id)
                del self._runs[key]
                self.heard = time.monotonic()

    def replica(self, record: Record, judged: Sequence[Point], rule: str) -> None:
        """Send the outcome and what the rule judged, and end the run.

        A replica that never ran gets no run, an undecided one no ``success``: neither is a failure of the GAN.
        """
        if record.status in (Status.PLANNED, Status.SKIPPED):
            return
        run = self._replica(record.cell, record.seed)
        metrics, marks = self._judged(run, judged, rule)
        self._update(
            run,
            name=replica_name(record),
            metrics=self._metrics_of(record),
            tags=replica_marks(record) | marks,
            curves=metrics,
        )
        self._end(run, _ended(record))

    def _metrics_of(self, record: Record) -> dict[str, float]:
        """Return the numbers of a replica that have no step: whether it is a success, and its known metrics."""
        points = self.known_metrics.get((record.cell, record.seed), ())
        known = {name: value for point in points for name, value in point.values.items()}
        return known | ({"success": float(record.converged)} if record.decided else {})

    def replica_picture(self, record: Record, path: Path) -> None:
        """Send a picture, unless the server has it."""
        self._upload(self._replica(record.cell, record.seed), path)

    def replica_weights(self, record: Record, paths: Sequence[Path]) -> None:
        """Send the files of kept networks, unless the server has these."""
        run = self._replica(record.cell, record.seed)
        mark = json_digest([path.read_text("utf-8") for path in paths if path.suffix == ".json"])
        if run.tags.get(_WEIGHTS) == mark:
            return
        for path in paths:
            self._client.log_artifact(run.id, str(path), "weights")
            self.heard = time.monotonic()
        self._update(run, tags={_WEIGHTS: mark})

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        """Send the rate and the counts of a cell, and end its run if none of its replicas is left to be trained."""
        run = self._cell(self.cells[summary.cell])
        metrics = cell_metrics(summary, run.metrics) | ({} if score is None else {"score": score})
        self._update(run, metrics=metrics, tags={"outcomes": outcomes_text(summary)})
        if summary.pending == 0:
            self._end(run, "FINISHED")
        else:
            self._open(run)

    def cell_curves(self, cell: int, judged: Sequence[Point], rule: str) -> None:
        """Send what the rule judged of all replicas of a cell together."""
        run = self._cell(self.cells[cell])
        metrics, marks = self._judged(run, judged, rule)
        self._update(run, tags=marks, curves=metrics)

    def cell_picture(self, cell: int, path: Path) -> None:
        """Send a picture of one of its replicas, unless the server has it."""
        self._upload(self._cell(self.cells[cell]), path)

    def finish(self, complete: bool, found: Sequence[Importance] = ()) -> None:
        """Leave no run open.

        Args:
            complete: whether every planned replica was trained to its end.
            found: of a search, what decides its outcomes.
        """
        launch = self._launch()
        if found:
            self._update(launch, metrics=importance_metrics(found))
        for run in self._runs.values():
            if run.status == "RUNNING":
                self._end(run, "FINISHED" if complete else "KILLED")

    def report(self, page: Path) -> None:
        """Send the report."""
        self._client.log_artifact(self._launch().id, str(page), "report")
        self.heard = time.monotonic()

    def importances(self, found: Sequence[Importance]) -> None:
        """Send what decides the outcomes of a search, as a file."""
        self._client.log_text(self._launch().id, importance_json(found), "importance.json")
        self.heard = time.monotonic()

    def _launch(self) -> _Known:
        plan = self.plan
        run = self._run(plan.launch, plan.launch, "launch", None)
        if not run.described:
            tags = {"question": plan.question, "profile": plan.profile, "digest": plan.digest()}
            tags["mlflow.note.content"] = f"{plan.question}\n\n{plan.note}".strip()
            self._update(run, params={**self._form.params(), "seeds": str(len(plan.seeds))}, tags=tags)
        return run

    def _cell(self, cell: Cell) -> _Known:
        run = self._run(self._key(cell.index), cell.name, "cell", self._launch())
        if not run.described:
            tags = {"cell": cell.name, "digest": cell.digest, "profile": self.plan.profile, **self._form.tags(cell)}
            own = self._form.params_of(cell)
            self._update(run, params={**own, **config_params(cell, own)}, tags=tags)
        return run

    def _replica(self, index: int, seed: int) -> _Known:
        """Return a replica's run. The levels are its params too, so that the UI can group and color curves by them."""
        cell = self.cells[index]
        run = self._run(self._key(index, seed), f"seed {seed} ({cell.name})", "replica", self._cell(cell))
        if not run.described:
            params = {**self._form.params_of(cell), "seed": str(seed)}
            self._describe(run, params, {"cell": cell.name, "digest": cell.digest})
        return run

    def _key(self, cell: int, seed: int | None = None) -> str:
        return f"{self.plan.launch}/cell={cell}" + ("" if seed is None else f"/seed={seed}")

    def _run(self, key: str, name: str, level: str, parent: _Known | None) -> _Known:
        if key not in self._runs:
            tags = {_KEY: key, _LAUNCH: self.plan.launch, _LEVEL: level}
            if parent is not None:
                tags["mlflow.parentRunId"] = parent.id
            made = _known(self._client.create_run(self._experiment, tags=tags, run_name=name))
            made.pictures, made.in_doubt = set(), False
            self._runs[key] = made
            self.heard = time.monotonic()
        return self._runs[key]

    def _describe(self, run: _Known, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Let the next numbers of a run bring what it lacks of these."""
        run.due_params = {name: value[:_VALUE_LENGTH] for name, value in params.items() if name not in run.params}
        run.due_tags = _changed(run, tags)
        run.described = True

    def _update(
        self,
        run: _Known,
        *,
        name: str | None = None,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        curves: Sequence[Metric] = (),
    ) -> None:
        """Send what is new or different. Metrics go to step 0, which the UI draws as bars, one for each run.

        Args:
            curves: numbers by step, which are sent as they are, before all others.
        """
        # Of two values at one step the later stamp counts, so no two updates may have the same.
        self._stamp = max(self._stamp + 1, time.time_ns() // 1_000_000)
        if params is not None:
            self._describe(run, params, tags or {})
        changed = {key: value for key, value in (metrics or {}).items() if run.metrics.get(key) != value}
        marks = _changed(run, tags or {})
        if name is not None and name != run.name:
            marks[MLFLOW_RUN_NAME] = name  # which MLflow takes for the name of the run
        sent = [*curves, *(Metric(key, value, self._stamp, 0) for key, value in changed.items())]
        while len(sent) > _METRICS_PER_BATCH:
            self._log(run, sent[:_METRICS_PER_BATCH], {})
            sent = sent[_METRICS_PER_BATCH:]
        self._log(run, sent, marks)
        run.name = run.name if name is None else name
        run.metrics |= changed

    def _log(self, run: _Known, metrics: Sequence[Metric], marks: Mapping[str, str]) -> None:
        """Send numbers, then tags, with what is due of what describes the run; nothing if there is nothing."""
        params, tags = run.due_params, {**run.due_tags, **marks}
        described = [Param(key, value) for key, value in params.items()]
        if metrics or described or tags:
            marked = [RunTag(key, value) for key, value in tags.items()]
            self._client.log_batch(run.id, metrics=metrics, params=described, tags=marked)
        run.params |= params.keys()
        run.tags |= tags
        run.due_params, run.due_tags = {}, {}
        self.heard = time.monotonic()

    def _send_curves(self, run: _Known, batch: Sequence[Metric], last: int) -> None:
        self._open(run)
        self._log(run, batch, {_STEP: str(last)})
        run.last_step = last

    def _judged(self, run: _Known, points: Sequence[Point], rule: str) -> tuple[list[Metric], dict[str, str]]:
        """Return judged curves and their tag, unless the run has them; cut short, they come again at these stamps."""
        if not points or run.tags.get(_JUDGED) == rule:
            return [], {}
        metrics = [Metric(name, value, own.stamp, own.step) for own in points for name, value in own.values.items()]
        return metrics, {_JUDGED: rule}

    def _upload(self, run: _Known, path: Path) -> None:
        """Send a picture as an image of the series that its name says."""
        place = series_of(path)
        if run.pictures is None:
            files = (_PICTURE.fullmatch(Path(file.path).name) for file in self._client.list_artifacts(run.id, "images"))
            run.pictures = {(found["key"], int(found["step"])) for found in files if found is not None}
        if place in run.pictures:
            return
        known, run.pictures = run.pictures, None  # half of it may be there after an error
        self._log_image(run, path, *place)
        run.pictures = known | {place}
        self.heard = time.monotonic()

    def _log_image(self, run: _Known, path: Path, series: str, step: int) -> None:
        """Send a picture as ``MlflowClient.log_image`` does, which encodes it anew, and sets the tag each time."""
        name = f"{series}+step+{step}+timestamp+{time.time_ns() // 1_000_000}+{uuid4()}"
        with TemporaryDirectory() as folder:
            files = Path(folder, f"{name}.png"), Path(folder, f"{name}+compressed.webp")
            shutil.copyfile(path, files[0])
            compress_image_size(pixels.stored(path)).save(files[1])
            for file in files:
                self._client.log_artifact(run.id, str(file), "images")
        self._update(run, tags={MLFLOW_LOGGED_IMAGES: "True"})

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


def _ended(record: Record) -> str:
    return "FAILED" if record.status is Status.CRASHED else "FINISHED"


def _changed(run: _Known, tags: Mapping[str, str]) -> dict[str, str]:
    """Return those of the tags that a run lacks, or has with another value; an empty one that it lacks is the same."""
    short = {name: value[:_VALUE_LENGTH] for name, value in tags.items()}
    return {name: value for name, value in short.items() if run.tags.get(name, "") != value}


def _known(run: Run) -> _Known:
    metrics = dict(run.data.metrics)
    tags = dict(run.data.tags)
    return _Known(
        id=run.info.run_id,
        name=run.info.run_name,
        status=run.info.status,
        last_step=int(tags.get(_STEP, metrics.get("step", -1))),  # earlier versions had a curve of it
        params=set(run.data.params),
        metrics=metrics,
        tags=tags,
        in_doubt=run.info.status == "RUNNING",
    )


def _experiment(client: MlflowClient, name: str, artifacts: Path | None) -> str:
    """Return the study's experiment; make it if there is none."""
    known = client.get_experiment_by_name(name)
    if known is None:
        location = None if artifacts is None else (artifacts / name).as_uri()
        try:
            return client.create_experiment(name, artifact_location=location)
        except MlflowException:  # another launch of this study may have been first
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    if known.lifecycle_stage != "active":
        raise TrackingUnreachable(f"MLflow experiment {name!r} must be active, got {known.lifecycle_stage}: restore it")
    return known.experiment_id
