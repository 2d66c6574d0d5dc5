"""The DCGAN family for square images of 16 to 128 pixels, with the LSGAN authors' layer order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.activations import Activation, activation, reads
from trainables.networks.init import Init, Normal
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition

STAGES = {
    16: (4, 8, 16),
    28: (4, 7, 14, 28),
    32: (4, 8, 16, 32),
    64: (4, 8, 16, 32, 64),
    112: (7, 14, 28, 56, 112),
    128: (4, 8, 16, 32, 64, 128),
}
"""Image size to the side of the maps at each stage; one strided layer between two of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dcgan:
    """Strided 5x5 convolutions; the norm and the nonlinearity are switched for the net as a whole.

    Generator: ``linear to 4x4xC_n, (norm), ReLU; [deconv5 s2 to C_i, (norm), ReLU]...; deconv5 s2 to the image, tanh``
    (7x7xC_n for 112 pixels). Discriminator: ``conv5 s2 to C_1, LeakyReLU 0.2 (no norm); [conv5 s2 to C_i, (norm),
    LeakyReLU]...; linear to 1``. The biases of layers before a norm stay, as in the authors' code. A conditioned
    discriminator gets the label's vector as constant maps beside the input of every convolution but the first, and
    beside that of the linear map (Mao et al. 2017, section 3.3: not beside the image itself). Spectral norm is for
    discriminators.

    ``channels`` is C_1..C_n, seen from the discriminator's input; its length must fit the image: 2 for 16, 3 for 28 and
    32, 4 for 64 and 112, 5 for 128 pixels. The default is the 64-pixel net of the LSGAN stability experiment: with
    latent 1024 the generator has 12,702,851 parameters (12,704,771 with BN), the discriminator 4,314,753 (4,316,545).

    ``activation`` replaces every hidden nonlinearity: ``relu`` stands for Radford et al.'s pair, ReLU in G and
    LeakyReLU 0.2 in D; the others are the same in both. With ``gated`` every layer before one makes twice the maps, and
    its norm, if any, comes before the gate. These are the difficult architectures of Gulrajani et al. 2017, figure 2: 1
    (channels 64 to 512), 2 (G with channels (64, 64, 64, 64) and no norm), 4 (no norm in either), 5 (``gated``), 6
    (``tanh``).

    TensorFlow's "SAME" puts the odd row and column of padding at the end, these layers at the beginning. With kernels
    and images turned by 180 degrees both are the same net exactly, and initial weights are as likely turned as not: the
    difference is that of training on turned images. Radford et al. 2016, section 3; Mao et al. 2017, section 4.4 and
    the authors' code.
    """

    kind: Literal["dcgan"] = "dcgan"
    channels: tuple[int, ...] = (64, 128, 256, 512)
    activation: Activation = "relu"
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
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is not a square image of a supported size, ``channels`` does not fit it, or the
                norm is spectral.
        """
        sides = self._sides(shape)
        stages.no_spectral(self.norm, "dcgan")
        maps, wide = (*reversed(self.channels), shape[0]), reads(self.activation)
        first = (wide * maps[0], sides[0], sides[0])
        layers: Stage = [nn.Linear(latent, sides[0] ** 2 * first[0]), nn.Unflatten(1, first)]
        for i, side in enumerate(sides[:-1]):
            outputs = maps[i + 1] * (wide if i < len(sides) - 2 else 1)
            layers += [*self._after(wide * maps[i]), activation(self.activation)]
            layers.append(stages.up(maps[i], outputs, 5, side, sides[i + 1]))
        return nn.Sequential(*layers, nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        smallest = self._sides(shape)[0]
        wide, beside, inputs = reads(self.activation), stages.width(labels), shape[0]
        parts: list[Stage] = []
        for i, maps in enumerate(self.channels):
            stage: Stage = [norm.conv(inputs, wide * maps, 5, self.norm, stride=2, padding=2)]
            if i > 0:
                stage += self._after(wide * maps)
            parts.append([*stage, activation("leaky_relu" if self.activation == "relu" else self.activation)])
            inputs = maps + beside
        parts[-1].append(nn.Flatten(1))
        parts.append([norm.linear(smallest**2 * self.channels[-1] + beside, 1, self.norm), nn.Flatten(0)])
        return stages.join(parts, labels, plain=frozenset({0}))

    def _after(self, channels: int) -> Stage:
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
