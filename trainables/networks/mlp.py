"""Fully connected nets: for 2-D data, and the baselines of image studies."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import nn
from trainables.networks import norm
from trainables.networks.activations import Activation, activation, reads
from trainables.networks.init import Init, Orthogonal
from trainables.networks.later import layers, wiring
from trainables.networks.norm import Norm

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition

Output = Literal["linear", "tanh"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """``linear, (norm), activation`` per hidden layer, then a linear output; a generator's may end in ``tanh``.

    Batch or layer norm, when on, follows every hidden linear map of a generator, and every one but the first of a
    discriminator (Radford et al. 2016: no batch norm on D's input layer). A conditioned discriminator gets the label's
    vector beside the input of every linear map. The defaults are the LSGAN authors' mixture nets: 256-128-128-2 with
    49,666 and 2-128-128-1 with 17,025 parameters.

    Other published nets are values of this one. Gulrajani et al. 2017 (authors' toy code): ``hidden=(512, 512, 512),
    activation="relu", init=He()``; the MLP generator of their figure 2: ``hidden=(512,) * 4, activation="relu",
    output="tanh", init=He()``. The first with ``leaky_relu``: the toy code of a reproduction of Petzka et al. 2018 by
    mikigom. Lin et al. 2018: G ``hidden=(400,) * 4, activation="relu", norm="batch", init=Normal()``, D a ``maxout``.
    Metz et al. 2017: D with one layer of 128 ReLU reads its input times ``input_scale=0.25``.

    ``input_scale`` multiplies what a discriminator or encoder reads. With ``gated`` every hidden linear map makes twice
    its units, which the gate joins in pairs.
    """

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = (128, 128)
    activation: Activation = "tanh"
    norm: Norm = "none"
    norm_eps: float = 1e-5
    norm_affine: bool = True
    output: Output = "linear"
    input_scale: float = 1.0
    init: Init = Orthogonal()
    source: ClassVar[str] = "Mao et al. 2017, section 4.4 (authors' mixture code)"

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must name at least one layer of at least one unit, got {self.hidden}")
        if not (isfinite(self.input_scale) and self.input_scale > 0):
            raise ValueError(f"input_scale must be > 0, got {self.input_scale}")
        norm.check(self.norm_eps)

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Map ``[B, latent]`` to ``[B, *shape]``; unbounded, or in (-1, 1) with ``output`` tanh."""
        layers = [layer for stage in self._stages(latent, prod(shape), 0, plain=0) for layer in stage]
        if self.output == "tanh":
            layers.append(nn.Tanh())
        return nn.Sequential(*layers, nn.Unflatten(1, shape)) if len(shape) > 1 else nn.Sequential(*layers)

    def encoder(self, shape: tuple[int, ...], outputs: int) -> nn.Module:
        """Map ``[B, *shape]`` to ``[B, outputs]``, unbounded; normalised where a discriminator is."""
        return nn.Sequential(*self._encoder(shape, outputs))

    def discriminator(self, shape: tuple[int, ...], labels: Condition | None = None) -> nn.Module:
        """Map ``[B, *shape]``, and labels ``[B]`` if conditioned, to raw scores ``[B]``."""
        if labels is None:
            return nn.Sequential(*self._encoder(shape, 1), nn.Flatten(0))
        stages: list[list[nn.Module]] = [self._reading()]
        stages += self._stages(prod(shape), 1, labels.width, plain=1)
        stages.append([nn.Flatten(0)])
        plain = frozenset({0, len(stages) - 1})
        return wiring.ConditionedDiscriminator(labels, [nn.Sequential(*stage) for stage in stages], plain=plain)

    def _encoder(self, shape: tuple[int, ...], outputs: int) -> list[nn.Module]:
        layers = self._reading()
        for stage in self._stages(prod(shape), outputs, 0, plain=1):
            layers += stage
        return layers

    def _reading(self) -> list[nn.Module]:
        return [nn.Flatten(1)] if self.input_scale == 1 else [nn.Flatten(1), layers.Scale(self.input_scale)]

    def _stages(self, inputs: int, outputs: int, beside: int, *, plain: int) -> list[list[nn.Module]]:
        """Return a list per linear map; each map reads ``beside`` more entries than the stage before it makes."""
        stages: list[list[nn.Module]] = []
        for i, units in enumerate(self.hidden):
            made = units * reads(self.activation)
            stage: list[nn.Module] = [norm.linear(inputs + beside, made, self.norm)]
            if i >= plain:
                stage += norm.after(made, self.norm, eps=self.norm_eps, affine=self.norm_affine)
            stages.append([*stage, activation(self.activation)])
            inputs = units
        return [*stages, [norm.linear(inputs + beside, outputs, self.norm)]]
