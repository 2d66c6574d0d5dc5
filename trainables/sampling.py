"""Kept networks as plain modules, and the samples that a report saw, made again.

What differs from the stack that was measured: a stack of one multiplies matrices of other shapes than a stack of N,
which rounds the last bits of networks without convolutions otherwise, and the plain modules have torch's own tanh,
which differs from the stack's by at most 2e-7. Batch norm is that of ``evaluation.batch_norm``: with the statistics of
the batch, a sample depends on the other samples of its batch, and is the one that was measured in the same batch alone.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from trainables import games, phases
from trainables.config import Trained
from trainables.phases import Nets
from trainables.shapes import Labels, Samples
from trainables.streams import Streams


def module(config: Trained, network: str, values: Mapping[str, Tensor]) -> nn.Module:
    """Build a network of a configuration for one replica, with these values, in evaluation mode on the CPU.

    Raises:
        ValueError: if the configuration has no such network, or the values are not those of it.
    """
    players = games.build(config).players
    if network not in players:
        raise ValueError(f"network must be one of {', '.join(players)}, got {network!r}")
    built = players[network].module
    try:
        built.load_state_dict(dict(values), strict=True, assign=True)
    except RuntimeError as error:  # torch names the values that are missing, or of another shape
        why = " ".join(str(error).split())
        raise ValueError(f"the kept values are not those of the {network}: {why}") from None
    return built.eval()


def inputs(config: Trained, stream: int, count: int, labels: Labels | None = None) -> tuple[Tensor, ...]:
    """Return what the sampling network is given for the first ``count`` samples of every report.

    Args:
        config: has the distribution of the noise.
        stream: the seed that the replica's samples are drawn with.
        count: samples, >= 1.
        labels: classes to make, over and over; uniform random ones if absent.

    Returns:
        The network's arguments, ``[count, ...]`` each: noise, and labels for a conditioned generator; of an
        autoencoder's decoder codes, behind one-hot labels where it reads any.
    """
    batches, _ = _batches(config, stream, count, labels)
    return tuple(torch.cat(parts, 1)[0, :count] for parts in zip(*batches, strict=True))


@torch.no_grad()
def samples(
    config: Trained, stream: int, values: Mapping[str, Tensor], count: int, labels: Labels | None = None
) -> Samples:
    """Make the first ``count`` samples of every report again, ``[count, *shape]``, in batches of the training size.

    Args:
        config: what was trained.
        stream: the seed that the replica's samples are drawn with.
        values: those of the sampling network.
        count: samples, >= 1.
        labels: as in :func:`inputs`.
    """
    network = games.sampling_network(config)
    batches, _ = _batches(config, stream, count, labels)
    stacked = {name: value[None] for name, value in values.items()}
    nets = Nets({network: module(config, network, values)}, {network: stacked})
    return phases.generated(nets, network, batches, count)[0]


def _batches(
    config: Trained, stream: int, count: int, labels: Labels | None
) -> tuple[list[tuple[Tensor, ...]], Labels | None]:
    number = -(-count // config.batch_size)
    return games.evaluation_inputs(config, Streams((stream,)), number, labels)
