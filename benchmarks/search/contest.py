"""The contest: what a contestant is, and what one repetition of one contestant gives.

A full training of one replica costs 1, one that is stopped early its share of the reports. After every step the
contestant says which point it would recommend if the budget ended there; what counts is that point's true success
probability, which no contestant sees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from surface import GOOD, UNSTABLE, Point, Surface, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a contestant did: it trained ``trained`` for ``spent`` replicas' worth, and would now recommend ``best``."""

    trained: Point
    spent: float
    best: Point | None


class Contestant(Protocol):
    def step(self) -> Step:
        """Trains a replica, or a block of them."""


Maker = Callable[[World], Contestant]
"""Starts a contestant; the world's repetition seeds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One repetition.

    Attributes:
        spent: budget at which the recommendation changed, ascending.
        truth: true success probability of the recommendation from there on.
        unstable: share of the budget spent on points with a success probability below ``UNSTABLE``.
        cells: points that were tried.
        budget: of the run, in replicas.
        good: the success probability from which a recommendation counts as good.
    """

    surface: str
    contestant: str
    repetition: int
    spent: tuple[float, ...]
    truth: tuple[float, ...]
    unstable: float
    cells: int
    budget: float
    good: float = GOOD


def play(name: str, make: Maker, surface: Surface, repetition: int, budget: float) -> Run:
    """One repetition of a contestant up to the budget."""
    world = World(surface, repetition)
    contestant = make(world)
    total, unstable, best = 0.0, 0.0, None
    changes: list[tuple[float, float]] = []
    tried: set[int] = set()
    while total < budget:
        step = contestant.step()
        total += step.spent
        site = world.site(step.trained)
        unstable += step.spent * (site.p < UNSTABLE)
        tried.add(id(site))
        if step.best is not None and step.best != best:
            best = step.best
            changes.append((round(total, 2), round(world.site(best).p, 4)))
    return Run(
        surface=surface.name,
        contestant=name,
        repetition=repetition,
        spent=tuple(spent for spent, _ in changes),
        truth=tuple(truth for _, truth in changes),
        unstable=round(unstable / total, 4),
        cells=len(tried),
        budget=budget,
    )
