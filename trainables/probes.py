"""Probes: what is measured of every replica at every report. Each column of a trace is defined here.

A probe takes the view of a report, generated samples of the whole stack before all, and returns one value, or one
list, per replica. It draws nothing and changes nothing. Values of a replica whose samples are not finite are NaN, and
no other replica sees them.

To add a measurement, write a probe and name it in ``probes_for``: the trace's columns follow.
"""

from typing import Protocol

import torch
from torch import Tensor

from trainables.config import Config
from trainables.data.source import ImageTruth, MixtureTruth, Source
from trainables.features import Features
from trainables.phases import View

RADII = (3, 10, 30)
"""Radii, in standard deviations of a mode, at which a generated point counts as belonging to it. The literature uses
3 (VEEGAN, PacGAN); at std 0.01 that calls 1-3 % of a run that visibly covers the ring good, so larger ones are kept."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_PAIRS = 256
_REFERENCE = 2_048


class Probe(Protocol):
    """One group of columns."""

    reference: dict[str, Tensor]
    """Constants of the data that a reader of the columns needs, in the same units."""

    def measure(self, view: View) -> dict[str, Tensor]:
        """Column name to ``[R]`` or ``[R, K]``."""
        ...


class Diversity:
    """``diversity``: mean pairwise L2 distance of generated samples over that of real ones. 1 is like the data.

    Over the first 256 samples of each; 0 means that all samples are the same.
    """

    def __init__(self, source: Source) -> None:
        self._real = _mean_distance(source.reference(_PAIRS)[None])
        self.reference = {"data_diversity": self._real}

    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.flatten(1).isfinite().all(1)
        return {"diversity": _only_finite(_mean_distance(samples[:, :_PAIRS]) / self._real, finite)}


class MixtureFit:
    """How generated points sit on the modes of a Gaussian mixture.

    With ``k(i)`` the nearest centre of point i and ``d_i`` its distance: ``mode_share_r<q>`` is the share of *all*
    points with ``k(i) = m`` and ``d_i < q std``, per mode; ``hq_share_r<q>`` their sum; ``distance_quantiles`` those of
    ``d_i`` at 5, 25, 50, 75 and 95 %. Srivastava et al. 2017 and Lin et al. 2018 use q = 3 and count a mode from one
    point on; here the shares are kept and the counting is left to the outcome rule.
    """

    def __init__(self, truth: MixtureTruth, *, device: torch.device) -> None:
        self._centres = torch.from_numpy(truth.centres).to(device=device, dtype=torch.float64)
        self._std = truth.std
        std = torch.tensor([truth.std], dtype=torch.float64)
        self.reference = {"mode_weights": torch.from_numpy(truth.weights), "std": std}

    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.isfinite().all(-1).all(-1)
        distance, mode = _distances(samples, self._centres).min(-1)
        member = torch.nn.functional.one_hot(mode, len(self._centres)).to(distance.dtype)
        columns: dict[str, Tensor] = {}
        for radius in RADII:
            near = (distance < radius * self._std).to(distance.dtype)
            columns[f"mode_share_r{radius}"] = (member * near[..., None]).mean(1)
            columns[f"hq_share_r{radius}"] = near.mean(1)
        levels = torch.tensor(QUANTILES, dtype=distance.dtype, device=distance.device)
        columns["distance_quantiles"] = distance.quantile(levels, dim=1).T
        return {name: _only_finite(value, finite) for name, value in columns.items()}


class ImageFit:
    """How generated images sit in the feature space of a small classifier of the data (see ``features``).

    ``frechet_classifier``: squared Fréchet distance between Gaussians fitted to generated and real features,
    ``|m - m_r|^2 + tr(C + C_r - 2 (C_r^1/2 C C_r^1/2)^1/2)`` (Heusel et al. 2017, eq. 6, whose features are
    Inception's; ours are not). ``class_share``: share of generated images per predicted class, for labelled data.
    ``class_confidence``: mean of the largest class probability. ``label_accuracy``: of a conditioned generator, the
    share of images in which the classifier reads the class that they were made for; one over the number of classes is
    chance. The reference gives the distance its scale: ``frechet_real``, between two halves of the real sample, is
    about what a perfect generator would get; ``feature_variance``, ``tr(C_r)``, is what a generator of one single image
    at the mean of the features would get.
    """

    def __init__(self, source: Source, truth: ImageTruth, features: Features, *, device: torch.device) -> None:
        self._net, self._head = features.net.to(device), features.head.to(device)
        self._labelled = features.task == "labels"
        real = self._net(source.reference(_REFERENCE).to(torch.float32))[None]
        self._mean, self._covariance = _moments(real)
        half = real.shape[1] // 2
        self.reference = {
            "frechet_real": frechet(*_moments(real[:, :half]), *_moments(real[:, half:])),
            "feature_variance": self._covariance.diagonal(dim1=-2, dim2=-1).sum(-1),
        }
        if self._labelled:
            self.reference["class_weights"] = self._classes(real)[0]

    @torch.no_grad()
    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples
        finite = samples.flatten(1).isfinite().all(1)
        clean = torch.where(finite.view(-1, *[1] * (samples.ndim - 1)), samples, 0.0).to(torch.float32)
        features = self._net(clean.flatten(0, 1)).unflatten(0, samples.shape[:2])
        # Finite pixels can be too large for the net, and eigenvalues of anything infinite raise for the whole stack.
        finite &= features.flatten(1).isfinite().all(1)
        features = torch.where(finite[:, None, None], features, 0.0)
        columns = {
            "frechet_classifier": frechet(*_moments(features), self._mean, self._covariance),
            "class_confidence": self._head(features).softmax(-1).amax(-1).mean(-1),
        }
        if self._labelled:
            columns["class_share"] = self._classes(features)
            if view.labels is not None:
                read = self._head(features).argmax(-1) == view.labels
                columns["label_accuracy"] = read.to(torch.float64).mean(-1)
        return {name: _only_finite(value, finite) for name, value in columns.items()}

    def _classes(self, features: Tensor) -> Tensor:
        logits = self._head(features)
        shares: Tensor = torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(torch.float64).mean(1)
        return shares


def frechet(mean_a: Tensor, covariance_a: Tensor, mean_b: Tensor, covariance_b: Tensor) -> Tensor:
    """Squared Fréchet distance between Gaussians, over leading axes; ``>= 0`` up to rounding, which is clipped.

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
    """The probes that apply to a configuration on its data set.

    Raises:
        ValueError: if images come without features.
    """
    probes: list[Probe] = [Diversity(source)]
    if isinstance(source.truth, MixtureTruth):
        probes.append(MixtureFit(source.truth, device=device))
    elif features is None:
        raise ValueError("image data need the features of a classifier to be measured, got none")
    else:
        probes.append(ImageFit(source, source.truth, features, device=device))
    return probes


def _mean_distance(samples: Tensor) -> Tensor:
    """Mean L2 distance over distinct pairs: ``[R, N, ...] -> [R]``."""
    flat = samples.flatten(2)
    count = flat.shape[1]
    return _distances(flat, flat).sum((1, 2)) / (count * (count - 1))


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """L2 distances of all pairs, in float64: the squares of what a diverging generator makes overflow float32."""
    # The exact form: the usual matrix-product form cannot tell a collapsed batch from a nearly collapsed one.
    return torch.cdist(a.to(torch.float64), b.to(torch.float64), compute_mode="donot_use_mm_for_euclid_dist")


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and unbiased covariance in float64: ``[R, N, d] -> [R, d], [R, d, d]``."""
    double = features.to(torch.float64)
    mean = double.mean(1)
    centred = double - mean[:, None]
    return mean, centred.mT @ centred / (features.shape[1] - 1)


def _only_finite(values: Tensor, finite: Tensor) -> Tensor:
    return torch.where(finite if values.ndim == 1 else finite[:, None], values, torch.nan)
