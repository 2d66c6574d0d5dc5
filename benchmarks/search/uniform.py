"""Random search, as it is practised and with seeds as replicates."""

from dataclasses import dataclass, field
from random import Random

from contest import Step
from space import SPACE
from surface import Course, Point, World, finite

SEEDS = 5


class Single:
    """One seed for each random point; recommends the point of the run with the best final quality."""

    def __init__(self, world: World) -> None:
        self._world, self._rng, self._number = world, Random(f"random/{world.repetition}"), 0
        self._best: tuple[float, Point | None] = (finite(float("nan")), None)

    def step(self) -> Step:
        point = SPACE.sample(self._rng)
        course = self._world.train(point, self._number)
        self._number += 1
        if finite(course.final) > self._best[0]:
            self._best = (course.final, point)
        return Step(trained=point, spent=1.0, best=self._best[1])


@dataclass(slots=True)
class _Cell:
    point: Point
    courses: list[Course] = field(default_factory=list)

    @property
    def score(self) -> tuple[int, float]:
        """Successes, then their mean quality."""
        good = [course.final for course in self.courses if course.success]
        return len(good), sum(good) / len(good) if good else 0.0


class Replicated:
    """Five seeds for each random point, the same for all; recommends the highest success rate, then quality."""

    def __init__(self, world: World) -> None:
        self._world, self._rng = world, Random(f"random/{world.repetition}")
        self._cell = _Cell(SPACE.sample(self._rng))
        self._best: _Cell | None = None

    def step(self) -> Step:
        cell = self._cell
        cell.courses.append(self._world.train(cell.point, len(cell.courses)))
        if len(cell.courses) == SEEDS:
            if self._best is None or cell.score > self._best.score:
                self._best = cell
            self._cell = _Cell(SPACE.sample(self._rng))
        return Step(trained=cell.point, spent=1.0, best=self._best.point if self._best else None)
