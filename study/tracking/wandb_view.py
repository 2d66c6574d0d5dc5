"""A launch in Weights & Biases, the only module that imports it.

=======  ===============================  ======================================================================
run      name                             carries
=======  ===============================  ======================================================================
launch   the launch's id                  ``success_rate/<cell>`` by the number of decided replicas; the table
                                          ``cells`` with rates, intervals and outcomes
replica  ``<cell>, seed <s>: <outcome>``  curves by ``step``, those that the rule judges too; the outcome,
                                          ``success`` and known metrics in the summary; grids as the image
                                          series ``samples``; configuration of its cell
=======  ===============================  ======================================================================

The project is the study, the group the launch. A run that was cut short cannot be gone on with everywhere (offline,
there is nobody to ask what it has), so a process that finds one begins it anew. ``wandb/shown.jsonl`` in the launch's
folder says which runs are whole; deleting ``wandb`` lets ``study sync`` make all of them again.

``WANDB_MODE=offline`` keeps everything in the folder, for ``wandb sync`` later. The key is W&B's own:
``WANDB_API_KEY``, or ``wandb login``; it is written nowhere.
"""

import json
import os
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args
from uuid import uuid4

import wandb
from PIL import Image

from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.search.importance import Importance
from study.storage.records import Record, Status
from study.storage.store import Store
from study.tracking.folder_view import became
from study.tracking.forms import form_of
from study.tracking.tracker import TrackingUnreachable
from study.tracking.values import Point, Replica, cell_metrics, config_params, outcomes_text
from study.tracking.view import View, series_of
from trainables.files import json_digest

_Mode = Literal["online", "offline", "disabled", "shared"]
_INIT_SECONDS = 20.0
_LAUNCH = "launch"
_NAME_LENGTH = 128


@dataclass(frozen=True, slots=True)
class _Open:
    """A run that this process writes, and the steps that it has."""

    run: Any
    steps: set[int] = field(default_factory=set)


class WandbView(View):
    """W&B runs: one of the launch, and one per replica, which ends when its outcome is known."""

    title = "Weights & Biases"

    def __init__(self, plan: Plan, store: Store) -> None:
        super().__init__(plan, store)
        self._form = form_of(plan)
        self._folder = store.root / "wandb"
        self._notes = self._folder / "shown.jsonl"
        self._whole, self._stale = _read(self._notes)
        self._open: dict[str, _Open] = {}
        self._metrics: dict[int, dict[str, float]] = {}
        self._outcomes: dict[int, str] = {}

    @classmethod
    def check(cls) -> None:
        if _mode() == "online" and not wandb.login(prompt=False):
            raise TrackingUnreachable(
                "tracker wandb needs a key: set WANDB_API_KEY, run `wandb login`, or set WANDB_MODE=offline to keep"
                " everything on this machine"
            )

    @classmethod
    def look(cls, store: Store) -> str:
        return (
            f"wandb sync {shlex.quote(str(store.root / 'wandb'))}/offline-run-*" if _mode() == "offline" else "wandb.ai"
        )

    @property
    def name(self) -> str:
        return f"{self.title} ({_mode()})"

    def renew(self, rule: str) -> None:
        """Begin the runs anew that another rule has judged."""
        for key in [key for key, own in self._whole.items() if own["rule"] != rule]:
            self._stale[key] = self._whole.pop(key)["run"]

    def measured(self, found: Mapping[Replica, Sequence[Point]]) -> None:
        """Begin the runs anew that are whole but for these numbers: an ended run takes no more."""
        super().measured(found)
        due = {_key(*place): _digest(points) for place, points in found.items()}
        for key in [key for key, own in self._whole.items() if own.get("metrics", "") != due.get(key, "")]:
            self._stale[key] = self._whole.pop(key)["run"]

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        key = _key(cell, seed)
        if key in self._whole:
            return
        own = self._replica(cell, seed)
        for point in points:
            if point.step not in own.steps:
                own.run.log({**point.values, "step": point.step})
                own.steps.add(point.step)

    def replica(self, record: Record, judged: Sequence[Point], rule: str) -> None:
        """Send the outcome, what the rule judged and the pictures, and end the run; a whole one stays as it is."""
        key = _key(record.cell, record.seed)
        if key in self._whole or record.status in (Status.PLANNED, Status.SKIPPED):
            return
        run = self._replica(record.cell, record.seed).run
        for point in judged:
            run.log({**point.values, "step": point.step})
        paths = self.store.pictures(record.cell, record.seed)
        readable = [path for path in paths if _is_readable(path)]
        for path in readable:
            series, step = series_of(path)
            run.log({series: wandb.Image(str(path)), "step": step})
        points = self.known_metrics.get((record.cell, record.seed), ())
        run.summary.update(
            {
                "outcome": record.outcome.value,
                "status": record.status.value,
                **({} if record.outcome_step is None else {"outcome_step": record.outcome_step}),
                **({"success": int(record.converged)} if record.decided else {}),
                **{name: value for point in points for name, value in point.values.items()},
            }
        )
        run.name = _named(record.cell_name, f", seed {record.seed}: {became(record)}")
        self._end(key, failed=record.status is Status.CRASHED)
        if record.status.ended and record.status is not Status.CRASHED and len(readable) == len(paths):
            self._note(key=key, run=run.id, rule=rule, **({"metrics": _digest(points)} if points else {}))

    def replica_picture(self, record: Record, path: Path) -> None:
        """Refuse a picture that cannot be read; the others were sent with the outcome."""
        _read_picture(path)

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        cell = summary.cell
        metrics = cell_metrics(summary, self._metrics.get(cell, {})) | ({} if score is None else {"score": score})
        if self._metrics.get(cell) == metrics:
            return
        self._metrics[cell], self._outcomes[cell] = metrics, outcomes_text(summary)
        if self._whole.get(_LAUNCH, {}).get("cells", {}).get(str(cell)) == json_digest(metrics):
            return
        begins = _LAUNCH not in self._open
        run, changed = self._launch().run, self._metrics if begins else {cell: metrics}
        rates = {
            f"success_rate/{self.cells[index].name}": own["success_rate"]
            for index, own in changed.items()
            if "success_rate" in own
        }
        run.log({**rates, "decided": sum(int(own["n"]) for own in self._metrics.values())})

    def finish(self, complete: bool, found: Sequence[Importance] = ()) -> None:
        """End all runs, that of the launch with the table of its cells."""
        if _LAUNCH in self._open:
            run = self._open[_LAUNCH].run
            columns = list(dict.fromkeys(name for metrics in self._metrics.values() for name in metrics))
            rows: list[Iterable[Any]] = [
                [self.cells[cell].name, self._outcomes[cell], *(metrics.get(name) for name in columns)]
                for cell, metrics in sorted(self._metrics.items())
            ]
            run.log({"cells": wandb.Table(columns=["cell", "outcomes", *columns], data=rows)})
            self._end(_LAUNCH, failed=not complete)
            if complete:
                cells = {str(cell): json_digest(metrics) for cell, metrics in self._metrics.items()}
                self._note(key=_LAUNCH, run=run.id, rule=self._rule_label(), cells=cells)
        for key in list(self._open):
            self._end(key, failed=True)

    def _rule_label(self) -> str:
        return (self.store.rule() if self.store.rule_path.exists() else self.plan.rule).label()

    def _launch(self) -> _Open:
        plan = self.plan
        config = {"question": plan.question, "profile": plan.profile, "digest": plan.digest(), **self._form.params()}
        return self._run(_LAUNCH, _named(plan.launch), _LAUNCH, config, "decided")

    def _replica(self, index: int, seed: int) -> _Open:
        cell = self.cells[index]
        own = self._form.params_of(cell)
        config = {**own, **config_params(cell, own), "cell": cell.name, "seed": seed, "digest": cell.digest}
        return self._run(_key(index, seed), _named(cell.name, f", seed {seed}"), "replica", config, "step")

    def _run(self, key: str, name: str, kind: str, config: Mapping[str, Any], axis: str) -> _Open:
        """Return the run of this process; begin it if need be, and remove what another process has left of it."""
        if key not in self._open:
            stale = self._stale.pop(key, None) or self._whole.pop(key, {}).get("run")
            if stale is not None:
                self._discard(stale)
            self._folder.mkdir(parents=True, exist_ok=True)  # else W&B takes a folder of its own choice
            own = uuid4().hex[:8]
            self._note(key=key, run=own)  # before there is anything to be removed
            run = wandb.init(
                id=own,
                project=os.environ.get("WANDB_PROJECT") or self.plan.study,
                group=self.plan.launch[:_NAME_LENGTH],
                name=name,
                job_type=kind,
                config=dict(config),
                dir=str(self.store.root),
                mode=_mode(),
                reinit="create_new",
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    disable_git=True,
                    disable_code=True,
                    x_disable_meta=True,
                    x_disable_stats=True,
                    x_save_requirements=False,
                    init_timeout=_INIT_SECONDS,
                ),
            )
            run.define_metric(axis)
            run.define_metric("*", step_metric=axis)
            self._open[key] = _Open(run)
        return self._open[key]

    def _end(self, key: str, *, failed: bool) -> None:
        run = self._open.pop(key).run
        run.finish(exit_code=int(failed))
        self._stale[key] = run.id

    def _discard(self, run: str) -> None:
        """Remove the folder of an unfinished run, unless it was sent to W&B already."""
        for folder in self._folder.glob(f"offline-run-*-{run}"):
            if not any(folder.glob("*.synced")):
                shutil.rmtree(folder)

    def _note(self, **values: Any) -> None:
        """Note that a run has begun, or, with its rule, that it is whole; a line is written at once or not."""
        if "rule" in values:
            self._whole[values["key"]] = values
            self._stale.pop(values["key"], None)
        with self._notes.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(values)}\n")


def _mode() -> _Mode:
    """Return the mode of the environment, else of W&B's settings files."""
    found = os.environ.get("WANDB_MODE") or wandb.setup().settings.mode
    mode = next((known for known in get_args(_Mode) if known == found), None)
    if mode is None:
        raise TrackingUnreachable(f"WANDB_MODE must be one of {', '.join(get_args(_Mode))}, got {found!r}")
    return cast(_Mode, mode)


def _key(cell: int, seed: int) -> str:
    return f"cell={cell}/seed={seed}"


def _digest(points: Sequence[Point]) -> str:
    return json_digest([dict(point.values) for point in points])


def _named(name: str, end: str = "") -> str:
    return name[: _NAME_LENGTH - len(end)] + end


def _read(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Return the runs that are whole, and the ids of those that began and are not; a cut line counts as none."""
    whole: dict[str, dict[str, Any]] = {}
    begun: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if "rule" in values:
            whole[values["key"]] = values
            begun.pop(values["key"], None)
        else:
            whole.pop(values["key"], None)
            begun[values["key"]] = values["run"]
    return whole, begun


def _is_readable(path: Path) -> bool:
    try:
        _read_picture(path)
    except (OSError, ValueError):  # replica_picture, which comes next, says so
        return False
    return True


def _read_picture(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


VIEW: type[View] = WandbView
