"""Where new candidates come from: a sampler proposes points of the space, no point twice.

A proposal depends on the search's seed, its number and what was told so far, not on a clock or on the state of a random
generator that lives in a process: a search that was killed goes on with the same proposals as one that was not, given
the same scores.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any, Literal, Protocol, TypeAlias

from search_spaces import Options, Space, Value
from study.search.candidates import Candidate, Scored

Point: TypeAlias = Mapping[str, Value]
Goal = Literal["success", "quality", "both"]
SAMPLERS = ("tpe", "gp", "cmaes", "qmc", "random", "grid", "nsga2")
"""``tpe``: Bergstra et al. 2011, multivariate and grouped by condition; ``gp``: a Gaussian process that knows of noise;
``cmaes``: Hansen & Ostermeier 2001; ``qmc``: a scrambled Sobol sequence; ``nsga2``: Deb et al. 2002."""
_WHOLE = ("tpe", "random", "grid", "nsga2")
"""Samplers for spaces with conditional axes; the others know one set of axes for all points."""
_GRID_VALUES, _LISTED = 5, 100_000
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A point, and what the sampler has to find again to go on after it.

    Attributes:
        trial: JSON values that the sampler keeps with the point.
        study: JSON values that it keeps for the whole search, as far as this proposal changed them.
        number: the sampler's own number of it.
    """

    point: Point
    number: int = 0
    trial: Mapping[str, Any] = field(default_factory=dict)
    study: Mapping[str, Any] = field(default_factory=dict)


class Proposer(Protocol):
    """A sampler. Numbers of proposals count from 0, without gaps."""

    def propose(self, known: Sequence[Candidate]) -> Proposal | None:
        """The next point, unlike all before; nothing if the sampler has no further one.

        Args:
            known: the candidates with replicas that have ended, as they stand now.
        """

    def restore(self, proposal: Proposal) -> None:
        """Takes in a proposal of an earlier process, in order."""


def check(sampler: str, goal: Goal, space: Space) -> None:
    """Raises ValueError if the sampler is unknown or cannot do the space or the goal."""
    if sampler not in SAMPLERS:
        raise ValueError(f"--sampler must be one of {', '.join(SAMPLERS)}, got {sampler!r}")
    conditional = [axis.name for axis in space.axes if axis.when]
    if conditional and sampler not in _WHOLE:
        raise ValueError(
            f"--sampler must be one of {', '.join(_WHOLE)} for the space {space.name}, got {sampler!r}: the axes"
            f" {', '.join(conditional)} are conditional"
        )
    if sampler == "cmaes" and (named := [axis.name for axis in space.axes if isinstance(axis, Options)]):
        raise ValueError(
            f"--sampler must not be cmaes for the space {space.name}: it knows numbers alone, and {', '.join(named)}"
            f" {'is an axis' if len(named) == 1 else 'are axes'} of named options"
        )
    if sampler == "cmaes" and len(space.axes) < 2:
        raise ValueError(f"--sampler must not be cmaes for the space {space.name}: it needs two axes or more")
    if sampler == "cmaes" and goal != "success":
        raise ValueError(f"--sampler must not be cmaes with --objective {goal}: it knows one objective, no constraint")


def told(goal: Goal, candidate: Scored) -> list[float]:
    """What a sampler maximises, every number in [0, 1]: score, or quality given success (0 without any), or both."""
    quality = min(1.0, max(0.0, candidate.quality or 0.0))
    match goal:
        case "success":
            return [candidate.score]
        case "quality":
            return [quality]
        case "both":
            return [candidate.score, quality]


class _Listed:
    """Points from a sequence that nothing told changes."""

    def __init__(self, space: Space, points: Iterator[Point]) -> None:
        self._points = points
        self._seen: set[str] = set()
        self._default: Point | None = space.default()

    def propose(self, known: Sequence[Candidate]) -> Proposal | None:
        first, self._default = self._default, None
        if first is not None:
            return self._take(first)
        fresh = (point for point in self._points if key(point) not in self._seen)
        point = next(fresh, None)
        return None if point is None else self._take(point)

    def restore(self, proposal: Proposal) -> None:
        self._default = None
        self._seen.add(key(proposal.point))

    def _take(self, point: Point) -> Proposal:
        self._seen.add(key(point))
        return Proposal(point=point)


def key(point: Point) -> str:
    """Equal for equal points, whatever the order of their axes."""
    return repr(sorted(point.items()))


def random(space: Space, seed: int) -> Proposer:
    """Independent uniform draws, after the space's default. Ends when ``_ATTEMPTS`` draws in a row were known."""
    rng = Random(f"{seed}/random")
    return _Listed(space, _drawn(lambda: space.sample(rng)))


def _drawn(draw: Callable[[], Point]) -> Iterator[Point]:
    seen = set[str]()
    while True:
        for _ in range(_ATTEMPTS):
            point = draw()
            if key(point) not in seen:
                break
        else:
            return
        seen.add(key(point))
        yield point


def grid(space: Space, seed: int) -> Proposer:
    """All combinations of at most five values per axis, in random order, after the space's default.

    Of a grid with more than ``_LISTED`` points, too many to be listed, independent draws.
    """
    rng = Random(f"{seed}/grid")
    points = list(islice(space.grid(_GRID_VALUES), _LISTED + 1))
    if len(points) > _LISTED:
        return _Listed(space, _drawn(lambda: space.on_grid(rng, _GRID_VALUES)))
    rng.shuffle(points)
    return _Listed(space, iter(points))
