"""The DCGAN family for square images of 16, 28, 32 or 64 pixels, with the LSGAN authors' layer order."""

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar, Literal

from torch import nn

from trainables.networks.init import Init, Normal
from trainables.networks.norm import BatchNorm

STAGES = {16: (4, 8, 16), 28: (4, 7, 14, 28), 32: (4, 8, 16, 32), 64: (4, 8, 16, 32, 64)}
"""Image size to the side of the maps at each stage; one strided layer between two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dcgan:
    """Strided 5x5 convolutions; batch norm can be switched for the net as a whole.

    Generator: ``linear to 4x4xC_n, (BN), ReLU; [deconv5 s2 to C_i, (BN), ReLU]...; deconv5 s2 to the image, tanh``.
    Discriminator: ``conv5 s2 to C_1, LeakyReLU 0.2 (never BN); [conv5 s2 to C_i, (BN), LeakyReLU]...; linear to 1``.
    The biases of layers before a batch norm stay, as in the authors' code.

    ``channels`` is C_1..C_n, seen from the discriminator's input; its length must fit the image: 2 for 16, 3 for 28
    and 32, 4 for 64 pixels. The default is the 64-pixel net of the LSGAN stability experiment: with latent 1024 the
    generator has 12,702,851 parameters (12,704,771 with BN), the discriminator 4,314,753 (4,316,545).

    Padding is torch's symmetric one where TensorFlow's "SAME" pads the end: shapes agree, values are shifted by at
    most a pixel. Radford et al. 2016, section 3; Mao et al. 2017, section 4.4 and the authors' code.
    """

    kind: Literal["dcgan"] = "dcgan"
    channels: tuple[int, ...] = (64, 128, 256, 512)
    batch_norm: bool = True
    bn_eps: float = 1e-5
    bn_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Radford et al. 2016, section 3; Mao et al. 2017 (authors' code)"

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels must name at least one layer of at least one map, got {self.channels}")
        if not (isfinite(self.bn_eps) and self.bn_eps > 0):
            raise ValueError(f"bn_eps must be > 0, got {self.bn_eps}")

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Maps ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is not a square image of a supported size, or ``channels`` does not fit it.
        """
        sides = self._sides(shape)
        maps = (*reversed(self.channels), shape[0])
        layers: list[nn.Module] = [nn.Linear(latent, 16 * maps[0]), nn.Unflatten(1, (maps[0], 4, 4))]
        for i, side in enumerate(sides[:-1]):
            if self.batch_norm:
                layers.append(self._norm(maps[i]))
            odd = 2 * side - sides[i + 1]  # 1 where 4 grows to 7
            deconv = nn.ConvTranspose2d(maps[i], maps[i + 1], 5, stride=2, padding=2, output_padding=1 - odd)
            layers += [nn.ReLU(), deconv]
        return nn.Sequential(*layers, nn.Tanh())

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        """Maps images ``[B, *shape]`` to raw scores ``[B]``; raises as :meth:`generator` does."""
        self._sides(shape)
        layers: list[nn.Module] = []
        maps = (shape[0], *self.channels)
        for i, channels in enumerate(self.channels):
            layers.append(nn.Conv2d(maps[i], channels, 5, stride=2, padding=2))
            if self.batch_norm and i > 0:
                layers.append(self._norm(channels))
            layers.append(nn.LeakyReLU(0.2))
        return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(16 * maps[-1], 1), nn.Flatten(0))

    def _norm(self, channels: int) -> BatchNorm:
        return BatchNorm(channels, eps=self.bn_eps, affine=self.bn_affine)

    def _sides(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in STAGES:
            raise ValueError(f"dcgan needs square images of {', '.join(map(str, STAGES))} pixels, got shape {shape}")
        sides = STAGES[shape[1]]
        if len(self.channels) != len(sides) - 1:
            raise ValueError(
                f"channels must have {len(sides) - 1} entries for {shape[1]}x{shape[1]} images, got {self.channels}"
            )
        return sides
