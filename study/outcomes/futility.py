"""Lost: when it is certain, before training ends, that a replica will not be decided ``converged``.

What is certain follows from ``study.outcomes.decision.decide`` alone, by asking for the best that may still come: all
reports left are finite and within bounds, and every snapshot is good, if any can be against this untrained generator.
With a window of L snapshots, a replica is lost if and only if even so

* a row is not finite, or a loss or norm was out of bounds for a whole window; whatever follows, it is ``diverged``; or
* one of the last L snapshots of the plan has been seen and is not good; or
* the alternations between good and collapsed windows are too many; or
* quality at step 0 is so high that it cannot rise by more than the margin.

No continuation does better than that one: a snapshot that is not good makes no window good, and can only add a
collapsed one; each told window that is left out takes away alternations or leaves them. All of it needs the plan's
reports, because a window is counted in reports, and the last one at the end.

Rows may be missing, from the start or in between. What came before the last gap counts as unknown, except that a number
that was not finite remains so. Without step 0 it is certain that a snapshot is not good, but not that one is good or
collapsed: alternations do not count then, so that a replica may be lost without being called so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from sys import float_info

import numpy as np
import numpy.typing as npt

from study.outcomes.columns import Flags, Floats
from study.outcomes.decision import class_of
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import Measures, Snapshots, blow_up, judge, measure
from trainables.trace import ReplicaTrace, Row

Reference = Mapping[str, Floats]
"""Constants of the data that a rule needs; see ``ReplicaTrace.reference``."""
_ROUNDING = 1e-9
"""By how much shares that sum to one may do so."""


def is_futile(trace: ReplicaTrace, rule: OutcomeRule, planned_steps: int, every: int) -> bool:
    """Whether no continuation of the trace is decided ``converged``; sharp if no row is missing, see the module.

    Args:
        trace: the rows so far; any may be missing.
        planned_steps, every: steps of the whole training, and between two reports.

    Raises:
        ValueError: if a row stands at a step that is no report of the plan.
    """
    outlook = FutilityMonitor(rule, planned_steps, every, trace.reference)
    outlook.see(trace)
    return outlook.lost


def reports(planned_steps: int, every: int) -> npt.NDArray[np.int64]:
    """The steps of a plan's snapshots, ascending: every so many, and the last one.

    Raises:
        ValueError: if one of the two is below 1.
    """
    for name, value in (("planned_steps", planned_steps), ("every", every)):
        if value < 1:
            raise ValueError(f"{name} must be >= 1, got {value}")
    return np.union1d(np.arange(every, planned_steps + 1, every), planned_steps)


class FutilityMonitor:
    """What is known of one replica while it trains. Lost is for good: nothing is looked at from then on.

    Rows are kept until somebody asks; an answer costs as much as the rows since the last one and a window before them.

    Args:
        planned_steps, every: as ``is_futile``.

    Raises:
        ValueError: as ``is_futile``, at the question.
    """

    def __init__(self, rule: OutcomeRule, planned_steps: int, every: int, reference: Reference) -> None:
        self._rule, self._reference = rule, reference
        self._plan = reports(planned_steps, every)
        self._window = min(rule.window, len(self._plan))
        self._seen, self._good, self._collapsed = np.zeros((3, len(self._plan)), dtype=np.bool_)
        self._start: list[Row] = []
        self._recent: list[Row] = []
        self._fresh: list[Row] = []
        self._lost = False
        self._quality = 0.0

    @property
    def lost(self) -> bool:
        """Whether no continuation is decided ``converged``."""
        self._catch_up()
        return self._lost

    @property
    def quality(self) -> float:
        """Of the latest snapshot, in [0, 1]; 0 if it was not measured, is collapsed, or the replica is lost."""
        self._catch_up()
        return self._quality

    def add(self, rows: Sequence[Row]) -> None:
        """Takes in the replica's next rows, in order of steps; what was said from their first step on is forgotten."""
        if self._lost or not rows:
            return
        while self._fresh and self._fresh[-1]["step"] >= rows[0]["step"]:
            self._fresh.pop()
        self._fresh += rows

    def _catch_up(self) -> None:
        if not self._fresh:
            return
        rows, self._fresh = self._fresh, []
        first = rows[0]["step"]
        self._seen[np.searchsorted(self._plan, first) :] = False  # a worker that died goes back to its checkpoint
        before = [row for row in self._recent if row["step"] < first]
        self.see(_trace([*self._start, *before, *rows], self._reference))
        self._start = self._start or [row for row in rows if row["step"] <= 0]
        kept = [row for row in (*before, *rows) if row["step"] > 0]
        self._recent = kept[max(0, len(kept) - self._window + 1) :]

    def see(self, trace: ReplicaTrace) -> None:
        """Takes in a piece of the trace: rows that go on from where the last piece ended, with those of step 0."""
        if self._lost or not len(trace):
            return
        measured = measure(trace, self._rule)
        seen = judge(_with_best(measured), self._rule)
        places = np.searchsorted(self._plan, seen.step[:-1])
        self._check(seen.step[:-1], places)
        based = bool((measured.step <= 0).any())
        self._seen[places] = True
        self._good[places] = seen.good[:-1]
        self._collapsed[places] = seen.collapsed[:-1] & based
        self._lost = self._blown(trace, measured.step, places) or not self._may_converge(bool(seen.good[-1]))
        self._quality = 0.0 if self._lost else _quality(seen)

    def _check(self, steps: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> None:
        strange = steps[self._plan[np.minimum(places, len(self._plan) - 1)] != steps]
        if len(strange):
            raise ValueError(f"step must be a report of the plan, up to {self._plan[-1]}, got {strange[0]}")

    def _blown(self, trace: ReplicaTrace, steps: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> bool:
        """Bounds count only in whole windows of reports that follow each other."""
        gaps = np.flatnonzero(np.diff(places) != 1) + 1
        if not len(gaps) and len(places) >= self._window:
            return blow_up(trace, self._rule) is not None
        after = np.argsort(trace.columns["step"], kind="stable")[steps > 0]
        runs = [_rows(trace, run) for run in np.split(after, gaps) if len(run) >= self._window]
        return blow_up(trace, _unbounded(self._rule)) is not None or any(
            blow_up(run, self._rule) is not None for run in runs
        )

    def _may_converge(self, reachable: bool) -> bool:
        """Decides the best that may still come; ``reachable``: whether a snapshot can be good at all."""
        count = len(self._plan)
        known = int(np.flatnonzero(self._seen)[-1]) + 1 if self._seen.any() else 0
        gaps = np.flatnonzero(~self._seen[:known])
        since = int(gaps[-1]) + 1 if len(gaps) else 0
        place = np.arange(count)
        sure = (since <= place) & (place < known)
        # Of what is unknown, the past had better be poor, unless it lies in the last window.
        open_yet = (place >= known) | ((place < since) & (place >= count - self._window))
        good: Flags = (self._good & sure) | (open_yet & reachable)
        missing = np.full(count, np.nan)
        best = Snapshots(
            step=self._plan,
            quality=missing,
            coverage=missing,
            diversity=missing,
            good=good,
            collapsed=self._collapsed & sure,
        )
        return class_of(best, self._rule) is Outcome.CONVERGED


def _rows(trace: ReplicaTrace, rows: npt.NDArray[np.int64]) -> ReplicaTrace:
    columns = {name: values[rows] for name, values in trace.columns.items()}
    return ReplicaTrace(seed=trace.seed, columns=columns, reference=trace.reference)


def _unbounded(rule: OutcomeRule) -> OutcomeRule:
    """The rule without guards against large finite numbers."""
    most = float_info.max
    return replace(rule, loss_bound=most, grad_norm_bound=most, param_norm_bound=most)


def _with_best(measured: Measures) -> Measures:
    """One more row, the best that any generator could have; what the trace does not measure, it may measure there."""

    def and_then(values: Floats, best: float) -> Floats:
        return np.append(values, best)

    label_accuracy = measured.label_accuracy
    return Measures(
        step=np.append(measured.step, max(1, int(measured.step.max()) + 1)),
        quality=and_then(measured.quality, 1 + _ROUNDING),
        coverage=and_then(measured.coverage, 1),
        diversity=and_then(measured.diversity, 1),
        spacing=and_then(measured.spacing, 1),
        confidence=and_then(measured.confidence, 1),
        distance=and_then(measured.distance, 0),
        label_accuracy=None if label_accuracy is None else and_then(label_accuracy, 1),
        labeled=measured.labeled,
        classification_error=and_then(measured.classification_error, 0),
    )


def _quality(seen: Snapshots) -> float:
    """Of the latest snapshot; the last one in ``seen`` is only imagined."""
    if len(seen.step) < 2 or seen.collapsed[-2]:
        return 0.0
    quality = float(seen.quality[-2])
    return min(1.0, max(0.0, quality)) if isfinite(quality) else 0.0


def _trace(rows: Sequence[Row], reference: Reference) -> ReplicaTrace:
    columns = {name: np.array([row.get(name) for row in rows]) for name in rows[0]}
    return ReplicaTrace(seed=rows[0].get("seed", 0), columns=columns, reference=reference)
