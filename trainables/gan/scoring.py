"""The discriminator's scores: of packed samples, of a real and a generated batch, and of points of a penalty."""

from collections.abc import Callable

import torch

from trainables.conditioning import AuxiliaryClassifier
from trainables.config import GanConfig
from trainables.phases import Nets
from trainables.shapes import Labels, Samples, Scores


def pack(samples: Samples, packing: int) -> Samples:
    """Put m neighbours side by side on the first axis of a sample: ``[R, B m, C, ...] -> [R, B, m C, ...]``."""
    if packing == 1:
        return samples
    replicas, count, channels, *space = samples.shape
    return samples.reshape(replicas, count // packing, packing * channels, *space)


def both(
    config: GanConfig, nets: Nets, real: Samples, fake: Samples, labels: tuple[Labels, Labels] | None
) -> tuple[Scores, Scores]:
    """Return D's outputs for the real and the generated batch, in two passes or in one."""
    inputs = [(real, fake)] if labels is None else [(real, fake), labels]
    if config.updates.d_batches == "apart":
        own, made = zip(*inputs, strict=True)
        return nets.run("discriminator", *own), nets.run("discriminator", *made)
    joined = nets.run("discriminator", *(torch.cat(pair, 1) for pair in inputs))
    count = real.shape[1]
    if isinstance(joined, tuple):
        halves = [(part[:, :count], part[:, count:]) for part in joined]
        return tuple(half[0] for half in halves), tuple(half[1] for half in halves)  # type: ignore[return-value]
    return joined[:, :count], joined[:, count:]


def scorer(config: GanConfig, nets: Nets, labels: Labels | None) -> Callable[[Samples], Scores]:
    """Return D as a function of points; they carry the real batch's labels, twice over if there are twice as many.

    What is said of points with a gradient can be differentiated twice: a penalty takes the gradient's gradient.
    """

    def score(points: Samples) -> Scores:
        scores: Scores
        if labels is not None:
            own = labels.repeat(1, points.shape[1] // labels.shape[1])
            scores = nets.run("discriminator", points, own, twice=points.requires_grad)
            return scores
        found = nets.run("discriminator", points, twice=points.requires_grad)
        scores = found[0] if isinstance(config.conditioning, AuxiliaryClassifier) else found
        return scores

    return score
