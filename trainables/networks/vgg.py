"""LSGAN's generator after VGG, for scenes of 112 pixels: further layers of stride 1 between the enlarging ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.dcgan import Dcgan
from trainables.networks.init import Init, Normal
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Vgg:
    """3x3 transposed convolutions in the generator; the discriminator is a ``dcgan``'s.

    Generator: ``linear to 7x7xF_1, (norm), ReLU; [deconv3 s2 to F_i, (norm), ReLU; extra_i times deconv3 s1 to F_i,
    (norm), ReLU]...; deconv3 s1 to the image, tanh``. Discriminator: ``conv5 s2 to C_1, LeakyReLU 0.2 (no norm); [conv5
    s2 to C_i, (norm), LeakyReLU]...; linear to 1``.

    ``features`` is F_1..F_n and ``extra`` how many layers of stride 1 follow each enlargement; ``channels`` is
    C_1..C_n. The defaults make images of 112 pixels from maps of 7: with latent 1024 the generator has 15,591,427
    parameters, the discriminator 4,333,441. For other images the smallest maps are the image halved n times; the
    discriminator needs a side and a number of channels that fit a ``dcgan``. Mao et al. 2017, figure 3 and the authors'
    code.
    """

    kind: Literal["vgg"] = "vgg"
    features: tuple[int, ...] = (256, 256, 128, 64)
    extra: tuple[int, ...] = (1, 1, 0, 0)
    channels: tuple[int, ...] = (64, 128, 256, 512)
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Mao et al. 2017, figure 3 (authors' code)"

    def __post_init__(self) -> None:
        for name in ("features", "channels"):
            maps = getattr(self, name)
            if not maps or min(maps) < 1:
                raise ValueError(f"{name} must name at least one layer of at least one map, got {maps}")
        if len(self.extra) != len(self.features) or min(self.extra) < 0:
            raise ValueError(f"extra must be {len(self.features)} numbers >= 0, one per feature, got {self.extra}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image, is too small for ``features``, or the norm is spectral.
        """
        sides = stages.sides(shape, len(self.features), "vgg")
        stages.no_spectral(self.norm, "vgg")
        inputs, side = self.features[0], sides[0]
        layers: Stage = [nn.Linear(latent, inputs * side**2), nn.Unflatten(1, (inputs, side, side))]
        layers += self._after(inputs)
        for i, (maps, extra) in enumerate(zip(self.features, self.extra, strict=True)):
            layers += [stages.up(inputs, maps, 3, sides[i], sides[i + 1]), *self._after(maps)]
            for _ in range(extra):
                layers += [nn.ConvTranspose2d(maps, maps, 3, padding=1), *self._after(maps)]
            inputs = maps
        return nn.Sequential(*layers, nn.ConvTranspose2d(inputs, shape[0], 3, padding=1), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: if ``shape`` and ``channels`` do not fit a ``dcgan``.
        """
        same = Dcgan(channels=self.channels, norm=self.norm, norm_eps=self.norm_eps, norm_affine=self.norm_affine)
        return same.discriminator(shape, labels)

    def _after(self, channels: int) -> Stage:
        return [*norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine), nn.ReLU()]
