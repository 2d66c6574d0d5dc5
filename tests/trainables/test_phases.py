"""Phases: which batches and noise an update sees, and whose weights it differentiates."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.rounding import assert_same, largest
from trainables import replicas
from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits, Ring, Source
from trainables.draws import Streams
from trainables.games import build
from trainables.gan import Draws
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.networks.norm import Norm
from trainables.objectives import LeastSquares, Wasserstein
from trainables.optim import Sgd
from trainables.phases import Nets, Phase, latents

CPU = torch.device("cpu")
SEEDS = (3, 14)
BASE = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(6, 5), activation="relu", init=He()),
    discriminator=Mlp(hidden=(6, 5), activation="leaky_relu", init=He()),
    objective=LeastSquares(),
    latent=Latent(dim=3),
    g_optimizer=Sgd(lr=0.05),
    d_optimizer=Sgd(lr=0.1),
    batch_size=8,
    steps=10,
    evaluation=Evaluation(every=5, samples=8),
    dtype="float64",
)


def changed(updates: Updates = BASE.updates, **fields: Any) -> GanConfig:
    return dataclasses.replace(BASE, updates=updates, **fields)


def source(config: GanConfig) -> Source:
    return config.data.load(device=CPU, dtype=torch.float64)


def draws(config: GanConfig, step: int, seeds: tuple[int, ...] = SEEDS) -> Draws:
    return Draws(config, source(config), Streams(seeds), step, device=CPU)


def nets(config: GanConfig) -> Nets:
    players = build(config).players
    params = {
        name: replicas.initialise(p.module, p.init, Streams(SEEDS), name, device=CPU, dtype=torch.float64)
        for name, p in players.items()
    }
    return Nets({name: p.module for name, p in players.items()}, params)


def phases(config: GanConfig) -> dict[str, Phase]:
    return {phase.name: phase for group in build(config).rounds(0) for phase in group}


# What an update sees


@pytest.mark.parametrize("data", [Ring(), Digits()], ids=str)
def test_every_discriminator_update_sees_a_fresh_real_batch(data: Ring | Digits) -> None:
    config = changed(Updates(d_steps=3), data=data)
    batches = [draws(config, step).real(visit) for step in range(2) for visit in range(3)]
    assert batches[0].shape == (2, 8, *data.shape)
    assert all(not torch.equal(a, b) for i, a in enumerate(batches) for b in batches[:i])


@pytest.mark.parametrize("d_steps", [1, 2, 5])
def test_batches_are_numbered_by_discriminator_updates(d_steps: int) -> None:
    """Five D steps per G step walk through the data as five times as many single ones."""
    config, single = changed(Updates(d_steps=d_steps)), changed(Updates(d_steps=1))
    for number in range(10):
        own = draws(config, number // d_steps)
        assert torch.equal(own.real(number % d_steps), draws(single, number).real(0))
        assert torch.equal(own.discriminator_latents(number % d_steps), draws(single, number).discriminator_latents(0))


@pytest.mark.parametrize("d_steps", [1, 3])
def test_the_generator_reuses_the_noise_of_the_last_discriminator_update(d_steps: int) -> None:
    own = draws(changed(Updates(d_steps=d_steps, reuse_latents=True)), 4)
    assert torch.equal(own.generator_latents(), own.discriminator_latents(d_steps - 1))


def test_without_reuse_the_generator_draws_afresh() -> None:
    config = changed(Updates(reuse_latents=False))
    first, second = draws(config, 4), draws(config, 5)
    assert not torch.equal(first.generator_latents(), first.discriminator_latents(0))
    assert not torch.equal(first.generator_latents(), second.generator_latents())


def test_reusing_noise_changes_no_discriminator_draw() -> None:
    fresh, reused = draws(changed(Updates(reuse_latents=False)), 4), draws(changed(Updates(reuse_latents=True)), 4)
    fresh.generator_latents()
    assert torch.equal(fresh.discriminator_latents(0), reused.discriminator_latents(0))
    assert torch.equal(fresh.real(0), reused.real(0))


def test_every_replica_draws_as_it_would_alone() -> None:
    stacked, alone = draws(BASE, 2), draws(BASE, 2, (14,))
    assert torch.equal(stacked.real(0)[1], alone.real(0)[0])
    assert torch.equal(stacked.generator_latents()[1], alone.generator_latents()[0])


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_noise_has_the_configured_distribution(distribution: Any) -> None:
    noise = latents(Latent(dim=50, distribution=distribution), Streams((1,)), "latent", 0, 400).double()
    assert noise.shape == (1, 400, 50)
    assert noise.mean().item() == pytest.approx(0, abs=0.02)
    assert noise.std().item() == pytest.approx(1 if distribution == "normal" else 3**-0.5, rel=0.02)
    largest = noise.abs().max().item()
    assert largest > 3 if distribution == "normal" else largest <= 1


# Losses and gradients


def test_losses_are_those_of_the_objective() -> None:
    own, d = nets(BASE), draws(BASE, 0)
    real = own.run("discriminator", d.real(0))
    fake = own.run("discriminator", own.run("generator", d.discriminator_latents(0)))
    torch.testing.assert_close(phases(BASE)["d"].loss(own, d)["d_loss"], BASE.objective.d_loss(real, fake))
    torch.testing.assert_close(phases(BASE)["g"].loss(own, d)["g_loss"], BASE.objective.g_loss(fake))


@pytest.mark.parametrize(("phase", "held"), [("d", "generator"), ("g", "discriminator")])
def test_a_phase_differentiates_only_the_network_it_updates(phase: str, held: str) -> None:
    own, moving = nets(BASE), phases(BASE)[phase].updates[0]
    phases(BASE)[phase].loss(own, draws(BASE, 0))[f"{phase}_loss"].sum().backward()
    assert all(weight.grad is None for weight in own.params[held].values())
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in own.params[moving].values())


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_joined_and_apart_differ_exactly_by_batch_norm(norm: Norm) -> None:
    net = dataclasses.replace(BASE.discriminator, norm=norm)
    losses = {}
    for how in ("apart", "joined"):
        config = changed(Updates(d_batches=how), discriminator=net)
        losses[how] = phases(config)["d"].loss(nets(config), draws(config, 0))["d_loss"]
    same = torch.allclose(losses["apart"], losses["joined"], rtol=1e-12, atol=0)
    assert same is (norm == "none")


# The order of updates, by hand


def value(loop: Loop) -> dict[str, dict[str, Tensor]]:
    return {net: {k: v.clone() for k, v in own.items()} for net, own in loop.state_dict()["params"].items()}


def by_hand(config: GanConfig, steps: list[list[str]]) -> dict[str, dict[str, Tensor]]:
    """Plain gradient descent: the networks of an inner list step from gradients at the same parameters."""
    own, rates, visits = nets(config), {"discriminator": 0.1, "generator": 0.05}, 0
    all_phases = [phase for group in build(config).rounds(0) for phase in group]
    d = [phase for phase in all_phases if phase.name == "d"]
    (g,) = [phase for phase in all_phases if phase.name == "g"]
    for group in steps:
        gradients: dict[str, tuple[Tensor, ...]] = {}
        for network in group:
            phase = g if network == "generator" else d[visits]
            visits += network == "discriminator"
            leaves = list(own.params[network].values())
            gradients[network] = torch.autograd.grad(
                phase.loss(own, draws(config, 0))[f"{phase.name}_loss"].sum(), leaves
            )
        with torch.no_grad():
            for network, slopes in gradients.items():
                for leaf, slope in zip(own.params[network].values(), slopes, strict=True):
                    leaf -= rates[network] * slope
    return {net: {k: v.detach() for k, v in params.items()} for net, params in own.params.items()}


ORDERS = {
    "d_first": (Updates(), [["discriminator"], ["generator"]]),
    "g_first": (Updates(order="g_first"), [["generator"], ["discriminator"]]),
    "simultaneous": (Updates(order="simultaneous"), [["discriminator", "generator"]]),
    "two d steps": (Updates(d_steps=2), [["discriminator"], ["discriminator"], ["generator"]]),
}


@pytest.mark.parametrize("order", ORDERS)
def test_one_step_is_the_one_by_hand_and_no_other(order: str) -> None:
    updates, _ = ORDERS[order]
    config = changed(updates)
    loop = Loop(config, SEEDS, source(config), [], device=CPU)
    loop.advance()
    trained = value(loop)

    def same(steps: list[list[str]]) -> bool:
        expected = by_hand(config, steps)
        return all(
            torch.allclose(weight, expected[net][name], rtol=0, atol=1e-12 * largest(*expected[net].values()))
            for net, own in trained.items()
            for name, weight in own.items()
        )

    fitting = [name for name, (other, steps) in ORDERS.items() if other.d_steps == updates.d_steps and same(steps)]
    assert fitting == [order]


def test_the_clip_follows_the_discriminators_step() -> None:
    """The generator, which comes second, meets clipped weights."""
    config = changed(objective=Wasserstein(), clip=0.01)
    loop = Loop(config, SEEDS, source(config), [], device=CPU)
    start = {name: weight.clone() for name, weight in value(loop)["generator"].items()}
    loop.advance()
    after = value(loop)
    assert max(float(weight.abs().max()) for weight in after["discriminator"].values()) == pytest.approx(
        0.01, rel=1e-12
    )
    own = Nets(nets(config).modules, {"generator": start, "discriminator": after["discriminator"]})
    for weight in start.values():
        weight.requires_grad_()
    slopes = torch.autograd.grad(phases(config)["g"].loss(own, draws(config, 0))["g_loss"].sum(), list(start.values()))
    for (name, weight), slope in zip(start.items(), slopes, strict=True):
        assert_same(after["generator"][name], weight.detach() - 0.05 * slope, largest(*start.values()))
