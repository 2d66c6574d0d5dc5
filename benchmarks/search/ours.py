"""This project's search: its own engine with the defaults of ``study search``, on simulated blocks.

A block trains its seeds together and ends as a whole: early only once all of its replicas are lost, and not if the coin
of the audit says otherwise. It costs its seeds times the share of the reports that it ran.
"""

from collections import Counter, defaultdict
from random import Random

from contest import Step
from space import SPACE
from surface import DIVERGED, REPORTS, Course, Point, World

from study.design.search import SearchSpec
from study.outcomes.outcome import Outcome
from study.search import engine, race, samplers
from study.search.candidates import Candidate
from study.search.planning import BLOCK
from study.storage.search_log import Proposal
from study.studies.wgan_clip import STUDY

SEEDS = 20
"""``study search``'s default for the most seeds of a candidate."""


class Ours:
    """Recommends the incumbent, as ``study best`` does."""

    def __init__(self, world: World, sampler: str = "tpe") -> None:
        base = STUDY.profiles["quick"].base
        plan = SearchSpec(space=SPACE, base=base, sampler=sampler, seed=world.repetition)
        self._world, self._audit = world, plan.audit
        self._coin = Random(f"audit/{world.repetition}")
        self._engine = engine.Engine(samplers.proposer(plan), most=SEEDS)
        self._points: list[Point] = []
        self._ended: dict[int, list[tuple[Course, int]]] = defaultdict(list)
        self._candidates: list[Candidate] = []

    def step(self) -> Step:
        decision = self._engine.next(self._candidates, ())
        assert decision is not None
        if isinstance(decision, Proposal):
            self._points.append(decision.point)
        cell = len(self._points) - 1 if isinstance(decision, Proposal) else decision
        point, first = self._points[cell], len(self._ended[cell])
        courses = [self._world.train(point, seed) for seed in range(first, min(SEEDS, first + BLOCK))]
        length = self._length(courses)
        self._ended[cell] += [(course, length) for course in courses]
        found = candidate(cell, point, self._ended[cell])
        self._candidates[cell:] = [found, *self._candidates[cell + 1 :]]
        best = race.incumbent(self._candidates)
        assert best is not None
        return Step(trained=point, spent=len(courses) * length / REPORTS, best=best.point)

    def _length(self, courses: list[Course]) -> int:
        """Reports until the block ends."""
        lost = [course.lost for course in courses]
        last = REPORTS if None in lost else max(at for at in lost if at is not None)
        return REPORTS if last < REPORTS and self._coin.random() < self._audit else last


def candidate(cell: int, point: Point, ended: list[tuple[Course, int]]) -> Candidate:
    """What the search knows of a cell: courses, and at which report each was stopped."""
    decided = Counter(_outcome(course) for course, length in ended if length == REPORTS or _diverged(course, length))
    good = [course.final for course, _ in ended if course.success]
    near = [0.0 if _diverged(course, length) else course.window(length) for course, length in ended]
    return Candidate(
        cell=cell,
        name=SPACE.name_of(point),
        point=point,
        outcomes=decided,
        stopped=len(ended) - sum(decided.values()),
        quality=sum(good) / len(good) if good else None,
        near=sum(near) / len(near),
        results=tuple(course.success for course, _ in ended),
    )


def _outcome(course: Course) -> Outcome:
    return Outcome(course.outcome)


def _diverged(course: Course, length: int) -> bool:
    return course.outcome == DIVERGED and course.lost is not None and course.lost <= length
