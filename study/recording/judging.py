"""Judge trainings by the folders of images that they have written."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from study.design.hypotheses import Hypothesis
from study.design.study import Contrast
from study.formatting import joined, quoted
from study.outcomes.rule import OutcomeRule
from study.recording import folders
from study.recording import launch as launches
from study.recording.folders import Written
from study.recording.given import Given, given
from study.recording.recorder import LAUNCH, Recorder
from study.storage.store import Store
from study.tracking import tracker_at

MOST = 512
"""Samples of a step that are measured, if there are as many at every step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    real: Given
    samples: int
    found: Sequence[Written]


def judge(
    folder: str | Path,
    *,
    data: object,
    out: str | Path = "runs",
    study: str | None = None,
    launch: str = LAUNCH,
    steps: int | None = None,
    samples: int | None = None,
    labels: object = None,
    value_range: tuple[float, float] | None = None,
    rule: OutcomeRule | None = None,
    question: str = "",
    hypotheses: Sequence[Hypothesis] = (),
    contrasts: Sequence[Contrast] = (),
    tracking_uri: str | None = None,
) -> Store:
    """Judge trainings by the images that they have written at intervals; see ``study.judge``."""
    with_steps = _task(Path(folder), data, labels, value_range, samples, steps)
    name = study or Path(folder).absolute().name
    root = Path(out) / name / launch
    for own in with_steps.found:
        _record(
            own,
            with_steps,
            Recorder(
                out,
                study=name,
                cell=own.settings,
                seed=own.seed,
                data=with_steps.real,
                launch=launch,
                steps=steps,
                samples=with_steps.samples,
                rule=rule,
                question=question,
                hypotheses=hypotheses,
                contrasts=contrasts,
                tracking_uri="none",
                show=False,
            ),
            Store(root),
        )
    store = Store(root)
    if lacking := launches.show(store, tracker_at(Path(out), tracking_uri)):
        warnings.warn(f"MLflow does not show everything ({lacking}): study sync {root} fills it", RuntimeWarning, 3)
    return store


def _task(
    folder: Path,
    data: object,
    labels: object,
    value_range: tuple[float, float] | None,
    samples: int | None,
    steps: int | None,
) -> _Task:
    """Find what is to be judged, before anything is measured.

    Raises:
        ValueError: if the folder holds no trainings, or the data are no images.
    """
    found = folders.written(folder)
    if steps is not None and (short := folders.unfinished(found, steps)):
        found = tuple(own for own in found if own.last >= steps)
        if not found:
            raise ValueError(f"steps must be the last step of some training in {folder}, got {steps}: {short}")
        warnings.warn(short, RuntimeWarning, stacklevel=4)
    named = {tuple(sorted(own.settings)): own for own in found}
    if len(named) > 1:
        kinds = joined(", ".join(names) or "nothing" for names in named)
        raise ValueError(f"the folders of cells in {folder} must all name the same settings, got {kinds}")
    real = given(data, modes=None, labels=labels, value_range=value_range)
    if len(real.source.shape) != 3:
        raise ValueError(f"data must be images to judge folders of images, got {real.config.kind}")
    fewest = min(found, key=lambda own: own.fewest)
    count = min(MOST, fewest.fewest) if samples is None else samples
    if count > fewest.fewest:
        raise ValueError(
            f"samples must be at most {fewest.fewest}, the images of a step of seed {fewest.seed} in {folder}, got"
            f" {quoted(count)}"
        )
    return _Task(real=real, samples=count, found=found)


def _record(own: Written, task: _Task, recorder: Recorder, store: Store) -> None:
    """Record one training; one that was judged before is left as it is, if it has written nothing since.

    Raises:
        ValueError: if it has.
    """
    last = launches.ended(store, own.settings, own.seed) if store.plan_path.exists() else None
    if last is not None:
        if last != own.last:
            raise ValueError(
                f"seed {own.seed} must not have gone on since it was judged, and has: it ended at step {last:,} in"
                f" {store.root}, and has written step {own.last:,}; give the launch another name"
            )
        return
    with recorder:
        for step, paths in own.steps.items():
            recorder.report(step, samples=folders.images(paths[: task.samples], task.real))
