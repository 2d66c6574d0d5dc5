"""An autoencoder on its data: what a step draws, what held-out images and draws of the prior show."""

from collections.abc import Callable

import torch
from torch import Tensor

from trainables import phases
from trainables.autoencoder.coding import Code, decode, decodes_labels, joined, one_hot, read
from trainables.autoencoder.draws import Draws, evaluation_inputs, prior_draws
from trainables.autoencoder.split import Split
from trainables.autoencoding import SupervisedOnly, Variational, lattice
from trainables.config import AaeConfig, Latent
from trainables.data import ImageSource
from trainables.phases import Figure, Images, Nets, Points, View
from trainables.shapes import Labels, Latents, Samples
from trainables.streams import Streams

_PAIRED = 256
_BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
_SHOWN, _ROW, _STYLES, _DOTS, _GROUND = 30, 10, 6, 1_000, 2_000
_SPAN = 3.0


class Play:
    """An autoencoder's game on one data set with one stack of seeds."""

    def __init__(self, config: AaeConfig, source: ImageSource, streams: Streams) -> None:
        self._config, self._streams = config, streams
        self._split = Split(config, source, streams.of("data").seeds)
        self._split.check()
        held = self._split.held_out()
        replicas = len(streams.seeds)
        self._images = held.samples.expand(replicas, *held.samples.shape[1:])
        self._labels = None if held.labels is None else held.labels.expand(replicas, -1)

    def draws(self, step: int) -> Draws:
        return Draws(self._config, self._split, self._streams, step)

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Decode draws of the prior ``[R, count, *shape]`` from the evaluation stream, the same at every step.

        Drawn in chunks of the training batch size. Classes steer them where the decoder reads labels, or the prior has
        a mode for each.

        Args:
            nets: the networks of every replica.
            count: samples per replica.
            labels: ``[count]`` classes to make; uniform random ones if absent.
        """
        number = -(-count // self._config.batch_size)
        batches, classes = evaluation_inputs(self._config, self._streams, number, labels)
        return phases.generated(nets, "decoder", batches, count), None if classes is None else classes[:, :count]

    def view(self, nets: Nets, count: int) -> View:
        samples, labels = self.sample(nets, count)
        return View(samples=samples, labels=labels, columns=self._measured(nets))

    def figures(self, nets: Nets) -> dict[str, Figure]:
        """Show held-out images over their reconstructions, their codes, and what codes over the prior decode to."""
        if isinstance(self._config.labels, SupervisedOnly):
            return {}
        code = self._encoded(nets, _DOTS)
        return {
            "reconstruction": self._reconstructions(nets, code),
            "latent": self._scatter(code),
            "manifold": self._manifold(nets),
        }

    def _one_hot(self, labels: Labels | None) -> Tensor | None:
        return one_hot(self._config, labels)

    def _measured(self, nets: Nets) -> dict[str, Tensor]:
        """Measure what the encoder does with held-out images.

        ``reconstruction_error``: mean squared error over images and pixels, of a variational encoder from its mean;
        ``classification_error``: share of images whose largest class probability is another class's, and
        ``classification_standard_error``, that of a share; ``kl``: the mean KL in nats. How the codes fit the prior:
        ``latent_mmd``, see :func:`mmd`; ``latent_mean``, the length of the mean code, and ``latent_std``, the root mean
        square of its entries about their means, both in the prior's root mean squares: 0 and 1 where codes are like the
        prior.
        """
        config, code, columns = self._config, self._encoded(nets, self._images.shape[1]), {}
        if code.logits is not None:
            assert self._labels is not None
            wrong = (code.logits.argmax(-1) != self._labels).to(torch.float64).mean(1)
            wrong = torch.where(code.logits.flatten(1).isfinite().all(1), wrong, torch.nan)
            columns["classification_error"] = wrong
            columns["classification_standard_error"] = (wrong * (1 - wrong) / self._labels.shape[1]).sqrt()
        if isinstance(config.labels, SupervisedOnly):
            return columns
        columns["reconstruction_error"] = self._squared_error(nets, code).mean(1)
        if isinstance(config.regularizer, Variational):
            assert code.log_variance is not None
            columns["kl"] = config.regularizer.kl(code.z, code.log_variance, config.prior.deviation)
        z = self._drawn(code).to(torch.float64)
        columns["latent_mmd"] = mmd(z[:, :_PAIRED], self._ground(_PAIRED).to(z), config.prior.deviation)
        columns["latent_mean"] = z.mean(1).norm(dim=-1) / config.prior.deviation
        columns["latent_std"] = z.var(1).mean(-1).sqrt() / config.prior.deviation
        return columns

    def _encoded(self, nets: Nets, count: int) -> Code:
        """Encode the first held-out images."""
        images = self._images[:, :count]
        outputs = self._by_batch(lambda own: nets.run("encoder", images[:, own]), images.shape[1])
        return read(self._config, outputs)

    def _drawn(self, code: Code) -> Latents:
        """Return z; of a variational encoder a draw, always with the same noise."""
        if code.log_variance is None:
            return code.z
        count, dim = code.z.shape[1:]
        latent = Latent(dim=dim, distribution="normal")
        noise = phases.latents(latent, self._streams, "evaluation/posterior", 0, count).to(code.z)
        return code.z + (code.log_variance / 2).exp() * noise

    def _ground(self, count: int) -> Latents:
        return prior_draws(self._config, self._streams, "evaluation/prior", 0, count, None)

    def _read_labels(self, code: Code) -> Tensor | None:
        """Return what the decoder is told of the class of held-out images."""
        if code.logits is not None:
            return code.logits.softmax(-1)
        return None if self._labels is None else self._one_hot(self._labels[:, : code.z.shape[1]])

    def _squared_error(self, nets: Nets, code: Code) -> Tensor:
        """Return the squared error ``[R, N]``, a mean over pixels."""
        inputs = joined(code.z, self._read_labels(code))

        def error(own: slice) -> Tensor:
            made = nets.run("decoder", inputs[:, own])
            squares: Tensor = (made - self._images[:, own]).square().flatten(2).mean(2)
            return squares

        return self._by_batch(error, inputs.shape[1])

    def _by_batch(self, function: Callable[[slice], Tensor], count: int) -> Tensor:
        """Apply ``function`` to places 0 to ``count``, in whole batches of the training size, joined along their axis.

        A rest is computed within the last whole batch: batch norm would see other statistics in a small one.
        """
        size, parts = self._config.batch_size, []
        for start in range(0, count, size):
            begin = max(0, min(start, count - size))
            parts.append(function(slice(begin, begin + size))[:, start - begin :])
        return torch.cat(parts, 1)

    def _reconstructions(self, nets: Nets, code: Code) -> Images:
        """Show rows of held-out images, each above the row of what the decoder makes of their codes."""
        inputs = joined(code.z, self._read_labels(code))[:, :_SHOWN]
        made: Samples = nets.run("decoder", inputs)
        pairs = zip(self._images[:, :_SHOWN].split(_ROW, 1), made.split(_ROW, 1), strict=True)
        return Images(images=torch.cat([row for pair in pairs for row in pair], 1), columns=_ROW)

    def _scatter(self, code: Code) -> Points:
        """Show codes of held-out images over the prior; of codes with more entries, the first two."""
        z = self._drawn(code)
        labels = None if self._labels is None else self._labels[0, : z.shape[1]]
        span = _SPAN * self._config.prior.deviation
        return Points(points=z, labels=labels, ground=self._ground(_GROUND)[0], span=span)

    def _manifold(self, nets: Nets) -> Images:
        """Decode a style per row and class per column where the decoder reads labels; otherwise a lattice of codes."""
        replicas, classes = len(self._streams.seeds), min(_ROW, self._config.data.classes)
        if not decodes_labels(self._config):
            z = lattice(self._config.prior, _ROW).to(self._images)
            return Images(images=decode(nets, z.expand(replicas, *z.shape), None), columns=_ROW)
        z = self._ground(_STYLES).repeat_interleave(classes, 1)
        y = self._one_hot(torch.arange(classes, device=self._streams.device).repeat(_STYLES).expand(replicas, -1))
        return Images(images=decode(nets, z, y), columns=classes)


def mmd(a: Tensor, b: Tensor, deviation: float) -> Tensor:
    """Return the squared maximum mean discrepancy of two samples, unbiased: ``[R, N, dim], [R, M, dim] -> [R]``.

    ``E k(a, a') + E k(b, b') - 2 E k(a, b)`` over distinct pairs (Gretton et al. 2012, eq. 3), with k the mean of
    Gaussians ``exp(-|x - y|^2 / (2 s^2))`` whose s are 1/4, 1/2, 1, 2 and 4 times ``sqrt(2 dim) deviation``, the
    distance at which two draws of the prior typically lie. 0 on average for samples of one distribution, at most 2.
    """
    near = (2 * a.shape[-1]) ** 0.5 * deviation

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squares = torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()
        return torch.stack([(-squares / (2 * (width * near) ** 2)).exp() for width in _BANDWIDTHS]).mean(0)

    def within(x: Tensor) -> Tensor:
        count = x.shape[1]
        return (kernel(x, x).sum((1, 2)) - count) / (count * (count - 1))

    return within(a) + within(b) - 2 * kernel(a, b).mean((1, 2))
