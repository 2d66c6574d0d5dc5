"""The quantities of a trace that a rule compares with its thresholds, each with its standard error."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from math import nan

import numpy as np
import numpy.typing as npt

from study.outcomes.columns import Columns, Floats
from study.outcomes.rule import OutcomeRule
from trainables.trace import ReplicaTrace


class Kind(Enum):
    """What a criterion is about, and so what a replica is called that fails it alone."""

    FIDELITY = "fidelity"
    VARIETY = "variety"
    ORIGINALITY = "originality"
    OBEDIENCE = "obedience"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One threshold that a good snapshot must reach.

    Attributes:
        measure: name of the quantity in :attr:`Measures.values`.
        field: the rule's field that holds the threshold; of a criterion of the user's own, ``own_criteria``.
        kind: what it is about.
        at_most: whether the threshold is an upper one.
    """

    measure: str
    field: str
    kind: Kind
    at_most: bool = False

    def threshold(self, rule: OutcomeRule) -> float:
        """Return the number of a rule that has the criterion, as those of :func:`criteria_of` do."""
        if self.kind is not Kind.OWN:
            return float(getattr(rule, self.field))
        return next(own.threshold for own in rule.own_criteria if own.column == self.measure)


CRITERIA = (
    Criterion("quality", "quality_min", Kind.FIDELITY),
    Criterion("support", "support_min", Kind.FIDELITY),
    Criterion("precision", "precision_min", Kind.FIDELITY),
    Criterion("spacing", "spacing_max", Kind.FIDELITY, at_most=True),
    Criterion("residue", "residue_max", Kind.FIDELITY, at_most=True),
    Criterion("coverage", "coverage_min", Kind.VARIETY),
    Criterion("balance", "balance_min", Kind.VARIETY),
    Criterion("diversity", "diversity_min", Kind.VARIETY),
    Criterion("recall", "recall_min", Kind.VARIETY),
    Criterion("distinctness", "distinctness_min", Kind.VARIETY),
    Criterion("memorization", "memorization_max", Kind.ORIGINALITY, at_most=True),
    Criterion("label_accuracy", "label_accuracy_min", Kind.OBEDIENCE),
)
"""What makes a snapshot good, apart from having changed since the start; a rule without the threshold leaves it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """The measurements that a rule judges, ``[..., T]`` each, in order of steps; NaN where not measured.

    Leading axes are replicas with the same steps, which are judged all at once. Of the thresholds only ``radius``,
    ``share_floor`` and ``window`` enter here, so that one measurement serves many rules.

    Attributes:
        step: ``[T]``, the same for all.
        values: quantity by name: those of :data:`CRITERIA` that the data have, and ``confidence`` (mean probability of
            an image's predicted class), ``distance`` (to the data: squared Fréchet distance, or median distance to the
            nearest centre), ``hopping`` (the share of the balance of two windows as a whole that their best row lacks;
            they end with the row) and ``classification_error``.
        errors: standard error of a quantity by name, at the number of samples that it was measured on.
        missing: what the trace must have to be judged and does not; empty if nothing.
        starts: the quantities at step 0, ``[..., 1]``, 0 where not measured; empty if that row is missing.
    """

    step: npt.NDArray[np.int64]
    values: Mapping[str, Floats]
    errors: Mapping[str, Floats]
    missing: str = ""
    starts: Mapping[str, Floats] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Once, not whenever one is asked for: judging by hundreds of rules asks tens of thousands of times.
        first = np.flatnonzero(self.step <= 0)[:1]
        starts = {name: np.nan_to_num(each[..., first]) for name, each in self.values.items() if len(first)}
        object.__setattr__(self, "starts", starts)
        object.__setattr__(self, "errors", {name: np.nan_to_num(each) for name, each in self.errors.items()})

    def value(self, name: str) -> Floats:
        """Return a quantity; NaN throughout if the data do not have it."""
        found = self.values.get(name)
        return np.full(self.shape, nan) if found is None else found

    def error(self, name: str) -> Floats:
        """Return a standard error; 0 where it is not known."""
        found = self.errors.get(name)
        return np.zeros(self.shape) if found is None else found

    def start(self, name: str) -> Floats | float:
        """Return a quantity at step 0, ``[..., 1]``; 0 where it was not measured."""
        return self.starts.get(name, 0.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(..., T)``."""
        return next(iter(self.values.values())).shape


def criteria_of(rule: OutcomeRule) -> tuple[Criterion, ...]:
    """Return the criteria that a rule has, those of the user's own last."""
    own = (
        Criterion(each.column, "own_criteria", Kind.OWN, at_most=each.at_most is not None) for each in rule.own_criteria
    )
    return (*(each for each in CRITERIA if getattr(rule, each.field) is not None), *own)


def criteria(measured: Measures, rule: OutcomeRule) -> tuple[Criterion, ...]:
    """Return the criteria that apply: the rule has the threshold and the data have the quantity."""
    return tuple(each for each in criteria_of(rule) if each.measure in measured.values)


def missed(evidence: Mapping[str, float], rule: OutcomeRule) -> tuple[Criterion, ...]:
    """Return the criteria that a replica's means over its last window, as in its record, do not reach."""
    if not rule.applied:
        return ()
    asked = ((each, evidence.get(each.measure), each.threshold(rule)) for each in criteria_of(rule))
    return tuple(
        each
        for each, value, threshold in asked
        if value is not None and (value > threshold if each.at_most else value < threshold)
    )


def measure(trace: ReplicaTrace, rule: OutcomeRule, each: int | None = None) -> Measures:
    """Measure the series that are compared with the thresholds.

    *Quality* of a mixture is ``(h - f) / (c - f)``, at least 0, of the share h of samples within the rule's radius of a
    centre, with f the largest such share without modes and c that of the data (``trainables.modeless``); of images
    ``1 - F / V`` in [0, 1], with F the squared Fréchet distance in the features of the small classifier (not Inception
    FID) and V the total variance of the data's features: one image at their mean, repeated, has F = V. *Coverage* is
    the fraction of modes m, with true weight w_m > 0, whose share p_m of the high-quality samples is at least
    ``share_floor * w_m``; *balance* is ``1 / sum p_m^2 / w_m``, with the unbiased estimate of the sum. For images these
    are of classes and all samples, and no criterion without labels. *Support* is ``(c - f) / (t - f)``, the smaller one
    of features and pixels, with c the nearest-neighbor coverage of the samples, f that of images without structure, t
    that of other real images. *Recall* and *precision* in pixels are over the recall of other real images, which is
    also their precision, because either set may be called the generated one. ``each``: rows of each replica, where
    several are joined.
    """
    rows = Columns(trace, each)
    with np.errstate(all="ignore"):
        if rule.classification_error_max is not None:
            return Measures(
                step=rows.steps,
                values={"classification_error": rows.numbers("classification_error")},
                errors={"classification_error": rows.numbers("classification_standard_error")},
            )
        found = _mixture(rows, rule) if "mode_weights" in trace.reference else _images(rows, rule)
    return _with_own(found, rows, rule)


def _with_own(found: Measures, rows: Columns, rule: OutcomeRule) -> Measures:
    """Add the columns of the user's own criteria; a trace that lacks one cannot be judged."""
    if not rule.own_criteria:
        return found
    names = [own.column for own in rule.own_criteria]
    lacking = [name for name in names if not rows.has(name)]
    values = {name: rows.numbers(name) for name in names if name not in lacking}
    return replace(found, values={**found.values, **values}, missing=found.missing or ", ".join(lacking))


def _mixture(rows: Columns, rule: OutcomeRule) -> Measures:
    weights = rows.constants("mode_weights")
    floor, ceiling = (_constant(rows, f"hq_{kind}_{rule.radius}") for kind in ("floor", "ceiling"))
    shares = rows.lists(f"mode_share_{rule.radius}", len(weights))
    near = shares.sum(axis=1)
    count = _constant(rows, "samples")
    values = {"quality": np.maximum((near - floor) / (ceiling - floor), 0.0) if ceiling > floor else near * nan}
    errors = {"quality": np.sqrt(near * (1 - near) / count) / (ceiling - floor)}
    _modes(values, errors, rows, rule, shares, weights, count)
    values |= {"distance": rows.lists("distance_quantiles", 5)[:, 2]}
    present = rows.has(f"mode_share_{rule.radius}") and np.isfinite([floor, ceiling, count]).all()
    return _complete(rows, values, errors, "" if present else f"mode_share_{rule.radius} and its scale")


def _images(rows: Columns, rule: OutcomeRule) -> Measures:
    frechet = rows.numbers("frechet_classifier")
    variance = float(rows.constants("feature_variance")[:1].sum())
    quality = np.clip(1 - frechet / variance, 0, 1) if variance > 0 else np.full_like(frechet, nan)
    count, neighbors = _constant(rows, "samples"), _constant(rows, "neighbors")
    values = {"quality": quality, "confidence": rows.numbers("class_confidence"), "distance": frechet}
    errors = {"quality": rows.numbers("frechet_error") / variance if variance > 0 else np.zeros_like(frechet)}
    weights = rows.constants("class_weights")
    if len(weights):
        _modes(values, errors, rows, rule, rows.lists("class_share", len(weights)), weights, count)
    if rows.has("label_accuracy"):
        values["label_accuracy"] = rows.numbers("label_accuracy")
        errors["label_accuracy"] = _binomial(values["label_accuracy"], count)
    _support(values, errors, rows, neighbors)
    for name in ("distinctness", "memorization", "residue"):
        if rows.has(name):
            values[name] = rows.numbers(name)
    errors |= {name: rows.numbers(f"{name}_error") for name in ("distinctness", "residue")}
    if "memorization" in values:
        # At chance every image is a draw with the share of the training images, from which this is scaled.
        errors["memorization"] = np.sqrt(np.clip(1 - np.abs(values["memorization"]), 0, 1) * 4 / neighbors)
    present = rows.has("knn_recall_pixels") and rows.has("residue")
    return _complete(rows, values, errors, "" if present else "knn_recall_pixels and what goes with it")


def _support(values: dict[str, Floats], errors: dict[str, Floats], rows: Columns, count: float) -> None:
    scaled, widths = [], []
    for space in ("features", "pixels"):
        floor, ceiling = (_constant(rows, f"knn_coverage_{kind}_{space}") for kind in ("floor", "ceiling"))
        covered = rows.numbers(f"knn_coverage_{space}")
        scaled.append((covered - floor) / (ceiling - floor) if ceiling > floor else covered * nan)
        widths.append(_binomial(covered, count) / (ceiling - floor))
    lower = np.argmin(np.nan_to_num(scaled, nan=-np.inf), axis=0)
    values["support"] = np.choose(lower, scaled)
    errors["support"] = np.choose(lower, widths)
    most = _constant(rows, "knn_recall_ceiling_pixels")
    for name in ("recall", "precision"):
        share = rows.numbers(f"knn_{name}_pixels")
        values[name], errors[name] = share / most, _binomial(share, count) / most


def _modes(
    values: dict[str, Floats],
    errors: dict[str, Floats],
    rows: Columns,
    rule: OutcomeRule,
    shares: Floats,
    weights: Floats,
    count: float,
) -> None:
    total = shares.sum(axis=1)
    values["coverage"] = _coverage(shares, total, weights, rule.share_floor)
    own_error = np.sqrt(shares * (1 - shares) / count)
    low, high = (
        _coverage(np.clip(shares + sign * own_error, 0, 1), total, weights, rule.share_floor) for sign in (-1, 1)
    )
    errors["coverage"] = (high - low) / 2
    concentration = _concentration(shares, total, weights, count)
    values["balance"] = 1 / concentration
    p = shares / np.where(total > 0, total, nan)[:, None]
    real = weights > 0
    cubes = (p[:, real] ** 3 / weights[real] ** 2).sum(axis=1)
    spread = 2 * np.sqrt(np.maximum(cubes - concentration**2, 0) / (count * total))
    errors["balance"] = spread / concentration**2
    span = hopping_span(rule.window, rows.each)
    values["hopping"] = _hopping(p, values["balance"], weights, concentration, span)


def _concentration(shares: Floats, total: Floats, weights: Floats, count: float) -> Floats:
    """Return the unbiased estimate of ``sum p^2 / w`` ``[T]``, from pairs of different samples; NaN without any."""
    real = weights > 0
    counts, all_counts = shares[:, real] * count, total * count
    pairs = (counts * np.maximum(counts - 1, 0) / weights[real]).sum(axis=1)
    found: Floats = pairs / np.where(all_counts > 1, all_counts * (all_counts - 1), nan)
    return found


def hopping_span(window: int, rows: int) -> int:
    """Return over how many rows hopping is measured: two windows; one if there are not as many after the first row.

    Two, because what a few rows show together depends on chance: of six of eight modes, others at each row, three rows
    had 0.07 to 0.22 in ten draws.
    """
    return 2 * window if rows > 2 * window else window


def _hopping(p: Floats, balance: Floats, weights: Floats, concentration: Floats, window: int) -> Floats:
    """Return the share of the balance of the rows of a span up to a row that the best one lacks; at least 0.

    Rows without shares, such as one whose points are all far from the modes, are left out of their spans.
    """
    if len(p) < window:
        return np.zeros(len(p))
    real = weights > 0
    scaled = p[:, real] / np.sqrt(weights[real])
    same = concentration - (scaled**2).sum(axis=1)  # unbiased instead of plain squares
    told = np.isfinite(same) & np.isfinite(balance)
    counts = _windows(told.astype(float), window).sum(axis=-1)
    together = _windows(np.where(told[:, None], scaled, 0.0), window).sum(axis=-1)
    alone = _windows(np.where(told, same, 0.0), window).sum(axis=-1)
    best = _windows(np.where(told, balance, 0.0), window).max(axis=-1)
    found: Floats = np.zeros(len(p))
    found[window - 1 :] = 1 - best * ((together**2).sum(axis=1) + alone) / np.where(counts, counts, nan) ** 2
    return np.maximum(np.nan_to_num(found, nan=0.0), 0.0)


def _windows(values: Floats, length: int) -> Floats:
    """Return the windows of rows, one after the other, with the rows of each along the last axis."""
    found: Floats = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    return found


def _coverage(shares: Floats, total: Floats, weights: Floats, floor: float) -> Floats:
    """Return the fraction ``[T]`` of weighted entries whose share of ``total`` is at least ``floor * weight``."""
    real = weights > 0
    covered = (shares >= floor * weights * total[:, None]) & (total > 0)[:, None]
    return np.where(np.isnan(total) | ~real.any(), nan, covered[:, real].sum(axis=1) / max(1, real.sum()))


def _complete(rows: Columns, values: dict[str, Floats], errors: dict[str, Floats], missing: str) -> Measures:
    for name in ("diversity", "spacing"):
        values[name] = rows.numbers(name)
        errors[name] = rows.numbers(f"{name}_error")
    return Measures(step=rows.steps, values=values, errors=errors, missing=missing if len(rows.steps) else "")


def _binomial(share: Floats, count: float) -> Floats:
    return np.sqrt(np.maximum(share * (1 - share), 0) / count)


def _constant(rows: Columns, name: str) -> float:
    found = rows.constants(name)
    return float(found[0]) if len(found) else nan
