"""Nonlinearities and other layers without parameters, among them some that read several maps for each they make."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["tanh", "relu", "leaky_relu", "softplus", "gated"]


class ShiftedSoftplus(nn.Module):
    """``softplus(2x + 2) / 2 - 1``, > -1, a smooth rectifier. Gulrajani et al. 2017, table 1."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.softplus(2 * x + 2) / 2 - 1


class Gate(nn.Module):
    """``s(a) tanh(b)``, in (-1, 1), of the even and the odd places of axis 1: ``[B, 2 C, ...] -> [B, C, ...]``.

    Van den Oord et al. 2016, eq. 2; Gulrajani et al. 2017, figure 2 (authors' code).
    """

    def forward(self, x: Tensor) -> Tensor:
        return x[:, ::2].sigmoid() * x[:, 1::2].tanh()


class Maxout(nn.Module):
    """The largest of each ``pieces`` neighbors of the last axis: ``[..., pieces n] -> [..., n]``.

    Goodfellow et al. 2013, eq. 1.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        largest: Tensor = x.unflatten(-1, (-1, self.pieces)).max(-1).values
        return largest


class Scale(nn.Module):
    """``factor * x``."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


def activation(name: Activation, *, slope: float = 0.2) -> nn.Module:
    """Return the layer; ``slope`` is the leaky rectifier's on the negative side."""
    makers: dict[Activation, Callable[[], nn.Module]] = {
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "softplus": ShiftedSoftplus,
        "gated": Gate,
    }
    return makers[name]()


def reads(name: Activation) -> int:
    """Count the maps that the layer reads for each map that it makes."""
    return 2 if name == "gated" else 1
