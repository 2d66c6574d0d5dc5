"""The Swiss roll: a spiral in the plane."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite, pi
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from trainables.data.source import MOST_MODES, Batch, MixtureTruth
from trainables.later import torch
from trainables.streams import Streams

if TYPE_CHECKING:
    from torch import Tensor

FIRST, LAST = 1.5 * pi, 4.5 * pi
"""The range of the angle t, in radians: one and a half turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwissRoll:
    """``(t cos t, t sin t) / divisor`` plus normal noise, t uniform on [1.5 pi, 4.5 pi).

    The noise has the deviation ``noise / divisor`` per coordinate.
    The x-z plane of scikit-learn's ``make_swiss_roll``, written anew; noise 0.25 and divisor 7.5 as in Gulrajani et
    al. 2017 (authors' toy script), where the roll reaches from -1.5 to 1.9. t is uniform in angle, not in length, so
    the density per length falls outwards like 1 / t.

    What evaluation compares against is a mixture: ``arcs`` pieces of equal probability, each with its centre at the
    middle of its piece. With 128 arcs the centres are 1.4 (inside) to 4.1 (outside) deviations of the noise apart:
    fine enough to count how much of the roll is covered, too coarse to be the density.
    """

    kind: Literal["swiss_roll"] = "swiss_roll"
    noise: float = 0.25
    divisor: float = 7.5
    arcs: int = 128
    source: ClassVar[str] = "Gulrajani et al. 2017, section 4 (authors' toy script)"

    def __post_init__(self) -> None:
        for name, value in (("noise", self.noise), ("divisor", self.divisor)):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be > 0, got {value}")
        if not 2 <= self.arcs <= MOST_MODES:
            raise ValueError(f"arcs must be in 2..{MOST_MODES}, got {self.arcs}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    def check(self) -> None:
        """Do nothing: no file can be missing."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> RollSource:
        middles = FIRST + (LAST - FIRST) * (np.arange(self.arcs) + 0.5) / self.arcs
        truth = MixtureTruth(
            centers=_curve(middles) / self.divisor,
            weights=np.full(self.arcs, 1 / self.arcs),
            std=self.noise / self.divisor,
        )
        return RollSource(truth, self.divisor, device=device, dtype=dtype)


class RollSource:
    """Fresh samples of the roll at every step, continuous along the curve; unlabelled.

    Args:
        truth: the arcs, for evaluation, and the noise.
        divisor: what the curve is divided by.
    """

    def __init__(self, truth: MixtureTruth, divisor: float, *, device: torch.device, dtype: torch.dtype) -> None:
        self.truth = truth
        self.shape = (2,)
        self.digest = blake2b(f"swiss roll {divisor!r} {truth.std!r}".encode(), digest_size=8).hexdigest()
        self._divisor, self._device, self._dtype = divisor, device, dtype

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        return Batch(self._drawn_from(streams, "data", counter, size), None)

    def reference(self, size: int) -> Tensor:
        return self._drawn_from(Streams([0], self._device), "reference", 0, size)[0]

    def _drawn_from(self, streams: Streams, stream: str, counter: int, size: int) -> Tensor:
        noise = streams.normal(stream, counter, (size, 2)).to(self._device)
        t = FIRST + (LAST - FIRST) * streams.uniform(f"{stream}/angle", counter, (size,)).to(noise).double()
        curve = torch.stack([t * t.cos(), t * t.sin()], -1) / self._divisor
        return (noise * self.truth.std + curve.float()).to(self._dtype)


def _curve(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Place parameters on the curve: ``[N] -> [N, 2]``."""
    return np.stack([t * np.cos(t), t * np.sin(t)], axis=-1)
