"""Nonlinearities by name, among them one that reads several maps for each that it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from trainables.later import nn
from trainables.networks.later import layers

Activation = Literal["tanh", "relu", "leaky_relu", "softplus", "gated"]


def activation(name: Activation, *, slope: float = 0.2) -> nn.Module:
    """Return the layer; ``slope`` is the leaky rectifier's on the negative side."""
    makers: dict[Activation, Callable[[], nn.Module]] = {
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": lambda: nn.LeakyReLU(slope),
        "softplus": layers.ShiftedSoftplus,
        "gated": layers.Gate,
    }
    return makers[name]()


def reads(name: Activation) -> int:
    """Count the maps that the layer reads for each map that it makes."""
    return 2 if name == "gated" else 1
