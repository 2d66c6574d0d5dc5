"""Many stored traces decided by many rules at once: what ``decide`` says of each, at a fraction of its time.

Replicas with as many rows, the same columns and the same constants are joined end to end and measured in one piece.
Only ``radius``, ``share_floor`` and ``window`` are measured again; what was measured is judged again for other
criteria, and what was judged is summed up again for other demands on the course. Whether training blew up is asked only
of replicas that blow up by some of the rules and not by others.

720 replicas of 60 rows at all plausible values of all thresholds, one at a time, take 2 s on a ring (16 thresholds) and
3 s on images (21) of one core of a two-core Xeon, verdicts on seven hypotheses included; all pairs of thresholds at the
ends of their ranges take 3 to 4 s more. One by one it would be minutes.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from study.outcomes.blow_up import blow_up
from study.outcomes.columns import Flags
from study.outcomes.course import CODE, Codes, course
from study.outcomes.course import outcomes as outcomes_of
from study.outcomes.measures import Measures, hopping_span, measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import judge
from trainables.trace import ReplicaTrace

_UNDECIDED, _DIVERGED = CODE[Outcome.UNDECIDED], CODE[Outcome.DIVERGED]


def outcomes(traces: Sequence[ReplicaTrace], rules: Sequence[OutcomeRule]) -> Codes:
    """Return the outcomes of N replicas by K rules, ``[N, K]``, as places in ``study.outcomes.course.OUTCOMES``."""
    found: Codes = np.full((len(traces), len(rules)), _UNDECIDED)
    applied = [column for column, rule in enumerate(rules) if rule.applied]
    for places in _groups(range(len(traces)), lambda place: _likeness(traces[place])):
        alike = [traces[place] for place in places]
        if len(alike[0]):
            found[np.ix_(places, applied)] = _decided(alike, [rules[column] for column in applied])
    return found


def _decided(alike: Sequence[ReplicaTrace], rules: Sequence[OutcomeRule]) -> Codes:
    found: Codes = np.full((len(alike), len(rules)), _UNDECIDED)
    together = _joined(alike)
    for columns in _groups(range(len(rules)), lambda column: _measuring(rules[column])):
        measured = _measured(together, alike, rules[columns[0]])
        if not measured.missing:
            for column, codes in _judged(measured, rules, columns):
                found[:, column] = codes
    found[_blown(alike, rules)] = _DIVERGED
    return found


def _judged(
    measured: Measures, rules: Sequence[OutcomeRule], columns: Sequence[int]
) -> Iterable[tuple[int, Codes | np.int8]]:
    """Yield the outcomes of replicas that did not blow up, for each of the columns."""
    for inner in _groups(columns, lambda column: _judging(rules[column])):
        seen = judge(measured, rules[inner[0]])
        for own in _groups(inner, lambda column: _summing(rules[column])):
            rule = rules[own[0]]
            few = len(seen.step) < rule.window
            codes = _UNDECIDED if few else outcomes_of(course(seen, rule), rule)
            yield from ((column, codes) for column in own)


def _blown(traces: Sequence[ReplicaTrace], rules: Sequence[OutcomeRule]) -> Flags:
    """Return whether training blew up, ``[N, K]``; a tighter bound or a shorter window never blows up less."""
    found = np.zeros((len(traces), len(rules)), dtype=np.bool_)
    if not rules:
        return found
    tightest, loosest = (
        replace(rules[0], **{name: pick(getattr(rule, name) for rule in rules) for name in _BLOWING})
        for pick in (min, max)
    )
    groups = _groups(range(len(rules)), lambda column: tuple(getattr(rules[column], name) for name in _BLOWING))
    for place, trace in enumerate(traces):
        if blow_up(trace, tightest) is None:
            continue
        if blow_up(trace, loosest) is not None:
            found[place] = True
            continue
        for columns in groups:
            found[place, columns] = blow_up(trace, rules[columns[0]]) is not None
    return found


_BLOWING = ("window", "loss_bound", "grad_norm_bound", "param_norm_bound")


def _measuring(rule: OutcomeRule) -> Hashable:
    """Return what ``measure`` looks at."""
    return rule.radius, rule.share_floor, rule.window, rule.classification_error_max is None


def _judging(rule: OutcomeRule) -> Hashable:
    """Return what ``judge`` looks at, beside what was measured."""
    return replace(
        rule,
        name="",
        window=1,
        tolerated_alternations=0,
        steadiness_min=1.0,
        returns_min=1,
        flicker_min=1.0,
        loss_bound=1.0,
        grad_norm_bound=1.0,
        param_norm_bound=1.0,
    )


def _summing(rule: OutcomeRule) -> Hashable:
    """Return what ``course`` and ``outcomes`` look at, beside what was judged."""
    return rule.window, rule.tolerated_alternations, rule.steadiness_min, rule.returns_min, rule.flicker_min


def _measured(together: ReplicaTrace, alike: Sequence[ReplicaTrace], rule: OutcomeRule) -> Measures:
    """Measure replicas that are joined as ``[N, T]``: every quantity but hopping is a row's alone."""
    shape = (len(alike), len(alike[0]))
    found = measure(together, rule, shape[1])
    values = {name: each.reshape(shape) for name, each in found.values.items()}
    if "hopping" in values:
        within = np.arange(shape[1]) >= hopping_span(rule.window, shape[1]) - 1
        values["hopping"] = np.where(within, values["hopping"], 0.0)
    return Measures(
        step=_steps(alike[0])[_order(alike[0])].astype(np.int64),
        values=values,
        errors={name: each.reshape(shape) for name, each in found.errors.items()},
        missing=found.missing,
    )


def _joined(alike: Sequence[ReplicaTrace]) -> ReplicaTrace:
    """Return one trace that holds the rows of all, replica after replica, each in order of its steps."""
    orders = [_order(own) for own in alike]
    columns = {
        name: np.concatenate([own.columns[name][order] for own, order in zip(alike, orders, strict=True)])
        for name in alike[0].columns
    }
    columns["step"] = np.arange(len(columns["step"]))
    return ReplicaTrace(seed=0, columns=columns, reference=alike[0].reference)


def _likeness(trace: ReplicaTrace) -> Hashable:
    """Return what replicas that are joined must have in common; of steps only that they are after step 0."""
    shapes = tuple(sorted((name, own.dtype.str, own.shape[1:]) for name, own in trace.columns.items()))
    constants = tuple(sorted((name, own.tobytes()) for name, own in trace.reference.items()))
    return len(trace), int((_steps(trace) > 0).sum()), shapes, constants


def _steps(trace: ReplicaTrace) -> npt.NDArray[np.float64]:
    return np.nan_to_num(np.asarray(trace.columns.get("step", ()), dtype=np.float64), nan=0.0)


def _order(trace: ReplicaTrace) -> npt.NDArray[np.intp]:
    return np.argsort(_steps(trace), kind="stable")


def _groups(places: Iterable[int], key: Callable[[int], Hashable]) -> list[list[int]]:
    """Return the places in groups of one key, in the order of their first one."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for place in places:
        found[key(place)].append(place)
    return list(found.values())
