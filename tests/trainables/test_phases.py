"""Phases of a GAN: the distribution of latents, whose weights an update differentiates, and the order of updates."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.made_gans import (
    BASE,
    CPU,
    SEEDS,
    changed,
    draws,
    nets,
    phases,
    source,
)
from tests.trainables.rounding import assert_same, largest
from trainables.config import GanConfig, Latent, Updates
from trainables.games import build
from trainables.loop import Loop
from trainables.networks.norm import Norm
from trainables.objectives import Wasserstein
from trainables.phases import Nets, latents
from trainables.streams import Streams


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
        config = changed(updates=Updates(d_batches=how), discriminator=net)
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
    config = changed(updates=updates)
    loop = Loop(config, SEEDS, source(config.data), [], device=CPU)
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
    loop = Loop(config, SEEDS, source(config.data), [], device=CPU)
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
