"""Objectives: the formulas by hand, and what every objective must be, over the table of all of them."""

from dataclasses import replace
from math import inf, log, nan

import pytest
import torch

from tests.trainables.rounding import assert_same, largest
from trainables.objectives import OBJECTIVES, LeastSquares, Minimax, NonSaturating, Objective, Wasserstein

EVERY = [kind() for kind in OBJECTIVES] + [LeastSquares(a=-1, b=1, c=0), LeastSquares(a=0.3, b=2.5, c=-0.7)]
every = pytest.mark.parametrize("objective", EVERY, ids=str)
LOG2 = log(2)


def scores(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# softplus(0) = log 2; softplus(log 3) = log 4; softplus(-log 3) = log 4/3.
LOG3 = log(3)
BY_HAND = [
    (Minimax(), [0.0], [0.0], 2 * LOG2, -LOG2),
    (Minimax(), [LOG3], [-LOG3], 2 * log(4 / 3), -log(4 / 3)),
    (Minimax(), [LOG3, 0.0], [LOG3], (log(4 / 3) + LOG2) / 2 + log(4), -log(4)),
    (NonSaturating(), [0.0], [0.0], 2 * LOG2, LOG2),
    (NonSaturating(), [LOG3], [-LOG3], 2 * log(4 / 3), log(4)),
    (NonSaturating(), [-LOG3], [LOG3, 0.0], log(4) + (log(4) + LOG2) / 2, (log(4 / 3) + LOG2) / 2),
    (LeastSquares(), [0.5], [0.5], 0.25, 0.125),
    (LeastSquares(), [2.0, -1.0], [3.0], 0.5 * (1 + 4) / 2 + 0.5 * 9, 0.5 * 4),
    (LeastSquares(a=-1, b=1, c=0), [0.0], [0.0], 1.0, 0.0),
    (LeastSquares(a=-1, b=1, c=0), [2.0], [3.0, 1.0], 0.5 + 0.5 * (16 + 4) / 2, 0.5 * (9 + 1) / 2),
    (LeastSquares(a=0.3, b=2.5, c=-0.7), [1.0], [2.0], 0.5 * 1.5**2 + 0.5 * 1.7**2, 0.5 * 2.7**2),
    (Wasserstein(), [0.7], [0.7], 0.0, -0.7),
    (Wasserstein(), [2.0, 4.0], [-1.0, 0.0, 4.0], 1.0 - 3.0, -1.0),
]


@pytest.mark.parametrize(("objective", "real", "fake", "d", "g"), BY_HAND, ids=lambda v: str(v)[:40])
def test_values_by_hand(objective: Objective, real: list[float], fake: list[float], d: float, g: float) -> None:
    assert objective.d_loss(scores(real), scores(fake)).tolist() == pytest.approx([d], rel=1e-12)
    assert objective.g_loss(scores(fake)).tolist() == pytest.approx([g], rel=1e-12)


def test_the_values_by_hand_miss_no_objective() -> None:
    assert {type(row[0]) for row in BY_HAND} == set(OBJECTIVES)


@every
def test_the_best_constant_discriminator_at_equal_distributions_is_a_minimum(objective: Objective) -> None:
    """What the docstrings call the value "with the best D" is one: D* = (a + b) / 2, logit 0, or anything."""
    best = (objective.a + objective.b) / 2 if isinstance(objective, LeastSquares) else 0.0
    values = [float(objective.d_loss(scores([best + shift]), scores([best + shift]))) for shift in (-0.1, 0.0, 0.1)]
    assert values[1] <= min(values) + 1e-15


@every
def test_d_loss_falls_when_real_scores_rise_and_fake_ones_fall(objective: Objective) -> None:
    real, fake = scores([0.4, -0.2]).requires_grad_(), scores([0.5, 0.6]).requires_grad_()
    d_real, d_fake = torch.autograd.grad(objective.d_loss(real, fake).sum(), (real, fake))
    assert (d_real < 0).all()
    assert (d_fake > 0).all()


@every
def test_g_loss_falls_when_a_fake_score_moves_towards_the_target(objective: Objective) -> None:
    """Up, towards "real", for all but least squares, which has a target c on either side of a score."""
    fake = scores([0.2, -0.3]).requires_grad_()
    (slope,) = torch.autograd.grad(objective.g_loss(fake).sum(), fake)
    towards = objective.c - fake if isinstance(objective, LeastSquares) else torch.ones_like(fake)
    assert (slope * towards < 0).all()


def test_gradients_of_g_vanish_where_the_paper_says() -> None:
    """Minimax: where D rejects, with slope -s(u). Non-saturating: where D accepts, with slope s(u) - 1."""
    for objective, slopes in ((Minimax(), (-0.25, -0.75)), (NonSaturating(), (-0.75, -0.25))):
        fake = scores([-LOG3, LOG3]).requires_grad_()
        (slope,) = torch.autograd.grad(objective.g_loss(fake).sum(), fake)
        assert (2 * slope[0]).tolist() == pytest.approx(slopes, rel=1e-12)


@every
def test_a_batch_repeated_twice_gives_the_same_loss(objective: Objective) -> None:
    real, fake = scores([0.4, -1.2, 3.0]), scores([0.5, 0.6])
    twice = objective.d_loss(real.repeat(1, 2), fake.repeat(1, 2))
    assert_same(twice, objective.d_loss(real, fake), largest(real, fake))
    assert_same(objective.g_loss(fake.repeat(1, 2)), objective.g_loss(fake), largest(fake))


@every
def test_every_replica_has_its_own_loss(objective: Objective) -> None:
    rng = torch.Generator().manual_seed(3)
    real, fake = torch.randn(3, 5, generator=rng), torch.randn(3, 4, generator=rng)
    d, g = objective.d_loss(real, fake), objective.g_loss(fake)
    assert d.shape == g.shape == (3,)
    for i in range(3):
        assert torch.equal(d[i : i + 1], objective.d_loss(real[i : i + 1], fake[i : i + 1]))
        assert torch.equal(g[i : i + 1], objective.g_loss(fake[i : i + 1]))


@every
def test_a_replica_that_is_not_finite_is_alone_with_it(objective: Objective) -> None:
    real, fake = torch.zeros(2, 3), torch.zeros(2, 3)
    fake[0, 1] = torch.nan
    assert objective.d_loss(real, fake).isfinite().tolist() == [False, True]
    assert objective.g_loss(fake).isfinite().tolist() == [False, True]


@every
@pytest.mark.parametrize("shape", [(4,), (1, 4, 1), ()], ids=str)
def test_scores_of_other_axes_are_refused(objective: Objective, shape: tuple[int, ...]) -> None:
    good, bad = torch.zeros(1, 4), torch.zeros(shape)
    for call in (
        lambda: objective.d_loss(bad, good),
        lambda: objective.d_loss(good, bad),
        lambda: objective.g_loss(bad),
    ):
        with pytest.raises(ValueError, match=r"scores must have the axes \[replicas, batch\], got shape \("):
            call()


@every
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_losses_and_gradients_are_finite_at_large_scores(objective: Objective, size: float) -> None:
    real, fake = torch.full((1, 2), size).requires_grad_(), torch.full((1, 2), -size).requires_grad_()
    d, g = objective.d_loss(real, fake), objective.g_loss(fake)
    slopes = (*torch.autograd.grad(d.sum(), (real, fake)), *torch.autograd.grad(g.sum(), fake))
    assert all(bool(value.isfinite().all()) for value in (d, g, *slopes))


@every
def test_the_source_and_label_are_stated(objective: Objective) -> None:
    assert objective.source.strip()
    assert objective.label.strip()


def test_kinds_are_unique() -> None:
    assert len({kind().kind for kind in OBJECTIVES}) == len(OBJECTIVES)


@pytest.mark.parametrize("label", ["a", "b", "c"])
@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_labels_must_be_finite(label: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"label {label} must be finite, got {value}"):
        replace(LeastSquares(), **{label: value})


def test_labels_that_tell_nothing_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"label a \(fake\) must differ from label b \(real\), got a = b = 0.5"):
        LeastSquares(a=0.5, b=0.5)
