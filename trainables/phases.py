"""Phases: the smallest steps of a training iteration. A phase reads networks and draws, and steps one network.

An algorithm is a tuple of phases (see ``games``); the loop executes them and knows nothing of GANs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables import replicas
from trainables.config import GanConfig, Latent
from trainables.data import Source
from trainables.draws import Streams
from trainables.shapes import Latents, Loss, Samples


@dataclass(frozen=True, slots=True)
class Nets:
    """The networks of a game with the stack's current parameters."""

    modules: Mapping[str, nn.Module]
    params: Mapping[str, Mapping[str, Tensor]]

    def run(self, network: str, inputs: Tensor, *, frozen: bool = False) -> Tensor:
        """Every replica's ``network`` on its own inputs; ``frozen`` computes no gradient for the weights."""
        params = self.params[network]
        return replicas.apply(self.modules[network], replicas.frozen(params) if frozen else params, inputs)


class Draws:
    """The random inputs of one training step; each is a pure function of (seed, stream, counter).

    Args:
        step: the number of the generator update, from 0.
    """

    def __init__(self, config: GanConfig, source: Source, streams: Streams, step: int, *, device: torch.device) -> None:
        self._config, self._source, self._streams, self._step, self._device = config, source, streams, step, device
        self._latents: dict[tuple[str, int], Latents] = {}
        self._shared: Samples | None = None

    def real(self, visit: int) -> Samples:
        """The real batch of the step's ``visit``-th discriminator update."""
        return self._source.batch(self._streams, self._counter(visit), self._config.batch_size)

    def discriminator_latents(self, visit: int) -> Latents:
        return self._noise("latent", self._counter(visit))

    def generator_latents(self) -> Latents:
        updates = self._config.updates
        if updates.reuse_latents:
            return self.discriminator_latents(updates.d_steps - 1)
        return self._noise("latent_g", self._step)

    def fake_for_discriminator(self, nets: "Nets", visit: int) -> Samples:
        """Samples for the step's ``visit``-th discriminator update, without gradient.

        Where the generator's update will use the same noise and no update of G lies between, its forward pass is made
        here, once, and kept for :meth:`fake_for_generator`.
        """
        updates = self._config.updates
        if updates.reuse_latents and updates.order != "g_first" and visit == updates.d_steps - 1:
            self._shared = nets.run("generator", self.discriminator_latents(visit))
            return self._shared.detach()
        with torch.no_grad():
            return nets.run("generator", self.discriminator_latents(visit))

    def fake_for_generator(self, nets: "Nets") -> Samples:
        """Samples for the generator's update, with gradient."""
        return nets.run("generator", self.generator_latents()) if self._shared is None else self._shared

    def _counter(self, visit: int) -> int:
        return self._step * self._config.updates.d_steps + visit

    def _noise(self, stream: str, counter: int) -> Latents:
        if (stream, counter) not in self._latents:
            noise = latents(self._config.latent, self._streams, stream, counter, self._config.batch_size)
            self._latents[stream, counter] = noise.to(device=self._device, dtype=getattr(torch, self._config.dtype))
        return self._latents[stream, counter]


def latents(latent: Latent, streams: Streams, stream: str, counter: int, size: int) -> Latents:
    """Input noise ``[R, size, dim]`` in float32 on the CPU."""
    if latent.distribution == "normal":
        return torch.from_numpy(streams.normal(stream, counter, (size, latent.dim)))
    return torch.from_numpy(streams.uniform(stream, counter, (size, latent.dim))).mul_(2).sub_(1)


@dataclass(frozen=True, slots=True)
class Phase:
    """One update of one network.

    Attributes:
        name: names the loss column, ``d_loss`` for "d".
        updates: the network that is stepped.
        loss: pure; ``[R]``, a mean over the batch per replica.
        clip: parameters are clamped to [-clip, clip] after the step.
    """

    name: str
    updates: str
    loss: Callable[[Nets, Draws], Loss]
    clip: float | None = None


def discriminator(config: GanConfig, visit: int) -> Phase:
    """Minimises the objective's ``d_loss`` on a fresh real batch and detached samples."""

    def loss(nets: Nets, draws: Draws) -> Loss:
        real = draws.real(visit)
        fake = draws.fake_for_discriminator(nets, visit)
        if config.updates.d_batches == "joined":
            real_scores, fake_scores = nets.run("discriminator", torch.cat([real, fake], dim=1)).chunk(2, dim=1)
        else:
            real_scores, fake_scores = nets.run("discriminator", real), nets.run("discriminator", fake)
        return config.objective.d_loss(real_scores, fake_scores)

    return Phase(name="d", updates="discriminator", loss=loss, clip=config.clip)


def generator(config: GanConfig) -> Phase:
    """Minimises the objective's ``g_loss``; the discriminator is held fixed."""

    def loss(nets: Nets, draws: Draws) -> Loss:
        fake = draws.fake_for_generator(nets)
        return config.objective.g_loss(nets.run("discriminator", fake, frozen=True))

    return Phase(name="g", updates="generator", loss=loss)
