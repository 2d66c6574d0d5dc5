"""The 101-layer residual nets of WGAN-GP's difficult architectures."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.init import He, Init
from trainables.networks.later import layers, wiring
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class BottleneckResnet:
    """Bottleneck blocks at several sizes of maps; by default 33 of them, 101 layers with the first and the last.

    Generator: ``linear to F_1 x 4x4; n_1 blocks; [a block that doubles the side, to F_i; n_i blocks]...; conv1 to the
    image; tanh(. / 5)``. Discriminator, mirrored: ``conv1 to F_n; n_n blocks; [a block that halves the side, to F_i;
    n_i blocks]...; linear to 1; . / 5``. A block is ``shortcut + 0.3 branch``; its branch is ``ReLU, conv1 to half the
    incoming width; ReLU, conv3 (stride 2 down, transposed up) to half the outgoing one; ReLU, conv1 without bias;
    (norm)``: one norm, at the end. The shortcut is the input itself, or a conv1 to the new width: of stride 2 down, to
    four times the maps and a pixel shuffle up.

    ``widths`` is F_1..F_n from the smallest maps (512 at 4x4 to 32 at 64x64), ``blocks`` n_1..n_n without those that
    resize. The smallest maps are the image halved n - 1 times. ``score_divisor`` is 5 in the WGAN-GP authors' script
    and 1 (none) in the LSGAN authors' one; a class head needs 1. A conditioned discriminator, which is ours, gets the
    label's vector as constant maps beside the image.

    Differs from the code in the start: there the convolutions outside branches have Glorot's scale, here all have
    ``init``. Gulrajani et al. 2017, figure 2 and appendix (authors' code); Mao et al. 2019 (authors' code).
    """

    kind: Literal["bottleneck_resnet"] = "bottleneck_resnet"
    widths: tuple[int, ...] = (512, 256, 128, 64, 32)
    blocks: tuple[int, ...] = (6, 6, 6, 6, 5)
    branch_scale: float = 0.3
    output_divisor: float = 5.0
    score_divisor: float = 5.0
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = He()
    source: ClassVar[str] = "Gulrajani et al. 2017, figure 2 (authors' code)"

    def __post_init__(self) -> None:
        if not self.widths or any(width < 2 or width % 2 for width in self.widths):
            raise ValueError(f"widths must be even numbers >= 2, got {self.widths}")
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 0:
            raise ValueError(f"blocks must be {len(self.widths)} numbers >= 0, one per width, got {self.blocks}")
        for name in ("branch_scale", "output_divisor", "score_divisor"):
            value = getattr(self, name)
            if not (isfinite(value) and value > 0):
                raise ValueError(f"{name} must be > 0, got {value}")
        if self.norm == "spectral":
            raise ValueError("norm must be none, batch or layer for a bottleneck_resnet, got spectral")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image whose side can be halved exactly, down to at least 2 pixels.
        """
        sides = stages.exact_sides(shape, len(self.widths) - 1, "bottleneck_resnet")
        width = self.widths[0]
        parts: Stage = [nn.Linear(latent, width * sides[0] ** 2), nn.Unflatten(1, (width, sides[0], sides[0]))]
        for i, (outputs, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            if i > 0:
                parts.append(self._up(width, outputs, sides[i - 1]))
            parts += [self._same(outputs) for _ in range(blocks)]
            width = outputs
        return nn.Sequential(*parts, nn.Conv2d(width, shape[0], 1), layers.Scale(1 / self.output_divisor), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does.
        """
        sides = stages.exact_sides(shape, len(self.widths) - 1, "bottleneck_resnet")
        width = self.widths[-1]
        parts: Stage = [nn.Conv2d(shape[0] + stages.width(labels), width, 1)]
        for i, (outputs, blocks) in enumerate(zip(reversed(self.widths), reversed(self.blocks), strict=True)):
            if i > 0:
                parts.append(self._down(width, outputs))
            parts += [self._same(outputs) for _ in range(blocks)]
            width = outputs
        parts += [nn.Flatten(1), nn.Linear(width * sides[0] ** 2, 1)]
        if self.score_divisor != 1:
            parts.append(layers.Scale(1 / self.score_divisor))
        return stages.join([[*parts, nn.Flatten(0)]], labels)

    def _same(self, width: int) -> nn.Module:
        return self._block(width, width, nn.Conv2d(width // 2, width // 2, 3, padding=1), nn.Identity())

    def _down(self, inputs: int, outputs: int) -> nn.Module:
        shortcut = nn.Conv2d(inputs, outputs, 1, stride=2)
        return self._block(inputs, outputs, nn.Conv2d(inputs // 2, outputs // 2, 3, stride=2, padding=1), shortcut)

    def _up(self, inputs: int, outputs: int, side: int) -> nn.Module:
        shortcut = nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 1), nn.PixelShuffle(2))
        return self._block(inputs, outputs, stages.up(inputs // 2, outputs // 2, 3, side, 2 * side), shortcut)

    def _block(self, inputs: int, outputs: int, middle: nn.Module, shortcut: nn.Module) -> nn.Module:
        branch = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(inputs, inputs // 2, 1),
            nn.ReLU(),
            middle,
            nn.ReLU(),
            nn.Conv2d(outputs // 2, outputs, 1, bias=False),
            *norm.after(outputs, self.norm, eps=self.norm_eps, affine=self.norm_affine),
        )
        return wiring.Residual(branch, shortcut, scale=self.branch_scale)
