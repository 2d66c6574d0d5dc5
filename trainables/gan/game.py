"""The two-player game: discriminator and generator, with or without penalty, clipping, packing and labels."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

import torch
from torch import nn

from trainables.conditioning import AuxiliaryClassifier, ByLabel, Unconditional
from trainables.config import GanConfig
from trainables.data import ImageSource, PointSource, Source
from trainables.gan import scoring
from trainables.gan.draws import Draws
from trainables.gan.play import Play
from trainables.networks import FAMILY, Network, outside
from trainables.networks.init import AsBuilt, InitialValue
from trainables.networks.norm import BatchStatistics, track
from trainables.networks.wiring import ConditionedGenerator, with_class_head
from trainables.penalties import NoPenalty
from trainables.phases import Nets, Phase, Player, Rounds
from trainables.shapes import Loss
from trainables.streams import Streams


def _generator(config: GanConfig) -> nn.Module:
    family, latent, shape = config.generator, config.latent.dim, config.data.shape
    if isinstance(config.conditioning, Unconditional):
        generator = _made(family, "generator", latent, shape)
    else:
        condition = config.conditioning.condition(config.data.classes)
        generator = ConditionedGenerator(condition, _made(family, "generator", latent + condition.width, shape))
    return track(generator, config.evaluation.batch_norm)


def _discriminator(config: GanConfig) -> nn.Module:
    family, shape, conditioning = config.discriminator, config.data.shape, config.conditioning
    packed = (shape[0] * config.packing, *shape[1:])
    match conditioning:
        case Unconditional():
            discriminator = _made(family, "discriminator", packed)
        case ByLabel():
            discriminator = _made(family, "discriminator", packed, conditioning.condition(config.data.classes))
        case AuxiliaryClassifier():
            discriminator = with_class_head(_made(family, "discriminator", packed), config.data.classes)
    return track(discriminator, BatchStatistics())


def built(family: Network, latent: int, shape: tuple[int, ...]) -> dict[str, nn.Module]:
    """Return the two networks of a family without labels, as a game has them.

    Raises:
        ValueError: if they do not fit the shape.
    """
    generator, discriminator = _made(family, "generator", latent, shape), _made(family, "discriminator", shape)
    modules = {"generator": generator, "discriminator": discriminator}
    return {name: track(module, BatchStatistics()) for name, module in modules.items()}


def _made(family: Network, role: Literal["generator", "discriminator"], *arguments: Any) -> nn.Module:
    if not _is_foreign(family):
        module: nn.Module = getattr(family, role)(*arguments)
        return module
    module = outside.built(family, role, *arguments)
    plain = role == "discriminator" and len(arguments) == 1
    return nn.Sequential(module, nn.Flatten(0)) if plain else module  # scores [B], also of one that gives [B, 1]


def _is_foreign(family: Network) -> bool:
    """Whether a network is a plugin's, and therefore not made of this package's layers alone."""
    return type(family) not in FAMILY.built_in


def _player(family: Network, module: nn.Module, short: str, build: Callable[[], nn.Module]) -> Player:
    init: InitialValue = family.init
    return Player(module, init, short, build if isinstance(init, AsBuilt) else None)


class Gan:
    """The game of a :class:`GanConfig`.

    Raises:
        ValueError: if a network does not fit the shape of the data, or has no place for labels.
    """

    def __init__(self, config: GanConfig) -> None:
        self._config = config
        with torch.device("meta"):  # shapes only: the values come from the replicas' streams, not from torch's default
            generator, discriminator = _generator(config), _discriminator(config)
        if isinstance(config.conditioning, Unconditional):
            self._check_foreign(generator, discriminator)
        self.players = {
            "generator": _player(config.generator, generator, "g", lambda: _generator(config)),
            "discriminator": _player(config.discriminator, discriminator, "d", lambda: _discriminator(config)),
        }
        self._discriminates = cache(self._discriminator)
        self._generates = self._generator()

    def _check_foreign(self, generator: nn.Module, discriminator: nn.Module) -> None:
        config, shape = self._config, self._config.data.shape
        if _is_foreign(config.generator):
            outside.check(config.generator.kind, "generator", generator, (config.latent.dim,), shape)
        if _is_foreign(config.discriminator):
            packed = (shape[0] * config.packing, *shape[1:])
            outside.check(config.discriminator.kind, "discriminator", discriminator, packed, ())

    def rounds(self, step: int) -> Rounds:
        """Return the phases of one step, which a burn-in changes."""
        d = tuple(self._discriminates(visit) for visit in range(self._config.updates.at(step)))
        match self._config.updates.order:
            case "d_first":
                return (*((phase,) for phase in d), (self._generates,))
            case "g_first":
                return ((self._generates,), *((phase,) for phase in d))
            case "simultaneous":
                return ((*d, self._generates),)

    def check(self, source: Source) -> None:
        """Raise ValueError if the images or points do not fill one batch; densities are drawn from as needed."""
        if isinstance(source, ImageSource | PointSource):
            source.check_batch(self._config.batch_size, self._config.packing)

    def bind(self, source: Source, streams: Streams) -> "Play":
        return Play(self._config, source, streams)

    def _discriminator(self, visit: int) -> Phase:
        """Minimise the objective's ``d_loss`` on a fresh real batch and detached samples, with all its terms."""
        config, conditioning = self._config, self._config.conditioning
        terms = ["d_loss"]
        if not isinstance(config.penalty, NoPenalty):
            terms.append("d_penalty")
        if isinstance(conditioning, AuxiliaryClassifier):
            terms.append("d_class_loss")

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            real = scoring.pack(draws.noisy(draws.real(visit), "real", visit), config.packing)
            fake = scoring.pack(draws.noisy(draws.fake_for_discriminator(nets, visit), "fake", visit), config.packing)
            result: dict[str, Loss] = {}
            if isinstance(conditioning, AuxiliaryClassifier):
                (real_scores, real_logits), (fake_scores, fake_logits) = scoring.both(config, nets, real, fake, None)
                own, made = draws.labels(visit), draws.discriminator_labels(visit)
                result["d_class_loss"] = conditioning.d_loss(real_logits, own, fake_logits, made)
            else:
                labels = None
                if isinstance(conditioning, ByLabel):
                    labels = (draws.labels(visit), draws.discriminator_labels(visit))
                real_scores, fake_scores = scoring.both(config, nets, real, fake, labels)
            result["d_loss"] = config.objective.d_loss(real_scores, fake_scores)
            if "d_penalty" in terms:
                score = scoring.scorer(config, nets, draws.labels(visit) if isinstance(conditioning, ByLabel) else None)
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
        """Minimise the objective's ``g_loss``, plus the class term; the discriminator is held fixed."""
        config, conditioning = self._config, self._config.conditioning

        def loss(nets: Nets, draws: Draws) -> Mapping[str, Loss]:
            fake = scoring.pack(draws.noisy(draws.fake_for_generator(nets), "g", 0), config.packing)
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
