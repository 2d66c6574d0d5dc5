"""Ray Tune with OptunaSearch as it comes, driven as Tune's controller drives it, without actors.

The searcher and the scheduler are the library's own objects with their defaults; the metric is the quality, as users
give it, NaN from a divergence on. A run that diverges goes on to its last report: nothing in the stock stack ends it.
"""

import logging
import warnings
from collections import defaultdict
from math import isfinite
from types import SimpleNamespace
from typing import Any

import optuna
from contest import Step
from ray.tune.schedulers import AsyncHyperBandScheduler
from ray.tune.schedulers.trial_scheduler import TrialScheduler
from ray.tune.search import Repeater
from ray.tune.search.optuna import OptunaSearch
from space import SPACE
from surface import REPORTS, Point, World, finite

from search_spaces import Float, Options

METRIC, SEEDS = "quality", 5


def define(trial: optuna.Trial) -> None:
    """The space in Optuna's define-by-run form, the one that OptunaSearch takes for conditional axes."""
    point: dict[str, Any] = {}
    for axis in SPACE.axes:
        if any(point.get(name) not in labels for name, labels in axis.when.items()):
            continue
        if isinstance(axis, Options):
            point[axis.name] = trial.suggest_categorical(axis.name, axis.labels)
        elif isinstance(axis.domain, Float):
            point[axis.name] = trial.suggest_float(axis.name, axis.domain.low, axis.domain.high, log=axis.domain.log)
        else:
            point[axis.name] = trial.suggest_int(axis.name, axis.domain.low, axis.domain.high)


def searcher(world: World) -> OptunaSearch:
    # Both report what they do for each trial; OptunaSearch warns of each NaN, which is the point here.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    return OptunaSearch(space=define, metric=METRIC, mode="max", seed=world.repetition)


class Asha:
    """One seed per trial, AsyncHyperBandScheduler; recommends what ``ResultGrid.get_best_result`` gives.

    That is the trial with the highest last result, whether it was stopped or not, NaN left out.
    """

    def __init__(self, world: World) -> None:
        self._world, self._number = world, 0
        self._searcher = searcher(world)
        self._scheduler = AsyncHyperBandScheduler(metric=METRIC, mode="max", max_t=REPORTS)
        self._best: tuple[float, Point | None] = (finite(float("nan")), None)

    def step(self) -> Step:
        trial = SimpleNamespace(trial_id=f"{self._number:05d}")
        point = self._searcher.suggest(trial.trial_id)
        assert point is not None
        self._scheduler.on_trial_add(None, trial)
        course = self._world.train(point, self._number)
        self._number += 1
        result: dict[str, Any] = {}
        for iteration, quality in enumerate(course.quality, 1):
            result = {METRIC: quality, "training_iteration": iteration}
            if self._scheduler.on_trial_result(None, trial, result) == TrialScheduler.STOP:
                break
            self._searcher.on_trial_result(trial.trial_id, result)
        self._scheduler.on_trial_complete(None, trial, result)
        self._searcher.on_trial_complete(trial.trial_id, result=result)
        if finite(result[METRIC]) > self._best[0]:
            self._best = (result[METRIC], point)
        return Step(trained=point, spent=result["training_iteration"] / REPORTS, best=self._best[1])


class Repeated:
    """``Repeater`` with five seeds and no scheduler; recommends the point with the best mean, NaN left out of it.

    That is what the searcher was told, and kinder than ``get_best_result``, which would name the luckiest single run.
    """

    def __init__(self, world: World) -> None:
        self._world, self._number = world, 0
        self._searcher = Repeater(searcher(world), repeat=SEEDS)
        self._seen: dict[int, list[float]] = defaultdict(list)
        self._best: tuple[float, Point | None] = (finite(float("nan")), None)

    def step(self) -> Step:
        name, (group, seed) = f"{self._number:05d}", divmod(self._number, SEEDS)
        self._number += 1
        config = self._searcher.suggest(name)
        assert config is not None
        point = {axis.name: config[axis.name] for axis in SPACE.axes if axis.name in config}
        course = self._world.train(point, seed)
        last = course.quality[-1]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the mean of NaN alone
            self._searcher.on_trial_complete(name, result={METRIC: last})
        own = self._seen[group]
        own.append(last)
        told = [quality for quality in own if isfinite(quality)]
        if len(own) == SEEDS and told and sum(told) / len(told) > self._best[0]:
            self._best = (sum(told) / len(told), point)
        return Step(trained=point, spent=1.0, best=self._best[1])
