"""From a configuration to a game: which networks there are, which phases update them, and what a report sees."""

from collections.abc import Mapping
from typing import Any, Protocol

from torch import Tensor

from trainables.autoencoder import draws as autoencoder
from trainables.autoencoder.game import Aae
from trainables.config import AaeConfig, Config, GanConfig, Trained, trained, uses_labels
from trainables.data import Source, known_classes
from trainables.gan import draws as gan
from trainables.gan.game import Gan
from trainables.phases import Figure, Nets, Player, Rounds, View
from trainables.shapes import Labels, Samples
from trainables.streams import Streams


class Play(Protocol):
    """A game on one data set with one stack of seeds."""

    def draws(self, step: int) -> Any:
        """Return the random inputs of a step, as the game's phases read them."""

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        """Return generated samples ``[R, count, *shape]`` and the classes they were made for, if any were."""

    def view(self, nets: Nets, count: int) -> View:
        """Return what a report sees, with so many samples."""

    def figures(self, nets: Nets) -> Mapping[str, Figure]:
        """Return what there is to be seen beside the samples, by name."""


class Game(Protocol):
    """An algorithm: its networks by name, and the rounds of phases of each step."""

    @property
    def players(self) -> Mapping[str, Player]: ...

    def rounds(self, step: int) -> Rounds: ...

    def check(self, source: Source) -> None:
        """Raise ValueError if the data lack what the game needs."""

    def bind(self, source: Source, streams: Streams) -> Play:
        """Return the game on data, on the device where the streams are drawn."""


def evaluation_inputs(
    config: Trained, streams: Streams, number: int, wanted: Labels | None
) -> tuple[list[tuple[Tensor, ...]], Labels | None]:
    """Return what the sampling network is given at every report: batches of inputs ``[R, size, ...]``, and labels."""
    match config:
        case GanConfig():
            return gan.evaluation_inputs(config, streams, number, wanted)
        case AaeConfig():
            return autoencoder.evaluation_inputs(config, streams, number, wanted)


def sampling_network(config: Trained) -> str:
    """Return the name of the network whose outputs are samples."""
    return "generator" if isinstance(config, GanConfig) else "decoder"


def build(config: Config) -> Game:
    """Build the game of a configuration.

    Raises:
        ValueError: if a network does not fit the shape of the data, or labels are asked for and the folder that has
            them is not there, or the training is recorded, and its loop elsewhere.
    """
    if uses_labels(config) and known_classes(config.data) is None:
        config.data.check()
    match trained(config):
        case GanConfig() as gan:
            return Gan(gan)
        case AaeConfig() as autoencoder:
            return Aae(autoencoder)
