"""Checks of objectives, penalties and conditionings as plain functions: the real code passes them, a mutant must not.

Everything is looked up in its module when a check runs, so that a patch of the module is what is checked.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from trainables import conditioning, objectives, penalties
from trainables.streams import Streams

Check = Callable[[], None]
F64 = torch.float64
SEEDS = (3, 14)


class Numbers:
    """The numbers of a penalty: the same name gives the same, and replica i those of its seed."""

    def __init__(self, seeds: tuple[int, ...] = SEEDS) -> None:
        self._streams = Streams(seeds)

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._streams.uniform(f"test/{name}", 0, shape)

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._streams.normal(f"test/{name}", 0, shape)


def batches(*shape: int, seeds: tuple[int, ...] = SEEDS) -> tuple[Tensor, Tensor]:
    """A real and a generated batch ``[R, *shape]``, far apart."""
    numbers = Numbers(seeds)
    return numbers.normal("real", shape).to(F64), numbers.normal("fake", shape).to(F64) + 4


def linear(norm: float) -> Callable[[Tensor], Tensor]:
    """``D(x) = w . x`` with all entries of w equal and ``|w| = norm``: the slope is ``norm`` everywhere."""
    return lambda x: norm * x.flatten(2).sum(2) / x[0, 0].numel() ** 0.5


def bowl(x: Tensor) -> Tensor:
    """``D(x) = |x|^2 / 2``: the gradient at x is x."""
    return x.flatten(2).square().sum(2) / 2


def close(actual: Tensor, expected: object) -> None:
    wanted = torch.as_tensor(expected, dtype=F64)
    assert wanted.shape in ((), actual.shape), f"{tuple(actual.shape)}, not {tuple(wanted.shape)}"
    wanted = wanted.expand(actual.shape)
    torch.testing.assert_close(actual.to(F64), wanted, rtol=1e-6, atol=1e-9)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


REAL, FAKE = np.array([-1.3, 0.4]), np.array([0.7, 2.1, -0.2])


def _scores(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values)[None]


def cross_entropies_by_hand() -> None:
    d = -np.log(_sigmoid(REAL)).mean() - np.log(1 - _sigmoid(FAKE)).mean()
    for kind in (objectives.Minimax, objectives.NonSaturating):
        close(kind().d_loss(_scores(REAL), _scores(FAKE)), d)


def minimax_is_zero_sum() -> None:
    close(objectives.Minimax().g_loss(_scores(FAKE)), np.log(1 - _sigmoid(FAKE)).mean())


def non_saturating_by_hand() -> None:
    close(objectives.NonSaturating().g_loss(_scores(FAKE)), -np.log(_sigmoid(FAKE)).mean())


def least_squares_by_hand() -> None:
    for a, b, c in ((0, 1, 1), (-1, 1, 0), (0.3, 2.5, -0.7)):
        objective = objectives.LeastSquares(a=a, b=b, c=c)
        close(
            objective.d_loss(_scores(REAL), _scores(FAKE)), ((REAL - b) ** 2).mean() / 2 + ((FAKE - a) ** 2).mean() / 2
        )
        close(objective.g_loss(_scores(FAKE)), ((FAKE - c) ** 2).mean() / 2)


def wasserstein_by_hand() -> None:
    close(objectives.Wasserstein().d_loss(_scores(REAL), _scores(FAKE)), FAKE.mean() - REAL.mean())
    close(objectives.Wasserstein().g_loss(_scores(FAKE)), -FAKE.mean())


def a_batch_repeated_gives_the_same_losses() -> None:
    for kind in objectives.OBJECTIVES:
        once, twice = kind(), [_scores(np.tile(values, 2)) for values in (REAL, FAKE)]
        close(once.d_loss(*twice), once.d_loss(_scores(REAL), _scores(FAKE)))
        close(once.g_loss(twice[1]), once.g_loss(_scores(FAKE)))


def losses_are_finite_at_large_scores() -> None:
    for kind in objectives.OBJECTIVES:
        for size in (1e3, -1e3):
            scores = torch.full((1, 2), size, dtype=F64)
            assert kind().d_loss(scores, -scores).isfinite().all()
            assert kind().g_loss(scores).isfinite().all()


def closed_form(penalty: penalties.Penalty, norm: float) -> float:
    """The penalty of a D whose slope is ``norm`` at every point, from the papers' formulas."""
    match penalty:
        case penalties.NoPenalty():
            return 0.0
        case penalties.WganLp():
            return penalty.weight * max(0.0, norm - 1) ** 2
        case penalties.WganDiv():
            return penalty.k * norm**penalty.p
        case penalties.ZeroCentered():
            return penalty.weight * norm**2
        case _:
            return penalty.weight * (norm - 1) ** 2


def penalties_of_a_linear_score() -> None:
    """On images, so that a norm per pixel or per row is another number."""
    real, fake = batches(4, 3, 2, 2)
    for kind in penalties.PENALTIES:
        for norm in (0.4, 1.7):
            close(kind().penalty(linear(norm), real, fake, Numbers()), closed_form(kind(), norm))


def default_weights_are_the_papers() -> None:
    weights = {kind().kind: getattr(kind(), "weight", None) for kind in penalties.PENALTIES}
    assert weights["wgan_gp"] == weights["dragan"] == weights["zero_centered"] == 10
    assert weights["lsgan_gp"] == 150 / 64
    assert (penalties.WganDiv().k, penalties.WganDiv().p) == (2, 6)


def zero_centered_is_the_mean_square_of_the_slope() -> None:
    real, fake = batches(5, 3)
    for points, at in ((penalties.Real(), real), (penalties.Fake(), fake)):
        found = penalties.ZeroCentered(weight=3.0, points=points).penalty(bowl, real, fake, Numbers())
        close(found, 3 * at.square().sum(2).mean(1))


def a_penalty_between_is_that_of_its_interpolates() -> None:
    """Of a bowl, whose slope tells where it was measured."""
    real, fake = batches(6, 2)
    mix = Numbers().uniform("mix", (6, 1)).to(F64)
    n = (mix * real + (1 - mix) * fake).norm(dim=2)
    close(penalties.WganGp().penalty(bowl, real, fake, Numbers()), 10 * (n - 1).square().mean(1))
    close(penalties.WganLp().penalty(bowl, real, fake, Numbers()), 5 * (n - 1).clamp(min=0).square().mean(1))
    close(penalties.WganDiv().penalty(bowl, real, fake, Numbers()), 2 * n.pow(6).mean(1))


def interpolates_lie_on_segments() -> None:
    """One number in [0, 1) per sample: equal over its entries, different between samples."""
    real, fake = batches(6, 3, 2, 2)
    share = ((penalties.Interpolates().points(real, fake, Numbers()) - fake) / (real - fake)).flatten(2)
    assert share.std(2).max() < 1e-5, "not on the segment"
    assert share.mean(2).std(1).min() > 1e-2, "one number for the batch"
    assert 0 <= share.min() <= share.max() < 1 + 1e-6


def noise_around_data_is_in_its_range() -> None:
    """Between 0 and scale * std of the whole batch, one factor per sample and one number per entry."""
    real, fake = batches(64, 3, 2, 2)
    away = penalties.AroundReal(scale=0.5).points(real, fake, Numbers()) - real
    bound = 0.5 * real.flatten(1).std(1, correction=0)[:, None]
    share = away.flatten(2) / bound[..., None]
    assert 0 <= share.min()
    assert 0.9 < share.max() < 1
    assert 0.2 < share.mean() < 0.3, "e u has the mean 1/4"
    assert share.std(2).min() > 0, "one number for all entries"
    assert share.amax(2).std(1).min() > 0.15, "one factor for all samples"


def lsgan_gp_moves_by_up_to_its_scale() -> None:
    seen: list[Tensor] = []
    real, fake = batches(64, 3, 2, 2)
    penalties.LsganGp(scale=30.0).penalty(lambda x: seen.append(x.detach()) or bowl(x), real, fake, Numbers())  # type: ignore[func-returns-value]
    away = (seen[0] - real).flatten(2)
    assert 0 <= away.min()
    assert 27 < away.max() < 30
    assert 6 < away.mean() < 9, "e u has the mean 1/4"
    assert away.amax(2).std(1).min() > 4.5, "one factor for all samples"


def points_stand_on_both_kinds_where_both_are_named() -> None:
    real, fake = batches(6, 2)
    both = penalties.RealAndFake().points(real, fake, Numbers())
    assert torch.equal(both, torch.cat([real, fake], 1))
    around = penalties.AroundBoth().points(real, fake, Numbers())
    assert (around[:, :6] - real).norm() < 0.5 * (fake - real).norm()
    assert (around[:, 6:] - fake).norm() < 0.5 * (fake - real).norm()


def a_flat_score_has_a_penalty_without_nan() -> None:
    real, fake = batches(4, 3)
    for kind in penalties.PENALTIES:
        weight = torch.zeros(2, 1, 3, dtype=F64, requires_grad=True)
        loss = kind().penalty(lambda x, w=weight: (x * w).sum(2), real, fake, Numbers())
        close(loss, closed_form(kind(), 0.0))
        if loss.requires_grad:
            (gradient,) = torch.autograd.grad(loss.sum(), weight)
            close(gradient, 0.0)


def points_are_constants() -> None:
    """No gradient reaches the generator through a penalty."""
    for kind in penalties.PENALTIES:
        real, fake = batches(4, 3)
        weight = torch.ones(2, 1, 3, dtype=F64, requires_grad=True)
        fake.requires_grad_()
        loss = kind().penalty(lambda x, w=weight: (x * w).square().sum(2), real, fake, Numbers())
        if loss.requires_grad:
            assert torch.autograd.grad(loss.sum(), fake, allow_unused=True) == (None,)


def every_replica_has_its_own_penalty() -> None:
    real, fake = batches(4, 3)
    for kind in penalties.PENALTIES:
        stack = kind().penalty(bowl, real, fake, Numbers())
        assert stack.shape == (2,)
        for i, seed in enumerate(SEEDS):
            own = kind().penalty(bowl, real[i : i + 1], fake[i : i + 1], Numbers((seed,)))
            close(stack[i : i + 1], own)


LOGITS = np.array([[[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]]])
OTHER = np.array([[[-1.0, 0.2, 0.1], [4.0, 0.0, -2.0]]])


def cross_entropy(logits: np.ndarray, labels: list[int]) -> float:
    """``-E log softmax(logits)[label]`` in numpy."""
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum(1, keepdims=True)
    return float(-np.log(shares[np.arange(len(labels)), labels]).mean())


def class_losses_by_hand() -> None:
    """Both players minimise the cross-entropy of generated classes; D that of real ones too."""
    own, made = torch.tensor([[0, 1]]), torch.tensor([[2, 0]])
    value = conditioning.AuxiliaryClassifier(weight=0.7)
    real, fake = cross_entropy(LOGITS, [0, 1]), cross_entropy(OTHER, [2, 0])
    close(value.d_loss(torch.from_numpy(LOGITS), own, torch.from_numpy(OTHER), made), 0.7 * (real + fake))
    close(value.g_loss(torch.from_numpy(OTHER), made), 0.7 * fake)


CHECKS: tuple[Check, ...] = (
    cross_entropies_by_hand,
    minimax_is_zero_sum,
    non_saturating_by_hand,
    least_squares_by_hand,
    wasserstein_by_hand,
    a_batch_repeated_gives_the_same_losses,
    losses_are_finite_at_large_scores,
    penalties_of_a_linear_score,
    default_weights_are_the_papers,
    zero_centered_is_the_mean_square_of_the_slope,
    a_penalty_between_is_that_of_its_interpolates,
    interpolates_lie_on_segments,
    noise_around_data_is_in_its_range,
    lsgan_gp_moves_by_up_to_its_scale,
    points_stand_on_both_kinds_where_both_are_named,
    a_flat_score_has_a_penalty_without_nan,
    points_are_constants,
    every_replica_has_its_own_penalty,
    class_losses_by_hand,
)
