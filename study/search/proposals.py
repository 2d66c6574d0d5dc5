"""Where new candidates come from: a sampler proposes points of the space, no point twice.

A proposal depends on the search's seed, its number and the scores so far, not on a clock or on the state of a random
generator that lives in a process: a search that was killed goes on with the same proposals as one that was not, given
the same scores.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from search_spaces import Space
from study.design.search import Goal, Point, Scored
from study.search.candidates import Candidate
from study.storage.search_log import Proposal

_ATTEMPTS = 50


class Proposer(Protocol):
    """A sampler. Numbers of proposals count from 0, without gaps."""

    def propose(self, known: Sequence[Candidate]) -> Proposal | None:
        """Return the next point, unlike all before; None if the sampler has no further one.

        Args:
            known: the candidates with replicas that have ended, with their present counts.
        """

    def restore(self, proposal: Proposal) -> None:
        """Take in a proposal of an earlier process, in order."""


def told(goal: Goal, candidate: Scored) -> list[float]:
    """Return what a sampler maximizes, in [0, 1]: score, or quality given success (0 without any), or both."""
    quality = min(1.0, max(0.0, candidate.quality or 0.0))
    match goal:
        case "success":
            return [candidate.score]
        case "quality":
            return [quality]
        case "both":
            return [candidate.score, quality]


class Listed:
    """Propose points from a fixed sequence that ignores results, after the space's default."""

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


def drawn(draw: Callable[[], Point]) -> Iterator[Point]:
    """Yield distinct points from independent draws; end when ``_ATTEMPTS`` draws in a row are known."""
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
