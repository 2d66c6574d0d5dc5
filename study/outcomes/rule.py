"""The thresholds that outcomes are decided by, and the two rules that the studies use."""

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Literal

from trainables.files import json_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRule:
    """All thresholds of ``decide``. ``snapshots`` says how one snapshot is judged by them.

    Attributes:
        name: what the rule is called in records and reports.
        window: snapshots in a window; one snapshot alone never decides.
        radius: 2-D data: samples within so many standard deviations of the nearest centre are of high quality
            (``r3`` is the literature's radius, Srivastava et al. 2017; ``r30`` is 0.3 for the ring with std 0.01).
        share_floor: a mode (class) is covered if its share of the high-quality samples is at least this fraction of
            its true weight; without a floor an untrained generator covers the whole ring.
        coverage_min: fraction of the modes (classes) that must be covered.
        quality_min: 2-D data: share of all samples that is of high quality. Images: one minus the Fréchet
            distance over the variance of the data's features; 1 is the data, 0 one image over and over.
        label_accuracy_min: images of a conditioned generator: share in which the small classifier reads the class that
            they were made for; absent, and without conditioning, no criterion.
        classification_error_max: of a classifier, the largest share of held-out images that it may get wrong. Where it
            is given, nothing else makes a snapshot good or collapsed: samples are not judged.
        diversity_min: mean pairwise distance of the samples over the same of the data; below it they are too alike.
        confidence_min: images: mean probability of the classes they are read as from which few classes are a collapse
            even if quality has not risen, as that of a single class does not.
        diversity_tiny: below it samples are identical for all purposes, whatever else is measured; the same for their
            spacing, the distance to the nearest other one: k points over and over may lie far apart.
        baseline_margin: changes against the untrained generator up to this size are none (quality and diversity:
            absolute; distance to the data: relative).
        tolerated_alternations: changes between good and collapsed windows, counted from the first good one, that a
            replica with a good last window may have had; 2 forgives one collapse that it recovered from.
        loss_bound, grad_norm_bound, param_norm_bound: guards against a blow-up in finite numbers, in absolute value.
            Wasserstein losses are unbounded by nature: this is no measure of quality.

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
        """8 hex digits that identify all thresholds, the name included."""
        return json_digest(asdict(self), size=4)

    def label(self) -> str:
        """``name@digest``, what records store."""
        return f"{self.name}@{self.digest()}"


MIXTURE_RULE = OutcomeRule(name="mixture", radius="r30", coverage_min=0.75, quality_min=0.5)
"""For the ring with std 0.01: a ring covered at 0.3 around the centres, the scale at which eyes see it covered.

How well it tells injected failures apart: ``study outcomes``. Its thresholds were set before there were any.
"""


IMAGE_RULE = OutcomeRule(name="image", coverage_min=0.8, quality_min=0.9)
"""For images judged by the small classifier: 8 of 10 classes, and a Frechet distance below a tenth of the variance.

What the scale of quality means, measured on the bundled digits at 16x16: all real images of one class 0.04, of five of
the ten classes 0.83, of eight 0.97; the real images with Gaussian noise of 0.5 (of a range of 2) 0.94, of 1.0 0.78.

``confidence_min``, and what spacing has to do with ``diversity_tiny``, were set on injected failures of the digits at
8x8, seeds below 2,000; ``study outcomes`` shows the rule on others. A GAN's images of one class alone had F of 1.0 to
1.9 variances, no less than an untrained generator's noise (0.7 to 1.4), and a diversity of 0.5 to 0.7; but a
confidence of 0.95 to 1.00, the noise 0.57 to 0.77. Two or three images over and over had a diversity of 0.4 to 0.8, and
no spacing.

Coverage needs samples: N of them from a perfect generator reach about ``1 - exp(-N / K)`` of K uniform classes while
``N < 5 K`` (below that, one sample covers a class). For the 1,000 classes of stacked MNIST ``evaluation.samples`` 512
can cover no more than 40 %, whatever the generator; 2,000 cover 86 %, and 5,000 or more nearly all.
"""
