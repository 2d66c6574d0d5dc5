"""SMAC3's facade for hyperparameter optimisation (Lindauer et al. 2022), with seeds as its replicates, by ask and tell.

Costs ``1 - success``; a success costs up to 0.1 less the better its quality, the tie-break that the others have.
"""

import logging
import tempfile
from pathlib import Path
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, InCondition, Integer
from ConfigSpace import Float as Real
from contest import Step
from smac import HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialValue
from space import SPACE
from surface import World

from search_spaces import Float, Options

CALLS = 20
"""Seeds that no configuration exceeds, as in our search; SMAC's default of 3 could not tell 0.9 from 0.6."""
TRIALS = 400
"""What it plans for: it sets the size of its initial design, at most a quarter of it."""


def configurations() -> ConfigurationSpace:
    space = ConfigurationSpace()
    axes: dict[str, Any] = {}
    for axis in SPACE.axes:
        if isinstance(axis, Options):
            own: Any = Categorical(axis.name, axis.labels, default=axis.default)
        elif isinstance(axis.domain, Float):
            ends = (axis.domain.low, axis.domain.high)
            own = Real(axis.name, ends, default=axis.default, log=axis.domain.log)
        else:
            own = Integer(axis.name, (axis.domain.low, axis.domain.high), default=axis.default)
        space.add(own)
        axes[axis.name] = own
        for name, labels in axis.when.items():
            one = len(labels) == 1
            space.add(
                EqualsCondition(own, axes[name], labels[0]) if one else InCondition(own, axes[name], list(labels))
            )
    return space


class Smac:
    """``HyperparameterOptimizationFacade`` with its ``Intensifier`` over up to 20 seeds; recommends its incumbent."""

    def __init__(self, world: World) -> None:
        logging.disable(logging.WARNING)  # it tells of every incumbent
        self._world = world
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            configurations(),
            output_directory=Path(self._folder.name),
            deterministic=False,
            n_trials=TRIALS,
            seed=world.repetition,
        )
        self._facade = HyperparameterOptimizationFacade(
            scenario,
            _never,
            intensifier=HyperparameterOptimizationFacade.get_intensifier(scenario, max_config_calls=CALLS),
            logging_level=False,
            overwrite=True,
        )

    def step(self) -> Step:
        info = self._facade.ask()
        point = dict(info.config)
        assert info.seed is not None
        course = self._world.train(point, info.seed)
        cost = 0.1 * (1 - course.final) if course.success else 1.0
        self._facade.tell(info, TrialValue(cost=cost), save=False)
        best = self._facade.intensifier.get_incumbent()
        return Step(trained=point, spent=1.0, best=None if best is None else dict(best))


def _never(config: Any, seed: int = 0) -> float:
    """The target function that SMAC asks for and, with ask and tell, never calls."""
    raise RuntimeError("SMAC is driven by ask and tell")
