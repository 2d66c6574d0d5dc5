"""The ring of Gaussians, in the published variants that differ in one mode."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Literal

import numpy as np

from trainables.data.source import MOST_MODES, MixtureSource, MixtureTruth
from trainables.later import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """``modes`` Gaussians of standard deviation ``std`` on a circle, at (sin, cos) of equally spaced angles.

    With ``doubled`` the list of centers repeats its first one, as ``linspace(0, 2 pi, modes + 1)`` with its end
    point does in the LSGAN authors' code: 8 distinct modes of which one has weight 2/9, the others 1/9.

    Mao et al. 2017, section 4.4 (authors' mixture code: radius 1, std 0.01). The Unrolled GAN demo, with 8 points of
    the closed range, has 7 distinct modes: that is ``Ring(modes=7, doubled=True)``. Gulrajani et al. 2017 (authors' toy
    script, "8gaussians") place 8 modes on radius 2 with std 0.02 and divide samples and noise by 1.414:
    ``Ring(radius=2 / 1.414, std=0.02 / 1.414)``, the same eight places in another order.
    """

    kind: Literal["ring"] = "ring"
    modes: int = 8
    radius: float = 1.0
    std: float = 0.01
    doubled: bool = False
    source: ClassVar[str] = "Mao et al. 2017, section 4.4 (authors' mixture code)"

    def __post_init__(self) -> None:
        if not 1 <= self.modes <= MOST_MODES:
            raise ValueError(f"modes must be in 1..{MOST_MODES}, got {self.modes}")
        for name, value in (("radius", self.radius), ("std", self.std)):
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be > 0, got {value}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    @property
    def classes(self) -> int:
        """One class per mode."""
        return self.modes

    def check(self) -> None:
        """Do nothing: no file can be missing."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> MixtureSource:
        angles = 2 * np.pi * np.arange(self.modes) / self.modes
        centers = self.radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        drawn = np.concatenate([centers, centers[:1]]) if self.doubled else centers
        weights = np.ones(self.modes)
        weights[0] += self.doubled
        truth = MixtureTruth(centers=centers, weights=weights / weights.sum(), std=self.std)
        return MixtureSource(truth, drawn, device=device, dtype=dtype)
