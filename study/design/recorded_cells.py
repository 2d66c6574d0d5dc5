"""Cells and axes of a recorded launch: what its loops have reported so far."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from search_spaces import Factor, Level, label_of
from study.design.plan import Cell
from study.design.recording import RecordedCell
from study.design.study import Contrast
from trainables.config import RecordedConfig, Setting, digest

_WITHOUT = "base"
"""Name of the cell of a launch whose cell has no settings."""


def cells_of(base: RecordedConfig, known: Sequence[RecordedCell]) -> tuple[Cell, ...]:
    """Return the cells of a launch in the order in which they were reported."""
    return tuple(_cell(index, replace(base, settings=own.settings, steps=own.steps)) for index, own in enumerate(known))


def factors_of(known: Sequence[RecordedCell]) -> tuple[Factor, ...]:
    """Return the settings as axes, with their values in the order in which they were reported."""
    names = dict.fromkeys(name for own in known for name in own.settings)
    return tuple(_factor(name, [own.settings[name] for own in known]) for name in names)


def contrasts_of(known: Sequence[RecordedCell]) -> tuple[Contrast, ...]:
    """Return all pairs of values of each setting."""
    return tuple(
        Contrast(factor=factor.name, a=a.label, b=b.label)
        for factor in factors_of(known)
        for a, b in combinations(factor.levels, 2)
    )


def levels_of(settings: Mapping[str, Setting]) -> dict[str, str]:
    """Return the labels of settings by name: cells of the same labels are one."""
    return {name: label_of(value) for name, value in settings.items()}


def named(settings: Mapping[str, Setting]) -> str:
    """Return the name of the cell of these settings, such as ``lr=0.0001 / optimizer=adam``."""
    return " / ".join(f"{name}={label}" for name, label in levels_of(settings).items()) or _WITHOUT


def _cell(index: int, config: RecordedConfig) -> Cell:
    settings = config.settings
    return Cell(index=index, name=named(settings), levels=levels_of(settings), config=config, digest=digest(config))


def _factor(name: str, values: Sequence[Setting]) -> Factor:
    levels = {label_of(value): value for value in values}
    return Factor(
        name=name,
        levels=tuple(Level(label=label, assign={f"settings.{name}": value}) for label, value in levels.items()),
        source="reported by the user's own loop",
    )
