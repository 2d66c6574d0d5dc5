"""The DCGAN family for square images of 16, 28, 32 or 64 pixels, with the LSGAN authors' layer order."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import nn

from trainables.networks import norm
from trainables.networks.init import Init, Normal
from trainables.networks.norm import Norm
from trainables.networks.wiring import Condition, ConditionedDiscriminator

STAGES = {16: (4, 8, 16), 28: (4, 7, 14, 28), 32: (4, 8, 16, 32), 64: (4, 8, 16, 32, 64)}
"""Image size to the side of the maps at each stage; one strided layer between two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dcgan:
    """Strided 5x5 convolutions; the norm is switched for the net as a whole.

    Generator: ``linear to 4x4xC_n, (norm), ReLU; [deconv5 s2 to C_i, (norm), ReLU]...; deconv5 s2 to the image, tanh``.
    Discriminator: ``conv5 s2 to C_1, LeakyReLU 0.2 (no norm); [conv5 s2 to C_i, (norm), LeakyReLU]...; linear to 1``.
    The biases of layers before a norm stay, as in the authors' code. A conditioned discriminator gets the label's
    vector as constant maps beside the input of every convolution but the first, and beside that of the linear map (Mao
    et al. 2017, section 3.3: not beside the image itself). Spectral norm is for discriminators.

    ``channels`` is C_1..C_n, seen from the discriminator's input; its length must fit the image: 2 for 16, 3 for 28
    and 32, 4 for 64 pixels. The default is the 64-pixel net of the LSGAN stability experiment: with latent 1024 the
    generator has 12,702,851 parameters (12,704,771 with BN), the discriminator 4,314,753 (4,316,545).

    Padding is torch's symmetric one where TensorFlow's "SAME" pads the end: shapes agree, values are shifted by at
    most a pixel. Radford et al. 2016, section 3; Mao et al. 2017, section 4.4 and the authors' code.
    """

    kind: Literal["dcgan"] = "dcgan"
    channels: tuple[int, ...] = (64, 128, 256, 512)
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Radford et al. 2016, section 3; Mao et al. 2017 (authors' code)"

    def __post_init__(self) -> None:
        if not self.channels or min(self.channels) < 1:
            raise ValueError(f"channels must name at least one layer of at least one map, got {self.channels}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Maps ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is not a square image of a supported size, ``channels`` does not fit it, or the
                norm is spectral.
        """
        sides = self._sides(shape)
        if self.norm == "spectral":
            raise ValueError("norm must be none, batch or layer for a dcgan generator, got spectral")
        maps = (*reversed(self.channels), shape[0])
        layers: list[nn.Module] = [nn.Linear(latent, 16 * maps[0]), nn.Unflatten(1, (maps[0], 4, 4))]
        for i, side in enumerate(sides[:-1]):
            layers += self._after(maps[i])
            odd = 2 * side - sides[i + 1]  # 1 where 4 grows to 7
            deconv = nn.ConvTranspose2d(maps[i], maps[i + 1], 5, stride=2, padding=2, output_padding=1 - odd)
            layers += [nn.ReLU(), deconv]
        return nn.Sequential(*layers, nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Maps images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        self._sides(shape)
        beside = 0 if labels is None else labels.width
        stages: list[list[nn.Module]] = []
        inputs = shape[0]
        for i, maps in enumerate(self.channels):
            stage: list[nn.Module] = [norm.conv(inputs, maps, 5, self.norm, stride=2, padding=2)]
            if i > 0:
                stage += self._after(maps)
            stages.append([*stage, nn.LeakyReLU(0.2)])
            inputs = maps + beside
        flat, score = nn.Flatten(1), norm.linear(16 * self.channels[-1] + beside, 1, self.norm)
        if labels is None:
            return nn.Sequential(*(layer for stage in stages for layer in stage), flat, score, nn.Flatten(0))
        stages[-1].append(flat)
        parts = [nn.Sequential(*stage) for stage in (*stages, [score, nn.Flatten(0)])]
        return ConditionedDiscriminator(labels, parts, plain=frozenset({0}))

    def _after(self, channels: int) -> list[nn.Module]:
        return norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)

    def _sides(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] not in STAGES:
            raise ValueError(f"dcgan needs square images of {', '.join(map(str, STAGES))} pixels, got shape {shape}")
        sides = STAGES[shape[1]]
        if len(self.channels) != len(sides) - 1:
            raise ValueError(
                f"channels must have {len(sides) - 1} entries for {shape[1]}x{shape[1]} images, got {self.channels}"
            )
        return sides
