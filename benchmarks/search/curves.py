"""From runs to what the page says: chance of a good recommendation against budget, budgets to reach it, and ratios."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
import numpy.typing as npt
from contest import Run

Floats = npt.NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)
RESAMPLES = 2_000
STEP = 1.0
"""Budgets are looked at in steps of one replica."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """All repetitions of one contestant on one surface.

    Attributes:
        good: ``[repetitions, budgets]``, whether the recommendation was good at budgets 1, 2, ... replicas.
        unstable: mean share of the budget that went into the unstable region.
        cells: mean number of points that were tried.
    """

    good: npt.NDArray[np.bool_]
    unstable: float
    cells: float

    @property
    def budget(self) -> int:
        return self.good.shape[1]

    @property
    def share(self) -> Floats:
        found: Floats = self.good.mean(axis=0)
        return found


def read(path: Path) -> dict[tuple[str, str], Curve]:
    """(surface, contestant) to its curve."""
    groups: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for own in json.loads(path.read_text()):
        run = Run(**{**own, "spent": tuple(own["spent"]), "truth": tuple(own["truth"])})
        groups[run.surface, run.contestant].append(run)
    return {key: curve(runs) for key, runs in groups.items()}


def curve(runs: Sequence[Run]) -> Curve:
    (budget,) = {run.budget for run in runs}
    budgets = np.arange(1, int(budget) + 1) * STEP
    return Curve(
        good=np.array([_good(run, budgets) for run in runs]),
        unstable=float(np.mean([run.unstable for run in runs])),
        cells=float(np.mean([run.cells for run in runs])),
    )


def _good(run: Run, budgets: Floats) -> npt.NDArray[np.bool_]:
    truth = np.array([0.0, *run.truth])
    found: npt.NDArray[np.bool_] = truth[np.searchsorted(run.spent, budgets, side="right")] >= run.good
    return found


def reached(share: Floats, level: float) -> float:
    """The first budget at which the share is at least the level; infinite if none is."""
    there = np.flatnonzero(share >= level - 1e-12)
    return float(there[0] + 1) if len(there) else inf


def stays(share: Floats, level: float) -> float:
    """The first budget from which on the share is at least the level at every budget; infinite if there is none."""
    below = np.flatnonzero(share < level - 1e-12)
    last = int(below[-1]) + 1 if len(below) else 0
    return float(last + 1) if last < len(share) else inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number with its 95 % interval by the percentile bootstrap over repetitions; infinite: beyond the budget."""

    value: float
    low: float
    high: float


def budgets(own: Curve, level: float, rng: np.random.Generator) -> Interval:
    """The budget that reaches a level."""
    values = [reached(share, level) for share in _resampled(own, rng)]
    return Interval(value=reached(own.share, level), low=_quantile(values, 0.025), high=_quantile(values, 0.975))


def ratio(ours: Curve, others: Sequence[Curve], level: float, rng: np.random.Generator) -> tuple[Interval, bool]:
    """Ours over the best of the others, and whether that is only a bound, the true ratio being smaller.

    Another that does not reach the level in its budget counts as reaching it at its end.
    """
    bootstrapped = [[reached(share, level) for share in _resampled(own, rng)] for own in (ours, *others)]
    theirs = [reached(own.share, level) for own in others]
    value = reached(ours.share, level) / _best(theirs, others)
    values = [draw[0] / _best(draw[1:], others) for draw in zip(*bootstrapped, strict=True)]
    interval = Interval(value=value, low=_quantile(values, 0.025), high=_quantile(values, 0.975))
    return interval, _best(theirs, others) < min(theirs)


def _best(reached_at: Sequence[float], others: Sequence[Curve]) -> float:
    return min(min(at, own.budget) for at, own in zip(reached_at, others, strict=True))


def _resampled(own: Curve, rng: np.random.Generator) -> list[Floats]:
    n = len(own.good)
    counts = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    return list(counts @ own.good / n)


def _quantile(values: Sequence[float], q: float) -> float:
    """An observed value, so that infinite ones do no harm."""
    return float(np.quantile(values, q, method="inverted_cdf"))


def of_surface(curves: Mapping[tuple[str, str], Curve], surface: str) -> dict[str, Curve]:
    return {name: own for (where, name), own in curves.items() if where == surface}
