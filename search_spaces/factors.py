"""Axes of a study as pure data: factors with named levels, and the grid over them.

A designed grid varies *factors*. A factor has named *levels*, and a level assigns JSON values to dotted paths of a
GAN's configuration, so that one level may change several places at once::

    bn = Factor(name="bn", source="...", levels=(
        Level(label="full", assign={"generator.norm": "batch", "discriminator.norm": "batch"}),
        Level(label="no_bn_g", assign={"generator.norm": "none", "discriminator.norm": "batch"}),
    ))
    for levels in grid((bn, optimizer)):          # {"bn": Level, "optimizer": Level}, once per cell
        ...

A numeric axis is a ``domain.Param``, a path with a range, and becomes a factor by its method ``factor``.

Nothing here knows the configuration: that a path exists and takes the value is checked where both meet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations, product
from math import isfinite
from typing import TypeAlias

LONGEST = 1_000
"""Largest number of characters of a label: a list of numbers may be one."""
JsonValue: TypeAlias = object
"""null, bool, finite number, string, list, or object with string keys; checked when a value enters."""


class Role(Enum):
    """What an axis is to the question of a study. Stored by value: append, never rename."""

    SCIENTIFIC = "scientific"
    """Its effect is what the study asks about; results are reported for each of its levels."""
    NUISANCE = "nuisance"
    """It must be set well, or varied, for the comparison to be fair, but nothing is claimed about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A named level of a factor.

    Attributes:
        label: its name in cells, tables and pictures.
        assign: dotted path of the configuration to its value. A union, which its ``kind`` tells apart, is assigned
            whole: ``{"objective": {"kind": "least_squares", "a": 0.0, "b": 1.0, "c": 1.0}}``.
        tags: further names of what the level is, by which tables and hypotheses can pick cells beside the factor's
            own: ``{"activation": "relu", "depth": "12"}``. They assign nothing.

    Raises:
        ValueError: if the label is blank, nothing is assigned, a path is no dotted name, two paths overlap, or a value
            is not JSON (a tuple would come back from a file as a list, a NaN not at all).
    """

    label: str
    assign: Mapping[str, JsonValue]
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.label.strip():
            raise ValueError("label of a level must not be blank")
        check_printable("label of a level", self.label)
        if not self.assign:
            raise ValueError(f"level {self.label!r} must assign at least one path, got none")
        for path, value in self.assign.items():
            check_path(path)
            if not is_json(value):
                raise ValueError(f"{path} of level {self.label!r} must be a finite JSON value, got {value!r}")
        for one, other in combinations(self.assign, 2):
            if overlap(one, other):
                raise ValueError(f"paths of level {self.label!r} must not overlap, got {one} and {other}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One axis of a grid.

    Attributes:
        name: its name in cells, hypotheses and contrasts.
        levels: at least one; all assign the same paths, or the order of the axes would decide what a cell is.
        source: where the levels come from: paper with section, or code.

    Raises:
        ValueError: if the name is blank, there is no level, labels repeat, or the levels' paths differ.
    """

    name: str
    levels: tuple[Level, ...]
    role: Role = Role.SCIENTIFIC
    source: str

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name of a factor must not be blank")
        check_printable("name of a factor", self.name)
        if not self.levels:
            raise ValueError(f"factor {self.name!r} must have at least one level, got none")
        labels = [level.label for level in self.levels]
        if repeated := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"labels of factor {self.name!r} must be unique, got {', '.join(repeated)} repeatedly")
        for level in self.levels:
            if set(level.assign) != set(self.paths):
                raise ValueError(
                    f"levels of factor {self.name!r} must assign the same paths, got {', '.join(self.paths)}"
                    f" for {labels[0]!r} and {', '.join(level.assign)} for {level.label!r}"
                )

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that every level assigns, in the first level's order."""
        return tuple(self.levels[0].assign)

    def pick(self, *labels: str) -> "Factor":
        """Return the same factor with only these levels, in this order.

        Raises:
            ValueError: if a label is unknown or named twice, or none is named.
        """
        known = {level.label: level for level in self.levels}
        for label in labels:
            if label not in known:
                raise ValueError(f"factor {self.name!r} must be picked from {', '.join(known)}, got {label!r}")
        picked = tuple(known[label] for label in labels)
        return Factor(name=self.name, levels=picked, role=self.role, source=self.source)


def grid(factors: Sequence[Factor]) -> Iterator[dict[str, Level]]:
    """Return every combination of levels, factor name to level: in the factors' order, the last one fastest.

    The product over no factors is one empty combination: the base configuration itself.

    Raises:
        ValueError: at the call, if two factors share a name or assign overlapping paths (equal ones, or one inside the
            other as ``g_optimizer.lr`` is inside ``g_optimizer``): the later would silently undo the earlier.
    """
    names = [factor.name for factor in factors]
    for one, other in combinations(factors, 2):
        if one.name == other.name:
            raise ValueError(f"factors of a grid must have unique names, got {one.name!r} twice")
        for path, inside in product(one.paths, other.paths):
            if overlap(path, inside):
                raise ValueError(
                    f"factors of a grid must not overlap, got {path} in {one.name!r} and {inside} in {other.name!r}"
                )
    cells = product(*(factor.levels for factor in factors))
    return (dict(zip(names, cell, strict=True)) for cell in cells)


def levels_of(path: str, values: Sequence[JsonValue]) -> tuple[Level, ...]:
    """Return one level per value of one path, labelled by the value: ``0.01``, ``5e-05``, ``true``, ``relu``."""
    return tuple(Level(label=label_of(value), assign={path: value}) for value in values)


def label_of(value: JsonValue) -> str:
    """Name a value for labels and messages: a string bare, a float in the fewest digits, else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        short = f"{value:.12g}"
        return short if float(short) == value else repr(value)
    return json.dumps(value, default=repr)


def check_printable(what: str, text: str) -> None:
    """Raise ValueError if a name is long or has control characters: it stands in tables, pictures and terminals."""
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"{what} must be at most {LONGEST} printable characters in one line, got {text[:LONGEST]!r}")


def check_path(path: str) -> None:
    """Raise ValueError unless the path is names joined by dots."""
    if not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"path must be names joined by dots, got {path!r}")


def is_json(value: JsonValue) -> bool:
    """Return whether a value survives JSON unchanged: no NaN or infinity, no tuple, no key that is not a string."""
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, list):
        return all(map(is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | str)


def overlap(one: str, other: str) -> bool:
    """Return whether two dotted paths are the same, or one leads into the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
