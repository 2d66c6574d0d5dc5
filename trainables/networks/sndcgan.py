"""The convolutional nets of spectral normalisation, which the large-scale study of regularisers trains."""

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
class Sndcgan:
    """4x4 convolutions of stride 2 with 3x3 ones between them, for square images whose side s is a multiple of 8.

    Generator: ``linear to F_1 x s/8 x s/8, (norm), ReLU; [deconv4 s2 to F_i, (norm), ReLU] three times; conv3 s1 to the
    image, tanh``. Discriminator: ``conv3 s1 to C_1; [conv4 s2 to C_i; conv3 s1 to C_i] three times``, each followed by
    LeakyReLU 0.1, and ``linear to 1``: by default maps of 64, 128, 128, 256, 256, 512, 512.

    ``features`` is F_1..F_4, ``channels`` C_1..C_4. The paper's discriminator has ``norm="spectral"``; batch or layer
    norm, when on, stands before every LeakyReLU but the first. A generator has batch norm there, and cannot have
    spectral norm here. A conditioned discriminator, which is ours, gets the label's vector as constant maps beside the
    image. Miyato et al. 2018, appendix B.4, table 3; Kurach et al. 2019.
    """

    kind: Literal["sndcgan"] = "sndcgan"
    features: tuple[int, int, int, int] = (512, 256, 128, 64)
    channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Miyato et al. 2018, table 3; Kurach et al. 2019 (authors' code)"

    def __post_init__(self) -> None:
        stages.check_maps("features", self.features, 4)
        stages.check_maps("channels", self.channels, 4)
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image whose side is a multiple of 8, from 16, or the norm is spectral.
        """
        sides = stages.exact_sides(shape, 3, "sndcgan")
        stages.no_spectral(self.norm, "sndcgan")
        maps, side = self.features, sides[0]
        layers: Stage = [nn.Linear(latent, maps[0] * side**2), nn.Unflatten(1, (maps[0], side, side))]
        layers += [*self._after(maps[0]), nn.ReLU()]
        for i in range(3):
            layers += [stages.up(maps[i], maps[i + 1], 4, *sides[i : i + 2]), *self._after(maps[i + 1]), nn.ReLU()]
        return nn.Sequential(*layers, nn.Conv2d(maps[-1], shape[0], 3, padding=1), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        side = stages.exact_sides(shape, 3, "sndcgan")[0]
        inputs = self.channels[0]
        first = norm.conv(shape[0] + stages.width(labels), inputs, 3, self.norm, padding=1)
        layers: Stage = [first, nn.LeakyReLU(0.1)]
        for maps in self.channels[1:]:
            down = norm.conv(inputs, maps, 4, self.norm, stride=2, padding=1)
            layers += [down, *self._after(maps), nn.LeakyReLU(0.1)]
            layers += [norm.conv(maps, maps, 3, self.norm, padding=1), *self._after(maps), nn.LeakyReLU(0.1)]
            inputs = maps
        score = [nn.Flatten(1), norm.linear(inputs * side**2, 1, self.norm), nn.Flatten(0)]
        return stages.join([[*layers, *score]], labels)

    def _after(self, channels: int) -> Stage:
        return norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)
