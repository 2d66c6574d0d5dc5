"""Formulas: each says its numbers, and read as arithmetic it is what the code computes."""

import dataclasses
import re
from math import isnan
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning, Unconditional, cross_entropy
from trainables.objectives import OBJECTIVES, LeastSquares, Minimax, NonSaturating, Objective, Wasserstein
from trainables.optim import OPTIMIZERS, Adam, OptimizerConfig, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import PENALTIES, POINTS, NoPenalty, Penalty

OBJECTIVE_VALUES = [kind() for kind in OBJECTIVES] + [LeastSquares(a=-1, b=1, c=0), LeastSquares(a=0.3, b=2.5, c=-0.7)]
OPTIMIZER_VALUES: list[OptimizerConfig] = [
    Sgd(lr=0.1),
    Sgd(lr=0.1, momentum=0.9),
    Adam(lr=0.001),
    Adam(lr=0.01, beta1=0.0, beta2=0.9, eps=0.001, weight_decay=0.25),
    RMSprop(lr=0.001),
    RMSprop(lr=0.001, alpha=0.9, momentum=0.5, eps=0.01),
    RMSpropTf1(lr=0.01),
]


def evaluate(text: str, names: dict[str, Any]) -> Any:
    """A formula as Python: ``^`` is a power, a number before a name is a factor, ``|v|`` a norm, ``E[]`` a mean."""
    text = re.sub(r"\|grad D\(p\)\|", "slope", text)
    text = text.replace("D(G(z))", "fake").replace("D(x)", "real").replace("^", "**")
    text = re.sub(r"E\[([^\]]*)\]", r"mean(\1)", text)
    text = re.sub(r"(?<![a-z])([0-9.]+(?:e-?\d+)?) (?=[a-zA-Z(])", r"\1 * ", text)
    return eval(text, {"__builtins__": {}}, names)


def varied(value: Any) -> tuple[Any, dict[str, float]]:
    """The value with an odd number in every numeric field, a different one in each, and those numbers."""
    changes: dict[str, Any] = {}
    for place, field in enumerate(dataclasses.fields(value)):
        if field.type in (float, int, int | None):
            current = getattr(value, field.name)
            fraction = round((0.31 if hasattr(value, "lr") else 1.31) + place / 100, 2)
            changes[field.name] = 7 + place if isinstance(current, int) or current is None else fraction
    return dataclasses.replace(value, **changes), changes


def of_every_table() -> list[Any]:
    tables = (*OBJECTIVES, *PENALTIES, *POINTS, *get_args(Conditioning))
    return [kind() for kind in tables] + [kind(lr=0.5) for kind in OPTIMIZERS]


@pytest.mark.parametrize("value", of_every_table(), ids=lambda value: f"{type(value).__name__}")
def test_every_value_has_a_formula_that_names_its_numbers(value: Any) -> None:
    changed, numbers = varied(value)
    text = " ".join(changed.formulas()) if hasattr(changed, "formulas") else changed.formula()
    assert text.strip()
    for name, number in numbers.items():
        assert re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?![\d.]*\d)", text), f"{name} {number} in {text}"


# Objectives


@pytest.mark.parametrize("objective", OBJECTIVE_VALUES, ids=str)
def test_an_objective_s_formulas_are_its_losses(objective: Objective) -> None:
    generator = torch.Generator().manual_seed(1)
    real, fake = (torch.randn(1, count, generator=generator, dtype=torch.float64) * 2 for count in (5, 7))
    names = {"real": real, "fake": fake, "softplus": torch.nn.functional.softplus, "mean": torch.mean}
    for text, name, loss in zip(
        objective.formulas(), "dg", (objective.d_loss(real, fake), objective.g_loss(fake)), strict=True
    ):
        assert text.startswith(f"{name} = ")
        assert evaluate(text.removeprefix(f"{name} = "), names).item() == pytest.approx(loss.item(), rel=1e-12)


# Penalties and conditioning


@pytest.mark.parametrize("penalty", [varied(kind())[0] for kind in PENALTIES], ids=lambda p: p.kind)
@pytest.mark.parametrize("slope", [0.6, 1.7])
def test_a_penalty_s_formula_is_its_value(penalty: Penalty, slope: float) -> None:
    """On a linear D, whose slope is the same at every point."""

    class Half:
        def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
            return torch.full((1, *shape), 0.5)

        normal = uniform

    direction = slope * torch.tensor([0.6, 0.8], dtype=torch.float64)
    batch = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    value = penalty.penalty(lambda x: x @ direction, batch, batch + 1, Half()).item()
    names = {"slope": torch.tensor(slope, dtype=torch.float64), "mean": torch.mean, "max": _largest}
    formula = re.split(r", (?:two|one)-sided", penalty.formula().removeprefix("d += "))[0]
    assert float(evaluate(formula, names)) == pytest.approx(value, rel=1e-12)


def _largest(low: float, value: Tensor) -> Tensor:
    return value.clamp_min(low)


def test_no_penalty_says_so() -> None:
    assert NoPenalty().formula() == "d += 0"


def test_a_class_head_s_formula_is_its_losses() -> None:
    value = AuxiliaryClassifier(weight=0.3)
    generator = torch.Generator().manual_seed(1)
    logits = [torch.randn(1, 6, 3, generator=generator, dtype=torch.float64) for _ in range(2)]
    labels = [torch.randint(3, (1, 6), generator=generator) for _ in range(2)]
    real, fake = (cross_entropy(own, classes).item() for own, classes in zip(logits, labels, strict=True))
    d, g, _ = value.formula().split("; ")
    losses = (value.d_loss(logits[0], labels[0], logits[1], labels[1]), value.g_loss(logits[1], labels[1]))
    for text, name, loss in zip((d, g), "dg", losses, strict=True):
        text = text.removeprefix(f"{name} += ").replace("CE(C(x), y)", "one").replace("CE(C(G(z, c)), c)", "other")
        assert evaluate(text, {"one": real, "other": fake}) == pytest.approx(loss.item(), rel=1e-12)


def test_conditioning_says_where_labels_come_from() -> None:
    assert "as in the real batch" in ByLabel(fake_labels="batch").formula()
    assert "uniform" in AuxiliaryClassifier(fake_labels="uniform").formula()
    assert "no labels" in Unconditional().formula()


# Optimisers


@pytest.mark.parametrize("optimizer", OPTIMIZER_VALUES, ids=str)
def test_an_optimizer_s_formula_is_its_steps(optimizer: OptimizerConfig) -> None:
    """Three steps, from the first values that the formula names: TensorFlow 1's accumulator starts at 1."""
    leaf = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    built = optimizer.build([leaf])
    names: dict[str, Any] = {"w": 0.7, "sqrt": lambda value: value**0.5}
    start, *rules = optimizer.formula().split("; ")
    *kept, first = start.split(" = ")
    names |= dict.fromkeys(kept, float(first))
    for t, gradient in enumerate((0.3, -1.5, 0.02), start=1):
        leaf.grad = torch.tensor([gradient], dtype=torch.float64)
        built.step()
        names |= {"g": gradient, "t": t}
        for rule in rules:
            name, _, value = rule.partition(" <- ")
            names[name] = evaluate(value, names)
        assert names["w"] == pytest.approx(leaf.item(), rel=1e-9)


# Equilibrium


@pytest.mark.parametrize("objective", OBJECTIVE_VALUES, ids=str)
def test_the_equilibrium_is_the_least_loss_of_d_at_equal_densities(objective: Objective) -> None:
    """Over constants: the best D at ``p_g = p_d`` is one. G's value is its loss there."""
    constant = torch.linspace(-5, 5, 10_001, dtype=torch.float64)[:, None]
    d, g = objective.equilibrium()
    losses = objective.d_loss(constant, constant)
    assert losses.min().item() == pytest.approx(d, abs=1e-6)
    at_best = objective.g_loss(constant[losses.argmin()][None]).item()
    assert isinstance(objective, Wasserstein) if g is None else at_best == pytest.approx(g, abs=1e-3)


@pytest.mark.parametrize(
    ("objective", "d", "g"),
    [
        (Minimax(), 1.3862943611198906, -0.6931471805599453),
        (NonSaturating(), 1.3862943611198906, 0.6931471805599453),
        (LeastSquares(), 0.25, 0.125),
        (LeastSquares(a=-1, b=1, c=0), 1.0, 0.0),
        (LeastSquares(a=2, b=-4, c=1), 9.0, 2.0),
    ],
    ids=str,
)
def test_the_equilibrium_by_hand(objective: Objective, d: float, g: float) -> None:
    assert objective.equilibrium() == pytest.approx((d, g), rel=1e-12)


def test_a_wasserstein_g_loss_has_no_value_of_its_own() -> None:
    """A constant D is as good as any other constant: the loss is minus it."""
    assert Wasserstein().equilibrium() == (0.0, None)
    assert not isnan(Wasserstein().equilibrium()[0])
