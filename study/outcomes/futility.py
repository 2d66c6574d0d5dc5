"""Futility: when it is certain, before training ends, that a replica will not be decided ``converged`` ("lost").

This follows from ``study.outcomes.decision.decide`` alone, applied to the best possible continuation: all remaining
reports are finite and within bounds, and every snapshot is good, if any can be against this untrained generator.
With a window of L snapshots, a replica is lost if and only if even under this continuation

* a row is not finite, or a loss or norm was out of bounds for a whole window; whatever follows, it is ``diverged``; or
* one of the last L snapshots of the plan has been seen and is not good; or
* the changes between good and other snapshots are too many, and too many snapshots were bad; or
* everything at step 0 is so high that it cannot rise by more than the margin.

No continuation does better: a snapshot that is not good makes no window good, and good ones add no change but one. The
last window of the best continuation does not hop, if none of its rows is known. The steps of the plan's reports must be
known, because windows are counted in reports, and the last window ends with the last report.

Rows may be missing, at the start or in between. Rows before the last gap count as unknown, except that a non-finite
number remains non-finite. Without step 0 it is certain that a snapshot is not good, but not that one is good: changes
then do not count, so that a lost replica may go unnoticed. So it may after a gap, where the first row is judged as if
the row before had not been good, and where the known part of the last window hops between modes.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from sys import float_info

import numpy as np
import numpy.typing as npt

from study.outcomes.blow_up import blow_up
from study.outcomes.columns import Flags, Reference, trace_of
from study.outcomes.decision import class_of
from study.outcomes.measures import CRITERIA, Measures, measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import Snapshots, judge
from trainables.reporting import report_steps
from trainables.trace import ReplicaTrace, Row

_ROUNDING = 1e-9
"""Rounding error of shares that sum to one."""


def is_futile(trace: ReplicaTrace, rule: OutcomeRule, planned_steps: int, every: int) -> bool:
    """Return whether no continuation of the trace is decided ``converged``; sharp if no row is missing (see above).

    Args:
        trace: the rows so far; any may be missing.
        rule: the rule that will decide.
        planned_steps: steps of the whole training.
        every: steps between two reports.

    Raises:
        ValueError: if the step of a row is not a report of the plan.
    """
    monitor = FutilityMonitor(rule, planned_steps, every, trace.reference)
    monitor.see(trace)
    return monitor.lost


def reports(planned_steps: int, every: int) -> npt.NDArray[np.int64]:
    """Return the steps of a plan's snapshots, ascending: all reports but that of step 0.

    Raises:
        ValueError: if one of the two is below 1.
    """
    return np.array(report_steps(planned_steps, every)[1:], dtype=np.int64)


class FutilityMonitor:
    """Monitor one replica while it trains. A lost replica stays lost, and its later rows are ignored.

    Rows are kept until a property is read; reading costs time in proportion to the rows since the last reading and a
    window before them.

    Args:
        rule: the rule that will decide.
        planned_steps: steps of the whole training.
        every: steps between two reports.
        reference: constants of the data.

    Raises:
        ValueError: as :func:`is_futile`, when a property is read.
    """

    def __init__(self, rule: OutcomeRule, planned_steps: int, every: int, reference: Reference) -> None:
        self._rule, self._reference = rule, reference
        self._plan = reports(planned_steps, every)
        self._window = min(rule.window, len(self._plan))
        self._seen, self._good = np.zeros((2, len(self._plan)), dtype=np.bool_)
        self._start: list[Row] = []
        self._recent: list[Row] = []
        self._fresh: list[Row] = []
        self._lost = False
        self._based = False
        self._quality = 0.0

    @property
    def lost(self) -> bool:
        """Whether no continuation is decided ``converged``."""
        self._catch_up()
        return self._lost

    @property
    def quality(self) -> float:
        """Quality of the latest snapshot in [0, 1]; 0 if not measured, if collapsed, or if the replica is lost."""
        self._catch_up()
        return self._quality

    def add(self, rows: Sequence[Row]) -> None:
        """Add the replica's next rows, in order of steps; they replace all rows from their first step on."""
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
        self._seen[np.searchsorted(self._plan, first) :] = (
            False  # after a crash, a worker repeats the steps since its checkpoint
        )
        before = [row for row in self._recent if row["step"] < first]
        self.see(trace_of([*self._start, *before, *rows], self._reference))
        self._start = self._start or [row for row in rows if row["step"] <= 0]
        kept = [row for row in (*before, *rows) if row["step"] > 0]
        self._recent = kept[max(0, len(kept) - self._window + 1) :]

    def see(self, trace: ReplicaTrace) -> None:
        """Add a piece of the trace: the rows of step 0, and rows that follow the end of the last piece."""
        if self._lost or not len(trace):
            return
        measured = measure(trace, self._rule)
        steps = measured.step[measured.step > 0]
        self._based |= bool((measured.step <= 0).any())
        places = np.searchsorted(self._plan, steps)
        self._check(steps, places)
        before = len(places) > 0 and places[0] > 0 and bool(self._seen[places[0] - 1] & self._good[places[0] - 1])
        seen = judge(_with_best(measured, self._rule), self._rule, good_before=before)
        self._seen[places] = True
        self._good[places] = seen.good[:-1]
        self._lost = self._blown(trace, measured.step, places) or not self._may_converge(bool(seen.good[-1]))
        self._quality = 0.0 if self._lost else _quality(seen)

    def _check(self, steps: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> None:
        strange = steps[self._plan[np.minimum(places, len(self._plan) - 1)] != steps]
        if len(strange):
            raise ValueError(f"step must be a report of the plan, up to {self._plan[-1]}, got {strange[0]}")

    def _blown(self, trace: ReplicaTrace, steps: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> bool:
        """Return whether a row is not finite, or a number out of bounds in a whole window of consecutive reports."""
        gaps = np.flatnonzero(np.diff(places) != 1) + 1
        if not len(gaps) and len(places) >= self._window:
            return blow_up(trace, self._rule) is not None
        after = np.argsort(trace.columns["step"], kind="stable")[steps > 0]
        runs = [_rows(trace, run) for run in np.split(after, gaps) if len(run) >= self._window]
        return blow_up(trace, _unbounded(self._rule)) is not None or any(
            blow_up(run, self._rule) is not None for run in runs
        )

    def _may_converge(self, reachable: bool) -> bool:
        """Decide the best possible continuation; ``reachable``: whether a snapshot can be good at all."""
        if self._rule.own_rule is not None:  # what a plugin's rule makes of the rows to come is not known
            return True
        count = len(self._plan)
        known = int(np.flatnonzero(self._seen)[-1]) + 1 if self._seen.any() else 0
        gaps = np.flatnonzero(~self._seen[:known])
        since = int(gaps[-1]) + 1 if len(gaps) else 0
        place = np.arange(count)
        sure = (since <= place) & (place < known)
        # The best case of an unknown past snapshot is poor, unless it lies in the last window.
        open_yet = (place >= known) | ((place < since) & (place >= count - self._window))
        if not self._based:
            sure &= place >= count - self._window
        good: Flags = (self._good & sure) | (open_yet & reachable)
        missing, none = np.full(count, np.nan), np.zeros(count, dtype=np.bool_)
        best = Snapshots(
            step=self._plan,
            quality=missing,
            coverage=missing,
            diversity=missing,
            good=good,
            collapsed=none,
            copied=none,
            hopping=none,
        )
        return class_of(best, self._rule) is Outcome.CONVERGED


def _rows(trace: ReplicaTrace, rows: npt.NDArray[np.int64]) -> ReplicaTrace:
    columns = {name: values[rows] for name, values in trace.columns.items()}
    return ReplicaTrace(seed=trace.seed, columns=columns, reference=trace.reference)


def _unbounded(rule: OutcomeRule) -> OutcomeRule:
    """Return the rule without its bounds on large finite numbers."""
    most = float_info.max
    return replace(rule, loss_bound=most, grad_norm_bound=most, param_norm_bound=most)


def _with_best(measured: Measures, rule: OutcomeRule) -> Measures:
    """Append the best possible row, which may also hold quantities that the trace does not measure."""
    best = {each.measure: 0.0 if each.at_most else 1.0 for each in CRITERIA}
    best |= {own.column: own.threshold for own in rule.own_criteria}
    best |= {"quality": 1 + _ROUNDING, "spacing": 1.0, "distance": 0.0, "hopping": 0.0, "classification_error": 0.0}
    names = {*measured.values, "quality", "spacing", "diversity"}
    return Measures(
        step=np.append(measured.step, max(1, int(measured.step.max()) + 1)),
        values={name: np.append(measured.value(name), best.get(name, 1.0)) for name in names},
        errors={name: np.append(values, 0.0) for name, values in measured.errors.items()},
    )


def _quality(seen: Snapshots) -> float:
    """Return the quality of the latest snapshot, the last but one in ``seen``: the last is the imagined best."""
    if len(seen.step) < 2 or seen.collapsed[-2]:
        return 0.0
    quality = float(seen.quality[-2])
    return min(1.0, max(0.0, quality)) if isfinite(quality) else 0.0
