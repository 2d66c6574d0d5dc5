"""Phases: the smallest steps of a training iteration. A phase reads networks and draws, and steps some networks.

An algorithm is rounds of phases (see ``games``); the loop executes them and knows nothing of GANs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables import replicas
from trainables.config import Latent
from trainables.networks.init import InitialValue
from trainables.optim import OptimizerConfig
from trainables.shapes import Labels, Latents, Loss, Params, Samples, ScoreFn
from trainables.streams import Streams


@dataclass(frozen=True, slots=True)
class Nets:
    """The networks of a game with the stack's current parameters."""

    modules: Mapping[str, nn.Module]
    params: Mapping[str, Params]

    def run(self, network: str, *inputs: Tensor, frozen: bool = False, twice: bool = False) -> Any:
        """Run every replica's ``network`` on its own inputs.

        Args:
            network: by name.
            inputs: ``[R, B, ...]``.
            frozen: no gradient for the weights is computed.
            twice: the result can be differentiated more than once.
        """
        params = self.params[network]
        given = replicas.frozen(params) if frozen else params
        return replicas.apply(self.modules[network], given, *inputs, twice=twice)

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Put the networks in evaluation mode, in which running statistics are used and stay as they are."""
        for module in self.modules.values():
            module.eval()
        try:
            yield
        finally:
            for module in self.modules.values():
                module.train()


@dataclass(frozen=True, slots=True)
class Player:
    """A network of a game.

    Attributes:
        module: the network for one replica, on the meta device: its shapes.
        init: how it starts.
        short: short name of its columns (``d`` for ``d_param_norm``).
        build: makes the network with values, for one that starts as its own code builds it; absent for all others.
    """

    module: nn.Module
    init: InitialValue
    short: str
    build: Callable[[], nn.Module] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One update of one or more networks.

    Attributes:
        name: names the column of gradient norms, ``d_grad_norm`` for "d"; phases of one name share an optimiser.
        updates: the networks that are stepped.
        optimizer: by which rule.
        terms: the columns of the losses.
        loss: pure; from the networks and the game's draws of the step to the terms, each ``[R]`` and a mean over the
            batch per replica; what is minimised is their sum.
        clip: the parameters are clamped to [-clip, clip].
        clip_when: after the step, or before the losses.
    """

    name: str
    updates: tuple[str, ...]
    optimizer: OptimizerConfig
    terms: tuple[str, ...]
    loss: Callable[[Nets, Any], Mapping[str, Loss]]
    clip: float | None = None
    clip_when: str = "after"


Rounds = tuple[tuple[Phase, ...], ...]
"""Executed in order within a step; the phases of one round compute their gradients at the *same* parameters and only
then step (a round of two is a simultaneous update)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one report sees of a stack.

    Attributes:
        samples: generated samples ``[R, N, *shape]``.
        labels: the classes they were made for, ``[R, N]``; absent without conditioning.
        columns: what the game itself measures: name to ``[R]`` or ``[R, K]``.
        score: D's scores as a function of samples, in batches of the training size; absent if D sees no samples alone.
    """

    samples: Samples
    labels: Labels | None = None
    columns: Mapping[str, Tensor]
    score: ScoreFn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Images to be shown as a sheet, ``[R, N, *shape]``, so many in a row."""

    images: Samples
    columns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points to be shown in the plane.

    Attributes:
        points: ``[R, N, dim]``, of which the first two coordinates are drawn.
        labels: ``[N]`` classes, which colour them; absent for one colour.
        ground: ``[M, dim]`` points that lie beneath in grey.
        span: the square reaches from -span to span.
    """

    points: Tensor
    labels: Tensor | None
    ground: Tensor
    span: float


Figure = Images | Points
"""What a game shows beside its samples."""


def latents(latent: Latent, streams: Streams, stream: str, counter: int, size: int) -> Latents:
    """Draw input noise ``[R, size, dim]`` in float32."""
    if latent.distribution == "normal":
        return streams.normal(stream, counter, (size, latent.dim))
    return streams.uniform(stream, counter, (size, latent.dim)) * 2 - 1


def generated(nets: Nets, network: str, batches: Sequence[tuple[Tensor, ...]], count: int) -> Samples:
    """Return the first ``[R, count, *shape]`` of what a network makes of its inputs, batch by batch."""
    return torch.cat([nets.run(network, *inputs) for inputs in batches], 1)[:, :count]


def evaluation_labels(wanted: Labels | None, classes: int, streams: Streams, count: int) -> Labels:
    """Return labels ``[R, count]`` to make samples for: wanted ones over and over; else uniform, always the same."""
    if wanted is None:
        return streams.picks("evaluation_label", 0, count, classes)
    repeated = wanted.to(streams.device).repeat(-(-count // len(wanted)))[:count]
    return repeated.expand(len(streams.seeds), count)
