"""The nets of LSGAN's Chinese characters: 3,740 classes, conditioned through a linear map of the label."""

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
class Characters:
    """Two strided 5x5 convolutions, and a fully connected layer in the discriminator.

    Generator, from the noise with the label's vector beside it: ``linear to F_1 x 7x7, (norm per unit), ReLU; deconv5
    s2 to F_2 (14x14), (norm), ReLU; deconv5 s2 to the image (28x28), tanh``. Discriminator: ``conv5 s2 to C_1,
    LeakyReLU 0.2 (no norm); conv5 s2 to C_2, (norm), LeakyReLU; linear to units, (norm), LeakyReLU; linear to 1``, with
    the label's vector beside the input of each but the first: as constant maps for the convolution, as entries for the
    linear maps. Each network has a linear map of its own for the label.

    ``features`` is F_1, F_2; ``channels`` is C_1, C_2. The authors' 257 and 320 are 1 and 64 plus the 256 entries of
    the label's vector; they are kept here without labels too. With 3,740 classes, embedding 256 and latent 1024 the
    generator has 9,417,857 parameters with its label map, the discriminator 21,392,155 with its own. The first norm is
    per unit of the linear map's output (6,272 of them), before it becomes maps.

    Differs from the authors' code in that images are in [-1, 1] and G ends in tanh, where theirs are in [0, 1] behind
    a sigmoid. As ``tanh(x) = 2 s(2x) - 1``, both make the same images up to scale and offset, but it is not the same
    training: G's last layer acts at twice the slope, D reads inputs of four times the variance, and the zeros that pad
    its input mean grey instead of black. Sides other than 28 are ours. Mao et al. 2017, section 3.3 and figure 4.
    """

    kind: Literal["characters"] = "characters"
    features: tuple[int, int] = (128, 128)
    channels: tuple[int, int] = (257, 320)
    units: int = 1024
    norm: Norm = "batch"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Mao et al. 2017, section 3.3 (authors' code)"

    def __post_init__(self) -> None:
        stages.check_maps("features", self.features, 2)
        stages.check_maps("channels", self.channels, 2)
        if self.units < 1:
            raise ValueError(f"units must be >= 1, got {self.units}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` (a conditioned game adds the label's vector) to images ``[B, *shape]`` in [-1, 1].

        Raises:
            ValueError: if ``shape`` is no square image of at least 5 pixels, or the norm is spectral.
        """
        sides = stages.sides(shape, 2, "characters")
        stages.no_spectral(self.norm, "characters")
        (first, second), side = self.features, sides[0]
        return nn.Sequential(
            nn.Linear(latent, first * side**2),
            *self._after(first * side**2),
            nn.ReLU(),
            nn.Unflatten(1, (first, side, side)),
            stages.up(first, second, 5, *sides[:2]),
            *self._after(second),
            nn.ReLU(),
            stages.up(second, shape[0], 5, *sides[1:]),
            nn.Tanh(),
        )

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map images ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``.

        Raises:
            ValueError: as :meth:`generator` does for the shape.
        """
        side = stages.sides(shape, 2, "characters")[0]
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
