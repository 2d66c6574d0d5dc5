"""From a configuration to a game: which networks there are, and which phases update them in which order."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from trainables import phases
from trainables.config import GanConfig
from trainables.networks.init import Init
from trainables.optim import OptimizerConfig
from trainables.phases import Phase


@dataclass(frozen=True, slots=True)
class Player:
    """A network for one replica, how it starts and how it is stepped."""

    module: nn.Module
    init: Init
    optimizer: OptimizerConfig


@dataclass(frozen=True, slots=True)
class Game:
    """An algorithm.

    Attributes:
        players: network name to player.
        rounds: executed in order within a step; the phases of one round compute their gradients at the *same*
            parameters and only then step (a round of two is a simultaneous update).
    """

    players: Mapping[str, Player]
    rounds: tuple[tuple[Phase, ...], ...]


def build(config: GanConfig) -> Game:
    """The two-player game of a GAN.

    Raises:
        ValueError: if a network does not fit the shape of the data.
    """
    shape = config.data.shape
    with torch.device("meta"):  # shapes only: the values come from the replicas' streams, not from torch's default
        g_module = config.generator.generator(config.latent.dim, shape)
        d_module = config.discriminator.discriminator(shape)
    players = {
        "generator": Player(g_module, config.generator.init, config.g_optimizer),
        "discriminator": Player(d_module, config.discriminator.init, config.d_optimizer),
    }
    d = tuple(phases.discriminator(config, visit) for visit in range(config.updates.d_steps))
    g = phases.generator(config)
    rounds: tuple[tuple[Phase, ...], ...]
    match config.updates.order:
        case "d_first":
            rounds = (*((phase,) for phase in d), (g,))
        case "g_first":
            rounds = ((g,), *((phase,) for phase in d))
        case "simultaneous":
            rounds = ((*d, g),)
    return Game(players=players, rounds=rounds)
