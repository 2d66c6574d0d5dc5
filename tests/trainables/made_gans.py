"""A small GAN on the ring, and its parts: draws, networks, phases, play and loop."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import replicas
from trainables.conditioning import AuxiliaryClassifier, ByLabel
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import DataConfig, Ring, Source
from trainables.gan.draws import Draws
from trainables.gan.game import Gan
from trainables.gan.play import Play
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares
from trainables.optim import Sgd
from trainables.phases import Nets, Phase
from trainables.streams import Streams

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
    evaluation=Evaluation(every=5, samples=20),
    dtype="float64",
)


def changed(**fields: Any) -> GanConfig:
    return dataclasses.replace(BASE, **fields)


@cache
def source(data: DataConfig) -> Source:
    return data.load(device=CPU, dtype=torch.float64)


def draws(config: GanConfig, step: int = 0, seeds: Sequence[int] = SEEDS) -> Draws:
    return Draws(config, source(config.data), Streams(seeds), step)


def loop_of(config: GanConfig, steps: int = 0) -> Loop:
    loop = Loop(config, SEEDS, source(config.data), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def nets(config: GanConfig) -> Nets:
    players = Gan(config).players
    params = {
        name: replicas.initialize(p.module, p.init, Streams(SEEDS), name, device=CPU, dtype=torch.float64)
        for name, p in players.items()
    }
    return Nets({name: p.module for name, p in players.items()}, params)


def phases(config: GanConfig) -> dict[str, Phase]:
    return {phase.name: phase for group in Gan(config).rounds(0) for phase in group}


def play(config: GanConfig) -> Play:
    return Play(config, source(config.data), Streams(SEEDS))


LABELED = (ByLabel(), ByLabel(embedding=2), AuxiliaryClassifier(), AuxiliaryClassifier(fake_labels="batch"))


labeled = pytest.mark.parametrize("conditioning", LABELED, ids=str)


def params(loop: Loop, network: str = "discriminator") -> dict[str, Tensor]:
    found: dict[str, Tensor] = loop.state_dict()["params"][network]
    return found
