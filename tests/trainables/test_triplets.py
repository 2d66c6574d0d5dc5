"""LSGAN's triplet has one degree of freedom: equal gamma, equal game, through the real loop.

Put ``D = a + s D'`` with ``s = b - a``. Both losses are ``s^2`` times those of (0, 1, gamma) at D'. A last layer with
weights ``s W'`` and bias ``a + s c'`` makes this D; its gradient is s times that of the primed one, so that one step
moves both alike. The gradients of all other layers, and of G, are ``s^2`` times the primed ones: they need ``1 / s^2``
of the step.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from search_spaces import TRIPLET, Level, triplet
from tests.trainables.rounding import ROUNDINGS, largest
from trainables.config import GanConfig, Latent, Updates
from trainables.data import Ring
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares
from trainables.optim import Sgd

CPU = torch.device("cpu")
LR, STEPS, SEEDS = 0.05, 200, (3, 8)
NAMED = {level.label: level for level in TRIPLET.levels}
ORDERS = ("d_first", "simultaneous")
SAME = ROUNDINGS * torch.finfo(torch.float64).eps


@dataclass(frozen=True, kw_only=True)
class TwoRates:
    """Gradient descent whose last layer (weights and bias) has a step of its own."""

    lr: float
    last: float
    kind: Literal["two_rates"] = "two_rates"

    def build(self, leaves: Iterable[Tensor]) -> torch.optim.Optimizer:
        *others, weight, bias = leaves
        groups = [{"params": others, "lr": self.lr}, {"params": [weight, bias], "lr": self.last}]
        return torch.optim.SGD(groups)


def objective(level: Level) -> LeastSquares:
    values: Any = level.assign["objective"]
    return LeastSquares(**values)


def trained(level: Level, *, order: Any = "d_first", steps: int = STEPS, adapted: bool = True) -> dict[str, Tensor]:
    """G's parameters after training; ``adapted`` steps are those of the substitution, else all are equal."""
    own = objective(level)
    scale = own.b - own.a
    lr = LR / scale**2 if adapted else LR
    rates: Any = TwoRates(lr=lr, last=LR)
    config = GanConfig(
        data=Ring(),
        generator=Mlp(hidden=(16, 12), activation="tanh", init=He()),
        discriminator=Mlp(hidden=(16, 12), activation="leaky_relu", init=He()),
        objective=own,
        latent=Latent(dim=4, distribution="normal"),
        g_optimizer=Sgd(lr=lr),
        d_optimizer=rates,
        updates=Updates(order=order),
        batch_size=32,
        steps=steps,
        dtype="float64",
    )
    loop = Loop(config, SEEDS, Ring().load(device=CPU, dtype=torch.float64), [], device=CPU)
    params = loop.state_dict()["params"]
    *_, weight, bias = params["discriminator"].values()
    weight.mul_(scale)
    bias.mul_(scale).add_(own.a)
    for _ in range(steps):
        loop.advance()
    return {name: value.clone() for name, value in loop.state_dict()["params"]["generator"].items()}


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """The largest, as a share of the largest parameter."""
    return largest(*(one[name] - other[name] for name in one)) / largest(*one.values())


@pytest.mark.parametrize("order", ORDERS)
def test_triplets_of_one_gamma_train_one_generator(order: str) -> None:
    made = {label: trained(level, order=order) for label, level in NAMED.items()}
    for one, other in combinations(NAMED, 2):
        found = difference(made[one], made[other])
        print(f"{order}: {one} and {other} differ by {found:.1e}")
        if NAMED[one].tags["gamma"] == NAMED[other].tags["gamma"]:
            assert found < SAME
        else:
            assert found > 1e-2


@pytest.mark.parametrize(
    "other", [triplet(0.75, 2.0, 0.3), triplet(0.75, 0.1, -1.0), triplet(0.75, 9.0, 1.0)], ids=lambda level: level.label
)
def test_any_scale_and_any_start_will_do(other: Level) -> None:
    assert difference(trained(triplet(0.75), steps=60), trained(other, steps=60)) < SAME


def test_the_generator_has_moved() -> None:
    """Equality at the start would be no news."""
    assert difference(trained(NAMED["(0,1,1)"], steps=1), trained(NAMED["(0,1,1)"])) > 1e-2


def test_with_the_same_step_everywhere_the_scale_shows() -> None:
    one, other = (trained(NAMED[label], steps=60, adapted=False) for label in ("(0,1,1)", "(-1,1,1)"))
    assert difference(one, other) > 1e-3


def test_labels_lead_back_to_gamma_scale_and_start() -> None:
    for gamma, scale, offset in ((1.0, 4.0, 0.5), (0.25, 2.0, -0.7), (1.5, 0.09, 3.0)):
        own = objective(triplet(gamma, scale, offset))
        width = own.b - own.a
        assert (own.c - own.a) / width == pytest.approx(gamma, rel=1e-12)
        assert width**2 == pytest.approx(scale, rel=1e-12)
        assert -own.a / width == pytest.approx(offset, rel=1e-12)
