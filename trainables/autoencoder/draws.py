"""The random inputs of one step of an autoencoder, and draws of the prior."""

from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from trainables import phases
from trainables.autoencoder.coding import Code, encode, joined, one_hot
from trainables.autoencoder.split import Split
from trainables.autoencoding import PriorLabels, Unlabeled
from trainables.config import AaeConfig, Latent
from trainables.data import Batch
from trainables.phases import Nets
from trainables.shapes import Labels, Latents
from trainables.streams import Streams


class Draws:
    """The random inputs of one step; each is a pure function of (seed, stream, step)."""

    def __init__(self, config: AaeConfig, split: Split, streams: Streams, step: int) -> None:
        self._config, self._split, self._streams, self._step = config, split, streams.of("noise"), step
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self._picks = split.picks(step)
        self._code: Code | None = None

    @cached_property
    def batch(self) -> Batch:
        """The step's images; their labels count only where the configuration uses all of them."""
        return self._split.at(self._picks)

    @cached_property
    def labeled(self) -> Batch:
        """The step's batch of labelled images."""
        return self._split.labeled(self._step)

    def code(self, nets: Nets) -> Code:
        """Return the batch's code, with gradient.

        The encoder does not move between D's step and its own, so one will do.
        """
        if self._code is None:
            self._code = encode(self._config, nets, self.batch.samples)
        return self._code

    def labels(self) -> Tensor:
        """Return the batch's classes, one-hot."""
        assert self.batch.labels is not None
        return functional.one_hot(self.batch.labels, self._config.data.classes)

    def told(self) -> Tensor | None:
        """Return what D is told of each image: class or "unlabelled", one-hot; None without such labels."""
        if not isinstance(self._config.labels, PriorLabels):
            return None
        told = self._split.told(self._picks).to(self._streams.device)
        return functional.one_hot(told, self._config.data.classes + 1).to(self._dtype)

    def prior(self) -> Latents:
        """Draw from the prior, from the mode of the class where there is one."""
        modes = self._split.told(self._picks) if isinstance(self._config.labels, PriorLabels) else None
        size = self._config.batch_size
        return prior_draws(self._config, self._streams, "prior", self._step, size, modes)

    def classes(self) -> Tensor:
        """Draw classes uniformly, one-hot: what y should look like."""
        count, size = self._config.data.classes, self._config.batch_size
        labels = self._streams.picks("prior_label", self._step, size, count)
        return functional.one_hot(labels, count).to(self._dtype)

    def posterior(self) -> Latents:
        """Draw standard normal noise for a variational encoder."""
        latent = Latent(dim=self._config.prior.dim, distribution="normal")
        noise = phases.latents(latent, self._streams, "posterior", self._step, self._config.batch_size)
        return noise.to(self._dtype)


def prior_draws(
    config: AaeConfig, streams: Streams, stream: str, counter: int, size: int, modes: Labels | None
) -> Latents:
    """Draw from the prior: ``[R, size, dim]``.

    Args:
        config: has the prior and the precision.
        streams: one stream of random numbers per replica.
        stream: the name of the stream to draw from.
        counter: place in the stream: the step, or the number of an evaluation's batch.
        size: draws per replica.
        modes: the mode of each, ``[R, size]``; numbers beyond the last mode, or no modes at all, mean any mode.
    """
    prior = config.prior
    noise = phases.latents(Latent(dim=prior.dim, distribution=prior.noise), streams, stream, counter, size)
    if prior.modes:
        drawn = streams.picks(f"{stream}/mode", counter, size, prior.modes)
        own = drawn if modes is None else modes.to(drawn.device)
        modes = torch.where(own < prior.modes, own, drawn)
    points: Latents = prior.points(noise, modes).to(getattr(torch, config.dtype))
    return points


def evaluation_inputs(
    config: AaeConfig, streams: Streams, number: int, wanted: Labels | None
) -> tuple[list[tuple[Tensor, ...]], Labels | None]:
    """Return what the decoder is given to be measured: so many batches from the evaluation stream, always the same.

    Args:
        config: has the prior, the batch size and the precision.
        streams: one stream of random numbers per replica, drawn where the inputs are needed.
        number: batches, of the training size.
        wanted: classes to make, over and over; uniform random ones if absent.

    Returns:
        The input of each batch, ``[R, size, width]``: codes, behind one-hot labels where it reads any; and all labels
        that steer them.
    """
    size, classes = config.batch_size, None
    if not isinstance(config.labels, Unlabeled):
        classes = phases.evaluation_labels(wanted, config.data.classes, streams, number * size)
    batches: list[tuple[Tensor, ...]] = []
    for place in range(number):
        own = None if classes is None else classes[:, place * size : (place + 1) * size]
        modes = own if isinstance(config.labels, PriorLabels) else None
        z = prior_draws(config, streams, "evaluation", place, size, modes)
        batches.append((joined(z, one_hot(config, own)),))
    return batches, classes
