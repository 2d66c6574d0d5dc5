"""The judgment of a snapshot of a trace by a rule: good, collapsed or poor, against the untrained generator.

A *snapshot* is a row of the trace after step 0. The untrained generator's row, step 0, is the baseline: it is measured
by the same evaluator, because an untrained generator may well cover every mode a little.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from study.outcomes.columns import Columns, Flags, Floats
from study.outcomes.rule import OutcomeRule
from trainables.trace import ReplicaTrace


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """The snapshots of a replica in order of steps, ``[S]`` each; of replicas with the same steps, ``[..., S]``.

    Attributes:
        quality, coverage, diversity: the values compared with the thresholds; NaN where not measured.
        good, collapsed: the judgment; a snapshot that is neither is poor, and no snapshot is both.
    """

    step: npt.NDArray[np.int64]
    quality: Floats
    coverage: Floats
    diversity: Floats
    good: Flags
    collapsed: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The measurements that a rule judges, ``[..., T]`` each, in order of steps; NaN where not measured.

    Leading axes are replicas with the same steps, which ``judge`` judges all at once. Only the thresholds ``radius``
    and ``share_floor`` enter here, so that one measurement serves many rules.

    Attributes:
        step: ``[T]``, the same for all.
        spacing: median distance of a sample to the nearest other one, over that of the data.
        confidence: mean probability of an image's predicted class.
        distance: distance to the data: squared Frechet distance, or median distance to the nearest centre.
        label_accuracy: None if no sample was made for a label.
        labeled: whether coverage is a criterion.
        classification_error: error of a classifier; NaN for other trainings.
    """

    step: npt.NDArray[np.int64]
    quality: Floats
    coverage: Floats
    diversity: Floats
    spacing: Floats
    confidence: Floats
    distance: Floats
    label_accuracy: Floats | None
    labeled: bool
    classification_error: Floats


def measure(trace: ReplicaTrace, rule: OutcomeRule) -> Measures:
    """Measure the series that ``judge`` compares with the thresholds.

    *Quality* of a mixture is its share of high-quality samples; of images ``1 - F / V`` in [0, 1], with F the squared
    Frechet distance in the features of the small classifier (not Inception FID) and V the total variance of the data's
    features: one image at their mean, repeated, has F = V. *Coverage* is the fraction of modes m, with true weight
    w_m > 0, whose share h_m of the high-quality samples is at least ``share_floor * w_m``; for images the same with
    classes and all samples, and not a criterion without labels.
    """
    rows = Columns(trace)
    with np.errstate(all="ignore"):
        return _mixture(rows, rule) if "mode_weights" in trace.reference else _images(rows, rule)


@np.errstate(all="ignore")
def judge(measured: Measures, rule: OutcomeRule) -> Snapshots:
    """Judge every row after step 0 by the thresholds.

    =========  =======================================================================================================
    good       coverage, quality, diversity and, of a conditioned generator, label accuracy reach their minima, quality
               has risen from step 0 by more than the margin, and spacing is not below ``diversity_tiny``
    collapsed  not good, and one of: (narrow) diversity below its minimum and anything has left the baseline:
               quality has risen, diversity has changed, or the distance to the data (F; median distance to the
               nearest centre) has changed, by more than the margin; (tiny) diversity or spacing below
               ``diversity_tiny``, unless the untrained samples were as alike; (few) coverage below its minimum, and
               quality has risen or confidence has reached ``confidence_min``, where the untrained one had not
    poor       the rest; a value that was not measured reaches no minimum and is below none
    =========  =======================================================================================================

    Garbage that is as diverse as the data is poor, not collapsed, even if a classifier puts it all in one class.

    A rule with a largest classification error judges a classifier instead: quality is one minus the error, a snapshot
    is good if the error is at most that large and has fallen from step 0 by more than the margin, and poor otherwise.
    """
    if rule.classification_error_max is not None:
        return _classifier(measured, rule.classification_error_max, rule.baseline_margin)
    quality, coverage, diversity = measured.quality, measured.coverage, measured.diversity
    start = measured.step <= 0
    untrained = _baseline(diversity, start)
    risen = quality - np.nan_to_num(_baseline(quality, start)) > rule.baseline_margin
    changed = np.abs(diversity - untrained) > rule.baseline_margin
    moved = np.abs(measured.distance / _baseline(measured.distance, start) - 1) > rule.baseline_margin
    covered = (coverage >= rule.coverage_min) | (not measured.labeled)
    if rule.label_accuracy_min is not None and measured.label_accuracy is not None:
        covered &= measured.label_accuracy >= rule.label_accuracy_min
    apart = ~(measured.spacing < rule.diversity_tiny)
    good = risen & covered & (quality >= rule.quality_min) & (diversity >= rule.diversity_min) & apart
    narrow = (diversity < rule.diversity_min) & (risen | changed | moved)
    tiny = _falls(diversity, start, rule.diversity_tiny) | _falls(measured.spacing, start, rule.diversity_tiny)
    few = (coverage < rule.coverage_min) & (risen | _rises(measured.confidence, start, rule.confidence_min))
    after = measured.step > 0
    return Snapshots(
        step=measured.step[after],
        quality=quality[..., after],
        coverage=coverage[..., after],
        diversity=diversity[..., after],
        good=good[..., after],
        collapsed=(~good & (narrow | tiny | few))[..., after],
    )


def snapshots(trace: ReplicaTrace, rule: OutcomeRule) -> Snapshots:
    """Measure and judge the snapshots of a trace."""
    return judge(measure(trace, rule), rule)


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


def _classifier(measured: Measures, most: float, margin: float) -> Snapshots:
    error, after = measured.classification_error, measured.step > 0
    start = np.nan_to_num(_baseline(error, measured.step <= 0), nan=1.0)
    good = ((error <= most) & (start - error > margin))[..., after]
    missing = np.full(good.shape, nan)
    return Snapshots(
        step=measured.step[after],
        quality=1 - error[..., after],
        coverage=missing,
        diversity=missing,
        good=good,
        collapsed=np.zeros_like(good),
    )


def windows(seen: Snapshots, window: int) -> tuple[Flags, Flags]:
    """Return which windows are good and which collapsed, ``[S - L + 1]``, L = min(window, S); empty for S = 0.

    A window is good if all its snapshots are, collapsed if more than half of them are.
    """
    count = len(seen.step)
    if count == 0:
        return np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.bool_)
    length = min(window, count)
    good = np.lib.stride_tricks.sliding_window_view(seen.good, length)
    collapsed = np.lib.stride_tricks.sliding_window_view(seen.collapsed, length)
    whole: Flags = good.sum(axis=1) == length
    mostly: Flags = 2 * collapsed.sum(axis=1) > length
    return whole, mostly


@np.errstate(all="ignore")
def blow_up(trace: ReplicaTrace, rule: OutcomeRule) -> int | None:
    """Return the step at which a number became non-finite or left the rule's bounds; None if there is none.

    This is the first row that is not finite (by its flag, or by a loss or norm that is infinite, or NaN after step 0:
    at step 0 there is no interval to average over), or the first row of the first window, step 0 left out, in which
    one loss or norm is beyond its bound throughout.
    """
    rows = Columns(trace)
    after = rows.steps > 0
    bad = np.zeros(len(rows.steps), dtype=np.bool_)
    if "finite" in trace.columns:
        bad |= rows.numbers("finite") != 1.0
    loss = rule.loss_bound
    bounds = {"loss": loss, "penalty": loss, "grad_norm": rule.grad_norm_bound, "param_norm": rule.param_norm_bound}
    for name in trace.columns:
        kind = next((kind for kind in bounds if name.endswith(f"_{kind}")), None)
        if kind is not None:
            values = np.abs(rows.numbers(name, infinite=True))
            beyond = _stays(values > bounds[kind], after, rule.window)
            bad |= np.isinf(values) | (np.isnan(values) & after) | beyond
    return int(rows.steps[np.argmax(bad)]) if bad.any() else None


def _stays(beyond: Flags, after: Flags, window: int) -> Flags:
    """Mark the first row of every window of rows after step 0 that are all ``beyond``."""
    marks = np.zeros_like(beyond)
    rows = np.flatnonzero(after)
    if len(rows) and beyond.any():  # rare
        length = min(window, len(rows))
        starts = rows[: len(rows) - length + 1]
        marks[starts] = np.lib.stride_tricks.sliding_window_view(beyond[rows], length).all(axis=1)
    return marks


def _mixture(rows: Columns, rule: OutcomeRule) -> Measures:
    weights = rows.constants("mode_weights")
    shares = rows.lists(f"mode_share_{rule.radius}", len(weights))
    quality = shares.sum(axis=1)
    coverage = _coverage(shares, quality, weights, rule.share_floor)
    return _measures(rows, quality, coverage, rows.lists("distance_quantiles", 5)[:, 2], labeled=True)


def _images(rows: Columns, rule: OutcomeRule) -> Measures:
    frechet = rows.numbers("frechet_classifier")
    variance = float(rows.constants("feature_variance")[:1].sum())
    quality = np.clip(1 - frechet / variance, 0, 1) if variance > 0 else np.full_like(frechet, nan)
    weights = rows.constants("class_weights")
    shares = rows.lists("class_share", len(weights))
    coverage = _coverage(shares, shares.sum(axis=1), weights, rule.share_floor)
    return _measures(rows, quality, coverage, frechet, labeled=rows.has("class_share"))


def _measures(rows: Columns, quality: Floats, coverage: Floats, distance: Floats, *, labeled: bool) -> Measures:
    return Measures(
        step=rows.steps,
        quality=quality,
        coverage=coverage,
        diversity=rows.numbers("diversity"),
        spacing=rows.numbers("spacing"),
        confidence=rows.numbers("class_confidence"),
        distance=distance,
        label_accuracy=rows.numbers("label_accuracy") if rows.has("label_accuracy") else None,
        labeled=labeled,
        classification_error=rows.numbers("classification_error"),
    )


def _coverage(shares: Floats, total: Floats, weights: Floats, floor: float) -> Floats:
    """Return the fraction ``[T]`` of weighted entries whose share of ``total`` is at least ``floor * weight``."""
    real = weights > 0
    covered = (shares >= floor * weights * total[:, None]) & (total > 0)[:, None]
    return np.where(np.isnan(total) | ~real.any(), nan, covered[:, real].sum(axis=1) / max(1, real.sum()))
