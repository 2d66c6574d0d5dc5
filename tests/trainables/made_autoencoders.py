"""Small autoencoders of every kind on digits of 8 x 8, their loops, weights and draws."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables.autoencoder.draws import Draws
from trainables.autoencoder.split import Split
from trainables.autoencoding import (
    Adversarial,
    DecoderLabels,
    NoRegularizer,
    NormalPrior,
    Petals,
    PriorLabels,
    SemiSupervised,
    SupervisedOnly,
    SwissRoll,
    Variational,
)
from trainables.config import AaeConfig, Evaluation
from trainables.data import Digits, ImageSource
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares, Wasserstein
from trainables.optim import Adam, Sgd
from trainables.streams import Streams

CPU = torch.device("cpu")
SEEDS = (11, 5, 902)
NET = Mlp(hidden=(9, 8), activation="relu", init=He())
BASE = AaeConfig(
    data=Digits(side=8),
    encoder=NET,
    decoder=dataclasses.replace(NET, output="tanh"),
    discriminator=NET,
    prior=NormalPrior(dim=3, std=2.0),
    optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=2e-3),
    g_optimizer=Sgd(lr=0.01),
    class_optimizer=Adam(lr=1e-3),
    batch_size=16,
    steps=6,
    evaluation=Evaluation(every=2, samples=24),
    dtype="float64",
)
KINDS: dict[str, Mapping[str, Any]] = {
    "basic": {},
    "supervised": {"labels": DecoderLabels()},
    "prior labels": {"labels": PriorLabels(labeled_share=0.5), "prior": Petals()},
    "semi-supervised": {"labels": SemiSupervised(labeled=20)},
    "supervised only": {"labels": SupervisedOnly(labeled=20), "regularizer": NoRegularizer()},
    "plain": {"regularizer": NoRegularizer()},
    "plain with labels": {"labels": SemiSupervised(labeled=20), "regularizer": NoRegularizer()},
    "variational": {"regularizer": Variational(beta=0.01)},
    "variational supervised": {"regularizer": Variational(beta=0.01), "labels": DecoderLabels()},
    "least squares": {"regularizer": Adversarial(objective=LeastSquares()), "labels": SemiSupervised(labeled=20)},
    "clipped": {"regularizer": Adversarial(objective=Wasserstein(), clip=0.05)},
    "batch norm": {"encoder": dataclasses.replace(NET, norm="batch")},
    "swiss roll": {"labels": PriorLabels(), "prior": SwissRoll()},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def config(kind: str = "basic", **fields: Any) -> AaeConfig:
    return dataclasses.replace(BASE, **{**KINDS[kind], **fields})


def source(own: AaeConfig) -> ImageSource:
    return _loaded(own.data)


@cache
def _loaded(data: Digits) -> ImageSource:
    return data.load(device=CPU, dtype=torch.float64)


def loop_of(own: AaeConfig, seeds: tuple[int, ...] = SEEDS, steps: int = 0) -> Loop:
    loop = Loop(own, seeds, source(own), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def weights(loop: Loop, replica: int) -> dict[str, Tensor]:
    params = loop.state_dict()["params"]
    return {f"{net}.{name}": value[replica].clone() for net, own in params.items() for name, value in own.items()}


def draws(own: AaeConfig, step: int = 0, seeds: tuple[int, ...] = SEEDS) -> Draws:
    return Draws(own, Split(own, source(own), seeds), Streams(seeds), step)
