"""Candidates: the settings that a search has proposed, with what became of their replicas so far.

What a sampler is told of a candidate is its *score*, a shrunken success rate. A failure counts as a failure: no replica
is left out, whatever became of it, and no number is ever missing or infinite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Protocol

from search_spaces import Value
from study.outcome import Outcome


class Scored(Protocol):
    """What a sampler is told of a point."""

    @property
    def point(self) -> Mapping[str, Value]: ...
    @property
    def score(self) -> float: ...
    @property
    def expected(self) -> float: ...
    @property
    def quality(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A point that another launch has tried; see :class:`Candidate` for ``quality`` and ``near``."""

    point: Mapping[str, Value]
    successes: int
    n: int
    quality: float | None
    near: float

    @property
    def score(self) -> float:
        return score(self.successes, self.n, self.near if self.quality is None else self.quality)

    @property
    def expected(self) -> float:
        return expected(self.successes, self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A proposed cell and its replicas that have ended.

    Attributes:
        cell, name: place and name among the launch's cells.
        point: axis to value, of the axes that are active.
        outcomes: outcome to count, of the decided replicas.
        stopped: replicas that were stopped early, undecided: failures to the search.
        quality: mean quality of the converged replicas; absent if there is none.
        near: mean quality of all replicas, 0 for one that has none (diverged ones), in [0, 1].
        results: whether each replica converged, in the order of the seeds.
    """

    cell: int
    name: str
    point: Mapping[str, Value]
    outcomes: Mapping[Outcome, int]
    stopped: int = 0
    quality: float | None = None
    near: float = 0.0
    results: tuple[bool, ...] = field(default=())

    @property
    def n(self) -> int:
        return sum(self.outcomes.values()) + self.stopped

    @property
    def successes(self) -> int:
        return self.outcomes.get(Outcome.CONVERGED, 0)

    @property
    def score(self) -> float:
        """:func:`score` of the candidate; with no success, how near its replicas came breaks ties."""
        return score(self.successes, self.n, self.near if self.quality is None else self.quality)

    @property
    def expected(self) -> float:
        """:func:`expected` of the candidate, what a floor is compared with: no quality makes up for a failure."""
        return expected(self.successes, self.n)


def score(successes: int, n: int, quality: float | None) -> float:
    """``(successes + 1/4 + q/2) / (n + 1)``, in (0, 1): Jeffreys' posterior mean of the success rate for q = 1/2.

    Strictly increasing in the successes of equal ``n``: one more success is worth more than any quality.

    Args:
        successes, n: 0 <= successes <= n.
        quality: breaks ties; clamped to [0, 1], absent or not finite: 0.

    Raises:
        ValueError: if the counts are impossible.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must be in [0, {n}], got {successes}")
    return (successes + 0.25 + unit(quality) / 2) / (n + 1)


def expected(successes: int, n: int) -> float:
    """``(successes + 1/2) / (n + 1)``, in (0, 1): Jeffreys' posterior mean of the success rate.

    Raises:
        ValueError: as :func:`score`.
    """
    return score(successes, n, 0.5)


def unit(value: float | None) -> float:
    """In [0, 1]; what is absent, or not finite, is 0."""
    return min(1.0, max(0.0, value)) if value is not None and isfinite(value) else 0.0
