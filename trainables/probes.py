"""Probes: what is measured of every replica at every report. Each column of a trace is defined here.

A probe takes the view of a report, generated samples of the whole stack before all, and returns one value, or one
list, per replica. It draws nothing and changes nothing. Values of a replica whose samples are not finite are NaN, and
no other replica sees them.

To add a measurement, write a probe and name it in ``probes_for``: the trace's columns follow.
"""

from collections.abc import Sequence
from math import log
from typing import Any, Protocol

import torch
from torch import Tensor

from trainables import modeless, plugins
from trainables.conditioning import Unconditional
from trainables.config import Config, GanConfig, RecordedConfig
from trainables.data.source import ImageSource, ImageTruth, MixtureTruth, Source
from trainables.features import Features, as_floats
from trainables.neighbors import ImageSupport, median_error
from trainables.phases import View
from trainables.streams import generator
from trainables.theory import Theory

RADII = (3, 10, 30)
"""Radii, in standard deviations of a mode, at which a generated point counts as belonging to it. The literature uses
3 (VEEGAN, PacGAN)."""
EIGHTH = "eighth"
"""The radius that follows the modes: an eighth of the distance between the closest two centres."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_PAIRS = 256
_REFERENCE = 2_048
_CHUNK = 4_096
_PER_CLASS = 64


class Probe(Protocol):
    """One group of columns."""

    reference: dict[str, Tensor]
    """Constants of the data that a reader of the columns needs, in the same units."""

    def measure(self, view: View) -> dict[str, Tensor]:
        """Return columns by name: ``[R]`` or ``[R, K]``."""
        ...


class SampleCount:
    """No column; the reference says how many samples every value is measured on, ``samples``: errors follow from it."""

    def __init__(self, samples: int) -> None:
        self.reference = {"samples": torch.tensor([float(samples)], dtype=torch.float64)}

    def measure(self, view: View) -> dict[str, Tensor]:
        return {}


class Diversity:
    """``diversity``: mean pairwise L2 distance of generated samples over that of real ones. 1 is like the data.

    Over the first 256 samples of each; 0 means that all samples are the same. Where the data are one point, samples
    that are all the same have 1, like the data, and any others are infinitely more diverse.

    ``spacing``: the same ratio of the median distance to the nearest other sample. 0: half of the samples or more have
    a double, as of a few points over and over, which may lie far apart and so have a large diversity.

    ``diversity_error`` and ``spacing_error``: standard errors.
    """

    def __init__(self, source: Source) -> None:
        real = source.reference(_PAIRS)[None]
        pairs, nearest = _pairwise(real)
        self._real, self._real_spacing = pairs.mean(1), nearest.quantile(0.5, dim=-1)
        self.reference = {"data_diversity": self._real}

    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.flatten(1).isfinite().all(1)
        own = samples[:, :_PAIRS]
        pairs, nearest = _pairwise(own)
        count = own.shape[1]
        ratios = {
            "diversity": _ratio(pairs.mean(1), self._real),
            "spacing": _ratio(nearest.quantile(0.5, dim=-1), self._real_spacing),
            # Of a mean over pairs: each point of a pair brings half of the variance.
            "diversity_error": 2 * pairs.std(1) / count**0.5 / self._real,
            "spacing_error": median_error(nearest) / self._real_spacing,
        }
        return {name: _only_finite(value, finite) for name, value in ratios.items()}


class ClassDiversity:
    """``class_diversity``: how much the samples differ that a conditioned generator makes for a class; 1: as the data.

    The mean pairwise L2 distance of the samples made for a class over the same of the data's images of that class (64
    at most), averaged over the classes that were made at least twice among the first 256 samples; NaN if none was. 0
    means one image per class. Odena et al. 2017, section 4.3, ask the same with MS-SSIM, whose five scales need images
    of 128 pixels or so; there a *high* similarity marks collapse.
    """

    def __init__(self, truth: ImageTruth) -> None:
        assert truth.labels is not None
        order = torch.from_numpy(generator(0, "class_diversity").permutation(len(truth.images)))
        labels, self._classes = truth.labels.to(torch.int64)[order], truth.classes
        picks = [order[labels == label][:_PER_CLASS] for label in range(truth.classes)]
        each = [_mean_distance(as_floats(truth.images[own])[None]) for own in picks]
        real = torch.cat(each)
        self._real = torch.where(real > 0, real, torch.nan)
        self.reference = {"data_class_diversity": self._real.nanmean()[None]}

    @torch.no_grad()
    def measure(self, view: View) -> dict[str, Tensor]:
        if view.labels is None:
            return {}
        finite = view.samples.flatten(1).isfinite().all(1)
        flat, labels = view.samples[:, :_PAIRS].flatten(2), view.labels[:, :_PAIRS]
        alone = torch.eye(labels.shape[1], dtype=torch.bool, device=labels.device)
        mates = (labels[:, :, None] == labels[:, None]) & ~alone
        distances = torch.where(mates, _distances(flat, flat), 0.0).sum(-1)
        own = self._per_class(labels, distances) / self._per_class(labels, mates.sum(-1).to(distances))
        return {"class_diversity": _only_finite((own / self._real.to(own)).nanmean(-1), finite)}

    def _per_class(self, labels: Tensor, values: Tensor) -> Tensor:
        """Sum ``[R, N]`` by label: ``[R, K]``."""
        sums = torch.zeros(len(labels), self._classes, dtype=values.dtype, device=values.device)
        return sums.scatter_add_(1, labels, values)


class MixtureFit:
    """How generated points sit on the modes of a Gaussian mixture.

    With ``k(i)`` the nearest center of point i and ``d_i`` its distance: ``mode_share_r<q>`` is the share of *all*
    points with ``k(i) = m`` and ``d_i < q std``, per mode; ``hq_share_r<q>`` their sum; ``distance_quantiles`` those of
    ``d_i`` at 5, 25, 50, 75 and 95 %. Srivastava et al. 2017 and Lin et al. 2018 use q = 3 and count a mode from one
    point on; here the shares are kept and the counting is left to the outcome rule. ``mode_share_eighth`` and
    ``hq_share_eighth`` are those within an eighth of the distance between the closest two centres, where there is room
    between them.

    A large disc around every centre holds much of anything. The reference therefore says of every radius what share is
    in reach without any mode, ``hq_floor_<radius>``, and what share the data themselves have, ``hq_ceiling_<radius>``:
    see :mod:`trainables.modeless`.
    """

    def __init__(self, truth: MixtureTruth, *, device: torch.device) -> None:
        self._centers = torch.from_numpy(truth.centers).to(device=device, dtype=torch.float64)
        self._radii = {f"r{radius}": radius * truth.std for radius in RADII}
        if modeless.resolved(truth):
            self._radii[EIGHTH] = modeless.spacing(truth) / 8
        std = torch.tensor([truth.std], dtype=torch.float64)
        self.reference = {"mode_weights": torch.from_numpy(truth.weights), "std": std}
        scale = modeless.Scale(truth)
        for name, radius in self._radii.items():
            for kind, share in (("floor", scale.floor(radius)), ("ceiling", scale.ceiling(radius))):
                self.reference[f"hq_{kind}_{name}"] = torch.tensor([share], dtype=torch.float64)

    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.isfinite().all(-1).all(-1)
        distance, mode = _distances(samples, self._centers).min(-1)
        member = torch.nn.functional.one_hot(mode, len(self._centers)).to(distance.dtype)
        columns: dict[str, Tensor] = {}
        for name, radius in self._radii.items():
            near = (distance < radius).to(distance.dtype)
            columns[f"mode_share_{name}"] = (member * near[..., None]).mean(1)
            columns[f"hq_share_{name}"] = near.mean(1)
        levels = torch.tensor(QUANTILES, dtype=distance.dtype, device=distance.device)
        columns["distance_quantiles"] = distance.quantile(levels, dim=1).T
        return {name: _only_finite(value, finite) for name, value in columns.items()}


class ImageFit:
    """How generated images sit in the feature space of a small classifier of the data (see ``features``).

    ``frechet_classifier``: squared Fréchet distance between Gaussians fitted to generated and real features,
    ``|m - m_r|^2 + tr(C + C_r - 2 (C_r^1/2 C C_r^1/2)^1/2)`` (Heusel et al. 2017, eq. 6, whose features are
    Inception's; ours are not). ``class_share``: share of generated images per predicted class, for labelled data.
    ``frechet_error``: its standard error, from the distances of the four quarters of the images.
    ``class_confidence``: mean of the largest class probability. ``label_accuracy``: of a conditioned generator, the
    share of images in which the classifier reads the class that they were made for; one over the number of classes is
    chance.

    Of stacked digits, whose classes are uniform, with ``h = class_share`` over K = 1,000 ids: ``modes_hit``, the number
    of ids read at least once; ``mode_kl``, ``KL(h || uniform) = log K - H(h)`` in nats, 0 to 6.908, the value of a
    single id (Srivastava et al. 2017; Lin et al. 2018, both with 26,000 images; with N there are at most N ids to hit,
    and a perfect generator has a mode_kl of about ``K / 2N``).

    The reference gives the distance its scale: ``frechet_real``, between two halves of the real sample, is
    about what a perfect generator would get; ``feature_variance``, ``tr(C_r)``, is what a generator of one single image
    at the mean of the features would get.
    """

    def __init__(self, source: Source, truth: ImageTruth, features: Features, *, device: torch.device) -> None:
        self._net, self._head = features.net.to(device), features.head.to(device)
        self._labeled = features.task == "labels"
        self._classes, self._stacked = truth.classes, truth.channel_classes > 0
        real = self._features(source.reference(_REFERENCE)[None])
        self._mean, self._covariance = _moments(real)
        half = real.shape[1] // 2
        self.reference = {
            "frechet_real": frechet(*_moments(real[:, :half]), *_moments(real[:, half:])),
            "feature_variance": self._covariance.diagonal(dim1=-2, dim2=-1).sum(-1),
        }
        if self._stacked:
            self.reference["class_weights"] = torch.full((self._classes,), 1 / self._classes, dtype=torch.float64)
        elif self._labeled:
            self.reference["class_weights"] = self._shares(self._read(real)[0])[0]

    @torch.no_grad()
    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.flatten(1).isfinite().all(1)
        features = self._features(torch.where(finite.view(-1, *[1] * (samples.ndim - 1)), samples, 0.0))
        # Finite pixels can be too large for the net, and eigenvalues of anything infinite raise for the whole stack.
        finite &= features.flatten(1).isfinite().all(1)
        features = torch.where(finite[:, None, None], features, 0.0)
        read, confidence = self._read(features)
        columns = {
            "frechet_classifier": frechet(*_moments(features), self._mean, self._covariance),
            "frechet_error": self._error(features),
            "class_confidence": confidence.mean(-1),
        }
        if self._labeled:
            columns["class_share"] = self._shares(read)
            if view.labels is not None:
                columns["label_accuracy"] = (read == view.labels).to(torch.float64).mean(-1)
        if self._stacked:
            shares = columns["class_share"]
            columns["modes_hit"] = (shares > 0).sum(-1).to(torch.float64)
            columns["mode_kl"] = log(self._classes) + torch.special.xlogy(shares, shares).sum(-1)
        return {name: _only_finite(value, finite) for name, value in columns.items()}

    def _error(self, features: Tensor) -> Tensor:
        if features.shape[1] < 8:
            return torch.full(features.shape[:1], torch.nan, dtype=torch.float64, device=features.device)
        parts = features.chunk(4, 1)
        distances = torch.stack([frechet(*_moments(part), self._mean, self._covariance) for part in parts])
        error: Tensor = distances.std(0) / len(parts) ** 0.5
        return error

    def _features(self, samples: Tensor) -> Tensor:
        """Map ``[R, N, C, H, W] -> [R, N, d]``, in parts: tens of thousands of images would fill the memory."""
        parts = [self._net(part) for part in samples.flatten(0, 1).to(torch.float32).split(_CHUNK)]
        features: Tensor = torch.cat(parts).unflatten(0, samples.shape[:2])
        return features

    def _read(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the class that each sample is read as, and its probability: ``[R, N, d] -> [R, N], [R, N]``."""
        found = [_largest(self._head(part)) for part in features.split(_CHUNK, 1)]
        return torch.cat([classes for classes, _ in found], 1), torch.cat([share for _, share in found], 1)

    def _shares(self, read: Tensor) -> Tensor:
        """Count ``[R, N] -> [R, K]``; one-hot vectors would be gigabytes for a thousand classes."""
        counts = torch.zeros(len(read), self._classes, dtype=torch.float64, device=read.device)
        counts.scatter_add_(1, read, torch.ones_like(read, dtype=torch.float64))
        return counts / read.shape[1]


class Measured:
    """The measurement of a plugin, as a column of its name; NaN for replicas whose samples are not finite."""

    def __init__(self, name: str, function: plugins.Measurement, source: Source) -> None:
        self._name, self._function = name, function
        self._real = source.reference(_REFERENCE)
        self.reference: dict[str, Tensor] = {}

    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.flatten(1).isfinite().all(1)
        safe = torch.where(finite.view(-1, *[1] * (samples.ndim - 1)), samples, 0.0)
        try:
            value: Any = self._function(safe, self._real)  # whatever a plugin returns
        except Exception as error:  # or raises
            shape = ", ".join(map(str, samples.shape[2:]))
            said = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ValueError(f"the measurement {self._name} must measure samples [R, N, {shape}], got {said}") from None
        if not isinstance(value, Tensor) or value.ndim not in (1, 2) or len(value) != len(samples):
            got = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"the measurement {self._name} must return [R] or [R, K] for R = {len(samples)}, got {got}"
            )
        return {self._name: _only_finite(value.to(torch.float64), finite)}


def frechet(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> Tensor:
    """Return the squared Fréchet distance of Gaussians, over leading axes; ``>= 0`` up to rounding, which is clipped.

    Uses ``tr (B^1/2 A B^1/2)^1/2`` with symmetric eigenvalues only: no matrix root of a non-symmetric product and
    none of its complex remainders. Dowson & Landau 1982, eq. 16.
    """
    values, vectors = torch.linalg.eigh(covariance_b)
    root = (vectors * values.clamp_min(0).sqrt()[..., None, :]) @ vectors.mT
    cross = torch.linalg.eigvalsh(root @ covariance_a @ root).clamp_min(0).sqrt().sum(-1)
    traces = (covariance_a + covariance_b).diagonal(dim1=-2, dim2=-1).sum(-1)
    distance: Tensor = (mean_a - mean_b).square().sum(-1) + traces - 2 * cross
    return distance.clamp_min(0)


def probes_for(config: Config, source: Source, features: Features | None, *, device: torch.device) -> list[Probe]:
    """Return the probes that apply to a configuration on its data set.

    Raises:
        ValueError: if images come without features.
    """
    samples = config.evaluation.samples
    probes: list[Probe] = [SampleCount(samples), Diversity(source)]
    if isinstance(source.truth, MixtureTruth):
        probes.append(MixtureFit(source.truth, device=device))
        if Theory.applies(source):
            probes.append(Theory(config, source, source.truth, device=device))
    elif features is None:
        raise ValueError("image data need the features of a classifier to be measured, got none")
    else:
        probes.append(ImageFit(source, source.truth, features, device=device))
        if isinstance(source, ImageSource):
            probes.append(ImageSupport(source, features, samples=samples, device=device))
        if _by_class(config, source.truth):
            probes.append(ClassDiversity(source.truth))
    return [*probes, *(Measured(name, own, source) for name, own in plugins.measurements().items())]


def _by_class(config: Config, truth: ImageTruth) -> bool:
    """Return whether samples are made for classes; of a recorded training whether they may be."""
    if isinstance(config, RecordedConfig):
        return truth.labels is not None and not truth.channel_classes
    return isinstance(config, GanConfig) and not isinstance(config.conditioning, Unconditional)


def constants(probes: Sequence[Probe]) -> dict[str, list[float]]:
    """Return the constants of the data that a trace carries for its readers, from all probes."""
    return {name: value.flatten().tolist() for probe in probes for name, value in probe.reference.items()}


def _largest(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Return the class with the largest logit and its probability: ``[..., K] -> [...], [...]``."""
    return logits.argmax(-1), logits.softmax(-1).amax(-1)


def _mean_distance(samples: Tensor) -> Tensor:
    """Return the mean L2 distance over distinct pairs: ``[R, N, ...] -> [R]``."""
    flat = samples.flatten(2)
    count = flat.shape[1]
    return _distances(flat, flat).sum((1, 2)) / (count * (count - 1))


def _pairwise(samples: Tensor) -> tuple[Tensor, Tensor]:
    """Return each sample's mean L2 distance to the others, and to the nearest: ``[R, N, ...] -> [R, N], [R, N]``."""
    flat = samples.flatten(2)
    distances = _distances(flat, flat)
    mean = distances.sum(-1) / (flat.shape[1] - 1)
    distances.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    return mean, distances.amin(-1)


def _ratio(own: Tensor, real: Tensor) -> Tensor:
    return torch.where(own == real, 1.0, own / real)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Return L2 distances of all pairs in float64: the squares of what a diverging generator makes overflow float32."""
    # The exact form: the usual matrix-product form cannot tell a collapsed batch from a nearly collapsed one.
    return torch.cdist(a.to(torch.float64), b.to(torch.float64), compute_mode="donot_use_mm_for_euclid_dist")


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and unbiased covariance in float64: ``[R, N, d] -> [R, d], [R, d, d]``."""
    double = features.to(torch.float64)
    mean = double.mean(1)
    centered = double - mean[:, None]
    return mean, centered.mT @ centered / (features.shape[1] - 1)


def _only_finite(values: Tensor, finite: Tensor) -> Tensor:
    return torch.where(finite if values.ndim == 1 else finite[:, None], values, torch.nan)
