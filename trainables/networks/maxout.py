"""Fully connected nets of maxout units: the discriminator of PacGAN's experiments on 2-D mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm, stages
from trainables.networks.init import Init, Normal
from trainables.networks.later import layers
from trainables.networks.norm import Norm
from trainables.networks.stages import Stage

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Maxout:
    """``linear to pieces x units, (norm), the largest of each unit's pieces`` per hidden layer, then a linear output.

    A unit is ``max_j (w_j x + b_j)`` over its ``pieces`` linear maps. The defaults are PacGAN's discriminator: three
    layers of 200 units of 5 pieces, weights N(0, 0.02^2): 405,201 parameters for points of the plane, 2,000 more for
    each further point that is packed beside one. Its generator there is an ``mlp``; the one of this family has maxout
    units too and is ours.

    Batch or layer norm, when on, follows every hidden linear map of a generator and every one but the first of a
    discriminator; a conditioned discriminator gets the label's vector beside the input of every linear map, as in
    ``mlp``. Goodfellow et al. 2013, eq. 1; Lin et al. 2018, section 4.1 (authors' code).
    """

    kind: Literal["maxout"] = "maxout"
    hidden: tuple[int, ...] = (200, 200, 200)
    pieces: int = 5
    norm: Norm = "none"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    init: Init = Normal()
    source: ClassVar[str] = "Lin et al. 2018, section 4.1 (authors' code); Goodfellow et al. 2013, eq. 1"

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must name at least one layer of at least one unit, got {self.hidden}")
        if self.pieces < 1:
            raise ValueError(f"pieces must be >= 1, got {self.pieces}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to ``[B, *shape]``, unbounded."""
        parts = self._stages(latent, prod(shape), 0, plain=0)
        if len(shape) > 1:
            parts.append([nn.Unflatten(1, shape)])
        return stages.join(parts, None)

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``."""
        parts = self._stages(prod(shape), 1, stages.width(labels), plain=1)
        return stages.join([[nn.Flatten(1)], *parts, [nn.Flatten(0)]], labels, plain=frozenset({0, len(parts) + 1}))

    def _stages(self, inputs: int, outputs: int, beside: int, *, plain: int) -> list[Stage]:
        """Return a list per linear map; each map reads ``beside`` more entries than the stage before it makes."""
        parts: list[Stage] = []
        for i, units in enumerate(self.hidden):
            made = units * self.pieces
            stage: Stage = [norm.linear(inputs + beside, made, self.norm)]
            if i >= plain:
                stage += norm.after(made, self.norm, eps=self.norm_eps, affine=self.norm_affine)
            parts.append([*stage, layers.Maxout(self.pieces)])
            inputs = units
        return [*parts, [norm.linear(inputs + beside, outputs, self.norm)]]
