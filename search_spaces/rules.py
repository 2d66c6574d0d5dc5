"""Rules: what several axes of a space decide together, where a path of the configuration is no axis of its own.

To add a rule, write a class here with the members of ``Hidden`` and name it in ``Rule``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from search_spaces.factors import JsonValue, check_path
from search_spaces.matching import at
from search_spaces.objectives import triplet

Value: TypeAlias = float | int | str
"""What an axis takes at a point: a number of a range, or the label of an option."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triplet:
    """The labels a, b, c of least squares from ``gamma = (c - a) / (b - a)``, ``scale`` and ``offset``.

    Each is the name of an axis, or a fixed number. See :func:`search_spaces.objectives.triplet`, whose formulas these
    are. That the objective is least squares is set elsewhere (``objective.kind``).

    Raises:
        ValueError: if none of the three is an axis.
    """

    kind: Literal["triplet"] = "triplet"
    gamma: str | float = 1.0
    scale: str | float = 1.0
    offset: str | float = 0.0

    def __post_init__(self) -> None:
        _check_axes(self.kind, self.axes)

    @property
    def axes(self) -> tuple[str, ...]:
        return _axes(self.gamma, self.scale, self.offset)

    @property
    def paths(self) -> tuple[str, ...]:
        return "objective.a", "objective.b", "objective.c"

    def assigned(self, point: Mapping[str, Value]) -> dict[str, JsonValue]:
        """Return values by path at a point that has the rule's axes. Raises ValueError as ``triplet`` does."""
        level = triplet(*(_number(own, point) for own in (self.gamma, self.scale, self.offset)))
        labels = level.assign["objective"]
        assert isinstance(labels, dict)
        return {path: labels[path.partition(".")[2]] for path in self.paths}

    def read(self, config: Mapping[str, JsonValue]) -> dict[str, float] | None:
        """Return the axes' values that give this configuration, up to rounding; None if there are none (``b <= a``)."""
        a, b, c = (at(config, path) for path in self.paths)
        if not (isinstance(a, int | float) and isinstance(b, int | float) and isinstance(c, int | float) and a < b):
            return None
        values = {self.gamma: (c - a) / (b - a), self.scale: (b - a) ** 2, self.offset: (0.0 - a) / (b - a)}
        return {own: value for own, value in values.items() if isinstance(own, str)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """Hidden layers of one width: ``[width] * depth`` at every path, such as ``generator.hidden``.

    Each is the name of an axis of whole numbers, or a fixed one.

    Raises:
        ValueError: if neither is an axis, or there is no path.
    """

    kind: Literal["hidden"] = "hidden"
    width: str | int
    depth: str | int
    paths: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_axes(self.kind, self.axes)
        if not self.paths:
            raise ValueError("rule hidden must set at least one path, got none")
        for path in self.paths:
            check_path(path)

    @property
    def axes(self) -> tuple[str, ...]:
        return _axes(self.width, self.depth)

    def assigned(self, point: Mapping[str, Value]) -> dict[str, JsonValue]:
        """Return widths by path at a point that has the rule's axes. Raises ValueError if a number is no whole one."""
        width, depth = (_number(own, point) for own in (self.width, self.depth))
        if not (isinstance(width, int) and isinstance(depth, int)):
            raise ValueError(f"width and depth must be whole numbers, got {width} and {depth}")
        return {path: [width] * depth for path in self.paths}

    def read(self, config: Mapping[str, JsonValue]) -> dict[str, float] | None:
        """Return the first layer's width and the number of layers, as far as they are axes; None without layers."""
        hidden = at(config, self.paths[0])
        if not (isinstance(hidden, list | tuple) and hidden):
            return None
        return {
            own: value for own, value in ((self.width, hidden[0]), (self.depth, len(hidden))) if isinstance(own, str)
        }


Rule = Triplet | Hidden


def _axes(*names: str | float) -> tuple[str, ...]:
    return tuple(name for name in names if isinstance(name, str))


def _check_axes(kind: str, axes: tuple[str, ...]) -> None:
    if not axes:
        raise ValueError(f"rule {kind} must name at least one axis, got none")
    if len(set(axes)) < len(axes):
        raise ValueError(f"axes of rule {kind} must be different, got {', '.join(axes)}")


def _number(own: str | float, point: Mapping[str, Value]) -> float:
    value = point[own] if isinstance(own, str) else own
    if isinstance(value, str):
        raise ValueError(f"{own} must be a number, got {value!r}")
    return value
