"""Candidates: the settings that a search has proposed, with what became of their replicas so far.

A sampler sees a candidate by its *score*, a shrunken success rate. A failure counts as a failure: no replica
is left out, whatever became of it, and no number is ever missing or infinite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from search_spaces import Value
from study.design.score import expected, score
from study.outcomes.outcome import Outcome


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
