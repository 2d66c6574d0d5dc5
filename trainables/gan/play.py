"""A GAN on its data: what a step draws, and what a report sees."""

import torch
from torch import Tensor

from trainables import phases
from trainables.conditioning import ByLabel
from trainables.config import GanConfig
from trainables.data import Source
from trainables.gan import scoring
from trainables.gan.draws import Draws, evaluation_inputs
from trainables.phases import Figure, Nets, View
from trainables.shapes import Labels, Samples, Scores
from trainables.streams import Streams


class Play:
    """A GAN's game on one data set with one stack of seeds: what a step draws, and what a report sees."""

    def __init__(self, config: GanConfig, source: Source, streams: Streams) -> None:
        self._config, self._source, self._streams = config, source, streams
        self._reference = source.reference(config.evaluation.samples)

    def draws(self, step: int) -> Draws:
        return Draws(self._config, self._source, self._streams, step)

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Generate samples ``[R, count, *shape]`` from the evaluation stream, which is the same at every step.

        Drawn in chunks of the training batch size, so that batch norm sees batches like those of training.

        Args:
            nets: the networks of every replica.
            count: samples per replica.
            labels: ``[count]`` classes to make, for a conditioned G; uniform random ones if absent.
        """
        number = -(-count // self._config.batch_size)
        batches, classes = evaluation_inputs(self._config, self._streams, number, labels)
        return phases.generated(nets, "generator", batches, count), None if classes is None else classes[:, :count]

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

    def _scores(self, nets: Nets, samples: Samples, labels: Labels | None) -> dict[str, Tensor]:
        """Return the means of D's scores over a fixed real sample and over the generated one.

        For a conditioned D the real sample is a batch of its own, which has labels.
        """
        size, m = self._config.batch_size, self._config.packing
        replicas = len(self._streams.seeds)
        if isinstance(self._config.conditioning, ByLabel):
            batch = self._source.batch(Streams([0] * replicas, self._streams.device), 0, size)
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
