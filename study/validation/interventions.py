"""The interventions of injections in a real training: in the updates, or in the samples that a report sees.

An intervention is a value. It reaches the loop as a game (``InjectedGame``) that wraps the configuration's game and
deviates only where the intervention applies; the random streams of the replicas do not change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from trainables.data import Source
from trainables.data.source import MixtureTruth
from trainables.games import Game, Play
from trainables.loop import Loop
from trainables.phases import Figure, Nets, Phase, Player, Rounds, View
from trainables.shapes import Labels, Loss, Samples
from trainables.streams import Streams, generator

_STREAM = "injection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The steps of an intervention: from ``start`` to before ``end``, or on and off for ``half`` steps each.

    The untrained generator, step 0, is never changed, because outcomes are compared with it.

    Raises:
        ValueError: if start or half is below 1, or end does not follow start.
    """

    start: int = 1
    end: int | None = None
    half: int | None = None

    def __post_init__(self) -> None:
        if self.start < 1:
            raise ValueError(f"start must be >= 1, got {self.start}")
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"end must be > start = {self.start}, got {self.end}")
        if self.half is not None and self.half < 1:
            raise ValueError(f"half must be >= 1, got {self.half}")

    def holds(self, step: int) -> bool:
        """Return whether the intervention holds in a report at ``step``."""
        if step < self.start or (self.end is not None and step >= self.end):
            return False
        return self.half is None or (step - self.start) // self.half % 2 == 0


class Training(Protocol):
    """An intervention in the updates."""

    def phase(self, phase: Phase, step: int) -> Phase:
        """Return the phase that replaces ``phase`` at a step."""

    def before(self, loop: Loop) -> None:
        """Change the loop before a step; called before every step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """NaN losses of the phase ``of`` from step ``start`` on; so are its gradients, and then all weights."""

    of: str
    start: int

    def phase(self, phase: Phase, step: int) -> Phase:
        if phase.name != self.of or step < self.start:
            return phase

        def loss(nets: Nets, draws: Any) -> Mapping[str, Loss]:
            return {name: value * torch.nan for name, value in phase.loss(nets, draws).items()}

        return replace(phase, loss=loss)

    def before(self, loop: Loop) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """A multiplication of the learning rate of the phase ``of`` by ``factor``, from step ``start`` on."""

    of: str
    start: int
    factor: float

    def phase(self, phase: Phase, step: int) -> Phase:
        return phase

    def before(self, loop: Loop) -> None:
        if loop.step == self.start:
            loop.scale_rate(self.of, self.factor)


@dataclass(frozen=True, slots=True)
class World:
    """The inputs of an intervention in samples: the unchanged game, the data, and the number of steps so far."""

    play: Play
    source: Source
    streams: Streams
    step: int = 0

    def real(self, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        """Return the samples of the unchanged game, and their labels if it has any."""
        return self.play.sample(nets, count, labels)


class Sampling(Protocol):
    """An intervention in the samples that reports see, at the steps of ``span``."""

    @property
    def span(self) -> Span: ...

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        """Return samples ``[R, count, *shape]`` and the labels that reports see for them, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepModes:
    """Samples of only ``modes`` of a mixture's modes, which differ by seed; samples near lost modes are moved.

    A sample nearest to a lost centre c is shifted by ``c' - c``, for kept centres c' in turn. So samples keep their
    position relative to their centre, and samples of kept modes do not change. If it ``hops``, the kept modes are
    others at every step.
    """

    modes: int
    span: Span = Span()
    hops: bool = False

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        samples, made_for = world.real(nets, count, labels)
        truth = world.source.truth
        assert isinstance(truth, MixtureTruth)
        centers = torch.from_numpy(truth.centers).to(samples)
        targets = torch.stack([self._targets(seed, len(centers), world.step) for seed in world.streams.seeds]).to(
            samples.device
        )
        nearest = torch.cdist(samples, centers.expand(len(samples), *centers.shape)).argmin(-1)
        return samples + centers[targets.gather(1, nearest)] - centers[nearest], made_for

    def _targets(self, seed: int, modes: int, step: int) -> Tensor:
        """Return the mode ``[M]`` to which samples of each mode move; kept modes stay."""
        order = torch.from_numpy(generator(seed, _STREAM, step if self.hops else 0).permutation(modes))
        targets = torch.arange(modes)
        targets[order[self.modes :]] = order[torch.arange(modes - self.modes) % self.modes]
        return targets


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepClasses:
    """Samples of only ``classes`` of a conditioned generator's classes, from class ``first`` on.

    All classes are drawn, and the others left out: with only one class, batch norm in G would have statistics unlike
    those in training, and the samples would not look like the class. If it ``hops``, the classes begin elsewhere at
    every step.
    """

    classes: int
    first: int = 0
    of: int = 10
    span: Span = Span()
    hops: bool = False

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        every = torch.arange(-(-count // self.classes) * self.of) % self.of
        first = int(generator(0, _STREAM, world.step).integers(self.of)) if self.hops else self.first
        kept = torch.nonzero((every - first) % self.of < self.classes)[:count, 0]
        samples, made_for = world.real(nets, len(every), every)
        assert made_for is not None
        return samples[:, kept], made_for[:, kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabel:
    """Samples made for class y, presented as class ``y + shift``, modulo ``of``.

    This is the generator, at every step, of a training on data with permuted labels.
    """

    shift: int
    of: int = 10
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        samples, made_for = world.real(nets, count, labels)
        assert made_for is not None
        return samples, (made_for + self.shift) % self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Normal noise of a standard deviation that is added to every sample; of images, what leaves [-1, 1] is clipped."""

    deviation: float
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        samples, made_for = world.real(nets, count, labels)
        noise = world.streams.normal(_STREAM, world.step, tuple(samples.shape[1:])).to(samples)
        moved = samples + self.deviation * noise
        return moved if isinstance(world.source.truth, MixtureTruth) else moved.clamp(-1, 1), made_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Copies of ``points`` training samples, which differ by seed, equally often."""

    points: int
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        batch = world.source.batch(world.streams, 0, self.points)
        picks = torch.arange(count) % self.points
        _, made_for = world.real(nets, 2, labels)
        if made_for is None:
            return batch.samples[:, picks], None
        return batch.samples[:, picks], None if batch.labels is None else batch.labels[:, picks]


class InjectedGame:
    """A game with interventions.

    Args:
        inner: the game of the configuration.
        training: intervention in the updates of the whole stack, if any.
        samplings: intervention in the samples of each replica, if any, in the stack's order; empty for none.
    """

    def __init__(
        self, inner: Game, *, training: Training | None = None, samplings: Sequence[Sampling | None] = ()
    ) -> None:
        self._inner, self._training, self._samplings = inner, training, tuple(samplings)

    @property
    def players(self) -> Mapping[str, Player]:
        return self._inner.players

    def rounds(self, step: int) -> Rounds:
        rounds, training = self._inner.rounds(step), self._training
        if training is None:
            return rounds
        return tuple(tuple(training.phase(phase, step) for phase in group) for group in rounds)

    def check(self, source: Source) -> None:
        self._inner.check(source)

    def bind(self, source: Source, streams: Streams) -> Play:
        play, groups = self._inner.bind(source, streams), []
        for sampling in dict.fromkeys(each for each in self._samplings if each is not None):
            places = [i for i, each in enumerate(self._samplings) if each == sampling]
            chosen = Streams([streams.seeds[i] for i in places], streams.device)
            world = World(self._inner.bind(source, chosen), source, chosen)
            groups.append(_Group(sampling, torch.tensor(places, device=streams.device), world))
        return _ChangedPlay(play, groups)


@dataclass(frozen=True, slots=True)
class _Group:
    """The replicas of one intervention in samples: their positions in the stack, and their game and data."""

    sampling: Sampling
    places: Tensor
    world: World

    def sample(self, nets: Nets, count: int, labels: Labels | None, step: int) -> tuple[Samples, Labels | None]:
        params = {name: {k: v[self.places] for k, v in stacked.items()} for name, stacked in nets.params.items()}
        return self.sampling.sample(replace(self.world, step=step), Nets(nets.modules, params), count, labels)


class _ChangedPlay:
    """A play with changed samples for some replicas; D's losses and scores are those of the unchanged game.

    It counts steps by calls of ``draws``, one per step.
    """

    def __init__(self, play: Play, groups: Sequence[_Group]) -> None:
        self._play, self._groups = play, tuple(groups)
        self._step = 0

    def draws(self, step: int) -> Any:
        self._step = step + 1
        return self._play.draws(step)

    def sample(self, nets: Nets, count: int, labels: Labels | None = None) -> tuple[Samples, Labels | None]:
        return self._changed(nets, count, labels, *self._play.sample(nets, count, labels))

    def view(self, nets: Nets, count: int) -> View:
        view = self._play.view(nets, count)
        samples, labels = self._changed(nets, count, None, view.samples, view.labels)
        return replace(view, samples=samples, labels=labels)

    def figures(self, nets: Nets) -> Mapping[str, Figure]:
        return self._play.figures(nets)

    def _changed(
        self, nets: Nets, count: int, asked: Labels | None, samples: Samples, labels: Labels | None
    ) -> tuple[Samples, Labels | None]:
        for group in self._groups:
            if group.sampling.span.holds(self._step):
                changed, changed_labels = group.sample(nets, count, asked, self._step)
                samples = samples.index_copy(0, group.places, changed)
                if labels is not None and changed_labels is not None:
                    labels = labels.index_copy(0, group.places, changed_labels)
        return samples, labels
