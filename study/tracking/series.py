"""What an outcome rule judges of a trace, step by step, as curves: of a replica, and of a cell."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean, median

import numpy as np

from study.outcomes.measures import measure
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import judge
from study.tracking.values import Point
from trainables.trace import ReplicaTrace

GOOD = "good"
"""Curve of a replica: 1 where its snapshot is good, else 0. Of a cell: the share of replicas with a good snapshot."""

_Values = Mapping[tuple[int, str], float]
"""Step and name to a finite value."""


def judged(trace: ReplicaTrace, rule: OutcomeRule, *, stamp: int) -> list[Point]:
    """Return whether each snapshot is good, and the quantities that the rule judges and the trace has no column of."""
    shown = {(step, name): value for (step, name), value in _values(trace, rule).items() if name not in trace.columns}
    return _points(shown, stamp)


def judged_together(traces: Sequence[ReplicaTrace], rule: OutcomeRule, *, stamp: int) -> list[Point]:
    """Return the share of replicas with a good snapshot, and the medians of what the rule judges.

    A replica counts at the steps that it reached, with what was measured there.
    """
    gathered: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for trace in traces:
        for place, value in _values(trace, rule).items():
            gathered[place].append(value)
    return _points({(s, name): (fmean if name == GOOD else median)(own) for (s, name), own in gathered.items()}, stamp)


def _values(trace: ReplicaTrace, rule: OutcomeRule) -> _Values:
    if not len(trace):
        return {}
    measured = measure(trace, rule)
    snapshots = judge(measured, rule)
    series = {
        GOOD: (snapshots.step, snapshots.good),
        **{name: (measured.step, values) for name, values in measured.values.items()},
    }
    return {
        (int(step), name): float(value)
        for name, (steps, values) in series.items()
        for step, value in zip(steps, values, strict=True)
        if np.isfinite(value)
    }


def _points(values: _Values, stamp: int) -> list[Point]:
    by_step: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for (step, name), value in values.items():
        by_step[step][name] = value
    return [Point(step=step, stamp=stamp, values=by_step[step]) for step in sorted(by_step)]
