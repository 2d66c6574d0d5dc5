"""Real samples that a caller hands over as an array: a launch keeps their digest and shape, and not the samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from trainables.data.source import MOST_MODES, Batch, MixtureTruth
from trainables.later import torch
from trainables.streams import Streams, generator

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST = 2**22
"""Numbers in one table of differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointArray:
    """Real points that were handed over as an array ``[count, dim]``, with the centers of their modes.

    Attributes:
        digest: of the points: equal digests mean equal points.
        count: number of points.
        dim: coordinates of a point.
        modes: centers ``[M, dim]``; a point belongs to the nearest one.
        std: root of the mean squared distance to it, per coordinate.
    """

    kind: Literal["point_array"] = "point_array"
    digest: str
    count: int
    dim: int
    modes: tuple[tuple[float, ...], ...]
    std: float
    source: ClassVar[str] = "the user's own points"

    def __post_init__(self) -> None:
        if not 1 <= len(self.modes) <= MOST_MODES:
            raise ValueError(f"modes must be 1 to {MOST_MODES} centers, got {len(self.modes)}")
        if any(len(center) != self.dim for center in self.modes):
            raise ValueError(f"modes must be centers of {self.dim} coordinates, as the points have")
        if len(set(self.modes)) < len(self.modes):
            raise ValueError("modes must be distinct centers, got one twice")
        if not (isfinite(self.std) and self.std > 0):
            raise ValueError(f"std must be > 0, got {self.std}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dim,)

    @property
    def classes(self) -> int:
        """One class per mode."""
        return len(self.modes)

    def check(self) -> None:
        """Raise ValueError: the points are nowhere but with the caller."""
        _not_kept(self.kind, self.digest)

    def load(self, *, device: torch.device, dtype: torch.dtype) -> PointSource:
        """Raise ValueError: the points are nowhere but with the caller."""
        _not_kept(self.kind, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArray:
    """Real images that were handed over as an array ``[count, channels, side, side]``.

    Attributes:
        digest: of the images and their labels: equal digests mean equal images.
        count: number of images.
        channels: 1 or 3.
        side: height and width.
        classes: number of their classes; 0 for unlabelled images.
    """

    kind: Literal["image_array"] = "image_array"
    digest: str
    count: int
    channels: int
    side: int
    classes: int = 0
    source: ClassVar[str] = "the user's own images"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.side, self.side)

    def check(self) -> None:
        """Raise ValueError: the images are nowhere but with the caller."""
        _not_kept(self.kind, self.digest)

    def load(self, *, device: torch.device, dtype: torch.dtype) -> PointSource:
        """Raise ValueError: the images are nowhere but with the caller."""
        _not_kept(self.kind, self.digest)


def _not_kept(kind: str, digest: str) -> NoReturn:
    raise ValueError(
        f"data of kind {kind} are known by their digest {digest} alone: hand the array over to study.Recorder"
    )


class PointSource:
    """A finite set of points whose modes are known; a batch is drawn without replacement.

    Args:
        points: ``[N, dim]``.
        centers: ``[M, dim]`` of the modes; their weights are the shares of the points that are nearest to them.

    Raises:
        ValueError: if a mode has no point.
    """

    def __init__(self, points: npt.NDArray[np.float32], centers: npt.NDArray[np.float64]) -> None:
        nearest, distance = _nearest(points.astype(np.float64), centers)
        counts = np.bincount(nearest, minlength=len(centers))
        if not counts.all():
            raise ValueError(f"modes must each be nearest to some point of data, got none for mode {counts.argmin()}")
        std = float(np.sqrt((distance**2).mean() / points.shape[1]))
        self.truth = MixtureTruth(centers=centers, weights=counts / counts.sum(), std=std)
        self.shape = (points.shape[1],)
        self.digest = digest_of(points)
        self._points, self._labels = torch.from_numpy(points), torch.from_numpy(nearest)

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        picks = [self._picks(generator(seed, "data", counter), size) for seed in streams.seeds]
        rows = torch.from_numpy(np.stack(picks))
        return Batch(self._points[rows], self._labels[rows])

    def reference(self, size: int) -> Tensor:
        return self._points[torch.from_numpy(self._picks(generator(0, "reference"), size))]

    def _picks(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.int64]:
        count = len(self._points)
        return np.concatenate([rng.permutation(count) for _ in range(-(-size // count))])[:size]


def digest_of(*arrays: npt.NDArray[np.generic]) -> str:
    """Return 16 hex digits over the types, shapes and values of arrays."""
    digest = blake2b(digest_size=8)
    for array in arrays:
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def as_modes(centers: npt.NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    """Return centers as a configuration holds them."""
    return tuple(tuple(float(value) for value in center) for center in centers)


def _nearest(
    points: npt.NDArray[np.float64], centers: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the number of the nearest center of each point ``[N]``, and its distance."""
    found: list[Sequence[npt.NDArray[np.float64]]] = []
    for part in np.array_split(points, max(1, len(points) * centers.size // _LARGEST)):
        apart = np.linalg.norm(part[:, None] - centers[None], axis=2)
        found.append((apart.argmin(1), apart.min(1)))
    return np.concatenate([own[0] for own in found]).astype(np.int64), np.concatenate([own[1] for own in found])
