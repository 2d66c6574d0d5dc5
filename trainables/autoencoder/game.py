"""The autoencoder's game: reconstruction, codes against a prior, and labels, as phases of one step."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from trainables.autoencoder.coding import classifies, decode, decodes_labels, encode
from trainables.autoencoder.draws import Draws
from trainables.autoencoder.play import Play
from trainables.autoencoder.split import Split
from trainables.autoencoding import (
    Adversarial,
    DecoderLabels,
    PriorLabels,
    SemiSupervised,
    SupervisedOnly,
    Variational,
)
from trainables.conditioning import cross_entropy
from trainables.config import AaeConfig
from trainables.data import ImageSource, Source
from trainables.networks.norm import track
from trainables.phases import Nets, Phase, Player, Rounds
from trainables.shapes import Latents, Loss
from trainables.streams import Streams


class Aae:
    """The game of an :class:`AaeConfig`."""

    def __init__(self, config: AaeConfig) -> None:
        self._config = config
        shape, classes, dim = config.data.shape, config.data.classes, config.prior.dim
        emitted = dim * (2 if isinstance(config.regularizer, Variational) else 1) + classes * classifies(config)
        judged = dim + (classes + 1 if isinstance(config.labels, PriorLabels) else 0)
        with torch.device("meta"):  # shapes only: the values come from the replicas' streams, not from torch's default
            encoder = config.encoder.encoder(shape, emitted)
            decoder = config.decoder.generator(dim + classes * decodes_labels(config), shape)
            self.players = {
                "encoder": Player(track(encoder, config.evaluation.batch_norm), config.encoder.init, "encoder"),
                "decoder": Player(track(decoder, config.evaluation.batch_norm), config.decoder.init, "decoder"),
            }
            if isinstance(config.regularizer, Adversarial):
                family = config.discriminator
                self.players["discriminator"] = Player(family.discriminator((judged,)), family.init, "d")
                if classifies(config):
                    self.players["label_discriminator"] = Player(family.discriminator((classes,)), family.init, "d_cat")
        self._rounds = tuple((phase,) for phase in self._phases())

    def rounds(self, step: int) -> Rounds:
        return self._rounds

    def check(self, source: Source) -> None:
        """Raise ValueError if the data have too few images, or too few labelled ones."""
        assert isinstance(source, ImageSource)
        Split(self._config, source, (0,)).check()

    def bind(self, source: Source, streams: Streams) -> Play:
        assert isinstance(source, ImageSource)
        return Play(self._config, source, streams)

    def _phases(self) -> Iterator[Phase]:
        if isinstance(self._config.labels, SupervisedOnly):
            yield self._classification(self._config)
            return
        yield self._reconstruction(self._config)
        if isinstance(self._config.regularizer, Adversarial):
            yield self._discriminators(self._config, self._config.regularizer)
            yield self._encoder(self._config, self._config.regularizer)
        if isinstance(self._config.labels, SemiSupervised):
            yield self._classification(self._config)

    def _reconstruction(self, config: AaeConfig) -> Phase:
        """Build ``weight mean (x - decode(encode(x)))^2`` over batch and pixels, and a variational encoder's KL."""
        regularizer = config.regularizer

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            code, result = encode(config, nets, draws.batch.samples), {}
            z, y = code.z, None
            if isinstance(regularizer, Variational):
                assert code.log_variance is not None
                z = z + (code.log_variance / 2).exp() * draws.posterior()
                result["kl_loss"] = regularizer.beta * regularizer.kl(code.z, code.log_variance, config.prior.deviation)
            if code.logits is not None:
                y = code.logits.softmax(-1)
            elif isinstance(config.labels, DecoderLabels):
                y = draws.labels()
            error = (decode(nets, z, y) - draws.batch.samples).square()
            return {"reconstruction_loss": config.reconstruction_weight * error.flatten(1).mean(1), **result}

        terms = ("reconstruction_loss", "kl_loss") if isinstance(regularizer, Variational) else ("reconstruction_loss",)
        return Phase(
            name="reconstruction", updates=("encoder", "decoder"), optimizer=config.optimizer, terms=terms, loss=loss
        )

    def _discriminators(self, config: AaeConfig, regularizer: Adversarial) -> Phase:
        """Call draws of the prior real, codes fake; with class probabilities, one-hot classes and y likewise."""
        terms, updates = _regularized(config, "d"), ("discriminator", "label_discriminator")

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            code, told = draws.code(nets), draws.told()
            real = nets.run("discriminator", _beside(draws.prior(), told))
            fake = nets.run("discriminator", _beside(code.z.detach(), told))
            result = {"d_loss": regularizer.objective.d_loss(real, fake)}
            if code.logits is not None:
                real = nets.run("label_discriminator", draws.classes())
                fake = nets.run("label_discriminator", code.logits.detach().softmax(-1))
                result["d_cat_loss"] = regularizer.objective.d_loss(real, fake)
            return result

        return Phase(
            name="d",
            updates=updates[: len(terms)],
            optimizer=config.d_optimizer,
            terms=terms,
            loss=loss,
            clip=regularizer.clip,
        )

    def _encoder(self, config: AaeConfig, regularizer: Adversarial) -> Phase:
        """Train the encoder as generator of codes; the discriminators are held fixed."""

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            code = draws.code(nets)
            scores = nets.run("discriminator", _beside(code.z, draws.told()), frozen=True)
            result = {"g_loss": regularizer.objective.g_loss(scores)}
            if code.logits is not None:
                scores = nets.run("label_discriminator", code.logits.softmax(-1), frozen=True)
                result["g_cat_loss"] = regularizer.objective.g_loss(scores)
            return result

        terms = _regularized(config, "g")
        return Phase(name="g", updates=("encoder",), optimizer=config.g_optimizer, terms=terms, loss=loss)

    def _classification(self, config: AaeConfig) -> Phase:
        """Minimise the cross-entropy of y on labelled images."""

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            batch = draws.labeled
            logits = encode(config, nets, batch.samples).logits
            assert logits is not None
            assert batch.labels is not None
            return {"class_loss": cross_entropy(logits, batch.labels)}

        return Phase(
            name="class", updates=("encoder",), optimizer=config.class_optimizer, terms=("class_loss",), loss=loss
        )


def _regularized(config: AaeConfig, player: str) -> tuple[str, ...]:
    return (f"{player}_loss", f"{player}_cat_loss") if classifies(config) else (f"{player}_loss",)


def _beside(z: Latents, told: Tensor | None) -> Tensor:
    return z if told is None else torch.cat([z, told], -1)
