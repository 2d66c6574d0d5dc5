"""One point: the data of the Dirac-GAN."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from trainables.data.source import Batch, MixtureTruth
from trainables.later import torch
from trainables.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Every sample is exactly 0, in one dimension. Mescheder et al. 2018, definition 2.1.

    Attributes:
        std: of no sample: the unit in which the probes measure distances to the point, so that ``hq_share_r10`` is the
            share of generated points with ``|x| < 10 std``.
    """

    kind: Literal["point"] = "point"
    std: float = 0.01
    source: ClassVar[str] = "Mescheder et al. 2018, definition 2.1"

    def __post_init__(self) -> None:
        if not (isfinite(self.std) and self.std > 0):
            raise ValueError(f"std must be > 0, got {self.std}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (1,)

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    def check(self) -> None:
        """Do nothing: no file can be missing."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> PointSource:
        truth = MixtureTruth(centers=np.zeros((1, 1)), weights=np.ones(1), std=self.std)
        return PointSource(truth, device=device, dtype=dtype)


class PointSource:
    """The one centre of a truth, again and again; no random number enters."""

    def __init__(self, truth: MixtureTruth, *, device: torch.device, dtype: torch.dtype) -> None:
        self.truth = truth
        self.shape = (truth.centers.shape[1],)
        self.digest = blake2b(b"point" + truth.centers.tobytes(), digest_size=8).hexdigest()
        self._point = torch.from_numpy(truth.centers[0]).to(device=device, dtype=dtype)

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        return Batch(self._point.expand(len(streams.seeds), size, *self.shape), None)

    def reference(self, size: int) -> Tensor:
        return self._point.expand(size, *self.shape)
