"""Plain convolutional nets of any depth: the family of WGAN-GP's random architectures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.activations import Activation, activation, reads
from trainables.networks.init import He, Init
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepConv:
    """``depth`` layers with weights: a DCGAN with further layers of stride 1 at every size of maps.

    Generator for 32 pixels: ``linear to 4x4x4f; e_1 conv3 s1; deconv5 s2 to 2f (8x8); e_2 conv3 s1; deconv5 s2 to f
    (16x16); e_3 conv3 s1; deconv5 s2 to the image (32x32), tanh``. Discriminator: ``conv5 s2 to f (16x16); e_3 conv3
    s1; conv5 s2 to 2f; e_2 conv3 s1; conv5 s2 to 4f; e_1 conv3 s1; linear to 1``. Every layer but the last is followed
    by ``(norm), activation``; the discriminator's first has no norm. Layers of stride 1 keep the number of maps.

    ``filters`` is f. The number of stages follows from the image: it is halved (rounding up) until at most 4 pixels are
    left, so ``depth`` must be at least 4 for 32 pixels, 3 for 16, 5 for 64; the layers beyond that are shared out
    evenly, e_1 >= e_2 >= ..., so that depth 4 is a DCGAN and 8, 12 and 20 have (2, 1, 1), (3, 3, 2) and (6, 5, 5) more.
    ``activation`` is the same after every hidden layer of this network: ``relu`` is ReLU in D too, unlike in ``dcgan``.

    Gulrajani et al. 2017, section 5.1, draw nonlinearity (relu, leaky_relu, softplus, tanh), depth (4, 8, 12, 20), norm
    and base filters (32, 64, 128) at random, each network's own; where the further layers stand, their kernels and the
    start are not given there: those are ours. So is a conditioned discriminator, which gets the label's vector as
    constant maps beside the image.
    """

    kind: Literal["deep_conv"] = "deep_conv"
    depth: int = 4
    filters: int = 64
    activation: Activation = "relu"
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = He()
    source: ClassVar[str] = "Gulrajani et al. 2017, section 5.1 (layout ours)"

    def __post_init__(self) -> None:
        for name in ("depth", "filters"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be >= 1, got {getattr(self, name)}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image of at least 8 pixels, ``depth`` is too small for it, or the norm
                is spectral.
        """
        sides, extra = self._plan(shape)
        stages.no_spectral(self.norm, "deep_conv")
        wide, inputs = reads(self.activation), self.filters * 2 ** (len(extra) - 1)
        first = (wide * inputs, sides[0], sides[0])
        layers: Stage = [nn.Linear(latent, sides[0] ** 2 * first[0]), nn.Unflatten(1, first), *self._after(first[0])]
        for i, more in enumerate(extra):
            for _ in range(more):
                layers += [nn.Conv2d(inputs, wide * inputs, 3, padding=1), *self._after(wide * inputs)]
            if i < len(extra) - 1:
                outputs = inputs // 2
                layers += [stages.up(inputs, wide * outputs, 5, *sides[i : i + 2]), *self._after(wide * outputs)]
                inputs = outputs
        return nn.Sequential(*layers, stages.up(inputs, shape[0], 5, *sides[-2:]), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape and the depth.
        """
        sides, extra = self._plan(shape)
        wide, inputs = reads(self.activation), shape[0] + stages.width(labels)
        layers: Stage = []
        for i, more in enumerate(reversed(extra)):
            maps = self.filters * 2**i
            after = self._after(wide * maps)
            layers += [norm.conv(inputs, wide * maps, 5, self.norm, stride=2, padding=2), *after[-1 if i == 0 else 0 :]]
            for _ in range(more):
                layers += [norm.conv(maps, wide * maps, 3, self.norm, padding=1), *self._after(wide * maps)]
            inputs = maps
        score = [nn.Flatten(1), norm.linear(inputs * sides[0] ** 2, 1, self.norm), nn.Flatten(0)]
        return stages.join([[*layers, *score]], labels)

    def _after(self, channels: int) -> Stage:
        normed = norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)
        return [*normed, activation(self.activation)]

    def _plan(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[int]]:
        """Return the sides of the maps from the smallest, and the layers of stride 1 at each but the image's."""
        side, times = stages.side_of(shape, "deep_conv"), 0
        if side < 8:
            raise ValueError(f"deep_conv needs images of at least 8 pixels, got shape {shape}")
        while -(-side // 2**times) > 4:
            times += 1
        if self.depth < times + 1:
            raise ValueError(f"depth must be >= {times + 1} for {side}x{side} images, got {self.depth}")
        each, rest = divmod(self.depth - times - 1, times)
        return stages.sides(shape, times, "deep_conv"), [each + (i < rest) for i in range(times)]
