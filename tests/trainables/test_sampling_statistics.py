"""What batch norm normalises samples by: the batch at hand, or running statistics as torch keeps them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.trainables.made_autoencoders import BASE as AUTOENCODER
from tests.trainables.made_autoencoders import NET
from tests.trainables.made_gans import BASE, CPU, SEEDS, source
from tests.trainables.rounding import assert_same
from trainables import replicas
from trainables.conditioning import ByLabel
from trainables.config import Config, Evaluation, GanConfig, Updates, digest, digest_of, to_dict
from trainables.data import Digits
from trainables.loop import Loop
from trainables.networks import Dcgan
from trainables.networks.init import TorchDefault
from trainables.networks.layers import BatchNorm
from trainables.networks.norm import RUNNING, BatchStatistics, RunningStatistics, track
from trainables.optim import Sgd
from trainables.population import Population
from trainables.streams import Streams

RUNS = RunningStatistics(momentum=0.3)
SEEN = Evaluation(every=5, samples=20, batch_norm=RUNS)
NORMED = dataclasses.replace(BASE.generator, norm="batch")
RING = dataclasses.replace(BASE, generator=NORMED, evaluation=SEEN)
IMAGES = dataclasses.replace(
    RING, data=Digits(), generator=Dcgan(channels=(4, 6)), discriminator=Dcgan(channels=(4, 6), norm="none")
)
_HALF = dataclasses.replace(NET, norm="batch", init=TorchDefault())
AAE = dataclasses.replace(
    AUTOENCODER,
    encoder=_HALF,
    decoder=dataclasses.replace(_HALF, output="tanh"),
    discriminator=dataclasses.replace(NET, init=TorchDefault()),  # biases of 0 would put a dead code on every kink
    optimizer=Sgd(lr=0.05),
    d_optimizer=Sgd(lr=0.1),
    evaluation=dataclasses.replace(AUTOENCODER.evaluation, batch_norm=RUNS),
)
GAMES: Mapping[str, Config] = {
    "ring": RING,
    "images": IMAGES,
    "labels": dataclasses.replace(IMAGES, conditioning=ByLabel(embedding=3)),
    "autoencoder": AAE,
}
games = pytest.mark.parametrize("config", GAMES.values(), ids=GAMES)


def loop_of(config: Config, seeds: tuple[int, ...] = SEEDS, steps: int = 3) -> Loop:
    loop = Loop(config, seeds, source(config.data), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def running(loop: Loop) -> dict[str, Tensor]:
    """Copy the running statistics of all networks, by network and name."""
    nets: Mapping[str, Mapping[str, Tensor]] = loop.state_dict()["params"]
    names = ((net, name) for net, own in nets.items() for name in own if name.rpartition(".")[2] in RUNNING)
    return {f"{net}/{name}": nets[net][name].clone() for net, name in names}


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


# The layer


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 4, 4)], ids=str)
def test_a_tracked_layer_is_torchs_in_both_modes(shape: tuple[int, ...]) -> None:
    ours = BatchNorm(3, eps=1e-3, affine=True)
    track(ours, RUNS)
    theirs: nn.BatchNorm1d | nn.BatchNorm2d
    theirs = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3, eps=1e-3, momentum=0.3)
    for parameter in theirs.parameters():
        parameter.data.uniform_()
    own = {"weight": theirs.weight, "bias": theirs.bias, **{name: getattr(ours, name).clone() for name in RUNNING}}
    for seed in range(4):
        x = 2 + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(functional_call(ours, own, (x,)), theirs(x))
        for name in RUNNING:
            assert torch.equal(own[name], getattr(theirs, name))
    x = torch.randn(shape)
    assert torch.equal(functional_call(ours.eval(), own, (x,)), theirs.eval()(x))


def test_running_statistics_by_hand() -> None:
    """A batch of mean 2 and unbiased variance 4/3: a tenth of each is taken in, from 0 and 1."""
    layer = BatchNorm(1, eps=1e-5, affine=False)
    track(layer, RunningStatistics())
    layer(torch.tensor([[1.0], [3.0], [1.0], [3.0]]))
    assert layer.running_mean is not None
    assert layer.running_var is not None
    assert layer.running_mean.item() == pytest.approx(0.2)
    assert layer.running_var.item() == pytest.approx(0.9 + 0.1 * 4 / 3)


class Doubled(nn.Module):
    """A module that no rule knows, so that the stack goes through vmap."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


@pytest.mark.parametrize("way", ["rule", "one by one", "vmap"])
def test_every_way_of_running_a_stack_moves_and_uses_each_replicas_own(way: str) -> None:
    layers = {"rule": nn.Tanh(), "one by one": nn.Conv2d(3, 2, 3, padding=1), "vmap": Doubled()}
    module = track(nn.Sequential(BatchNorm(3, eps=1e-3, affine=True), layers[way]), RUNS).double()
    torch.manual_seed(0)
    params = {name: torch.randn(2, *value.shape, dtype=torch.float64) for name, value in module.named_parameters()}
    params = {name: value.requires_grad_() for name, value in params.items()}
    params |= {name: torch.rand(2, *value.shape, dtype=torch.float64) + 1 for name, value in module.named_buffers()}
    alone = [{name: value[i].detach().clone() for name, value in params.items()} for i in range(2)]
    for training in (True, True, False):
        module.train(training)
        x = torch.randn(2, 8, 3, 4, 4, dtype=torch.float64)
        together = replicas.apply(module, params, x)
        assert together.requires_grad
        for i, own in enumerate(alone):
            assert_same(together[i], functional_call(module, own, (x[i],)))
            for name, value in own.items():
                assert_same(params[name][i], value)


# Training


@games
def test_training_is_the_same_whatever_samples_are_normalised_by(config: Config) -> None:
    """And the running statistics are no part of a parameter norm."""
    batch = dataclasses.replace(config, evaluation=dataclasses.replace(config.evaluation, batch_norm=BatchStatistics()))
    one, other = loop_of(config), loop_of(batch)
    for name, own in other.state_dict()["params"].items():
        found = one.state_dict()["params"][name]
        assert all(torch.equal(found[key], value) for key, value in own.items())
    assert not running(other)
    assert running(one)
    assert [row["finite"] for row in one.report()] == [True] * len(SEEDS)
    norms = [[row[name] for row in loop.report() for name in row if name.endswith("_norm")] for loop in (one, other)]
    assert norms[0] == norms[1]


@games
def test_a_stack_keeps_the_running_statistics_of_its_solo_runs(config: Config) -> None:
    stack = loop_of(config)
    for i, seed in enumerate(SEEDS):
        solo = loop_of(config, (seed,))
        for name, value in running(solo).items():
            assert_same(running(stack)[name][i], value[0])
        assert_same(stack.sample(12)[i], solo.sample(12)[0])


@games
def test_looking_moves_no_running_statistics(config: Config) -> None:
    loop = loop_of(config)
    before = running(loop)
    samples = loop.sample(30)
    loop.report(), loop.figures()
    assert same(before, running(loop))
    assert torch.equal(samples, loop.sample(30))
    loop.advance()
    assert not same(before, running(loop))


def test_a_sample_normalised_by_running_statistics_knows_no_other() -> None:
    """Of the batch's statistics a sample depends on its batch; both are drawn from the same noise."""
    loop = loop_of(RING)
    nets = loop._nets
    noise = torch.randn(2, 8, 3, dtype=torch.float64)
    with nets.evaluated():
        assert_same(nets.run("generator", noise)[:, :3], nets.run("generator", noise[:, :3]))
    assert not torch.allclose(nets.run("generator", noise)[:, :3], nets.run("generator", noise[:, :3]))


def test_statistics_are_those_of_the_passes_in_training() -> None:
    """Of a first layer without weights before it: those of the noise's image, one move for a pass that both share."""
    loop = Loop(RING, SEEDS, source(RING.data), [], device=CPU)
    first = loop.state_dict()["params"]["generator"]
    noise = loop._play.draws(0).discriminator_latents(0)
    hidden = torch.einsum("rbi,roi->rbo", noise, first["0.weight"]) + first["0.bias"][:, None]
    loop.advance()
    found = running(loop)
    assert_same(found["generator/1.running_mean"], 0.3 * hidden.mean(1))
    assert_same(found["generator/1.running_var"], 0.7 + 0.3 * hidden.var(1))


def test_only_networks_that_make_samples_keep_any() -> None:
    config = dataclasses.replace(RING, discriminator=dataclasses.replace(BASE.discriminator, norm="batch"))
    assert {name.partition("/")[0] for name in running(loop_of(config))} == {"generator"}
    assert {name.partition("/")[0] for name in running(loop_of(AAE))} == {"encoder", "decoder"}


@games
def test_a_checkpoint_keeps_them(config: Config, tmp_path: Any) -> None:
    loop, later = loop_of(config), loop_of(config, steps=0)
    torch.save(loop.state_dict(), tmp_path / "state")
    later.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert same(running(loop), running(later))
    for each in (loop, later):
        each.advance()
    assert same(running(loop), running(later))
    assert torch.equal(loop.sample(12), later.sample(12))


def test_a_copied_member_of_a_population_brings_its_own() -> None:
    config = dataclasses.replace(RING, population=Population(members=2, every=4))
    loop = loop_of(config, steps=4)
    before = running(loop)
    parents = torch.tensor([1, 1, 2, 2])
    assert loop._populations is not None
    loop._populations.select = lambda *_: parents  # type: ignore[method-assign]
    loop._measured = dict  # type: ignore[method-assign]
    loop._select(loop._populations)
    assert same(running(loop), {name: value[parents] for name, value in before.items()})


def test_a_replica_that_is_not_finite_leaves_those_of_the_others() -> None:
    one, other = loop_of(RING, steps=1), loop_of(RING, steps=1)
    with torch.no_grad():
        one.state_dict()["params"]["generator"]["0.weight"][0] = torch.nan
    for loop in (one, other):
        loop.advance()
    assert all(torch.equal(value[1], running(other)[name][1]) for name, value in running(one).items())


# The configuration


def test_configurations_of_before_keep_their_digests() -> None:
    """``batch`` is what there was: it is no part of a digest, nor of a stored configuration."""
    config = dataclasses.replace(RING, evaluation=Evaluation(every=5, samples=20))
    assert to_dict(config)["evaluation"] == {"every": 5, "samples": 20}
    stated = {**to_dict(config), "evaluation": {"every": 5, "samples": 20, "batch_norm": {"kind": "batch"}}}
    assert digest_of(stated) == digest(config)
    assert digest(RING) != digest(config)
    assert digest(RING) != digest(
        dataclasses.replace(RING, evaluation=dataclasses.replace(SEEN, batch_norm=RunningStatistics()))
    )
    assert digest_of(to_dict(RING)) == digest(RING)


@pytest.mark.parametrize("momentum", [0.0, -0.1, 1.1, float("nan")])
def test_a_momentum_that_moves_nothing_or_too_far_is_refused(momentum: float) -> None:
    with pytest.raises(ValueError, match=r"momentum must be in \(0, 1\], got"):
        RunningStatistics(momentum=momentum)


@pytest.mark.parametrize("order", ["d_first", "g_first", "simultaneous"])
def test_no_order_of_updates_disturbs_the_gradients(order: Any) -> None:
    """Statistics that are moved in place between a pass and its gradient are no part of it."""
    config: GanConfig = dataclasses.replace(RING, updates=Updates(order=order, reuse_latents=False))
    batch = dataclasses.replace(config, evaluation=Evaluation(every=5, samples=20))
    one, other = loop_of(config).state_dict()["params"], loop_of(batch).state_dict()["params"]
    assert all(torch.equal(one[net][name], value) for net, own in other.items() for name, value in own.items())


def test_streams_of_other_vectors_are_as_before() -> None:
    """Running statistics start at 0 and 1 in every replica and draw nothing."""
    module = track(nn.Sequential(nn.Linear(3, 4), BatchNorm(4, eps=1e-5, affine=True)), RUNS)
    params = replicas.initialize(module, NET.init, Streams(SEEDS), "generator", device=CPU, dtype=torch.float64)
    assert params["1.running_mean"].tolist() == [[0.0] * 4] * 2
    assert params["1.running_var"].tolist() == [[1.0] * 4] * 2
    assert not any(params[f"1.{name}"].requires_grad for name in RUNNING)
