"""The nets of the Dirac-GAN: one parameter each, the smallest game that has a convergence problem."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks.init import Constant, Init
from trainables.networks.later import layers

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirac:
    """``G(z) = theta`` whatever z, and ``D(x) = psi x`` without bias; one parameter per coordinate of a sample.

    On a point at 0 the only equilibrium is ``theta = psi = 0``, and the columns ``g_param_norm`` and ``d_param_norm``
    are ``|theta|`` and ``|psi|``. Mescheder et al. 2018, definition 2.1 and section 2, where D is high on *generated*
    samples: their psi is minus ours, and their start (1, 1) is ``theta = 1``, ``psi = -1`` here.

    Attributes:
        norm: there is nothing to normalise.
    """

    kind: Literal["dirac"] = "dirac"
    norm: Literal["none"] = "none"
    init: Init = Constant()
    source: ClassVar[str] = "Mescheder et al. 2018, definition 2.1"

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to B copies of theta, ``[B, *shape]``."""
        return layers.Same(shape)

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map ``[B, *shape]`` to raw scores ``[B]``.

        Raises:
            ValueError: if labels are asked for.
        """
        if labels is not None:
            raise ValueError(f"discriminator dirac must be unconditional, got {labels.classes} classes")
        return nn.Sequential(nn.Flatten(1), nn.Linear(prod(shape), 1, bias=False), nn.Flatten(0))
