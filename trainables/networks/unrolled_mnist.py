"""The small nets of unrolled GANs on stacked MNIST, where the discriminator is a fraction of the generator."""

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
class UnrolledMnist:
    """3x3 convolutions; the discriminator has a quarter or a half of the generator's maps.

    Generator: ``linear to F_1 x 4x4, (norm), ReLU; [deconv3 s2 to F_i, (norm), ReLU] three times (7, 14, 28); conv3 s1
    to the image, tanh``. Discriminator: ``[conv3 s2 to C_i, (norm), LeakyReLU 0.3] three times (14, 7, 4); linear to
    1``; as in PacGAN's code, its first layer is normalised too.

    ``features`` is F_1..F_4; ``channels`` is C_1..C_3: (2, 4, 8) is the paper's D of a quarter, (4, 8, 16) that of a
    half. With latent 256 and stacked digits of 28x28x3 the generator has 287,875 parameters, the discriminator 585 or
    1,889. Sides other than 28 are ours, and so is a conditioned discriminator, which gets the label's vector as
    constant maps beside the image. Metz et al. 2017, section 3.3.1; Lin et al. 2018, section 4.2 (authors' code).
    """

    kind: Literal["unrolled_mnist"] = "unrolled_mnist"
    features: tuple[int, int, int, int] = (64, 32, 16, 8)
    channels: tuple[int, int, int] = (2, 4, 8)
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Metz et al. 2017, section 3.3.1; Lin et al. 2018 (authors' code)"

    def __post_init__(self) -> None:
        stages.check_maps("features", self.features, 4)
        stages.check_maps("channels", self.channels, 3)
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image of at least 9 pixels, or the norm is spectral.
        """
        sides = stages.sides(shape, 3, "unrolled_mnist")
        stages.no_spectral(self.norm, "unrolled_mnist")
        maps, side = self.features, sides[0]
        layers: Stage = [nn.Linear(latent, maps[0] * side**2), nn.Unflatten(1, (maps[0], side, side))]
        layers += [*self._after(maps[0]), nn.ReLU()]
        for i in range(3):
            layers += [stages.up(maps[i], maps[i + 1], 3, *sides[i : i + 2]), *self._after(maps[i + 1]), nn.ReLU()]
        return nn.Sequential(*layers, nn.Conv2d(maps[-1], shape[0], 3, padding=1), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        side = stages.sides(shape, 3, "unrolled_mnist")[0]
        inputs = shape[0] + stages.width(labels)
        layers: Stage = []
        for maps in self.channels:
            down = norm.conv(inputs, maps, 3, self.norm, stride=2, padding=1)
            layers += [down, *self._after(maps), nn.LeakyReLU(0.3)]
            inputs = maps
        score = [nn.Flatten(1), norm.linear(inputs * side**2, 1, self.norm), nn.Flatten(0)]
        return stages.join([[*layers, *score]], labels)

    def _after(self, channels: int) -> Stage:
        return norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)
