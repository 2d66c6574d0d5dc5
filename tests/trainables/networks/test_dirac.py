"""The nets of the Dirac-GAN: one number each, in a stack as alone."""

import pytest
import torch
from torch import Tensor

from trainables import replicas
from trainables.networks import Dirac
from trainables.networks.init import Constant, Uniform
from trainables.networks.wiring import Condition
from trainables.streams import Streams

CPU = torch.device("cpu")


def start(net: Dirac, player: str, seeds: tuple[int, ...] = (0, 1)) -> dict[str, Tensor]:
    module = net.generator(1, (1,)) if player == "generator" else net.discriminator((1,))
    return replicas.initialize(module, net.init, Streams(seeds), player, device=CPU, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(1,), (3,), (1, 4, 4)], ids=str)
def test_one_parameter_per_coordinate(shape: tuple[int, ...]) -> None:
    count = torch.Size(shape).numel()
    for module in (Dirac().generator(5, shape), Dirac().discriminator(shape)):
        assert [p.numel() for p in module.parameters()] == [count]
    assert Dirac().generator(5, shape)(torch.randn(7, 5)).shape == (7, *shape)
    assert Dirac().discriminator(shape)(torch.randn(7, *shape)).shape == (7,)


def test_g_is_theta_and_d_is_psi_times_x_in_a_stack() -> None:
    net = Dirac()
    theta, psi = start(net, "generator"), start(net, "discriminator")
    with torch.no_grad():
        theta["theta"][:] = torch.tensor([[0.5], [-3.0]])
        psi["1.weight"][:] = torch.tensor([[[2.0]], [[0.25]]])
    made = replicas.apply(net.generator(1, (1,)), theta, torch.randn(2, 4, 1, dtype=torch.float64))
    assert made.tolist() == [[[0.5]] * 4, [[-3.0]] * 4]
    scores = replicas.apply(net.discriminator((1,)), psi, made)
    assert scores.tolist() == [[1.0] * 4, [-0.75] * 4]


def test_replicas_start_at_their_own_places_and_the_players_differ() -> None:
    net = Dirac(init=Uniform(low=0.5, high=1.5))
    starts = torch.cat([next(iter(start(net, p).values())).flatten() for p in ("generator", "discriminator")])
    assert len(starts.unique()) == 4
    assert starts.min() >= 0.5
    assert starts.max() < 1.5


def test_the_authors_start() -> None:
    assert start(Dirac(), "generator")["theta"].tolist() == [[1.0], [1.0]]
    assert start(Dirac(init=Constant(at=-1.0)), "discriminator")["1.weight"].tolist() == [[[-1.0]]] * 2


def test_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="discriminator dirac must be unconditional, got 3 classes"):
        Dirac().discriminator((1,), Condition(classes=3))
