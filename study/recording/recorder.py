"""``Recorder``: what a training loop of the user's own reports to, and how such a replica begins and ends."""

import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib import metadata
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from search_spaces import Factor, Level, label_of
from study.design import names
from study.design.hypotheses import Hypothesis
from study.design.parsing import check_plain
from study.design.recording import RecordedCell
from study.design.study import MOST_FIRST, Contrast
from study.formatting import did_you_mean, plural, quoted
from study.outcomes.blow_up import blow_up
from study.outcomes.rule import OutcomeRule
from study.recording import launch as launches
from study.recording.arrays import as_labels, as_numbers, as_range, as_samples
from study.recording.given import Given, given
from study.recording.planned import Wanted, meter, planned
from study.recording.rows import Reported, Rows, digest_of
from study.storage import lock
from study.storage.lookup import check_local
from study.storage.records import Status
from study.storage.store import Store
from study.tracking import Tracker, TrackingUnreachable, tracker_at
from trainables import pictures, trace
from trainables.config import Setting, digest, to_dict
from trainables.data import ImageTruth
from trainables.trace import Row, Trace
from trainables.versions import device_name, versions

LAUNCH = "recorded"
"""Name of a launch where none is given: processes that name none share it."""
_FRAMEWORKS = ("lightning", "pytorch_lightning", "accelerate", "keras", "tensorflow", "jax", "flax")
_MOST_STEPS = 2**53


class Recorder:
    """What a training loop of the user's own reports to, for one seed of one cell.

    The replica is measured by the probes of our own trainings, judged by the same rules, and stored in the launch
    ``out/study/launch``, which the first process makes and others join: several may record into it at once. A loop that
    was interrupted or crashed may run again, from its start or from a checkpoint of its own, and goes on; a replica
    that has ended is refused. Nothing of torch's, NumPy's or Python's random numbers is drawn.

    An exception inside ``with`` leaves the replica crashed, and one that had blown up by then diverged; so does a
    ``FloatingPointError``. ``KeyboardInterrupt`` and ``SystemExit`` leave it open. All rows are kept in any case.

    Args:
        out: folder of launches.
        study: name of the study.
        cell: the settings that tell this cell from others, by name: text, numbers, truth values or None.
        seed: of this replica; one that is new to the cell.
        data: real samples: a name (``"ring"``), a data configuration, a folder of images, or an array of images
            ``[N, C, H, W]`` or of points ``[N, D]``.
        launch: name of the launch.
        steps: the last step of the loop, which then has to report it; by default whatever it reports last.
        samples: number of samples that every report is measured on.
        modes: centers ``[M, D]`` of the modes, for points that are an array.
        labels: classes ``[N]`` of images that are an array.
        value_range: the values that are black and white, for images that are no bytes; by default (-1, 1).
        rule: how outcomes are decided; by default ``MIXTURE_RULE`` or ``IMAGE_RULE``.
        question: what the study asks.
        hypotheses: claims about levels of the cells, declared before the first report.
        contrasts: levels to compare; by default all pairs of values of each setting.
        tracking_uri: MLflow server; by default that of ``MLFLOW_TRACKING_URI``, else SQLite in ``out``; ``"none"`` for
            no tracking.
        show: whether to write the report page and fill MLflow when the loop has ended, in a second or more; ``study
            report`` and ``study sync`` do so later.

    Raises:
        ValueError: if an argument does not fit; nothing is written then.

    Examples:
        >>> import study, torch
        >>> real = torch.randn(1_000, 2) * 0.01 + torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(500, 1)
        >>> options = {"data": real, "modes": [[1.0, 0.0], [-1.0, 0.0]], "tracking_uri": "none"}
        >>> with study.Recorder(folder, study="two-points", cell={"lr": 1e-4}, seed=3, **options) as recorder:
        ...     for step in range(0, 401, 100):
        ...         recorder.report(step, samples=real if step else torch.zeros(512, 2), d_loss=0.7, g_loss=0.7)
        >>> study.load(recorder.root).records.outcome.tolist()
        ['converged']
    """

    def __init__(
        self,
        out: str | Path = "runs",
        *,
        study: str,
        cell: Mapping[str, Setting] | None = None,
        seed: int,
        data: object,
        launch: str = LAUNCH,
        steps: int | None = None,
        samples: int = 512,
        modes: object = None,
        labels: object = None,
        value_range: tuple[float, float] | None = None,
        rule: OutcomeRule | None = None,
        question: str = "",
        hypotheses: Sequence[Hypothesis] = (),
        contrasts: Sequence[Contrast] = (),
        tracking_uri: str | None = None,
        show: bool = True,
    ) -> None:
        check_local(out)
        names.check("study", study)
        names.check("launch", launch)
        names.check_text("question", question)
        self._study = study
        with _of(study):
            self._cell = RecordedCell(
                settings=_settings(cell or {}),
                steps=0 if steps is None else _whole("steps", steps, 1, _MOST_STEPS),
                seeds=(),
            )
            self._seed = _whole("seed", seed, 0, MOST_FIRST)
            self._samples = _whole("samples", samples, 2, 1_000_000)
            self._range = as_range(value_range)
            _check_all("hypotheses", hypotheses, Hypothesis)
            _check_all("contrasts", contrasts, Contrast)
            _check_claims(self._cell.settings, hypotheses, contrasts)
            if rule is not None and not isinstance(rule, OutcomeRule):
                raise ValueError(f"rule must be an OutcomeRule, got {quoted(rule)}")
        self._out, self._uri, self._shows = Path(out), tracking_uri, show
        self._data: Callable[[], Given] = lambda: given(data, modes=modes, labels=labels, value_range=self._range)
        self._wanted = Wanted(
            study=study,
            launch=launch,
            question=question or f"How often does {study} train?",
            hypotheses=tuple(hypotheses),
            contrasts=tuple(contrasts),
            rule=rule,
            samples=self._samples,
        )
        self._open = False

    @property
    def root(self) -> Path:
        """The launch's folder, which ``study.load`` takes."""
        return self._out / self._study / self._wanted.launch

    @property
    def ended(self) -> bool:
        """Whether this seed of this cell was recorded to its end: a script that is run again may pass over it."""
        store = Store(self.root)
        return store.plan_path.exists() and launches.ended(store, self._cell.settings, self._seed) is not None

    def __enter__(self) -> Self:
        if self._open:
            raise ValueError(f"a recorder must be entered once, and is open already (study {self._study})")
        with _of(self._study), ExitStack() as stack:
            self._real = self._data()
            plan = planned(self._wanted, self._real)
            self._tracker: Tracker = tracker_at(self._out, self._uri)
            self._store = launches.opened(plan, self._out, self._real)
            self._place = launches.begin(self._store, self._cell, self._seed)
            folder = self._store.checkpoints_path / self._place.block.name
            folder.mkdir(parents=True, exist_ok=True)
            unlocked = self._hold(folder, stack)
            self._rows = Rows(folder / "rows.jsonl")
            self._meter = meter(plan, self._real, self._out / "cache")
            self._last = -1
            self._labeled = False
            self._latest: tuple[int, Tensor] | None = None
            self._device = "not known"
            self._began = time.monotonic()
            self._names: tuple[str, ...] | None = None
            self._stack = stack.pop_all()
        self._open = True
        for caveat in filter(None, (unlocked, self._place.caveat, self._damage())):
            _warn(caveat)
        return self

    def _hold(self, folder: Path, stack: ExitStack) -> str:
        """Hold the replica until the stack is left; return what the user should know of that."""
        try:
            return stack.enter_context(lock.held(folder))
        except lock.InUse as error:
            name = self._place.block.cell.name
            raise ValueError(f"seed {self._seed} of cell {name} must be recorded by one process: {error}") from None

    def _damage(self) -> str:
        aside = self._rows.damaged
        return f"the rows of seed {self._seed} were damaged and are recorded anew ({aside})" if aside else ""

    def report(self, step: int, *, samples: object, labels: object = None, **values: object) -> None:
        """Measure generated samples after a step, and keep the row on the disk.

        Args:
            step: steps that the loop has done: 0 for the untrained generator, then ascending.
            samples: ``[N, *shape]``, a tensor or array: points as floats; images as bytes, or as floats in
                ``value_range``. The first ``samples`` of them are measured.
            labels: classes ``[N]`` that a conditional generator made the samples for, as those of the real images: at
                every report, or at none. How often a classifier reads the class that was meant, and how much the
                samples of a class differ, is then measured as in our own conditional trainings.
            values: further numbers, ``d_loss=...``: the same names at every report after step 0. One whose name ends in
                ``loss``, ``penalty``, ``grad_norm`` or ``param_norm`` and is not finite means that the training has
                blown up; all others are shown alone.

        Raises:
            ValueError: if samples, step or numbers do not fit; the rows so far are kept.
            OSError: if the row cannot be written.
        """
        with _of(self._study, step):
            if not self._open:
                raise ValueError("a recorder must be open to report, in a with statement")
            self._check_step(step)
            numbers = as_numbers(values)
            tensor = self._tensor(samples)
            classes = self._classes(labels)
            self._check_names(int(step), numbers)
            told = digest_of(tensor, numbers, classes)
            row = self._rows.again(int(step), told)
            if row is None:
                row = self._meter.row(self._seed, int(step), tensor, numbers, classes)
                row = {**row, "replica": self._place.block.first}
                self._rows.add(Reported(row=row, digest=told, seconds=self._seconds()))
                number = len(self._rows.kept) - 1
                if not number & (number - 1):  # 0 and powers of two, beside the last one
                    self._draw(int(step), tensor)
            self._latest = (int(step), tensor)
            self._last = int(step)
            self._names = self._names or (tuple(numbers) if step else None)

    def _check_step(self, step: object) -> None:
        due = _whole("step", step, 0, _MOST_STEPS)
        if due <= self._last:
            again = "is reported already" if due == self._last else f"comes after step {self._last}"
            raise ValueError(f"step must be above that of the last report, {self._last}, got {due}, which {again}")
        if 0 < self._cell.steps < due:
            raise ValueError(f"step must be at most {self._cell.steps}, the last one (steps=), got {due}")

    def _check_names(self, step: int, numbers: Mapping[str, float]) -> None:
        if self._names is None or not step:
            return
        for name in dict.fromkeys((*self._names, *numbers)):
            if (name in self._names) != (name in numbers):
                gone = "got none at this one" if name in self._names else "and is new at this one"
                raise ValueError(f"{name} must be given at every report after step 0, {gone}")

    def _tensor(self, samples: object) -> Tensor:
        if isinstance(samples, Tensor):
            self._device = device_name(samples.device)
        shape = self._real.source.shape
        return as_samples(samples, shape, self._samples, self._range, first=self._last < 0)

    def _classes(self, labels: object) -> Tensor | None:
        if self._last >= 0 and (labels is not None) != self._labeled:
            raise ValueError(
                f"labels must be given at every report or at none, got {'none' if labels is None else 'some'}"
            )
        self._labeled = labels is not None
        if labels is None:
            return None
        truth = self._real.source.truth
        named = isinstance(truth, ImageTruth) and truth.labels is not None and not truth.channel_classes
        return as_labels(labels, truth.classes if named and isinstance(truth, ImageTruth) else 0, self._samples)

    def _draw(self, step: int, samples: Tensor) -> None:
        folder = self._store.sample_folder(self._place.block.cell.index, self._seed)
        shown = samples[: pictures.samples_needed(self._real.source)]
        pictures.save(pictures.picture(shown, self._real.source), folder / f"step-{step:07d}.png")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with self._stack:
            self._open = False
            if self._latest is not None:
                self._draw(*self._latest)
            if kind is None:
                self._end()
            elif issubclass(kind, FloatingPointError) and self._rows.kept:
                self._add_blow_up()
                self._end(early=True)
            elif issubclass(kind, Exception):
                self._crash(error)
        if kind is None or issubclass(kind, Exception):
            self._leave()

    def _end(self, *, early: bool = False) -> None:
        """Write the trace, and with it end the replica."""
        if not self._rows.kept:
            raise ValueError(f"a loop must report before the recorder is left, got no report (study {self._study})")
        if not early and self._last < self._cell.steps:
            raise ValueError(
                f"step {self._cell.steps} must be reported before the recorder is left (steps=), and the last one was"
                f" {self._last}: the rows are kept, and running the loop again goes on (study {self._study})"
            )
        self._rows.forget()
        if self._rows.replaced:
            rows = plural(self._rows.replaced, "row")
            was = "was" if self._rows.replaced == 1 else "were"
            _warn(f"{rows} of an earlier run of seed {self._seed} {was} set aside: this run reported other samples")
        after = sum(own.step > 0 for own in self._rows.kept)
        if after < self._place.plan.rule.window and not self._has_blown_up():
            _warn(
                f"the rule decides from {self._place.plan.rule.window} reports after step 0, and seed {self._seed} has"
                f" {after}: its outcome is undecided"
            )
        block = self._place.block
        trace.write(Trace(meta=self._meta(), rows=self._whole_rows()), self._store.trace_path(block))
        launches.end(self._store, self._place, Status.FINISHED)
        self._clean()

    def _crash(self, error: BaseException | None) -> None:
        """End a replica that had blown up before its process failed; note the failure of any other."""
        if self._rows.kept and self._has_blown_up():
            self._end(early=True)
            return
        folder = self._store.checkpoints_path / self._place.block.name
        (folder / "error.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        launches.end(self._store, self._place, Status.CRASHED)

    def _has_blown_up(self) -> bool:
        rows = Trace(meta=self._meta(), rows=self._whole_rows()).replica(self._seed)
        return blow_up(rows, self._place.plan.rule) is not None

    def _add_blow_up(self) -> None:
        last = self._rows.kept[-1].row
        gone = {name: _missing(value) for name, value in last.items() if name not in ("replica", "seed")}
        row = {**last, **gone, "step": int(last["step"]) + 1, "finite": False}
        self._rows.forget()
        self._rows.add(Reported(row=row, digest="", seconds=self._seconds()))
        self._last = row["step"]

    def _whole_rows(self) -> list[Row]:
        """Return the rows with the same columns: numbers that step 0 does not have are NaN there."""
        columns = dict.fromkeys(name for own in self._rows.kept for name in own.row)
        return [{name: own.row.get(name, nan) for name in columns} for own in self._rows.kept]

    def _clean(self) -> None:
        folder = self._store.checkpoints_path / self._place.block.name
        for name in ("rows.jsonl", "error.txt"):
            (folder / name).unlink(missing_ok=True)

    def _leave(self) -> None:
        """Remove the folders of what is done, and show the launch."""
        for folder in (self._store.checkpoints_path / self._place.block.name, self._store.checkpoints_path):
            with suppress(OSError):  # rows that were set aside, or another process's
                folder.rmdir()
        if self._shows and (lacking := launches.show(self._store, self._tracker)):
            _warn(
                f"MLflow does not show everything ({lacking}); nothing is lost: study sync {self._store.root} fills it"
            )

    def _seconds(self) -> float:
        return self._rows.before + time.monotonic() - self._began

    def _meta(self) -> dict[str, Any]:
        plan, block = self._place.plan, self._place.block
        config = block.cell.config
        return {
            "launch": plan.launch,
            "study": plan.study,
            "profile": plan.profile,
            "plan": plan.digest(),
            "cell": block.cell.index,
            "cell_name": block.cell.name,
            "block": block.name,
            "config": to_dict(config),
            "digest": digest(config),
            "seeds": list(block.seeds),
            "data": self._real.source.digest,
            "reference": self._meter.constants,
            "features": self._meter.features.meta() if self._meter.features else None,
            "mode": "recorded",
            "device": self._device,
            "threads": torch.get_num_threads(),
            "versions": versions() | _frameworks(),
            "steps": self._rows.kept[-1].step,
            "seconds": self._rows.kept[-1].seconds,
            "replaced": self._rows.replaced,
            "complete": True,
        }


@contextmanager
def _of(study: str, step: object = None) -> Iterator[None]:
    """Name the study, and the step of a report, in what is refused."""
    try:
        yield
    except TrackingUnreachable:
        raise
    except ValueError as error:
        where = f"study {study}" if step is None else f"study {study}, step {quoted(step)}"
        raise ValueError(f"{error} ({where})") from None


def _settings(cell: object) -> Mapping[str, Setting]:
    """Return the settings of a cell, which become levels of a design.

    Raises:
        ValueError: if one has no name that an axis can have, or a value that is no number, text or truth value.
    """
    if not isinstance(cell, Mapping):
        raise ValueError(f"cell must be settings by name, got {quoted(cell)}")
    settings: dict[str, Setting] = {}
    for name, value in cell.items():
        own = value.item() if isinstance(value, np.generic) else value
        if not isinstance(own, str | int | float | None):
            raise ValueError(f"{name} of cell must be text, a number, a truth value or None, got {quoted(value)}")
        check_plain(f"{name} of cell", own)
        Factor(name=str(name), levels=(Level(label=label_of(own), assign={f"settings.{name}": own}),), source="")
        settings[str(name)] = own
    return settings


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= int(value) <= most:
        raise ValueError(f"{name} must be a whole number in [{least}, {most}], got {quoted(value)}")
    return int(value)


def _check_all(name: str, values: Sequence[object], kind: type) -> None:
    if not isinstance(values, tuple | list) or not all(isinstance(own, kind) for own in values):
        raise ValueError(f"{name} must be a list of {kind.__name__}, got {quoted(values)}")


def _check_claims(
    settings: Mapping[str, Setting], hypotheses: Sequence[Hypothesis], contrasts: Sequence[Contrast]
) -> None:
    """Raise ValueError if a claim or contrast is about a setting that the cells do not have."""
    claimed = [(f"hypothesis {own.name}", name) for own in hypotheses for name in _settings_of(own)]
    for what, name in [*claimed, *(("a contrast", own.factor) for own in contrasts)]:
        if name not in settings:
            known = ", ".join(settings) or "none"
            raise ValueError(
                f"{what} must be about settings of cell ({known}), got {quoted(name)}{did_you_mean(name, settings)}"
            )


def _settings_of(own: Hypothesis) -> Sequence[str]:
    return [*(name for where in own.sides for name in where), *own.drawn]


def _missing(value: Any) -> Any:
    return [nan] * len(value) if isinstance(value, list) else nan


def _frameworks() -> dict[str, str]:
    """Return the versions of frameworks that the user's own process has loaded."""
    found = {}
    for name in _FRAMEWORKS:
        if name in sys.modules:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
    return found


def _warn(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=4)
