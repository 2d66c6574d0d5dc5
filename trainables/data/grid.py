"""The square grid of Gaussians."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isqrt
from typing import ClassVar, Literal

import numpy as np

from trainables.data.source import MOST_MODES, MixtureSource, MixtureTruth
from trainables.later import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """``side^2`` Gaussians of equal weight on a square grid around 0; everything is divided by ``divisor``.

    A coordinate of a centre is one of ``spacing * (i - (side - 1) / 2) / divisor``, the standard deviation of every
    component ``std / divisor``. The defaults are the 25 modes of Lin et al. 2018 (authors' code), {-4, -2, 0, 2, 4}^2
    with std 0.05. Gulrajani et al. 2017 (authors' toy script) draw the same and divide it by 2.828, so that the
    coordinates have a variance near 1: ``Grid(divisor=2.828)``, 25 modes of std 0.0177 at a distance of 0.707. Both
    take their 100,000 training points from a fixed set; ours are fresh in every batch.
    """

    kind: Literal["grid"] = "grid"
    side: int = 5
    spacing: float = 2.0
    std: float = 0.05
    divisor: float = 1.0
    source: ClassVar[str] = "Lin et al. 2018, section 4.1; Gulrajani et al. 2017 (authors' toy script) for the divisor"

    def __post_init__(self) -> None:
        if not 2 <= self.side <= isqrt(MOST_MODES):
            raise ValueError(f"side must be in 2..{isqrt(MOST_MODES)}, got {self.side}")
        for name, value in (("spacing", self.spacing), ("std", self.std), ("divisor", self.divisor)):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be > 0, got {value}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def classes(self) -> int:
        """One class per mode."""
        return self.side**2

    def check(self) -> None:
        """Do nothing: no file can be missing."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> MixtureSource:
        places = self.spacing / self.divisor * (np.arange(self.side) - (self.side - 1) / 2)
        centers = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1).reshape(-1, 2)
        weights = np.full(len(centers), 1 / len(centers))
        truth = MixtureTruth(centers=centers, weights=weights, std=self.std / self.divisor)
        return MixtureSource(truth, centers, device=device, dtype=dtype)
