"""InfoGAN's nets as the study "Are GANs created equal?" has them, for all of its data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.init import Init, Normal
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Infogan:
    """Two strided 4x4 convolutions and fully connected layers, for square images whose side s is a multiple of 4.

    Generator: ``linear to units, (norm), LeakyReLU 0.2; linear to F_1 x s/4 x s/4, (norm per unit), LeakyReLU; deconv4
    s2 to F_2, (norm), LeakyReLU; deconv4 s2 to the image, tanh``. Discriminator: ``conv4 s2 to C_1, LeakyReLU (no
    norm); conv4 s2 to C_2, (norm), LeakyReLU; linear to units, (norm), LeakyReLU; linear to 1``.

    ``features`` is F_1, F_2, ``channels`` C_1, C_2. With latent 64 and images of 28x28x1 the generator has 6,642,241
    parameters, the discriminator 6,559,169. Differs from the study's code in that images are in [-1, 1] and G ends in
    tanh, where theirs are in [0, 1] behind a sigmoid. A conditioned discriminator, which is ours, gets the label's
    vector beside the input of every layer but the first. Chen et al. 2016, appendix C; Lucic et al. 2018 (authors'
    code).
    """

    kind: Literal["infogan"] = "infogan"
    features: tuple[int, int] = (128, 64)
    channels: tuple[int, int] = (64, 128)
    units: int = 1024
    norm: Norm = "batch"
    norm_eps: float = 1e-3
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Chen et al. 2016, appendix C; Lucic et al. 2018 (authors' code)"

    def __post_init__(self) -> None:
        stages.check_maps("features", self.features, 2)
        stages.check_maps("channels", self.channels, 2)
        if self.units < 1:
            raise ValueError(f"units must be >= 1, got {self.units}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image whose side is a multiple of 4, or the norm is spectral.
        """
        sides = stages.exact_sides(shape, 2, "infogan")
        stages.no_spectral(self.norm, "infogan")
        (first, second), side = self.features, sides[0]
        return nn.Sequential(
            nn.Linear(latent, self.units),
            *self._after(self.units),
            nn.LeakyReLU(0.2),
            nn.Linear(self.units, first * side**2),
            *self._after(first * side**2),
            nn.LeakyReLU(0.2),
            nn.Unflatten(1, (first, side, side)),
            stages.up(first, second, 4, *sides[:2]),
            *self._after(second),
            nn.LeakyReLU(0.2),
            stages.up(second, shape[0], 4, *sides[1:]),
            nn.Tanh(),
        )

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        return stages.two_convolutions(
            shape[0],
            stages.exact_sides(shape, 2, "infogan")[0],
            labels,
            channels=self.channels,
            units=self.units,
            kernel=4,
            kind=self.norm,
            after=self._after,
        )

    def _after(self, channels: int) -> Stage:
        return norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)
