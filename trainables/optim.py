"""Optimisers over stacked replicas: every rule here is elementwise, so N stacked runs equal N separate ones.

A rule with a norm over parameters (gradient clipping, LARS) would couple the replicas and has no place here.
The configurations name the library's true defaults, because "RMSProp" is not one algorithm (see RMSpropTf1).
``formula`` says a rule with its numbers filled in, after the first values of what it keeps, for the gradient g of a
weight w at step t = 1, 2, ...
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from trainables.families import Family, first_line
from trainables.later import torch

if TYPE_CHECKING:
    from torch import Tensor


def _require(holds: bool, name: str, rule: str, value: float) -> None:
    if not (isfinite(value) and holds):
        raise ValueError(f"{name} must be {rule}, got {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd:
    """``v <- momentum v + g; w <- w - lr v`` (torch's convention: lr outside the velocity)."""

    kind: Literal["sgd"] = "sgd"
    lr: float
    momentum: float = 0.0
    source: ClassVar[str] = "Sutskever et al. 2013"

    def __post_init__(self) -> None:
        _require(self.lr > 0, "lr", "> 0", self.lr)
        _require(0 <= self.momentum < 1, "momentum", "in [0, 1)", self.momentum)

    def build(self, leaves: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(list(leaves), lr=self.lr, momentum=self.momentum)

    def formula(self) -> str:
        return f"v = 0; v <- {self.momentum:g} v + g; w <- w - {self.lr:g} v"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam with bias correction. ``beta1 = 0.5`` is DCGAN's choice and this project's default, not torch's 0.9.

    ``weight_decay`` times the weight is added to its gradient (L2, as in torch's Adam; not AdamW).
    """

    kind: Literal["adam"] = "adam"
    lr: float
    beta1: float = 0.5
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    source: ClassVar[str] = "Kingma & Ba 2015, algorithm 1; Radford et al. 2016 for beta1"

    def __post_init__(self) -> None:
        _require(self.lr > 0, "lr", "> 0", self.lr)
        _require(0 <= self.beta1 < 1, "beta1", "in [0, 1)", self.beta1)
        _require(0 <= self.beta2 < 1, "beta2", "in [0, 1)", self.beta2)
        _require(self.eps > 0, "eps", "> 0", self.eps)
        _require(self.weight_decay >= 0, "weight_decay", ">= 0", self.weight_decay)

    def build(self, leaves: Iterable[Tensor]) -> torch.optim.Optimizer:
        # The fused kernel rounds the last elements of an array in another way: a stack and its solo runs agree to the
        # last bit or two of each step.
        betas = (self.beta1, self.beta2)
        return torch.optim.Adam(
            list(leaves), lr=self.lr, betas=betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )

    def formula(self) -> str:
        one, two = self.beta1, self.beta2
        decay = f"g <- g + {self.weight_decay:g} w; " if self.weight_decay else ""
        return (
            f"m = s = 0; {decay}m <- {one:g} m + {1 - one:g} g; s <- {two:g} s + {1 - two:g} g^2;"
            f" w <- w - {self.lr:g} m / (1 - {one:g}^t) / (sqrt(s / (1 - {two:g}^t)) + {self.eps:g})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RMSprop:
    """torch's RMSProp: the accumulator starts at 0 and eps stands outside the root.

    ``s <- alpha s + (1 - alpha) g^2; w <- w - lr g / (sqrt(s) + eps)``. The first step is about
    ``lr / sqrt(1 - alpha)`` per weight, whatever the gradient: 10 lr at alpha 0.99.
    """

    kind: Literal["rmsprop"] = "rmsprop"
    lr: float
    alpha: float = 0.99
    momentum: float = 0.0
    eps: float = 1e-8
    source: ClassVar[str] = "Tieleman & Hinton 2012, as in torch.optim.RMSprop"

    def __post_init__(self) -> None:
        _require(self.lr > 0, "lr", "> 0", self.lr)
        _require(0 <= self.alpha < 1, "alpha", "in [0, 1)", self.alpha)
        _require(0 <= self.momentum < 1, "momentum", "in [0, 1)", self.momentum)
        _require(self.eps > 0, "eps", "> 0", self.eps)

    def build(self, leaves: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.RMSprop(
            list(leaves), lr=self.lr, alpha=self.alpha, momentum=self.momentum, eps=self.eps, foreach=True
        )

    def formula(self) -> str:
        mean = f"s <- {self.alpha:g} s + {1 - self.alpha:g} g^2"
        velocity = f"v <- {self.momentum:g} v + g / (sqrt(s) + {self.eps:g})"
        return f"s = v = 0; {mean}; {velocity}; w <- w - {self.lr:g} v"


@dataclass(frozen=True, slots=True, kw_only=True)
class RMSpropTf1:
    """TensorFlow 1's RMSProp, which the LSGAN authors used: accumulator from *ones*, eps 1e-10 inside the root.

    ``s <- decay s + (1 - decay) g^2`` from ``s = 1``; ``w <- w - lr g / sqrt(s + eps)``. Early steps are about
    ``lr g`` and warm up over ``1 / (1 - decay)`` steps and more, where torch's start at several ``lr`` per weight.
    """

    kind: Literal["rmsprop_tf1"] = "rmsprop_tf1"
    lr: float
    decay: float = 0.9
    eps: float = 1e-10
    source: ClassVar[str] = "TensorFlow 1 tf.train.RMSPropOptimizer defaults"

    def __post_init__(self) -> None:
        _require(self.lr > 0, "lr", "> 0", self.lr)
        _require(0 <= self.decay < 1, "decay", "in [0, 1)", self.decay)
        _require(self.eps > 0, "eps", "> 0", self.eps)

    def build(self, leaves: Iterable[Tensor]) -> torch.optim.Optimizer:
        from trainables.tf1_rmsprop import Tf1RMSprop

        return Tf1RMSprop(list(leaves), lr=self.lr, decay=self.decay, eps=self.eps)

    def formula(self) -> str:
        mean = f"s <- {self.decay:g} s + {1 - self.decay:g} g^2"
        return f"s = 1; {mean}; w <- w - {self.lr:g} g / sqrt(s + {self.eps:g})"


OptimizerConfig = Sgd | Adam | RMSprop | RMSpropTf1
OPTIMIZERS: tuple[type[OptimizerConfig], ...] = get_args(OptimizerConfig)
FAMILY = Family(
    name="optimizer",
    built_in=OPTIMIZERS,
    methods=("build",),
    usual={"source": lambda member: "-", "formula": lambda member: lambda self: first_line(member)},
)
"""All optimisers, with those of plugins."""
