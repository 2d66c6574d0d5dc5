"""Small populations on the ring and on digits, what they are trained on, and all tensors that they hold."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import torch
from torch import nn

from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Digits, Ring
from trainables.data.source import Source
from trainables.features import Features
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He
from trainables.objectives import Wasserstein
from trainables.optim import Adam, RMSprop
from trainables.penalties import WganGp
from trainables.population import Population
from trainables.probes import Probe, probes_for

CPU = torch.device("cpu")
SEEDS = (11, 5)
PLAN = Population(members=4, every=2, scales=("g_lr", "d_lr", "penalty"), spread=3.0)


def ring(population: Population | None = PLAN, **changes: Any) -> GanConfig:
    net = Mlp(hidden=(12, 10), activation="leaky_relu", init=He())
    base = GanConfig(
        data=Ring(),
        generator=net,
        discriminator=net,
        objective=Wasserstein(),
        penalty=WganGp(),
        latent=Latent(dim=3, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=RMSprop(lr=1e-3),
        batch_size=16,
        steps=100,
        evaluation=Evaluation(every=2, samples=32),
        dtype="float64",
        population=population,
    )
    return dataclasses.replace(base, **changes)


def digits(population: Population | None = PLAN, **changes: Any) -> GanConfig:
    net = Dcgan(channels=(3, 4), norm="none")
    return ring(population, data=Digits(), generator=net, discriminator=net, batch_size=4, **changes)


@cache
def source(data: Ring | Digits) -> Source:
    return data.load(device=CPU, dtype=torch.float64)


@cache
def probes(data: Ring | Digits) -> list[Probe]:
    """All that apply; images are seen by a classifier that has learned nothing."""
    config, features = ring(None) if isinstance(data, Ring) else digits(None), None
    if isinstance(data, Digits):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net, head = nn.Sequential(nn.Flatten(), nn.Linear(prod(data.shape), 6)), nn.Linear(6, 10)
        features = Features(
            net=net.requires_grad_(False), head=head.requires_grad_(False), task="labels", accuracy=0, data_digest=""
        )
    return probes_for(config, source(data), features, device=CPU)


def build(config: GanConfig, seeds: Sequence[int] = SEEDS) -> Loop:
    assert isinstance(config.data, Ring | Digits)
    return Loop(config, seeds, source(config.data), probes(config.data), device=CPU)


def trained(config: GanConfig, seeds: Sequence[int] = SEEDS, steps: int = 5) -> Loop:
    loop = build(config, seeds)
    for _ in range(steps):
        loop.advance()
    return loop


def tensors(state: Any, path: str = "") -> dict[str, torch.Tensor]:
    """Every tensor of a state, by its place."""
    if isinstance(state, torch.Tensor):
        return {path: state}
    inner = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list | tuple) else ()
    return {place: own for key, value in inner for place, own in tensors(value, f"{path}/{key}").items()}


def per_network(loop: Loop, networks: int) -> dict[str, torch.Tensor]:
    """All that belongs to a network alone: weights, moments, sums of losses, flags."""
    state = loop.state_dict()
    own = {name: state[name] for name in ("params", "optimizers", "loss_sums", "finite")}
    return {path: value.clone() for path, value in tensors(own).items() if value.shape[:1] == (networks,)}
