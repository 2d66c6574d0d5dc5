"""Optimisers: each rule by hand, a stack equals separate runs, a restored one continues with the same numbers."""

import copy
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan, sqrt

import pytest
import torch
from torch import Tensor

from tests.trainables.rounding import assert_same
from trainables.optim import OPTIMIZERS, Adam, OptimizerConfig, RMSprop, RMSpropTf1, Sgd

GRADIENTS = (0.5, -2.0, 0.25)
EVERY = (
    Sgd(lr=0.1),
    Sgd(lr=0.1, momentum=0.9),
    Adam(lr=0.1),
    Adam(lr=0.1, beta1=0.9, beta2=0.99, eps=0.01),
    RMSprop(lr=0.1),
    RMSprop(lr=0.1, alpha=0.8, momentum=0.5, eps=0.01),
    RMSpropTf1(lr=0.1),
    RMSpropTf1(lr=0.1, decay=0.8, eps=0.01),
)
every = pytest.mark.parametrize("config", EVERY, ids=str)


def sgd(c: Sgd, gradients: tuple[float, ...]) -> float:
    w, v = 1.0, 0.0
    for g in gradients:
        v = c.momentum * v + g
        w -= c.lr * v
    return w


def adam(c: Adam, gradients: tuple[float, ...]) -> float:
    w, m, s = 1.0, 0.0, 0.0
    for t, g in enumerate(gradients, start=1):
        m = c.beta1 * m + (1 - c.beta1) * g
        s = c.beta2 * s + (1 - c.beta2) * g * g
        w -= c.lr * (m / (1 - c.beta1**t)) / (sqrt(s / (1 - c.beta2**t)) + c.eps)
    return w


def rmsprop(c: RMSprop, gradients: tuple[float, ...]) -> float:
    w, s, v = 1.0, 0.0, 0.0
    for g in gradients:
        s = c.alpha * s + (1 - c.alpha) * g * g
        v = c.momentum * v + g / (sqrt(s) + c.eps)
        w -= c.lr * v
    return w


def rmsprop_tf1(c: RMSpropTf1, gradients: tuple[float, ...]) -> float:
    w, s = 1.0, 1.0
    for g in gradients:
        s = c.decay * s + (1 - c.decay) * g * g
        w -= c.lr * g / sqrt(s + c.eps)
    return w


RULES: dict[type, Callable[..., float]] = {Sgd: sgd, Adam: adam, RMSprop: rmsprop, RMSpropTf1: rmsprop_tf1}


def full(gradient: float) -> Tensor:
    return torch.full((1,), gradient, dtype=torch.float64)


def stepped(config: OptimizerConfig, start: Tensor, gradients: list[Tensor]) -> Tensor:
    leaf = start.clone().requires_grad_()
    optimizer = config.build([leaf])
    for gradient in gradients:
        leaf.grad = gradient.clone()
        optimizer.step()
    return leaf.detach()


@every
@pytest.mark.parametrize("steps", [1, 3])
def test_steps_by_hand(config: OptimizerConfig, steps: int) -> None:
    gradients = [torch.tensor([g], dtype=torch.float64) for g in GRADIENTS[:steps]]
    moved = stepped(config, torch.ones(1, dtype=torch.float64), gradients)
    assert moved.item() == pytest.approx(RULES[type(config)](config, GRADIENTS[:steps]), rel=1e-12)


def test_the_rules_by_hand_miss_no_optimizer() -> None:
    assert set(RULES) == set(OPTIMIZERS) == {type(config) for config in EVERY}


@pytest.mark.parametrize("gradient", [1e-3, 7.0, -40.0])
def test_torchs_rmsprop_starts_with_ten_learning_rates_whatever_the_gradient(gradient: float) -> None:
    moved = stepped(RMSprop(lr=0.01), torch.zeros(1, dtype=torch.float64), [full(gradient)])
    assert abs(moved.item()) == pytest.approx(0.01 / sqrt(1 - 0.99), rel=1e-3)


def test_tensorflows_rmsprop_starts_near_the_plain_gradient() -> None:
    moved = stepped(RMSpropTf1(lr=0.01), torch.zeros(1, dtype=torch.float64), [full(1e-3)])
    assert -moved.item() == pytest.approx(0.01 * 1e-3 / sqrt(0.9), rel=1e-6)


def test_tensorflows_epsilon_stands_inside_the_root() -> None:
    config = RMSpropTf1(lr=1.0, decay=0.0, eps=0.25)
    moved = stepped(config, torch.zeros(1, dtype=torch.float64), [full(1e-3)])
    assert -moved.item() == pytest.approx(1e-3 / sqrt(1e-6 + 0.25), rel=1e-9)


def test_a_weight_without_gradient_stays() -> None:
    for config in EVERY:
        still, moving = torch.ones(2).requires_grad_(), torch.ones(2).requires_grad_()
        optimizer = config.build([still, moving])
        moving.grad = torch.ones(2)
        optimizer.step()
        assert torch.equal(still.detach(), torch.ones(2))
        assert not torch.equal(moving.detach(), torch.ones(2))


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_stack_steps_as_its_replicas_do(config: OptimizerConfig, dtype: torch.dtype) -> None:
    """To the bit, but for Adam's fused kernel. No vector register divides the size: a replica ends within one."""
    rng = torch.Generator().manual_seed(1)
    start = torch.randn(3, 7, 5, generator=rng, dtype=dtype)
    gradients = [torch.randn(3, 7, 5, generator=rng, dtype=dtype) for _ in range(5)]
    stacked = stepped(config, start, gradients)
    for i in range(3):
        solo = stepped(config, start[i : i + 1], [g[i : i + 1] for g in gradients])
        assert_same(stacked[i : i + 1], solo, roundings=8 if isinstance(config, Adam) else 0)


@every
def test_a_poisoned_replica_leaves_the_bits_of_the_others(config: OptimizerConfig) -> None:
    rng = torch.Generator().manual_seed(2)
    start = torch.randn(2, 9, generator=rng)
    gradients = [torch.randn(2, 9, generator=rng) for _ in range(3)]
    poisoned = [torch.cat([torch.full((1, 9), torch.nan), g[1:]]) for g in gradients]
    assert torch.equal(stepped(config, start, poisoned)[1], stepped(config, start, gradients)[1])


@every
def test_a_restored_optimizer_continues_with_the_same_numbers(config: OptimizerConfig) -> None:
    rng = torch.Generator().manual_seed(4)
    start = torch.randn(2, 6, generator=rng)
    gradients = [torch.randn(2, 6, generator=rng) for _ in range(6)]
    leaf = start.clone().requires_grad_()
    optimizer = config.build([leaf])
    for gradient in gradients[:3]:
        leaf.grad = gradient
        optimizer.step()
    saved, place = copy.deepcopy(optimizer.state_dict()), leaf.detach().clone()
    resumed = place.requires_grad_()
    other = config.build([resumed])
    other.load_state_dict(saved)
    for gradient in gradients[3:]:
        resumed.grad = gradient
        other.step()
    assert torch.equal(resumed.detach(), stepped(config, start, gradients))


def test_the_state_matters_to_the_one_that_continues() -> None:
    """Were the accumulator lost, the test above would have to fail: here it is."""
    gradients = [torch.full((1,), 3.0)] * 2
    whole = stepped(RMSpropTf1(lr=0.1), torch.zeros(1), gradients)
    forgetful = stepped(RMSpropTf1(lr=0.1), stepped(RMSpropTf1(lr=0.1), torch.zeros(1), gradients[:1]), gradients[1:])
    assert not torch.allclose(whole, forgetful, rtol=1e-3)


BAD = [
    *[(kind, "lr", value, "> 0") for kind in OPTIMIZERS for value in (0.0, -0.1, nan, inf)],
    *[(kind, "momentum", value, r"in \[0, 1\)") for kind in (Sgd, RMSprop) for value in (-0.1, 1.0, nan)],
    *[(Adam, name, value, r"in \[0, 1\)") for name in ("beta1", "beta2") for value in (-0.1, 1.0, nan)],
    *[(kind, "eps", value, "> 0") for kind in (Adam, RMSprop, RMSpropTf1) for value in (0.0, -1e-8, nan)],
    *[(RMSprop, "alpha", value, r"in \[0, 1\)") for value in (-0.1, 1.0)],
    *[(RMSpropTf1, "decay", value, r"in \[0, 1\)") for value in (-0.1, 1.0)],
]


@pytest.mark.parametrize(("kind", "field", "value", "rule"), BAD, ids=str)
def test_numbers_out_of_range_are_refused(kind: type[OptimizerConfig], field: str, value: float, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be {rule}, got {value}$"):
        replace(kind(lr=0.1), **{field: value})


def test_sources_are_stated_and_kinds_unique() -> None:
    assert all(kind.source.strip() for kind in OPTIMIZERS)
    assert len({kind(lr=1.0).kind for kind in OPTIMIZERS}) == len(OPTIMIZERS)
