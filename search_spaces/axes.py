"""Axes of a space: named options, and ranges of numbers; each may exist only under options of earlier axes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations
from random import Random
from typing import Literal

from search_spaces import matching
from search_spaces.domain import Float, Int, shown
from search_spaces.factors import JsonValue, Level, Role, check_path
from search_spaces.rules import Value
from search_spaces.sampled import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """An axis of named levels, in no order.

    Attributes:
        levels: at least one. They may assign different paths, but any two must differ at a path of both, so that a
            configuration tells which one it has.
        default: label of the level to start from.
        when: earlier axis of options to its labels under which this axis exists; all must hold.
        source: where the levels come from: paper with section, code, or "ours" with a reason.

    Raises:
        ValueError: if the name or the source is blank, there is no level, labels repeat, levels cannot be told apart,
            the default is no label, or a condition names no label.
    """

    kind: Literal["options"] = "options"
    name: str
    levels: tuple[Level, ...]
    default: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    role: Role = Role.SCIENTIFIC
    source: str

    def __post_init__(self) -> None:
        _check_axis(self.name, self.when, self.source)
        labels = self.labels
        if not labels:
            raise ValueError(f"axis {self.name} must have at least one option, got none")
        if len(set(labels)) < len(labels):
            raise ValueError(f"labels of axis {self.name} must be unique, got {', '.join(labels)}")
        if self.default not in labels:
            raise ValueError(f"default of axis {self.name} must be one of {', '.join(labels)}, got {self.default!r}")
        for one, other in combinations(self.levels, 2):
            if not matching.apart(one.assign, other.assign):
                raise ValueError(
                    f"options of axis {self.name} must differ at a path of both, got {one.label} and {other.label}"
                )

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(level.label for level in self.levels)

    def check(self, value: Value) -> None:
        """Raise ValueError unless the value is a label."""
        if value not in self.labels:
            raise ValueError(f"{self.name} must be one of {', '.join(self.labels)}, got {value!r}")

    def assigned(self, value: Value) -> dict[str, JsonValue]:
        (level,) = (level for level in self.levels if level.label == value)
        return dict(level.assign)

    def drawn(self, rng: Random) -> Value:
        return self.labels[int(rng.random() * len(self.levels))]

    def values(self, n: int) -> tuple[Value, ...]:
        return self.labels

    def read(self, config: Mapping[str, JsonValue]) -> Value | None:
        for level in self.levels:
            if matching.all_hold(config, level.assign):
                return level.label
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """An axis of numbers, both ends included.

    Attributes:
        paths: where the value goes: one value in all of them (one learning rate for both players). None if a rule of
            the space uses the axis.
        default: the number to start from.
        when, source: as of :class:`Options`.

    Raises:
        ValueError: if the name or the source is blank, a path is no dotted name, the default is outside the domain, or
            a condition names no label.
    """

    kind: Literal["range"] = "range"
    name: str
    domain: Float | Int
    paths: tuple[str, ...] = ()
    default: float | int
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    role: Role = Role.SCIENTIFIC
    source: str

    def __post_init__(self) -> None:
        _check_axis(self.name, self.when, self.source)
        for path in self.paths:
            check_path(path)
        if not self.domain.contains(self.default):
            raise ValueError(f"default of axis {self.name} must be in {shown(self.domain)}, got {self.default!r}")

    def check(self, value: Value) -> None:
        """Raise ValueError unless the value is a number of the domain."""
        if not self.domain.contains(value):
            raise ValueError(
                f"{self.name} must be {'a whole number ' * isinstance(self.domain, Int)}in"
                f" {shown(self.domain)}, got {value!r}"
            )

    def assigned(self, value: Value) -> dict[str, JsonValue]:
        return dict.fromkeys(self.paths, value)

    def drawn(self, rng: Random) -> Value:
        value = draw(self.domain, rng.random())
        assert isinstance(value, int | float)
        return min(max(value, self.domain.low), self.domain.high)

    def values(self, n: int) -> tuple[Value, ...]:
        if n == 1:
            return (self.default,)
        return tuple(dict.fromkeys(self.rounded(value) for value in self.domain.grid(n)))

    def read(self, config: Mapping[str, JsonValue]) -> Value | None:
        """Return the number at the axis's first path; that the others have it too is for the whole point to show."""
        found = matching.at(config, self.paths[0])
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        return float(found) if isinstance(self.domain, Float) else found

    def rounded(self, value: float) -> float | int:
        """Round to 6 significant digits, but not beyond an end."""
        if isinstance(self.domain, Int):
            return value
        near = float(f"{value:.6g}")
        for end in (self.domain.low, self.domain.high):
            if near == float(f"{end:.6g}"):
                return end
        return near


Axis = Options | Range


def _check_axis(name: str, when: Mapping[str, tuple[str, ...]], source: str) -> None:
    if not name.strip():
        raise ValueError("name of an axis must not be blank")
    if not source.strip():
        raise ValueError(f"source of axis {name} must say where its values come from, got nothing")
    for other, labels in when.items():
        if not labels:
            raise ValueError(f"condition of axis {name} must name at least one option of {other}, got none")
