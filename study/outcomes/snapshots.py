"""The judgment of every snapshot of a trace by a rule: good, collapsed, copied or poor.

A *snapshot* is a row of the trace after step 0. The untrained generator's row, step 0, is the baseline: it is measured
by the same evaluator, because an untrained generator may well cover every mode a little.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from study.outcomes.columns import Flags, Floats
from study.outcomes.measures import Criterion, Kind, Measures, criteria, measure
from study.outcomes.rule import OutcomeRule
from trainables.trace import ReplicaTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """The snapshots of a replica in order of steps, ``[S]`` each; of replicas with the same steps, ``[..., S]``.

    Attributes:
        quality, coverage, diversity: the values compared with the thresholds; NaN where not measured.
        good, collapsed, copied: the judgment, at most one of them; a snapshot that is none of these is poor.
        hopping: whether the two windows that end here show more modes (classes) than any of their rows.
    """

    step: npt.NDArray[np.int64]
    quality: Floats
    coverage: Floats
    diversity: Floats
    good: Flags
    collapsed: Flags
    copied: Flags
    hopping: Flags


@np.errstate(all="ignore")
def judge(
    measured: Measures, rule: OutcomeRule, *, shift: float = 0.0, good_before: bool | npt.NDArray[np.bool_] = False
) -> Snapshots:
    """Judge every row after step 0 by the thresholds.

    =========  =======================================================================================================
    good       every criterion that applies is reached; quality, support, coverage, balance, diversity, recall or
               distinctness has risen from step 0 by more than the margin; and spacing is not below ``diversity_tiny``.
               After a good row, a criterion may be missed by ``tolerance`` standard errors
    collapsed  not good, and one of: (narrow) diversity below its minimum, of images off the data below ``alike_max``,
               and anything has left the baseline: quality has risen, diversity has changed, or the distance to the
               data (F; median distance to the nearest centre) has changed, by more than the margin; (tiny) diversity
               or spacing below ``diversity_tiny``, unless the untrained samples were as alike; (few) coverage or
               balance below its minimum, and quality has risen or confidence has reached ``confidence_min``, where the
               untrained one had not; (within) recall or distinctness below its minimum, among images within the
               data's support
    copied     neither, memorization is above its maximum, and every other criterion is reached
    poor       the rest; a value that was not measured reaches no minimum and is below none
    =========  =======================================================================================================

    Garbage that is as diverse as the data is poor, not collapsed, even if a classifier puts it all in one class.

    A rule with a largest classification error judges a classifier instead: quality is one minus the error, a snapshot
    is good if the error is at most that large and has fallen from step 0 by more than the margin, and poor otherwise;
    ``tolerance`` holds for it, too.

    Args:
        measured: what was measured.
        rule: the thresholds.
        shift: standard errors by which every quantity is moved towards its threshold's better side.
        good_before: whether the row before the first one was good, for a piece of a trace.
    """
    if rule.classification_error_max is not None:
        return _classifier(measured, rule, rule.classification_error_max, shift, np.asarray(good_before))
    start = measured.step <= 0
    strict, lenient = (_reached(measured, rule, shift + extra) for extra in (0.0, rule.tolerance))
    good = _sustained(strict, lenient, measured.step > 0, np.asarray(good_before))
    collapsed = ~good & _collapsed(measured, rule, start, shift)
    copied = ~good & ~collapsed & _copied(measured, rule, shift)
    return _snapshots(measured, good, collapsed, copied, rule)


def snapshots(trace: ReplicaTrace, rule: OutcomeRule) -> Snapshots:
    """Measure and judge the snapshots of a trace."""
    return judge(measure(trace, rule), rule)


def _moved(measured: Measures, name: str, shift: float, *, at_most: bool = False) -> Floats:
    """Return a quantity, moved by so many standard errors to the better side."""
    return (
        measured.value(name) + (-shift if at_most else shift) * measured.error(name) if shift else measured.value(name)
    )


def _reaches(measured: Measures, rule: OutcomeRule, each: Criterion, shift: float) -> Flags:
    values, threshold = _moved(measured, each.measure, shift, at_most=each.at_most), each.threshold(rule)
    reached: Flags = values <= threshold if each.at_most else values >= threshold
    return reached


def _reached(measured: Measures, rule: OutcomeRule, shift: float, *, but: Kind | None = None) -> Flags:
    """Mark the rows that reach every criterion that applies, those of one kind aside."""
    found = _changed(measured, rule, shift) & ~(measured.value("spacing") < rule.diversity_tiny)
    for each in criteria(measured, rule):
        if each.kind is not but:
            found &= _reaches(measured, rule, each, shift)
    return found


def _risen(measured: Measures, rule: OutcomeRule, shift: float) -> Flags:
    return _moved(measured, "quality", shift) - measured.start("quality") > rule.baseline_margin


def _changed(measured: Measures, rule: OutcomeRule, shift: float) -> Flags:
    """Mark the rows in which quality, or another quantity that should be large, has risen since step 0."""
    found = _risen(measured, rule, shift)
    for each in criteria(measured, rule):
        if each.kind in (Kind.FIDELITY, Kind.VARIETY) and not each.at_most:
            found |= _moved(measured, each.measure, shift) - measured.start(each.measure) > rule.baseline_margin
    return found


def _collapsed(measured: Measures, rule: OutcomeRule, start: Flags, shift: float) -> Flags:
    diversity, spacing = measured.value("diversity"), measured.value("spacing")
    risen = _risen(measured, rule, shift)
    changed = np.abs(diversity - _baseline(diversity, start)) > rule.baseline_margin
    distance = measured.value("distance")
    left = np.abs(distance / _baseline(distance, start) - 1) > rule.baseline_margin
    narrow = (_moved(measured, "diversity", shift) < _least_diversity(measured, rule)) & (risen | changed | left)
    tiny = _falls(diversity, start, rule.diversity_tiny) | _falls(spacing, start, rule.diversity_tiny)
    few = _below(measured, rule, ("coverage", "balance"), shift)
    few &= risen | _rises(measured.value("confidence"), start, rule.confidence_min)
    within = _below(measured, rule, ("recall", "distinctness"), shift)
    within &= measured.value("precision") >= rule.precision_min
    return narrow | tiny | few | within


def _least_diversity(measured: Measures, rule: OutcomeRule) -> float | Floats:
    """Return the diversity below which a row is a collapse: a smaller one where images are off the data."""
    if rule.alike_max is None or "precision" not in measured.values:
        return rule.diversity_min
    return np.where(measured.value("precision") < rule.precision_min, rule.alike_max, rule.diversity_min)


def _below(measured: Measures, rule: OutcomeRule, names: tuple[str, ...], shift: float) -> Flags:
    found = np.zeros(measured.shape, dtype=np.bool_)
    for each in criteria(measured, rule):
        if each.measure in names:
            found |= _moved(measured, each.measure, shift) < each.threshold(rule)
    return found


def _copied(measured: Measures, rule: OutcomeRule, shift: float) -> Flags:
    most = rule.memorization_max
    if most is None:
        return np.zeros(measured.shape, dtype=np.bool_)
    repeats = _moved(measured, "memorization", shift, at_most=True) > most
    return repeats & _reached(measured, rule, shift, but=Kind.ORIGINALITY)


def _sustained(strict: Flags, lenient: Flags, after: Flags, before: Flags) -> Flags:
    """Mark the rows after step 0 that are good: by the strict test, or after a good one by the lenient test."""
    found = np.zeros_like(strict)
    last = np.broadcast_to(before, strict.shape[:-1]).copy()
    for row in np.flatnonzero(after):
        last = strict[..., row] | (lenient[..., row] & last)
        found[..., row] = last
    return found


def _snapshots(measured: Measures, good: Flags, collapsed: Flags, copied: Flags, rule: OutcomeRule) -> Snapshots:
    after = measured.step > 0
    return Snapshots(
        step=measured.step[after],
        quality=measured.value("quality")[..., after],
        coverage=measured.value("coverage")[..., after],
        diversity=measured.value("diversity")[..., after],
        good=good[..., after],
        collapsed=collapsed[..., after],
        copied=copied[..., after],
        hopping=(measured.value("hopping") > rule.hopping_max)[..., after],
    )


def _baseline(values: Floats, start: Flags) -> Floats:
    """Return the values at step 0, ``[..., 1]``; NaN if that row is missing."""
    first = np.flatnonzero(start)[:1]
    return values[..., first] if len(first) else np.full((*values.shape[:-1], 1), nan)


def _falls(values: Floats, start: Flags, bound: float) -> Flags:
    """Mark values below a bound, unless the untrained generator was below it."""
    return (values < bound) & ~(_baseline(values, start) < bound)


def _rises(values: Floats, start: Flags, bound: float) -> Flags:
    """Mark values that reach a bound, unless the untrained generator reached it."""
    return (values >= bound) & ~(_baseline(values, start) >= bound)


def _classifier(
    measured: Measures, rule: OutcomeRule, most: float, shift: float, good_before: npt.NDArray[np.bool_]
) -> Snapshots:
    error, after = measured.value("classification_error"), measured.step > 0
    start = np.nan_to_num(_baseline(error, measured.step <= 0), nan=1.0)
    moved = [_moved(measured, "classification_error", shift + extra, at_most=True) for extra in (0.0, rule.tolerance)]
    strict, lenient = ((each <= most) & (start - each > rule.baseline_margin) for each in moved)
    good = _sustained(strict, lenient, after, good_before)[..., after]
    missing, none = np.full(good.shape, nan), np.zeros_like(good)
    return Snapshots(
        step=measured.step[after],
        quality=1 - error[..., after],
        coverage=missing,
        diversity=missing,
        good=good,
        collapsed=none,
        copied=none,
        hopping=none,
    )
