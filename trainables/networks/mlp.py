"""Fully connected nets for 2-D data."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, prod
from typing import ClassVar, Literal

from torch import nn

from trainables.networks.init import Init, Orthogonal
from trainables.networks.norm import BatchNorm

Activation = Literal["tanh", "relu", "leaky_relu"]
ACTIVATIONS: dict[Activation, Callable[[], nn.Module]] = {
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mlp:
    """``linear, (batch norm), activation`` per hidden layer, then a plain linear output.

    Batch norm, when on, follows every hidden linear map of a generator, and every one but the first of a
    discriminator (Radford et al. 2016: no batch norm on D's input layer). The defaults are the LSGAN authors'
    mixture nets: 256-128-128-2 with 49,666 and 2-128-128-1 with 17,025 parameters.
    """

    kind: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = (128, 128)
    activation: Activation = "tanh"
    batch_norm: bool = False
    bn_eps: float = 1e-5
    bn_affine: bool = True
    init: Init = Orthogonal()
    source: ClassVar[str] = "Mao et al. 2017, section 4.4 (authors' mixture code)"

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ValueError(f"hidden must name at least one layer of at least one unit, got {self.hidden}")
        if not (isfinite(self.bn_eps) and self.bn_eps > 0):
            raise ValueError(f"bn_eps must be > 0, got {self.bn_eps}")

    def generator(self, latent: int, shape: tuple[int, ...]) -> nn.Module:
        """Maps ``[B, latent]`` to ``[B, *shape]``, unbounded."""
        layers = self._layers(latent, prod(shape), plain_layers=0)
        return nn.Sequential(*layers, nn.Unflatten(1, shape)) if len(shape) > 1 else nn.Sequential(*layers)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        """Maps ``[B, *shape]`` to raw scores ``[B]``."""
        return nn.Sequential(nn.Flatten(1), *self._layers(prod(shape), 1, plain_layers=1), nn.Flatten(0))

    def _layers(self, inputs: int, outputs: int, *, plain_layers: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        for i, units in enumerate(self.hidden):
            layers.append(nn.Linear(inputs, units))
            if self.batch_norm and i >= plain_layers:
                layers.append(BatchNorm(units, eps=self.bn_eps, affine=self.bn_affine))
            layers.append(ACTIVATIONS[self.activation]())
            inputs = units
        return [*layers, nn.Linear(inputs, outputs)]
