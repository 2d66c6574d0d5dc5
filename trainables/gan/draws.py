"""The random inputs of one step of a GAN: batches, latents, labels and noise."""

import torch
from torch import Tensor

from trainables import phases
from trainables.conditioning import Unconditional
from trainables.config import GanConfig
from trainables.data import Batch, Source
from trainables.phases import Nets
from trainables.shapes import Labels, Latents, Samples
from trainables.streams import Streams


class Draws:
    """The random inputs of one training step; each is a pure function of (seed, stream, counter).

    Args:
        step: the number of the generator update, from 0.
    """

    def __init__(self, config: GanConfig, source: Source, streams: Streams, step: int) -> None:
        self._config, self._source, self._step = config, source, step
        self._streams, self._data = streams.of("noise"), streams.of("data")
        self._size = config.batch_size * config.packing
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self.d_steps = config.updates.at(step)
        self._first = config.updates.before(step)
        self._kept: dict[tuple[str, int], Tensor] = {}
        self._batches: dict[int, Batch] = {}
        self._shared: Samples | None = None

    def real(self, visit: int) -> Samples:
        """Return the real batch of the step's ``visit``-th discriminator update."""
        return self._batch(visit).samples

    def labels(self, visit: int) -> Labels:
        """Return the classes of that batch."""
        labels = self._batch(visit).labels
        assert labels is not None
        return labels

    def discriminator_latents(self, visit: int) -> Latents:
        return self._noise("latent", self._first + visit)

    def discriminator_labels(self, visit: int) -> Labels:
        """Return the classes of the samples that the step's ``visit``-th discriminator update sees."""
        if self._fake_labels() == "batch":
            return self.labels(visit)
        return self._classes("label", self._first + visit)

    def generator_latents(self) -> Latents:
        if self._config.updates.reuse_latents:
            return self.discriminator_latents(self.d_steps - 1)
        return self._noise("latent_g", self._step)

    def generator_labels(self) -> Labels:
        if self._config.updates.reuse_latents or self._fake_labels() == "batch":
            return self.discriminator_labels(self.d_steps - 1)
        return self._classes("label_g", self._step)

    def fake_for_discriminator(self, nets: Nets, visit: int) -> Samples:
        """Return samples for the step's ``visit``-th discriminator update, without gradient.

        Where the generator's update will use the same noise and no update of G lies between, its forward pass is made
        here, once, and kept for :meth:`fake_for_generator`.
        """
        updates = self._config.updates
        inputs = [self.discriminator_latents(visit)]
        if self.labeled:
            inputs.append(self.discriminator_labels(visit))
        if updates.reuse_latents and updates.order != "g_first" and visit == self.d_steps - 1:
            self._shared = self._generated(nets, inputs)
            return self._shared.detach()
        with torch.no_grad():
            return self._generated(nets, inputs)

    def fake_for_generator(self, nets: Nets) -> Samples:
        """Return samples for the generator's update, with gradient."""
        if self._shared is not None:
            return self._shared
        inputs = [self.generator_latents()] + ([self.generator_labels()] if self.labeled else [])
        return self._generated(nets, inputs)

    def _generated(self, nets: Nets, inputs: list[Tensor]) -> Samples:
        """Run G; where it has batch norm, on the first samples of all packs, on the second ones, and so on.

        Its batches then are those of evaluation, and of Lin et al. 2018 (authors' code).
        """
        m, normed = self._config.packing, self._config.generator.norm == "batch"
        parts = [[own[:, place::m] for own in inputs] for place in range(m)] if m > 1 and normed else [inputs]
        return torch.stack([nets.run("generator", *own) for own in parts], 2).flatten(1, 2)

    def noisy(self, samples: Samples, stream: str, visit: int) -> Samples:
        """Return the samples with the configuration's instance noise, from a stream for each use."""
        deviation = self._config.instance_noise
        if not deviation:
            return samples
        noise = self._streams.normal(f"instance/{stream}", self._first + visit, tuple(samples.shape[1:]))
        return samples + deviation * noise.to(samples)

    def penalty_noise(self, visit: int) -> "PenaltyNoise":
        return PenaltyNoise(self._streams, self._first + visit)

    @property
    def labeled(self) -> bool:
        return not isinstance(self._config.conditioning, Unconditional)

    def _fake_labels(self) -> str:
        conditioning = self._config.conditioning
        assert not isinstance(conditioning, Unconditional)
        return conditioning.fake_labels

    def _batch(self, visit: int) -> Batch:
        if visit not in self._batches:
            self._batches[visit] = self._source.batch(self._data, self._first + visit, self._size)
        return self._batches[visit]

    def _noise(self, stream: str, counter: int) -> Latents:
        if (stream, counter) not in self._kept:
            noise = phases.latents(self._config.latent, self._streams, stream, counter, self._size)
            self._kept[stream, counter] = noise.to(self._dtype)
        return self._kept[stream, counter]

    def _classes(self, stream: str, counter: int) -> Labels:
        if (stream, counter) not in self._kept:
            self._kept[stream, counter] = self._streams.picks(stream, counter, self._size, self._config.data.classes)
        return self._kept[stream, counter]


def evaluation_inputs(
    config: GanConfig, streams: Streams, number: int, wanted: Labels | None
) -> tuple[list[tuple[Tensor, ...]], Labels | None]:
    """Return what G is given to be measured: so many batches from the evaluation stream, the same at every step.

    Args:
        config: has the latent distribution, the batch size and the precision.
        streams: one stream of random numbers per replica, drawn where the inputs are needed.
        number: batches, of the training size.
        wanted: classes to make, over and over, for a conditioned G; uniform random ones if absent.

    Returns:
        The inputs of each batch, ``[R, size, dim]`` and for a conditioned G labels ``[R, size]``; and all labels.
    """
    size, dtype = config.batch_size, getattr(torch, config.dtype)
    classes = None
    if not isinstance(config.conditioning, Unconditional):
        classes = phases.evaluation_labels(wanted, config.data.classes, streams, number * size)
    batches: list[tuple[Tensor, ...]] = []
    for place in range(number):
        noise = phases.latents(config.latent, streams, "evaluation", place, size).to(dtype)
        batches.append((noise,) if classes is None else (noise, classes[:, place * size : (place + 1) * size]))
    return batches, classes


class PenaltyNoise:
    """The random numbers of a penalty, from streams of their own: ``penalty/<name>``."""

    def __init__(self, streams: Streams, counter: int) -> None:
        self._streams, self._counter = streams, counter

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._streams.uniform(f"penalty/{name}", self._counter, shape)

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return self._streams.normal(f"penalty/{name}", self._counter, shape)
