"""The nets that the LSGAN authors train on digits of very low variability."""

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
class LowVariability:
    """A DCGAN generator against a small LeNet-like discriminator, for images of 28 pixels.

    Generator: ``linear to F_1 x 4x4, (norm per unit), ReLU; deconv5 s2 to F_2 (7x7), (norm), ReLU; deconv5 s2 to F_3
    (14x14), (norm), ReLU; deconv5 s2 to the image (28x28), tanh``. Discriminator: ``conv5 s2 to C_1, LeakyReLU 0.2 (no
    norm); conv5 s2 to C_2, (norm), LeakyReLU; linear to units, (norm), LeakyReLU; linear to 1``.

    ``features`` is F_1..F_3, ``channels`` C_1, C_2. With latent 100 the generator has 4,944,129 parameters (its first
    norm is per unit of the linear map's output, before it becomes maps), the discriminator 1,252,671. Sides other than
    28 are ours, and so is the condition: the label's vector beside the input of every layer of D but the first, as Mao
    et al. 2017, section 3.3 do elsewhere. Mao et al. 2019 (LSGAN, journal version), authors' code.
    """

    kind: Literal["low_variability"] = "low_variability"
    features: tuple[int, int, int] = (512, 256, 128)
    channels: tuple[int, int] = (20, 50)
    units: int = 500
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Mao et al. 2019 (authors' code)"

    def __post_init__(self) -> None:
        stages.check_maps("features", self.features, 3)
        stages.check_maps("channels", self.channels, 2)
        if self.units < 1:
            raise ValueError(f"units must be >= 1, got {self.units}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image of at least 9 pixels, or the norm is spectral.
        """
        sides = stages.sides(shape, 3, "low_variability")
        stages.no_spectral(self.norm, "low_variability")
        first, units = self.features[0], self.features[0] * sides[0] ** 2
        layers: Stage = [nn.Linear(latent, units), *self._after(units), nn.ReLU()]
        layers.append(nn.Unflatten(1, (first, sides[0], sides[0])))
        for i, (inputs, outputs) in enumerate(zip(self.features[:-1], self.features[1:], strict=True)):
            layers += [stages.up(inputs, outputs, 5, sides[i], sides[i + 1]), *self._after(outputs), nn.ReLU()]
        return nn.Sequential(*layers, stages.up(self.features[-1], shape[0], 5, *sides[-2:]), nn.Tanh())

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        side = stages.sides(shape, 3, "low_variability")[1]
        return stages.two_convolutions(
            shape[0],
            side,
            labels,
            channels=self.channels,
            units=self.units,
            kernel=5,
            kind=self.norm,
            after=self._after,
        )

    def _after(self, channels: int) -> Stage:
        return norm.after(channels, self.norm, eps=self.norm_eps, affine=self.norm_affine)
