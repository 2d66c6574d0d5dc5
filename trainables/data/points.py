"""Points of the user's own arrays, with the centers of their modes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from trainables.data import formats
from trainables.data.source import MOST_MODES, Batch, MixtureTruth, Walk
from trainables.data.stored import Encoded, Numbers, Stored
from trainables.data.walking import NUMBERS_ARE_NAMES, folder_of
from trainables.later import torch
from trainables.streams import Streams, generator
from trainables.text import printable

if TYPE_CHECKING:
    from torch import Tensor

POINTS = ("points", "x", "data")
MODES = ("modes", "centers")
"""Usual names, in lower case; the first that is there counts."""
MOST_NUMBERS = 2**28
"""Coordinates that are kept in memory, in 1 GB."""
_TABLE = 2**22
"""Numbers in one table of differences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointFile:
    """Points ``[N, dim]`` in a file of floats, with the centers ``[M, dim]`` of their modes.

    A point belongs to the nearest center. What evaluation compares against is the mixture of normal densities around
    these centers: a mode's weight is the share of its points, and the standard deviation, the same for all, the root of
    the mean squared distance to the center per coordinate. No rule can judge points whose modes are not known.

    Attributes:
        path: an ``.npy``, ``.npz`` or Parquet file, as of ``array``; relative to the working folder.
        key: the array of points, where there are several; by default points, x, or data.
        modes: an ``.npy`` file with the centers; by default the array modes or centers in ``path``.
        dim: coordinates of a point.
    """

    kind: Literal["points"] = "points"
    path: str = "data/points.npy"
    key: str = ""
    modes: str = ""
    dim: int = 2
    source: ClassVar[str] = "the user's own points"
    paths: ClassVar[tuple[str, ...]] = ("path", "modes")
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        if not 1 <= self.dim <= 1_024:
            raise ValueError(f"dim must be in 1..1024, got {self.dim}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dim,)

    @property
    def classes(self) -> int:
        """One class per mode, counted in the file; 0 if it cannot be read."""
        return self.counted_classes() or 0

    def counted_classes(self) -> int | None:
        """Return the number of modes, which is read once; None if they cannot be read, as ``check`` says."""
        try:
            places = [folder_of(own, field) for own, field in ((self.path, "path"), (self.modes, "modes")) if own]
            return _classes(self, tuple(state for place in places for state in formats.states(place)))
        except (OSError, ValueError):
            return None

    @property
    def advice(self) -> str:
        return (
            "name an array of points and one of their modes: study data check points --set path=FILE --set modes=FILE"
        )

    def check(self) -> None:
        """Look for the points and their modes.

        Raises:
            ValueError: if they are not there, or are none.
        """
        found = formats.opened(folder_of(self.path, "path"))
        self._array(found)
        self._centers(found)

    def load(self, *, device: torch.device, dtype: torch.dtype) -> PointSource:
        """Read the points into memory.

        Raises:
            ValueError: as ``check``, or if some are not finite, or a mode has none.
        """
        found = formats.opened(folder_of(self.path, "path"))
        array = self._array(found)
        centers = self._centers(found)
        points = np.concatenate([np.asarray(part, dtype=np.float32) for part in array.parts()])
        if not np.isfinite(points).all():
            raise ValueError(f"points must be finite, got NaN or infinity in {printable(str(found.path))}")
        return PointSource(points, centers, device=device, dtype=dtype)

    def remarks(self) -> tuple[str, ...]:
        """Return which arrays of the file are not used."""
        found = formats.opened(folder_of(self.path, "path"))
        used = {found.chosen(self.key, POINTS, option="key"), None if self.modes else found.field("", MODES, option="")}
        left = [printable(name) for name in found.fields if name not in used]
        return (f"the fields {', '.join(left)} not used",) if left else ()

    def readings(self) -> tuple[str, ...]:
        """Return how the numbers are read otherwise than they are stored."""
        array = self._array(formats.opened(folder_of(self.path, "path")))
        rounded = "" if array.dtype == np.float32 else ", rounded to float32"
        return (f"as {array.dtype.name} {list(array.shape)}{rounded}",)

    def _array(self, found: Stored) -> Numbers:
        array = found.array(found.chosen(self.key, POINTS, option="key"))
        here = printable(str(found.path))
        if isinstance(array, Encoded) or len(array.shape) != 2 or array.dtype.kind != "f":
            got = "encoded images" if isinstance(array, Encoded) else f"{array.dtype} {list(array.shape)}"
            raise ValueError(f"points must be an array [N, dim] of floats, got {got} in {here}")
        if array.shape[1] != self.dim:
            raise ValueError(f"dim must be {array.shape[1]}, as the points in {here} have, got {self.dim}")
        if prod(array.shape) > MOST_NUMBERS:
            raise ValueError(
                f"points must have at most {MOST_NUMBERS:,} coordinates in all, got {prod(array.shape):,} in {here}:"
                " take a part of them"
            )
        return array

    def _centers(self, found: Stored) -> npt.NDArray[np.float64]:
        if self.modes:
            found = formats.opened(folder_of(self.modes, "modes"))
            name: str | None = found.chosen("", MODES, option="modes")
        else:
            name = found.field("", MODES, option="modes")
        if name is None:
            raise ValueError(
                f"modes must be given for points, an .npy file of their centers [M, {self.dim}] or a field modes beside"
                f" them, got none in {printable(str(found.path))}: no rule can judge points whose modes are not known"
            )
        array: Any = found.array(name)
        shape = [] if isinstance(array, Encoded) else list(array.shape)
        if len(shape) != 2 or shape[1] != self.dim or not 1 <= shape[0] <= MOST_MODES or array.dtype.kind not in "fiu":
            raise ValueError(
                f"modes must be 1 to {MOST_MODES:,} centers of {self.dim} coordinates, got an array of the shape"
                f" {shape} in {printable(str(found.path))}"
            )
        centers: npt.NDArray[np.float64] = array.whole().astype(np.float64)
        if not np.isfinite(centers).all() or len(np.unique(centers, axis=0)) < len(centers):
            raise ValueError("modes must be finite, distinct centers, got NaN, infinity, or one twice")
        return centers


@lru_cache(maxsize=64)
def _classes(data: PointFile, states: tuple[formats.State, ...]) -> int:
    """Count the modes of files in these states."""
    return len(data._centers(formats.opened(folder_of(data.path, "path"))))


class PointSource:
    """A finite set of points whose modes are known; batches walk through it (``Walk``).

    A sample for evaluation that asks for more points than there are has all of them first.

    Args:
        points: ``[N, dim]``.
        centers: ``[M, dim]`` of the modes; their weights are the shares of the points that are nearest to them.
        device, dtype: of what it returns.

    Raises:
        ValueError: if a mode has no point, or all points lie on modes.
    """

    def __init__(
        self,
        points: npt.NDArray[np.float32],
        centers: npt.NDArray[np.float64],
        *,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        nearest, squares = _nearest(points, centers)
        counts = np.bincount(nearest, minlength=len(centers))
        if not counts.all():
            raise ValueError(f"modes must each be nearest to some point, got none for mode {counts.argmin()}")
        std = float(np.sqrt(squares / points.size))
        if not std:
            raise ValueError("points must vary around their modes, got points that all lie on them")
        self.truth = MixtureTruth(centers=centers, weights=counts / counts.sum(), std=std)
        self.shape = (points.shape[1],)
        digest = blake2b(f"{points.shape} {centers.shape}".encode(), digest_size=8)
        digest.update(np.ascontiguousarray(points).data)
        digest.update(np.ascontiguousarray(centers).data)
        self.digest = digest.hexdigest()
        self._points = torch.from_numpy(points).to(device=device, dtype=dtype)
        self._labels = torch.from_numpy(nearest).to(device)
        self._every = torch.arange(len(points), dtype=torch.int32, device=device)
        self._walk = Walk(self._every)

    def __len__(self) -> int:
        return len(self._points)

    def check_batch(self, size: int, packing: int = 1) -> None:
        """Raise ValueError if there are fewer points than a batch of so many packs takes."""
        if size * packing > len(self):
            raise ValueError(
                f"batch_size must be at most {len(self) // packing}, as there are {len(self)} points, got {size}"
            )

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        whole, rest = divmod(size, len(self))
        parts = [self._every.expand(len(streams.seeds), -1)] * whole
        rows = torch.cat([*parts, *([self._walk.batch(streams.seeds, counter, rest)] if rest else [])], 1)
        return Batch(self._points[rows], self._labels[rows])

    def reference(self, size: int) -> Tensor:
        """Return the first ``size`` points of a fixed permutation, which starts again where it ends."""
        order = np.resize(generator(0, "reference").permutation(len(self)), size)
        return self._points[torch.from_numpy(order).to(self._points.device)]


def _nearest(points: npt.NDArray[np.float32], centers: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.int64], float]:
    """Return the number of the nearest center of each point ``[N]``, and the sum of the squared distances to them."""
    nearest, squares = np.empty(len(points), dtype=np.int64), 0.0
    step = max(1, _TABLE // centers.size)
    for start in range(0, len(points), step):
        apart = np.square(points[start : start + step, None].astype(np.float64) - centers[None]).sum(2)
        nearest[start : start + step] = apart.argmin(1)
        squares += float(apart.min(1).sum())
    return nearest, squares
