"""The thresholds that decide outcomes, and the two rules that the studies use."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Literal

from trainables.files import json_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """All thresholds of ``decide``; :func:`study.outcomes.snapshots.judge` applies them to one snapshot.

    Attributes:
        name: name of the rule in records and reports.
        window: number of snapshots in a window; a single snapshot never decides.
        radius: 2-D data: samples within this many standard deviations of the nearest centre are of high quality
            (``r3`` is the literature's radius, Srivastava et al. 2017; ``r30`` is 0.3 for the ring with std 0.01).
        share_floor: a mode (class) is covered if its share of the high-quality samples is at least this fraction of
            its true weight; without a floor an untrained generator covers the whole ring.
        coverage_min: fraction of the modes (classes) that must be covered.
        quality_min: 2-D data: share of all samples that is of high quality. Images: one minus the Fréchet
            distance over the variance of the data's features; 1 is the data, 0 one image over and over.
        label_accuracy_min: images of a conditioned generator: minimum share in which the small classifier reads the
            intended class. Not a criterion if absent, or without conditioning.
        classification_error_max: largest share of held-out images that a classifier may get wrong. If given, it alone
            decides whether a snapshot is good: samples are not judged, and no snapshot is collapsed.
        diversity_min: mean pairwise distance of the samples over that of the data; below it they are too alike.
        confidence_min: images: mean probability of the predicted classes from which few classes are a collapse even
            if quality has not risen, because a single class does not raise it.
        diversity_tiny: below it samples count as identical, whatever else is measured; it also bounds their spacing,
            the distance to the nearest other sample, because k repeated points may lie far apart.
        baseline_margin: changes against the untrained generator up to this size do not count (quality and diversity:
            absolute; distance to the data: relative).
        tolerated_alternations: changes between good and collapsed windows, counted from the first good one, that a
            replica with a good last window may have; 2 allows one collapse and recovery.
        loss_bound, grad_norm_bound, param_norm_bound: guards against a blow-up in finite numbers, in absolute value.
            Wasserstein losses are unbounded by nature, so these are not measures of quality.

    Raises:
        ValueError: if a threshold is out of its range.
    """

    name: str
    window: int = 3
    radius: Literal["r3", "r10", "r30"] = "r30"
    share_floor: float = 0.2
    coverage_min: float
    quality_min: float
    label_accuracy_min: float | None = None
    classification_error_max: float | None = None
    diversity_min: float = 0.5
    confidence_min: float = 0.9
    diversity_tiny: float = 0.02
    baseline_margin: float = 0.1
    tolerated_alternations: int = 2
    loss_bound: float = 1e4
    grad_norm_bound: float = 1e4
    param_norm_bound: float = 1e4

    def __post_init__(self) -> None:
        if self.radius not in ("r3", "r10", "r30"):
            raise ValueError(f"radius must be r3, r10 or r30, got {self.radius}")
        for field, least in (("window", 1), ("tolerated_alternations", 0)):
            if not getattr(self, field) >= least:
                raise ValueError(f"{field} must be >= {least}, got {getattr(self, field)}")
        shares = ("share_floor", "coverage_min", "quality_min", "label_accuracy_min", "classification_error_max")
        for field in (*shares, "diversity_min", "confidence_min"):
            value = getattr(self, field)
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"{field} must be in (0, 1], got {value}")
        if not 0 <= self.diversity_tiny <= self.diversity_min:
            raise ValueError(f"diversity_tiny must be in [0, diversity_min], got {self.diversity_tiny}")
        if not 0 <= self.baseline_margin < 1:
            raise ValueError(f"baseline_margin must be in [0, 1), got {self.baseline_margin}")
        for field in ("loss_bound", "grad_norm_bound", "param_norm_bound"):
            if not (isfinite(getattr(self, field)) and getattr(self, field) > 0):
                raise ValueError(f"{field} must be finite and > 0, got {getattr(self, field)}")

    def digest(self) -> str:
        """Return 8 hex digits that identify all thresholds and the name."""
        return json_digest(asdict(self), size=4)

    def label(self) -> str:
        """Return ``name@digest``, as stored in records."""
        return f"{self.name}@{self.digest()}"


MIXTURE_RULE = OutcomeRule(name="mixture", radius="r30", coverage_min=0.75, quality_min=0.5)
"""For the ring with std 0.01: coverage within 0.3 of the centres, the scale at which the eye sees it covered.

``study outcomes`` shows how well it classifies injected failures. Its thresholds were set before these existed.
"""


IMAGE_RULE = OutcomeRule(name="image", coverage_min=0.8, quality_min=0.9)
"""For images judged by the small classifier: 8 of 10 classes, and a Frechet distance below a tenth of the variance.

The scale of quality, measured on the bundled digits at 16x16: all real images of one class have 0.04, of five of the
ten classes 0.83, of eight 0.97; the real images with Gaussian noise of 0.5 (of a range of 2) 0.94, of 1.0 0.78.

``confidence_min``, and the bound of ``diversity_tiny`` on spacing, were set on injected failures of the digits at 8x8,
seeds below 2,000; ``study outcomes`` shows the rule on other seeds. A GAN's images of one class alone had F of 1.0 to
1.9 variances, no less than an untrained generator's noise (0.7 to 1.4), and a diversity of 0.5 to 0.7; but their
confidence was 0.95 to 1.00, that of the noise 0.57 to 0.77. Two or three repeated images had a diversity of 0.4 to 0.8
and a spacing of 0.

Coverage needs samples: N of them from a perfect generator reach about ``1 - exp(-N / K)`` of K uniform classes while
``N < 5 K`` (below that, one sample covers a class). For the 1,000 classes of stacked MNIST ``evaluation.samples`` 512
can cover at most 40 %, whatever the generator; 2,000 cover 86 %, and 5,000 or more nearly all.
"""
