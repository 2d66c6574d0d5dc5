"""The two-player game: discriminator and generator, with or without penalty, clipping, packing and labels."""

from collections.abc import Callable, Mapping
from functools import cache

import torch
from torch import Tensor

from trainables import phases
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Unconditional
from trainables.config import GanConfig
from trainables.data import Batch, Source
from trainables.draws import Streams
from trainables.networks.wiring import ConditionedGenerator, with_class_head
from trainables.penalties import NoPenalty
from trainables.phases import Figure, Nets, Phase, Player, Rounds, View
from trainables.shapes import Labels, Latents, Loss, Samples, Scores


class Draws:
    """The random inputs of one training step; each is a pure function of (seed, stream, counter).

    Args:
        step: the number of the generator update, from 0.
    """

    def __init__(self, config: GanConfig, source: Source, streams: Streams, step: int, *, device: torch.device) -> None:
        self._config, self._source, self._streams, self._step, self._device = config, source, streams, step, device
        self._size = config.batch_size * config.packing
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self.d_steps = config.updates.at(step)
        self._first = config.updates.before(step)
        self._kept: dict[tuple[str, int], Tensor] = {}
        self._batches: dict[int, Batch] = {}
        self._shared: Samples | None = None

    def real(self, visit: int) -> Samples:
        """The real batch of the step's ``visit``-th discriminator update."""
        return self._batch(visit).samples

    def labels(self, visit: int) -> Labels:
        """The classes of that batch."""
        labels = self._batch(visit).labels
        assert labels is not None
        return labels

    def discriminator_latents(self, visit: int) -> Latents:
        return self._noise("latent", self._first + visit)

    def discriminator_labels(self, visit: int) -> Labels:
        """The classes of the samples that the step's ``visit``-th discriminator update sees."""
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
        """Samples for the step's ``visit``-th discriminator update, without gradient.

        Where the generator's update will use the same noise and no update of G lies between, its forward pass is made
        here, once, and kept for :meth:`fake_for_generator`.
        """
        updates = self._config.updates
        inputs = [self.discriminator_latents(visit)]
        if self.labelled:
            inputs.append(self.discriminator_labels(visit))
        if updates.reuse_latents and updates.order != "g_first" and visit == self.d_steps - 1:
            self._shared = nets.run("generator", *inputs)
            return self._shared.detach()
        with torch.no_grad():
            samples: Samples = nets.run("generator", *inputs)
        return samples

    def fake_for_generator(self, nets: Nets) -> Samples:
        """Samples for the generator's update, with gradient."""
        if self._shared is not None:
            return self._shared
        inputs = [self.generator_latents()] + ([self.generator_labels()] if self.labelled else [])
        samples: Samples = nets.run("generator", *inputs)
        return samples

    def noisy(self, samples: Samples, stream: str, visit: int) -> Samples:
        """The samples with the configuration's instance noise, from a stream for each use."""
        deviation = self._config.instance_noise
        if not deviation:
            return samples
        noise = self._streams.normal(f"instance/{stream}", self._first + visit, tuple(samples.shape[1:]))
        return samples + deviation * torch.from_numpy(noise).to(samples)

    def penalty_noise(self, visit: int) -> "PenaltyNoise":
        return PenaltyNoise(self._streams, self._first + visit)

    @property
    def labelled(self) -> bool:
        return not isinstance(self._config.conditioning, Unconditional)

    def _fake_labels(self) -> str:
        conditioning = self._config.conditioning
        assert not isinstance(conditioning, Unconditional)
        return conditioning.fake_labels

    def _batch(self, visit: int) -> Batch:
        if visit not in self._batches:
            self._batches[visit] = self._source.batch(self._streams, self._first + visit, self._size)
        return self._batches[visit]

    def _noise(self, stream: str, counter: int) -> Latents:
        if (stream, counter) not in self._kept:
            noise = phases.latents(self._config.latent, self._streams, stream, counter, self._size)
            self._kept[stream, counter] = noise.to(device=self._device, dtype=self._dtype)
        return self._kept[stream, counter]

    def _classes(self, stream: str, counter: int) -> Labels:
        if (stream, counter) not in self._kept:
            classes = self._config.data.classes
            labels = phases.uniform_labels(classes, self._streams, stream, counter, self._size)
            self._kept[stream, counter] = labels.to(self._device)
        return self._kept[stream, counter]


class PenaltyNoise:
    """The random numbers of a penalty, from streams of their own: ``penalty/<name>``."""

    def __init__(self, streams: Streams, counter: int) -> None:
        self._streams, self._counter = streams, counter

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self._streams.uniform(f"penalty/{name}", self._counter, shape))

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.from_numpy(self._streams.normal(f"penalty/{name}", self._counter, shape))


class Gan:
    """The game of a :class:`GanConfig`.

    Raises:
        ValueError: if a network does not fit the shape of the data, or has no place for labels.
    """

    def __init__(self, config: GanConfig) -> None:
        self._config = config
        shape, classes = config.data.shape, config.data.classes
        packed = (shape[0] * config.packing, *shape[1:])
        conditioning = config.conditioning
        with torch.device("meta"):  # shapes only: the values come from the replicas' streams, not from torch's default
            match conditioning:
                case Unconditional():
                    generator = config.generator.generator(config.latent.dim, shape)
                    discriminator = config.discriminator.discriminator(packed)
                case ByLabel() | AuxiliaryClassifier():
                    condition = conditioning.condition(classes)
                    body = config.generator.generator(config.latent.dim + condition.width, shape)
                    generator = ConditionedGenerator(condition, body)
                    if isinstance(conditioning, ByLabel):
                        discriminator = config.discriminator.discriminator(packed, condition)
                    else:
                        discriminator = with_class_head(config.discriminator.discriminator(packed), classes)
        self.players = {
            "generator": Player(generator, config.generator.init, "g"),
            "discriminator": Player(discriminator, config.discriminator.init, "d"),
        }
        self._discriminates = cache(self._discriminator)
        self._generates = self._generator()

    def rounds(self, step: int) -> Rounds:
        """The phases of one step, which a burn-in changes."""
        d = tuple(self._discriminates(visit) for visit in range(self._config.updates.at(step)))
        match self._config.updates.order:
            case "d_first":
                return (*((phase,) for phase in d), (self._generates,))
            case "g_first":
                return ((self._generates,), *((phase,) for phase in d))
            case "simultaneous":
                return ((*d, self._generates),)

    def check(self, source: Source) -> None:
        """Does nothing: a GAN takes what its data give."""

    def bind(self, source: Source, streams: Streams, device: torch.device) -> "Play":
        return Play(self._config, source, streams, device)

    def _discriminator(self, visit: int) -> Phase:
        """Minimises the objective's ``d_loss`` on a fresh real batch and detached samples, with all its terms."""
        config, conditioning = self._config, self._config.conditioning
        terms = ["d_loss"]
        if not isinstance(config.penalty, NoPenalty):
            terms.append("d_penalty")
        if isinstance(conditioning, AuxiliaryClassifier):
            terms.append("d_class_loss")

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            real = pack(draws.noisy(draws.real(visit), "real", visit), config.packing)
            fake = pack(draws.noisy(draws.fake_for_discriminator(nets, visit), "fake", visit), config.packing)
            result: dict[str, Loss] = {}
            if isinstance(conditioning, AuxiliaryClassifier):
                (real_scores, real_logits), (fake_scores, fake_logits) = _both(config, nets, real, fake, None)
                own, made = draws.labels(visit), draws.discriminator_labels(visit)
                result["d_class_loss"] = conditioning.d_loss(real_logits, own, fake_logits, made)
            else:
                labels = None
                if isinstance(conditioning, ByLabel):
                    labels = (draws.labels(visit), draws.discriminator_labels(visit))
                real_scores, fake_scores = _both(config, nets, real, fake, labels)
            result["d_loss"] = config.objective.d_loss(real_scores, fake_scores)
            if "d_penalty" in terms:
                score = _score(config, nets, draws.labels(visit) if isinstance(conditioning, ByLabel) else None)
                result["d_penalty"] = config.penalty.penalty(score, real, fake, draws.penalty_noise(visit))
            return result

        return Phase(
            name="d",
            updates=("discriminator",),
            optimizer=config.d_optimizer,
            terms=tuple(terms),
            loss=loss,
            clip=config.clip,
            clip_when=config.clip_when,
        )

    def _generator(self) -> Phase:
        """Minimises the objective's ``g_loss``, plus the class term; the discriminator is held fixed."""
        config, conditioning = self._config, self._config.conditioning

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            fake = pack(draws.noisy(draws.fake_for_generator(nets), "g", 0), config.packing)
            match conditioning:
                case Unconditional():
                    return {"g_loss": config.objective.g_loss(nets.run("discriminator", fake, frozen=True))}
                case ByLabel():
                    scores = nets.run("discriminator", fake, draws.generator_labels(), frozen=True)
                    return {"g_loss": config.objective.g_loss(scores)}
                case AuxiliaryClassifier():
                    scores, logits = nets.run("discriminator", fake, frozen=True)
                    class_loss = conditioning.g_loss(logits, draws.generator_labels())
                    return {"g_loss": config.objective.g_loss(scores), "g_class_loss": class_loss}

        terms = ("g_loss", "g_class_loss") if isinstance(conditioning, AuxiliaryClassifier) else ("g_loss",)
        return Phase(name="g", updates=("generator",), optimizer=config.g_optimizer, terms=terms, loss=loss)


def pack(samples: Samples, packing: int) -> Samples:
    """``[R, B m, C, ...] -> [R, B, m C, ...]``: m neighbours side by side along the first axis of a sample."""
    if packing == 1:
        return samples
    replicas, count, channels, *space = samples.shape
    return samples.reshape(replicas, count // packing, packing * channels, *space)


def _both(
    config: GanConfig, nets: Nets, real: Samples, fake: Samples, labels: tuple[Labels, Labels] | None
) -> tuple[Scores, Scores]:
    """D's outputs for the real and the generated batch, in two passes or in one."""
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


def _score(config: GanConfig, nets: Nets, labels: Labels | None) -> Callable[[Samples], Scores]:
    """D's scores; points of a conditioned D carry the real batch's labels, twice over if there are twice as many."""

    def score(points: Samples) -> Scores:
        scores: Scores
        if labels is not None:
            own = labels.repeat(1, points.shape[1] // labels.shape[1])
            scores = nets.run("discriminator", points, own)
            return scores
        found = nets.run("discriminator", points)
        scores = found[0] if isinstance(config.conditioning, AuxiliaryClassifier) else found
        return scores

    return score


class Play:
    """A GAN's game on one data set with one stack of seeds: what a step draws, and what a report sees."""

    def __init__(self, config: GanConfig, source: Source, streams: Streams, device: torch.device) -> None:
        self._config, self._source, self._streams, self._device = config, source, streams, device
        self._dtype: torch.dtype = getattr(torch, config.dtype)
        self._labelled = not isinstance(config.conditioning, Unconditional)
        self._reference = source.reference(config.evaluation.samples)

    def draws(self, step: int) -> Draws:
        return Draws(self._config, self._source, self._streams, step, device=self._device)

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Samples ``[R, count, *shape]`` from the evaluation stream, which is the same at every step.

        Drawn in chunks of the training batch size, so that batch norm sees batches like those of training.

        Args:
            labels: ``[count]`` classes to make, for a conditioned G; uniform random ones if absent.
        """
        size, chunks = self._config.batch_size, []
        number = -(-count // size)
        classes = self._labels(number * size, labels) if self._labelled else None
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
            parts = [_score(self._config, nets, None)(part) for part in batch.split(self._config.batch_size, dim=1)]
            return torch.cat(parts, 1)

        return View(samples=samples, labels=labels, columns=self._scores(nets, samples, labels), score=score)

    def figures(self, nets: Nets) -> dict[str, Figure]:
        """None: the samples are all there is."""
        return {}

    def _labels(self, count: int, wanted: Labels | None) -> Labels:
        return phases.evaluation_labels(wanted, self._config.data.classes, self._streams, count, self._device)

    def _scores(self, nets: Nets, samples: Samples, labels: Labels | None) -> dict[str, Tensor]:
        """Means of D's scores over a fixed real sample and over the generated one.

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
            packed = pack(own[:, : own.shape[1] // m * m], m)
            whole = packed[:, : max(size, packed.shape[1] // size * size)]
            scores = []
            for place in range(0, whole.shape[1], size):
                here = None if classes is None else classes[:, place : place + size]
                scores.append(_score(self._config, nets, here)(whole[:, place : place + size]))
            columns[name] = torch.cat(scores, 1).mean(1)
        return columns
