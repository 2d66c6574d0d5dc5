"""Faults that need no particular data: what the injections on points and on images share."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Literal

from study.outcomes.outcome import Outcome
from study.validation.fault import Fault
from study.validation.interventions import Poison
from trainables.config import GanConfig, Updates
from trainables.objectives import Wasserstein
from trainables.optim import Adam, RMSprop

FROZEN = 1e-30
"""A learning rate: times any gradient it is below half a unit in the last place of any weight but a zero bias."""
Inject = Callable[..., Fault]
"""Makes a fault on the base and by the rule of some data, from its name, severity, outcome and what is changed."""


def wasserstein(base: GanConfig) -> GanConfig:
    """Return the base with clipped weights and two updates of D per update of G."""
    rule = RMSprop(lr=5e-4)
    objective, updates = Wasserstein(), Updates(d_steps=2)
    return replace(base, objective=objective, g_optimizer=rule, d_optimizer=rule, clip=0.01, updates=updates)


def healthy(inject: Inject, settings: Mapping[str, GanConfig]) -> Iterable[Fault]:
    """Yield trainings in which nothing is wrong. That they end good is measured, not given."""
    for severity, config in settings.items():
        yield inject("healthy", severity, None, config=config)


def frozen_generator(inject: Inject, settings: Mapping[str, GanConfig], steps: int) -> Iterable[Fault]:
    """Yield trainings in which G's updates round to nothing: the untrained generator to the end."""
    for severity, config in settings.items():
        frozen = replace(config, g_optimizer=Adam(lr=FROZEN), steps=steps)
        yield inject("G frozen", severity, Outcome.NOT_LEARNED, config=frozen)


def not_a_number(
    inject: Inject, base: GanConfig, steps: int, starts: Iterable[tuple[Literal["d", "g"], int]]
) -> Iterable[Fault]:
    """Yield trainings in which the loss of a player is NaN from some step on."""
    for of, start in starts:
        change, config = Poison(of=of, start=start), replace(base, steps=steps)
        yield inject("NaN", f"in {of.upper()} at {start}", Outcome.DIVERGED, config=config, training=change)
