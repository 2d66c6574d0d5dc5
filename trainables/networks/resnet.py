"""Residual nets: the block that all of them are made of, and WGAN-GP's net for 32 pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.init import He, Init
from trainables.networks.later import wiring
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Resnet:
    """Residual blocks of two 3x3 convolutions with ``width`` maps throughout.

    Generator: ``linear to F x 4x4; [a block that doubles the side]...; (norm), ReLU, conv3 to the image, tanh``: three
    blocks for 32 pixels. Discriminator: ``a first block that halves the side; a second one; two that keep it; ReLU;
    mean over space; linear to 1``. A branch is ``(norm), ReLU, conv3, (norm), ReLU, conv3``, enlarged (nearest
    neighbour) before its first convolution or averaged 2x2 after its second; the shortcut is the input itself, or a
    conv1 of the enlarged input, or the average of a conv1. D's first block has no norm and no ReLU before its first
    convolution, and its shortcut averages first.

    The generator needs a side of 4 times a power of two, from 8; the discriminator one that is a multiple of 4. In the
    paper G has batch norm and D none (``norm="none"``). A conditioned discriminator, which is ours, gets the label's
    vector as constant maps beside the image. Differs from the code in the start: there the convolutions of shortcuts
    and of the output have Glorot's scale, here all have ``init``. Gulrajani et al. 2017, appendix (CIFAR10
    architecture).
    """

    kind: Literal["resnet"] = "resnet"
    width: int = 128
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = He()
    source: ClassVar[str] = "Gulrajani et al. 2017, appendix (CIFAR10 architecture; authors' code)"

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width must be >= 1, got {self.width}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image of 8, 16, 32, ... pixels, or the norm is spectral.
        """
        side = stages.side_of(shape, "resnet")
        if side < 8 or side & (side - 1):
            raise ValueError(f"a resnet generator needs images of 8, 16, 32, 64, ... pixels, got shape {shape}")
        stages.no_spectral(self.norm, "resnet")
        layers: Stage = [nn.Linear(latent, 16 * self.width), nn.Unflatten(1, (self.width, 4, 4))]
        layers += [self._up() for _ in range(side.bit_length() - 3)]
        return nn.Sequential(*layers, *self._before(), nn.Conv2d(self.width, shape[0], 3, padding=1), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: if ``shape`` is no square image whose side is a multiple of 4.
        """
        side = stages.exact_sides(shape, 2, "resnet")[0]
        blocks = [self._first(shape[0] + stages.width(labels)), self._down(), self._same(), self._same()]
        mean = [nn.ReLU(), nn.AvgPool2d(side), nn.Flatten(1)]
        return stages.join([[*blocks, *mean, norm.linear(self.width, 1, self.norm), nn.Flatten(0)]], labels)

    def _up(self) -> nn.Module:
        branch = [*self._before(), nn.Upsample(scale_factor=2), self._conv3(), *self._before(), self._conv3()]
        return wiring.Residual(nn.Sequential(*branch), nn.Sequential(nn.Upsample(scale_factor=2), self._conv1()))

    def _same(self) -> nn.Module:
        branch = [*self._before(), self._conv3(), *self._before(), self._conv3()]
        return wiring.Residual(nn.Sequential(*branch), nn.Identity())

    def _down(self) -> nn.Module:
        branch = [*self._before(), self._conv3(), *self._before(), self._conv3(), nn.AvgPool2d(2)]
        return wiring.Residual(nn.Sequential(*branch), nn.Sequential(self._conv1(), nn.AvgPool2d(2)))

    def _first(self, inputs: int) -> nn.Module:
        branch = [norm.conv(inputs, self.width, 3, self.norm, padding=1), nn.ReLU(), self._conv3(), nn.AvgPool2d(2)]
        shortcut = [nn.AvgPool2d(2), norm.conv(inputs, self.width, 1, self.norm)]
        return wiring.Residual(nn.Sequential(*branch), nn.Sequential(*shortcut))

    def _before(self) -> Stage:
        return [*norm.after(self.width, self.norm, eps=self.norm_eps, affine=self.norm_affine), nn.ReLU()]

    def _conv3(self) -> nn.Module:
        return norm.conv(self.width, self.width, 3, self.norm, padding=1)

    def _conv1(self) -> nn.Module:
        return norm.conv(self.width, self.width, 1, self.norm)
