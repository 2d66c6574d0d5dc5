"""The thresholds that decide outcomes, and the two rules that the studies start from."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from typing import Any, Literal

from study.outcomes.own_rule import OwnRule
from trainables.files import json_digest

EDITION = 2
"""Edition of the procedure in :mod:`study.outcomes.decision`. Rules of edition 1 (up to version 0.5) are read, not
applied."""
_SINCE_2 = (
    "edition",
    "balance_min",
    "support_min",
    "recall_min",
    "distinctness_min",
    "memorization_max",
    "spacing_max",
    "residue_max",
    "precision_min",
    "alike_max",
    "hopping_max",
    "steadiness_min",
    "returns_min",
    "flicker_min",
    "tolerance",
    "own_criteria",
    "own_rule",
)
_BEFORE: Mapping[str, Any] = {
    "own_criteria": (),
    "own_rule": None,
    "residue_max": None,
    "alike_max": None,
    "returns_min": 2,
    "flicker_min": 0.2,
}
"""What was so before there was a field for it, within an edition."""
_SHARES = (
    "share_floor",
    "coverage_min",
    "balance_min",
    "quality_min",
    "support_min",
    "recall_min",
    "memorization_max",
    "label_accuracy_min",
    "classification_error_max",
    "confidence_min",
    "precision_min",
    "hopping_max",
    "steadiness_min",
    "flicker_min",
)
_RATIOS = ("diversity_min", "distinctness_min", "spacing_max", "residue_max", "alike_max")
_BOUNDS = ("loss_bound", "grad_norm_bound", "param_norm_bound")


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCriterion:
    """A threshold on a column of the trace, such as the measurement of a plugin, that a good snapshot must reach.

    Attributes:
        column: name of the column, one number per row.
        at_least, at_most: the threshold; one of them.

    Raises:
        ValueError: if the column is no name, or not exactly one finite threshold is given.
    """

    column: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if not self.column.isidentifier():
            raise ValueError(f"column must be the name of a column, got {self.column!r}")
        given = [value for value in (self.at_least, self.at_most) if value is not None]
        if len(given) != 1 or not isfinite(given[0]):
            raise ValueError(f"own criterion {self.column} must have one finite threshold, at_least or at_most")

    @property
    def threshold(self) -> float:
        """The number."""
        return self.at_least if self.at_least is not None else self.at_most  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """All thresholds of ``decide``; :mod:`study.outcomes.measures` says what is compared with them.

    A threshold that is absent is no criterion, nor is one on a quantity that the data do not have.

    Attributes:
        name: name of the rule in records and reports.
        edition: edition of the procedure; the version that reads it applies the latest one alone.
        window: number of snapshots in a window; a single snapshot never decides.
        radius: 2-D data: samples this close to the nearest centre are of high quality: ``eighth`` of the distance
            between the closest two centres, or 3 (the literature's, Srivastava et al. 2017), 10 or 30 standard
            deviations.
        share_floor: a mode (class) is covered if its share of the high-quality samples is at least this fraction of
            its true weight; without a floor an untrained generator covers the whole ring.
        coverage_min: fraction of the modes (classes) that must be covered.
        balance_min: one over ``sum p^2 / w`` of the modes' (classes') shares p and true weights w: m of K equal ones
            are m / K, 78 % of all samples in one of eight are 0.2, half of the modes at a tenth of their weight 0.6.
        quality_min: 2-D data: the share of high quality on a scale from points without modes, 0, to the data, 1.
            Images: one minus the Fréchet distance over the variance of the data's features; 1 is the data, 0 one image
            over and over.
        support_min: images: nearest-neighbor coverage of the data (Naeem et al. 2020), in features and in pixels, on a
            scale from images without structure, 0, to other real images, 1; the smaller of the two counts.
        recall_min: images: recall in pixels (Kynkäänniemi et al. 2019) over that of other real images.
        distinctness_min: images: distance to the nearest other sample in projected pixels, over that of the data. A few
            images over and over are below it, also with noise.
        spacing_max: images: the largest distance to the nearest other sample over that of the data; noise is above it.
        residue_max: images: the largest distance to the projection on the data's principal components over that of the
            data; fixed patterns, such as checkerboards, and noise are above it.
        memorization_max: images: how far the nearest real image may be one of those trained on instead of one held out;
            0 is chance, 1 every time.
        label_accuracy_min: images of a conditioned generator: minimum share in which the small classifier reads the
            intended class. Not a criterion if absent, or without conditioning.
        classification_error_max: largest share of held-out images that a classifier may get wrong. If given, it alone
            decides whether a snapshot is good: samples are not judged, and no snapshot is collapsed.
        diversity_min: mean pairwise distance of the samples over that of the data; below it they are too alike.
        confidence_min: images: mean probability of the predicted classes from which few classes are a collapse even
            if quality has not risen, because a single class does not raise it.
        precision_min: images: precision in pixels (Kynkäänniemi et al. 2019), the share of the samples within the
            data's support, over that of other real images. Below it the images are off the data: they are not good, and
            too little recall or distinctness is no collapse, because how they vary says nothing.
        alike_max: images off the data, by ``precision_min``, are a collapse below this diversity instead of below
            ``diversity_min``: garbage that is nearly as diverse as the data is not learned. If absent, they are not
            told apart.
        diversity_tiny: below it samples count as identical, whatever else is measured; it also bounds their spacing,
            the distance to the nearest other sample, because k repeated points may lie far apart.
        baseline_margin: changes against the untrained generator up to this size do not count (quality and diversity:
            absolute; distance to the data: relative).
        hopping_max: the largest share of the balance of two windows as a whole that their best row may lack. More means
            that the generator hops between modes (classes).
        tolerated_alternations: changes between good and other snapshots, from the first good window on, that a replica
            with a good last window may have; 2 allows one failure and recovery.
        steadiness_min: share of good snapshots from the first good window on, above which any number of changes is
            tolerated.
        returns_min, flicker_min: snapshots that turned good again at least ``returns_min`` times, from the first good
            window on, are an oscillation if a share of at least ``flicker_min`` of them are good. Without a good
            window, from the first good snapshot on.
        tolerance: standard errors by which a good replica may fall behind a threshold and still count as good, so that
            the error of measuring is not taken for oscillation.
        own_criteria: further criteria of the user's own, on any columns of the trace.
        own_rule: a plugin's rule, which decides instead of these thresholds. They still say when training blew up, and
            how snapshots are shown.
        loss_bound, grad_norm_bound, param_norm_bound: guards against a blow-up in finite numbers, in absolute value.
            Wasserstein losses are unbounded by nature, so these are not measures of quality.

    Raises:
        ValueError: if a threshold is out of its range.
    """

    name: str
    edition: int = EDITION
    window: int = 3
    radius: Literal["eighth", "r3", "r10", "r30"] = "eighth"
    share_floor: float = 0.2
    coverage_min: float
    balance_min: float | None = 0.65
    quality_min: float
    support_min: float | None = None
    recall_min: float | None = None
    distinctness_min: float | None = None
    spacing_max: float | None = None
    residue_max: float | None = None
    memorization_max: float | None = None
    label_accuracy_min: float | None = None
    classification_error_max: float | None = None
    diversity_min: float = 0.5
    confidence_min: float = 0.9
    precision_min: float = 0.5
    alike_max: float | None = None
    diversity_tiny: float = 0.02
    baseline_margin: float = 0.1
    hopping_max: float = 0.12
    tolerated_alternations: int = 2
    steadiness_min: float = 0.9
    returns_min: int = 2
    flicker_min: float = 0.2
    tolerance: float = 2.0
    own_criteria: tuple[OwnCriterion, ...] = ()
    own_rule: OwnRule | None = None
    loss_bound: float = 1e4
    grad_norm_bound: float = 1e4
    param_norm_bound: float = 1e4

    def __post_init__(self) -> None:
        if self.edition not in range(1, EDITION + 1):
            raise ValueError(f"edition must be 1 to {EDITION}, got {self.edition}")
        if self.radius not in ("eighth", "r3", "r10", "r30"):
            raise ValueError(f"radius must be eighth, r3, r10 or r30, got {self.radius}")
        for field, least in (("window", 1), ("tolerated_alternations", 0), ("returns_min", 1), ("tolerance", 0)):
            if not (isfinite(getattr(self, field)) and getattr(self, field) >= least):
                raise ValueError(f"{field} must be >= {least}, got {getattr(self, field)}")
        self._check_ranges()
        names = [own.column for own in self.own_criteria]
        if len(set(names)) != len(names):
            raise ValueError(f"own_criteria must name each column once, got {', '.join(names)}")
        if not 0 <= self.diversity_tiny <= self.diversity_min:
            raise ValueError(f"diversity_tiny must be in [0, diversity_min], got {self.diversity_tiny}")
        if not 0 <= self.baseline_margin < 1:
            raise ValueError(f"baseline_margin must be in [0, 1), got {self.baseline_margin}")

    def _check_ranges(self) -> None:
        for field in _SHARES:
            value = getattr(self, field)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{field} must be in (0, 1], got {value}")
        for field in (*_RATIOS, *_BOUNDS):
            value = getattr(self, field)
            if value is not None and not (isfinite(value) and value > 0):
                raise ValueError(f"{field} must be finite and > 0, got {value}")

    @property
    def applied(self) -> bool:
        """Whether this version decides by it."""
        return self.edition == EDITION

    def digest(self) -> str:
        """Return 8 hex digits that identify all thresholds and the name."""
        return json_digest(stored_fields(asdict(self)), size=4)

    def label(self) -> str:
        """Return ``name@digest``, as stored in records."""
        return f"{self.name}@{self.digest()}"


def stored_fields(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a rule's values without the fields that did not exist when a rule of its edition was written.

    A field that came within an edition is left out where it says what was so before: the rule is the one that it was.
    """
    if rule.get("edition", EDITION) > 1:
        return {name: value for name, value in rule.items() if name not in _BEFORE or value not in (_BEFORE[name], [])}
    return {name: value for name, value in rule.items() if name not in _SINCE_2}


_OWN = ("name", "edition", "own_criteria", "own_rule")
THRESHOLDS = tuple(field.name for field in fields(OutcomeRule) if field.name not in _OWN)
"""All numbers and words of a rule that can change an outcome; what is the user's own has no range that we know."""

Value = float | int | str
"""A value of a threshold; ``radius`` has words, all others are numbers."""


@dataclass(frozen=True, slots=True)
class Plausible:
    """The range of a threshold in which a careful person could have chosen another value.

    Attributes:
        around: returns the values around a rule's own one, in the order of the scale.
        why: why it ends where it does.
    """

    around: Callable[[Any], tuple[Value, ...]]
    why: str


def _odds(own: float) -> tuple[Value, ...]:
    odds = 9.0 if own >= 1 else own / (1 - own)
    return tuple(odds * factor / (1 + odds * factor) for factor in _factors(2))


def _times(most: float) -> Callable[[float], tuple[Value, ...]]:
    return lambda own: tuple(own * factor for factor in _factors(most))


def _factors(most: float) -> tuple[float, ...]:
    return tuple(most ** (step / _STEPS) for step in range(-_STEPS, _STEPS + 1))


_STEPS = 4
"""Values on each side of the rule's own one."""
_SHARE = Plausible(_odds, "a share with half to twice the odds: 0.5 becomes 0.33 to 0.67, and 0.9 becomes 0.82 to 0.95")
_BOUND = Plausible(_times(10), "a guard: an order of magnitude either way")

PLAUSIBLE: Mapping[str, Plausible] = {
    "window": Plausible(
        lambda own: tuple(range(max(2, own // 2), 2 * own + 1)), "half to twice as many rows; one alone decides nothing"
    ),
    "radius": Plausible(lambda own: ("eighth", "r3", "r10", "r30"), "each one that a trace has"),
    "share_floor": _SHARE,
    "coverage_min": _SHARE,
    "balance_min": _SHARE,
    "quality_min": _SHARE,
    "support_min": _SHARE,
    "recall_min": _SHARE,
    "distinctness_min": _SHARE,
    "spacing_max": Plausible(_times(4 / 3), "three quarters to four thirds: about 0.1 of noise on pixels either way"),
    "residue_max": Plausible(_times(4 / 3), "three quarters to four thirds, as for spacing"),
    "memorization_max": _SHARE,
    "label_accuracy_min": _SHARE,
    "classification_error_max": _SHARE,
    "diversity_min": _SHARE,
    "confidence_min": _SHARE,
    "precision_min": _SHARE,
    "alike_max": _SHARE,
    "diversity_tiny": Plausible(_times(4), "a quarter to four times: samples this close are the same to an eye"),
    "baseline_margin": Plausible(_times(2), "half to twice"),
    "hopping_max": _SHARE,
    "tolerated_alternations": Plausible(
        lambda own: tuple(range(max(0, own - 2), own + 3)), "one failure with its recovery more or less"
    ),
    "steadiness_min": _SHARE,
    "returns_min": Plausible(lambda own: tuple(range(max(1, own - 1), own + 3)), "one return less to two more"),
    "flicker_min": _SHARE,
    "tolerance": Plausible(
        lambda own: tuple(max(0.0, own + step / _STEPS) for step in range(-_STEPS, _STEPS + 1)),
        "one standard error more or less: 1 to 3 are the usual choices",
    ),
    "loss_bound": _BOUND,
    "grad_norm_bound": _BOUND,
    "param_norm_bound": _BOUND,
}
"""The plausible range of every threshold, over which :mod:`study.evidence.sensitivity` moves it."""


def plausible(rule: OutcomeRule, name: str) -> tuple[Value, ...]:
    """Return the values of a threshold in its plausible range, in the order of its scale, the rule's own among them.

    Values are rounded to three digits. Those that the rule refuses are left out; a threshold that is absent has none.

    Raises:
        ValueError: if there is no such threshold.
    """
    if name not in PLAUSIBLE:
        raise ValueError(f"threshold must be one of {', '.join(PLAUSIBLE)}, got {name}")
    own = getattr(rule, name)
    if own is None:
        return ()
    found = dict.fromkeys(_rounded(value) for value in PLAUSIBLE[name].around(own))
    if isinstance(own, str):
        return tuple(found)
    values: set[Value] = {value for value in found if value != _rounded(own) and changed(rule, {name: value})}
    return tuple(sorted(values | {own}))


def changed(rule: OutcomeRule, values: Mapping[str, Value]) -> OutcomeRule | None:
    """Return the rule with other values; None if it refuses them."""
    change: dict[str, Any] = dict(values)
    try:
        return replace(rule, **change)
    except ValueError:
        return None


def _rounded(value: Value) -> Value:
    return float(f"{value:.3g}") if isinstance(value, float) else value


MIXTURE_RULE = OutcomeRule(name="modes", coverage_min=0.75, quality_min=0.65)
"""For points on modes: two thirds of the way from points without modes to the data, at an eighth of the modes'
distance.

On the ring of eight, that is 74 % of the samples within 0.096 of a centre. It was 0.5 until a panel of impostors showed
that half of the samples on lines between the modes passed. ``study outcomes`` shows the dose of every impostor at which
the label changes.
"""

IMAGE_RULE = OutcomeRule(
    name="images",
    coverage_min=0.8,
    quality_min=0.9,
    support_min=0.25,
    recall_min=0.4,
    distinctness_min=0.75,
    spacing_max=1.35,
    residue_max=2.25,
    memorization_max=0.5,
    precision_min=0.65,
    diversity_min=0.8,
    alike_max=0.5,
)
"""For images: the classes, a Fréchet distance below a tenth of the variance, the data's support, and no copies.

Fixed on the bundled digits at 16x16, where images without structure have a support of 0 by definition, a small DCGAN
has 0.1 to 0.3 after 1,000 steps and 0.35 to 0.6 after 6,000, and a spacing of 1.0 to 1.3; real images with noise of 0.2
(of a range of 2) have one of 1.39, with 0.3 of 1.73 (1.75 was the limit until a panel of impostors showed these
images); ten images per class, over and over with noise of 0.2, a distinctness of 0.44. Real images under one
checkerboard of amplitude 0.1 / 0.2 / 0.3 have a residue of 2.1 / 3.8 / 5.4 and pass all else; the DCGAN has 1.5 to 2.1
after 1,000 steps and 1.2 after 6,000.

Of chimeras, the upper half of one digit over the lower half of another, 0.50 to 0.57 lie within the support, of digits
that are all mirrored 0.37; of the DCGAN's 0.67 to 0.80 after 1,000 to 6,000 steps. Support asks whether every real
image has a generated one nearby, which chimeras may reach; precision, whether every generated image has a real one.

``confidence_min``, and the bound of ``diversity_tiny`` on spacing, were set on injected failures of the digits at 8x8,
seeds below 2,000. A GAN's images of one class alone had F of 1.0 to 1.9 variances, no less than an untrained
generator's noise (0.7 to 1.4), and a diversity of 0.5 to 0.7; but their confidence was 0.95 to 1.00, that of the noise
0.57 to 0.77. Images that the data repel (labels swapped) had a diversity of 0.71 to 0.83 at 3,000 to 3,005, none of
them within the data's support, which ``alike_max`` tells from a collapse.

Coverage needs samples: N of them from a perfect generator reach about ``1 - exp(-N / K)`` of K uniform classes while
``N < 5 K`` (below that, one sample covers a class). For the 1,000 classes of stacked MNIST ``evaluation.samples`` 512
can cover at most 40 %, whatever the generator; 2,000 cover 86 %, and 5,000 or more nearly all.
"""

ALIKE_RULE = replace(IMAGE_RULE, name="images-alike", distinctness_min=None, spacing_max=None, memorization_max=None)
"""For images of little variability, which lie close together or repeat: their distances to each other say nothing."""

ANY_SCORE_RULE = replace(MIXTURE_RULE, name="modes-any-score", loss_bound=1e8, grad_norm_bound=1e8)
"""For Wasserstein critics: a score may be large, and with it the gradient that G gets, without having blown up.

A critic of three layers of 64 units whose weights are clipped at 1 has scores of hundreds and gives G gradients of
norm 34,000 while the ring gets better; RMSProp and Adam divide by their size.
"""
