"""How generated images cover the support of real ones, by nearest neighbors, and whether they repeat training images.

Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020), with k = 5 and sets of equal
size n, in two spaces: the features of the small classifier, and *pixels*, projected on their first principal
components. A classifier is trained to ignore what varies within a class, so that one image per class is nearly perfect
to it; pixels see that, and need no labels.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.source import ImageSource
from trainables.features import Features, as_floats
from trainables.phases import View
from trainables.streams import generator

NEIGHBORS = 5
MOST = 512
"""Images of a set whose neighbors are looked for. Density and coverage depend on the size of the sets."""
COMPONENTS = 32
SIDE = 16
"""Larger images are averaged to this side before they are projected: sharper detail is left to the features."""
SPACES = ("features", "pixels")
_FITTED = 2_048
_SEARCHED = 20_000
_CHUNK = 1_024


class Manifold(NamedTuple):
    """Four shares of one generated set against one real set, ``[R]`` each; density may exceed 1."""

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def manifold(real: Tensor, generated: Tensor, neighbors: int = NEIGHBORS, *, reach: Tensor | None = None) -> Manifold:
    """Compare generated points ``[R, N, d]`` with real ones ``[M, d]``, whose balls have the radii ``reach``, if known.

    With ``B(x)`` the ball around a point that reaches its k-th nearest neighbor *in its own set*: precision is the
    share of generated points in any real ball, recall the share of real points in any generated ball (Kynkäänniemi et
    al. 2019, eq. 1 and 2); density the mean number of real balls around a generated point over k, coverage the share of
    real balls that hold a generated point (Naeem et al. 2020, eq. 3 and 4).

    Raises:
        ValueError: if a set has no more than k points.
    """
    if min(len(real), generated.shape[1]) <= neighbors:
        raise ValueError(f"both sets need more than {neighbors} points, got {len(real)} and {generated.shape[1]}")
    across = torch.cdist(real[None], generated)
    inside = across < (radii(real, neighbors) if reach is None else reach)[None, :, None]
    around = across < radii(generated, neighbors)[:, None]
    return Manifold(
        precision=inside.any(1).double().mean(1),
        recall=around.any(2).double().mean(1),
        density=inside.double().sum(1).mean(1) / neighbors,
        coverage=inside.any(2).double().mean(1),
    )


class ImageSupport:
    """How the support of the data is covered, and whether training images are repeated.

    ``knn_precision_<space>``, ``knn_recall_<space>``, ``knn_density_<space>``, ``knn_coverage_<space>``: see
    :func:`manifold`, of the first n generated images against n training images, n at most 512; the spaces are
    ``features`` and ``pixels``. Random directions of noise hardly change the projected pixels, so copies with noise are
    still copies there.

    ``distinctness``: median distance of a generated image to the nearest other one, in projected pixels, over the same
    of real images. 1 is like the data; a few images over and over are far below it, also with noise.

    ``memorization``: with s the share of generated images whose nearest real image is one of those trained on, and not
    one held out, and p the share of these among all real images: ``(s - p) / (1 - p)``. 0 for images that are new, 1
    for copies of training images, also with noise, and negative for copies of held-out ones (compare Meehan et al.
    2020). Of more than 20,000 training images only so many are searched, and copies of the others are not seen.

    ``residue``: median distance of a generated image to its projection, over the same of held-out images (of other real
    ones, if none is held out). What lies outside the data's principal components is noise or a pattern, such as the
    checkerboard of transposed convolutions (Odena et al. 2016), which no distance between generated images shows. 1 is
    like the data. Images that are averaged first add what the average leaves out.

    ``distinctness_error``, ``residue_error``: standard errors. The reference gives the scale:
    ``knn_coverage_floor_<space>`` is the coverage of images without structure, normal with mean and covariance of the
    pixels, clipped to [-1, 1]; ``knn_coverage_ceiling_<space>`` and ``knn_recall_ceiling_<space>`` are those of other
    real images.
    """

    def __init__(self, source: ImageSource, features: Features, *, samples: int, device: torch.device) -> None:
        self._net, self._device = features.net.to(device), device
        trained = source.trained_on[torch.from_numpy(generator(0, "neighbors").permutation(len(source.trained_on)))]
        images = _floats(source, trained[:_FITTED]).to(device)
        self._count = max(0, min(samples, MOST, len(images) // 2))
        self._fit_projection(images)
        self.reference: dict[str, Tensor] = {"neighbors": torch.tensor([float(self._count)], dtype=torch.float64)}
        if self._count <= NEIGHBORS:
            return
        own, other = images[: self._count], images[self._count : 2 * self._count]
        self._real = {space: self._in(space, own[None])[0] for space in SPACES}
        self._searched, self._held = (
            self._projected(source, trained[:_SEARCHED]),
            self._projected(source, source.kept_back),
        )
        self._reach = {space: radii(points, NEIGHBORS) for space, points in self._real.items()}
        self._real_spacing = _nearest_other(self._real["pixels"][None]).median(1).values
        fresh = _floats(source, source.kept_back[:MOST]).to(device) if len(source.kept_back) else other
        self._real_residue = self._residues(fresh[None]).median(1).values
        draws = generator(0, "without structure").standard_normal((self._count, len(images)))
        null = without_structure(images, torch.from_numpy(draws))
        for space in SPACES:
            ceiling, floor = (manifold(self._real[space], self._in(space, x[None])) for x in (other, null))
            self.reference |= {
                f"knn_coverage_floor_{space}": floor.coverage,
                f"knn_coverage_ceiling_{space}": ceiling.coverage,
                f"knn_recall_ceiling_{space}": ceiling.recall,
            }

    @torch.no_grad()
    def measure(self, view: View) -> dict[str, Tensor]:
        samples = view.samples[:, : self._count]
        if self._count <= NEIGHBORS:
            return {}
        finite = view.samples.flatten(1).isfinite().all(1)
        samples = torch.where(finite.view(-1, *[1] * (samples.ndim - 1)), samples, 0.0)
        points = {space: self._in(space, samples) for space in SPACES}
        for own in points.values():
            finite &= own.flatten(1).isfinite().all(1)
        columns: dict[str, Tensor] = {}
        for space, own in points.items():
            points[space] = torch.where(finite[:, None, None], own, 0.0)
            found = manifold(self._real[space], points[space], reach=self._reach[space])
            columns |= {f"knn_{name}_{space}": value for name, value in found._asdict().items()}
        columns |= self._copies(points["pixels"])
        residue = self._residues(samples) / self._real_residue
        columns |= {"residue": residue.median(1).values, "residue_error": median_error(residue)}
        return {name: torch.where(finite, value, torch.nan) for name, value in columns.items()}

    def _copies(self, points: Tensor) -> dict[str, Tensor]:
        nearest = _nearest_other(points) / self._real_spacing
        columns = {
            "distinctness": nearest.median(1).values,
            "distinctness_error": median_error(nearest),
        }
        if len(self._held):
            trained, held = (_nearest(points, real) for real in (self._searched, self._held))
            chance = len(self._searched) / (len(self._searched) + len(self._held))
            columns["memorization"] = ((trained < held).double().mean(1) - chance) / (1 - chance)
        return columns

    def _fit_projection(self, images: Tensor) -> None:
        small = _small(images).double()
        self._mean = small.mean(0)
        centered = small - self._mean
        self._directions = torch.linalg.eigh(centered.T @ centered).eigenvectors[:, -COMPONENTS:]

    def _residues(self, images: Tensor) -> Tensor:
        """Return the distance ``[R, N]`` of images to their projection, as a root of the mean square over pixels."""
        parts = [self._residue(part) for part in images.flatten(0, 1).float().split(_CHUNK)]
        residues: Tensor = torch.cat(parts).unflatten(0, images.shape[:2])
        return residues

    def _residue(self, images: Tensor) -> Tensor:
        centered = _small(images).double() - self._mean
        outside = centered - (centered @ self._directions) @ self._directions.T
        square = outside.square().mean(1)
        if images.shape[-1] > SIDE:
            coarse = functional.interpolate(functional.adaptive_avg_pool2d(images, SIDE), images.shape[-2:])
            square = square + (images - coarse).double().square().flatten(1).mean(1)
        residue: Tensor = square.sqrt()
        return residue

    def _projected(self, source: ImageSource, picks: Tensor) -> Tensor:
        parts = [self._in("pixels", _floats(source, part).to(self._device)[None])[0] for part in picks.split(_CHUNK)]
        return torch.cat(parts)

    def _in(self, space: str, images: Tensor) -> Tensor:
        """Map images ``[R, N, C, H, W]`` to points ``[R, N, d]`` of a space, in float64."""
        parts = [self._map(space, part) for part in images.flatten(0, 1).float().split(_CHUNK)]
        points: Tensor = torch.cat(parts).unflatten(0, images.shape[:2])
        return points

    @torch.no_grad()
    def _map(self, space: str, images: Tensor) -> Tensor:
        if space == "features":
            features: Tensor = self._net(images)
            return features.double()
        projected: Tensor = (_small(images).double() - self._mean) @ self._directions
        return projected


def without_structure(images: Tensor, draws: Tensor) -> Tensor:
    """Return images ``[N, ...]`` with the mean and covariance of the pixels and nothing else, clipped to [-1, 1].

    Args:
        images: ``[M, ...]``, whose moments they have.
        draws: ``[N, M]`` standard normal numbers.
    """
    flat = images.flatten(1).double()
    centered = (flat - flat.mean(0)) / max(1, len(images) - 1) ** 0.5
    made = (flat.mean(0) + draws.to(flat) @ centered).clamp(-1, 1)
    shaped: Tensor = made.to(images.dtype).view(len(draws), *images.shape[1:])
    return shaped


def _floats(source: ImageSource, picks: Tensor) -> Tensor:
    return as_floats(source.truth.images[picks.cpu()])


def _small(images: Tensor) -> Tensor:
    side = images.shape[-1]
    shrunk = functional.adaptive_avg_pool2d(images, SIDE) if side > SIDE else images
    flat: Tensor = shrunk.flatten(1)
    return flat


def median_error(values: Tensor) -> Tensor:
    """Return the standard error of the median of each row: ``[R, N] -> [R]``, whatever the distribution.

    The number of values below the true median is binomial, N / 2 with a standard deviation of ``sqrt(N) / 2``. The
    error is half the distance between the values of these ranks on both sides of the middle, as in the interval for a
    median without assumptions (Conover 1999, section 3.2).
    """
    count = values.shape[1]
    middle, spread = (count + 1) / 2, count**0.5 / 2
    low, high = max(1, round(middle - spread)), min(count, round(middle + spread))
    error: Tensor = (values.kthvalue(high, dim=1).values - values.kthvalue(low, dim=1).values) / 2
    return error


def radii(points: Tensor, neighbors: int) -> Tensor:
    """Return the distance to the k-th nearest other point: ``[..., N, d] -> [..., N]``."""
    radius: Tensor = torch.cdist(points, points).kthvalue(neighbors + 1, dim=-1).values  # the nearest is the point
    return radius


def _nearest_other(points: Tensor) -> Tensor:
    distances = torch.cdist(points, points)
    distances.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    nearest: Tensor = distances.amin(-1)
    return nearest


def _nearest(points: Tensor, real: Tensor) -> Tensor:
    """Return the distance of points ``[R, N, d]`` to the nearest of ``[M, d]``."""
    parts = [torch.cdist(points, part[None]).amin(-1) for part in real.split(_CHUNK)]
    return torch.stack(parts).amin(0)
