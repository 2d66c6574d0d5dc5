"""What an injection changes in a training that is otherwise real: the updates, or the samples that a report sees.

A change is a value. It reaches the loop as a game (``InjectedGame``) that plays the configuration's own and departs
from it only where the change says so; the replicas' random streams stay as they are.
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
    """The steps at which a change holds: from ``start`` to before ``end``, or on and off for ``half`` steps each.

    The untrained generator, step 0, is never changed: it is the baseline that outcomes are compared with.

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
        """Whether the change holds in a report at ``step``."""
        if step < self.start or (self.end is not None and step >= self.end):
            return False
        return self.half is None or (step - self.start) // self.half % 2 == 0


class Training(Protocol):
    """A change of the updates."""

    def phase(self, phase: Phase, step: int) -> Phase:
        """What is done instead of a phase at a step."""

    def before(self, loop: Loop) -> None:
        """Called before every step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poison:
    """From step ``start`` on the losses of the phase ``of`` are NaN; so are its gradients, and then all weights."""

    of: str
    start: int

    def phase(self, phase: Phase, step: int) -> Phase:
        if phase.name != self.of or step < self.start:
            return phase

        def loss(nets: Nets, draws: Any) -> Mapping[str, Loss]:
            return {name: value * torch.nan for name, value in phase.loss(nets, draws).items()}

        return replace(phase, loss=loss)

    def before(self, loop: Loop) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """At step ``start`` the learning rate of the phase ``of`` is multiplied by ``factor``, for good."""

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
    """What a change of samples may look at: the game as it is really played, and the data."""

    play: Play
    source: Source
    streams: Streams

    def real(self, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        return self.play.sample(nets, count, labels)


class Sampling(Protocol):
    """A change of what the generator is seen to make, at the steps of ``span``."""

    @property
    def span(self) -> Span: ...

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        """Samples ``[R, count, *shape]`` and the labels they pass for, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepModes:
    """Of a mixture's modes only ``modes`` are left, others for each seed: a sample near another one is moved over.

    A sample nearest to a lost centre c gets ``c' - c`` added, with c' a kept centre, kept ones in turn. Samples keep
    their place around their centre, and those of kept modes stay as they are.
    """

    modes: int
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        samples, own = world.real(nets, count, labels)
        truth = world.source.truth
        assert isinstance(truth, MixtureTruth)
        centers = torch.from_numpy(truth.centers).to(samples)
        targets = torch.stack([self._targets(seed, len(centers)) for seed in world.streams.seeds]).to(samples.device)
        nearest = torch.cdist(samples, centers.expand(len(samples), *centers.shape)).argmin(-1)
        return samples + centers[targets.gather(1, nearest)] - centers[nearest], own

    def _targets(self, seed: int, modes: int) -> Tensor:
        """``[M]``: where the samples of each mode go; kept modes to themselves."""
        order = torch.from_numpy(generator(seed, _STREAM).permutation(modes))
        targets = torch.arange(modes)
        targets[order[self.modes :]] = order[torch.arange(modes - self.modes) % self.modes]
        return targets


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepClasses:
    """Of a conditioned generator's samples only those made for ``classes`` of its classes are left, from ``first`` on.

    So many more are drawn, over all classes in turn: a G with batch norm makes one class alone from other statistics
    than it was trained with, and nothing that looks like it.
    """

    classes: int
    first: int = 0
    of: int = 10
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        every = torch.arange(-(-count // self.classes) * self.of) % self.of
        kept = torch.nonzero((every - self.first) % self.of < self.classes)[:count, 0]
        samples, own = world.real(nets, len(every), every)
        assert own is not None
        return samples[:, kept], own[:, kept]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabel:
    """Samples made for class y pass for class ``y + shift``, modulo ``of``.

    That is the generator that training on data with so permuted labels would have made, at every step.
    """

    shift: int
    of: int = 10
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        samples, own = world.real(nets, count, labels)
        assert own is not None
        return samples, (own + self.shift) % self.of


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """All samples are copies of ``points`` training samples, others for each seed, equally often."""

    points: int
    span: Span = Span()

    def sample(self, world: World, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        batch = world.source.batch(world.streams, 0, self.points)
        picks = torch.arange(count) % self.points
        _, own = world.real(nets, 2, labels)
        if own is None:
            return batch.samples[:, picks], None
        return batch.samples[:, picks], None if batch.labels is None else batch.labels[:, picks]


class InjectedGame:
    """A game with changes.

    Args:
        inner: the configuration's own game.
        training: a change of the updates, of the whole stack, if any.
        samplings: of each replica, in the stack's order, the change of its samples, if any; empty for none at all.
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

    def bind(self, source: Source, streams: Streams, device: torch.device) -> Play:
        play, groups = self._inner.bind(source, streams, device), []
        for sampling in dict.fromkeys(each for each in self._samplings if each is not None):
            places = [i for i, own in enumerate(self._samplings) if own == sampling]
            own = Streams([streams.seeds[i] for i in places])
            world = World(self._inner.bind(source, own, device), source, own)
            groups.append(_Group(sampling, torch.tensor(places, device=device), world))
        return _ChangedPlay(play, groups)


@dataclass(frozen=True, slots=True)
class _Group:
    """The replicas that one change of samples concerns, by their places in the stack, as a world of their own."""

    sampling: Sampling
    places: Tensor
    world: World

    def sample(self, nets: Nets, count: int, labels: Labels | None) -> tuple[Samples, Labels | None]:
        params = {name: {k: v[self.places] for k, v in own.items()} for name, own in nets.params.items()}
        return self.sampling.sample(self.world, Nets(nets.modules, params), count, labels)


class _ChangedPlay:
    """A play of which some replicas' samples are changed; D's losses and scores are those of the real game.

    The step is counted by the draws that were asked for, one a step.
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
                own, own_labels = group.sample(nets, count, asked)
                samples = samples.index_copy(0, group.places, own)
                if labels is not None and own_labels is not None:
                    labels = labels.index_copy(0, group.places, own_labels)
        return samples, labels
