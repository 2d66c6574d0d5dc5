"""A GAN on its data: what a step draws, and what a report sees."""

import torch
from torch import Tensor

from trainables import phases
from trainables.conditioning import ByLabel, Unconditional
from trainables.config import GanConfig
from trainables.data import Source
from trainables.gan import scoring
from trainables.gan.draws import Draws
from trainables.phases import Figure, Nets, View
from trainables.shapes import Labels, Samples, Scores
from trainables.streams import Streams


class Play:
    """A GAN's game on one data set with one stack of seeds: what a step draws, and what a report sees."""

    def __init__(self, config: GanConfig, source: Source, streams: Streams, device: torch.device) -> None:
        self._config, self._source, self._streams, self._device = config, source, streams, device
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self._labeled = not isinstance(config.conditioning, Unconditional)
        self._reference = source.reference(config.evaluation.samples)

    def draws(self, step: int) -> Draws:
        return Draws(self._config, self._source, self._streams, step, device=self._device)

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Generate samples ``[R, count, *shape]`` from the evaluation stream, which is the same at every step.

        Drawn in chunks of the training batch size, so that batch norm sees batches like those of training.

        Args:
            nets: the networks of every replica.
            count: samples per replica.
            labels: ``[count]`` classes to make, for a conditioned G; uniform random ones if absent.
        """
        size, chunks = self._config.batch_size, []
        number = -(-count // size)
        classes = self._labels(number * size, labels) if self._labeled else None
        for place in range(number):
            noise = phases.latents(self._config.latent, self._streams, "evaluation", place, size)
            inputs = [noise.to(device=self._device, dtype=self._dtype)]
            if classes is not None:
                inputs.append(classes[:, place * size : (place + 1) * size])
            chunks.append(nets.run("generator", *inputs))
        return torch.cat(chunks, 1)[:, :count], None if classes is None else classes[:, :count]

    def view(self, nets: Nets, count: int) -> View:
        samples, labels = self.sample(nets, count)
        conditioned = isinstance(self._config.conditioning, ByLabel)
        if conditioned or self._config.packing > 1:
            return View(samples=samples, labels=labels, columns=self._scores(nets, samples, labels))

        def score(batch: Samples) -> Scores:
            parts = [
                scoring.scorer(self._config, nets, None)(part) for part in batch.split(self._config.batch_size, dim=1)
            ]
            return torch.cat(parts, 1)

        return View(samples=samples, labels=labels, columns=self._scores(nets, samples, labels), score=score)

    def figures(self, nets: Nets) -> dict[str, Figure]:
        """Return no figures: the samples are all there is."""
        return {}

    def _labels(self, count: int, wanted: Labels | None) -> Labels:
        return phases.evaluation_labels(wanted, self._config.data.classes, self._streams, count, self._device)

    def _scores(self, nets: Nets, samples: Samples, labels: Labels | None) -> dict[str, Tensor]:
        """Return the means of D's scores over a fixed real sample and over the generated one.

        For a conditioned D the real sample is a batch of its own, which has labels.
        """
        size, m = self._config.batch_size, self._config.packing
        replicas = len(self._streams.seeds)
        if isinstance(self._config.conditioning, ByLabel):
            batch = self._source.batch(Streams([0] * replicas), 0, size)
            batches = {"score_real": (batch.samples, batch.labels), "score_fake": (samples, labels)}
        else:
            real = self._reference[None].expand(replicas, *self._reference.shape)
            batches = {"score_real": (real, None), "score_fake": (samples, None)}
        columns = {}
        for name, (own, classes) in batches.items():
            # Whole batches, if there are any: batch norm would see other statistics in a small rest, and none in one.
            packed = scoring.pack(own[:, : own.shape[1] // m * m], m)
            whole = packed[:, : max(size, packed.shape[1] // size * size)]
            scores = []
            for place in range(0, whole.shape[1], size):
                here = None if classes is None else classes[:, place : place + size]
                scores.append(scoring.scorer(self._config, nets, here)(whole[:, place : place + size]))
            columns[name] = torch.cat(scores, 1).mean(1)
        return columns
