"""Penalties beyond the formulas (those are checked in ``test_mutants``): derivatives, bad input, parsing."""

import dataclasses
from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor

from study.design.parsing import assign_config, config_from
from tests.trainables.mutants.checks_games import RING
from tests.trainables.mutants.checks_losses import F64, Numbers, batches
from trainables.config import to_dict
from trainables.networks import Mlp
from trainables.penalties import (
    PENALTIES,
    POINTS,
    AroundReal,
    Interpolates,
    InterpolatesMixed,
    InterpolatesWithin,
    LsganGp,
    NoPenalty,
    Penalty,
    WganDiv,
    WganGp,
)

POINTED = [kind for kind in PENALTIES if "points" in {field.name for field in dataclasses.fields(kind)}]
EVERY = [kind() for kind in PENALTIES] + [kind(points=points()) for kind in POINTED for points in POINTS]
REAL_PENALTIES = [penalty for penalty in EVERY if not isinstance(penalty, NoPenalty)]
# InterpolatesWithin takes its real pairs from the first half of a batch: twice the batch, twice as many of them.
REPEATABLE = [p for p in REAL_PENALTIES if not isinstance(getattr(p, "points", None), InterpolatesWithin)]
every = pytest.mark.parametrize("penalty", REAL_PENALTIES, ids=str)


class Twice:
    """The noise of half the batch, repeated."""

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        half = Numbers().uniform(name, (shape[0] // 2, *shape[1:]))
        return torch.cat([half, half], 1)

    normal = uniform


def curved(weight: Tensor) -> Any:
    """A smooth D with weights ``[R, H, dim]``; each replica has its own."""
    return lambda x: (x @ weight.mT).tanh().sum(2)


@every
def test_the_gradient_for_the_weights_is_that_of_finite_differences(penalty: Penalty) -> None:
    real, fake = batches(3, 2)
    weight = Numbers().normal("weight", (2, 2)).to(F64).requires_grad_()
    small = dataclasses.replace(penalty, **({"k": 0.1} if isinstance(penalty, WganDiv) else {"weight": 0.5}))
    assert torch.autograd.gradcheck(lambda w: small.penalty(curved(w), real, fake / 4, Numbers()), (weight,))


@pytest.mark.parametrize("penalty", REPEATABLE, ids=str)
def test_a_batch_repeated_with_its_noise_gives_the_same_penalty(penalty: Penalty) -> None:
    real, fake = batches(4, 3)
    score = curved(Numbers().normal("weight", (2, 3)).to(F64))
    twice = penalty.penalty(score, real.repeat(1, 2, 1), fake.repeat(1, 2, 1), Twice())
    torch.testing.assert_close(twice, penalty.penalty(score, real, fake, Numbers()))


@every
def test_no_penalty_is_negative(penalty: Penalty) -> None:
    real, fake = batches(4, 3)
    assert (penalty.penalty(curved(torch.ones(2, 2, 3, dtype=F64)), real, fake, Numbers()) >= 0).all()


@pytest.mark.parametrize("points", [Interpolates(), InterpolatesWithin(), InterpolatesMixed()], ids=str)
def test_batches_of_two_sizes_cannot_be_mixed(points: Any) -> None:
    real, fake = batches(4, 3)
    with pytest.raises(ValueError, match="real and fake samples must have one shape to be mixed, got"):
        points.points(real, fake[:, :3], Numbers())


@pytest.mark.parametrize("value", [-1.0, nan, inf])
def test_weights_are_finite_and_not_negative(value: float) -> None:
    for kind in PENALTIES:
        name = {"none": None, "wgan_div": "k"}.get(kind().kind, "weight")
        if name is not None:
            with pytest.raises(ValueError, match=rf"^{name} must be >= 0, got {value}"):
                kind(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.5, nan, inf])
def test_the_exponent_is_at_least_one(value: float) -> None:
    with pytest.raises(ValueError, match=rf"^p must be >= 1, got {value}"):
        WganDiv(p=value)


@pytest.mark.parametrize("kind", [LsganGp, AroundReal], ids=lambda kind: kind.__name__)
def test_scales_are_positive(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"^scale must be > 0, got 0"):
        kind(scale=0.0)


@every
def test_configurations_with_a_penalty_survive_parsing(penalty: Penalty) -> None:
    config = dataclasses.replace(RING, penalty=penalty)
    assert config_from(to_dict(config)) == config


@pytest.mark.parametrize("kind", PENALTIES, ids=lambda kind: kind.__name__)
def test_a_kind_alone_assigns_its_defaults(kind: Any) -> None:
    assert assign_config(RING, {"penalty.kind": kind().kind}).penalty == kind()


@every
def test_a_penalty_excludes_clipping_and_batch_norm(penalty: Penalty) -> None:
    with pytest.raises(ValueError, match=r"^clip must be absent beside a gradient penalty, got 0.1"):
        dataclasses.replace(RING, penalty=penalty, clip=0.1)
    normed = Mlp(norm="batch")
    with pytest.raises(ValueError, match=r"^discriminator.norm must not be batch with a gradient penalty"):
        dataclasses.replace(RING, penalty=penalty, discriminator=normed)
    dataclasses.replace(RING, penalty=penalty, discriminator=normed, allow_penalty_with_batch_norm=True)


def test_sources_are_stated_and_kinds_unique() -> None:
    assert all(kind.source.strip() for kind in PENALTIES)
    assert len({kind().kind for kind in PENALTIES}) == len(PENALTIES)
    assert len({kind().kind for kind in POINTS}) == len(POINTS) == 8
    assert WganGp().points == Interpolates()
