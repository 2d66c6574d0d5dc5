"""Spaces to search: axes of which some exist only under an option of an earlier one, as pure data.

A *point* of a space gives each *active* axis a value: the label of an option, or a number. A space turns a point into
dotted paths of a configuration with their values, and finds the point of a configuration again::

    space = SEARCHES["wgan-clip"]
    point = space.sample(Random(0))          # {"optimizer": "rmsprop", "lr": 0.000213, "alpha": 0.97, ...}
    space.assignment(point)                  # {"g_optimizer.kind": "rmsprop", "g_optimizer.lr": 0.000213, ...}

Ends of ranges are included. Nothing here knows the configuration, Ray or Optuna: adapters translate.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import combinations
from random import Random

from search_spaces import conditions, matching
from search_spaces.axes import Axis, Options, Range
from search_spaces.conditions import Conditions
from search_spaces.factors import JsonValue, check_path, is_json, label_of, overlap
from search_spaces.rules import Rule, Value

__all__ = ["Axis", "Options", "Range", "Rule", "Space", "Value", "compose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Axes to search, in an order in which every condition refers to an earlier one.

    Attributes:
        rules: what several ranges decide together; a rule's axes exist together.
        assign: dotted path to value, the same at every point.

    Raises:
        ValueError: names the space and the axis. If there is no axis, names repeat, a condition is not about an earlier
            axis of options and its labels or can never hold, a range sets nothing, a rule's axes are not ranges that
            exist together or their ends do not suit it, or one path is set twice (equal paths, or one inside the other)
            at the same point. ``penalty.kind`` and ``penalty.weight`` are not inside each other.
    """

    name: str
    title: str
    axes: tuple[Axis, ...]
    rules: tuple[Rule, ...] = ()
    assign: Mapping[str, JsonValue] = field(default_factory=dict)
    source: str

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            raise ValueError(f"{error} (space {self.name})") from None

    @property
    def conditional(self) -> bool:
        """Whether some axis exists at some points only."""
        return any(axis.when for axis in self.axes)

    def active(self, point: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the axes that exist at the point, by its options; those that it should name and does not, too."""
        names: list[str] = []
        for axis in self.axes:
            if all(name in names and point.get(name) in labels for name, labels in axis.when.items()):
                names.append(axis.name)
        return tuple(names)

    def check(self, point: Mapping[str, Value]) -> None:
        """Raise ValueError if an axis is unknown, missing or inactive, or a value is outside its domain."""
        known, active = {axis.name: axis for axis in self.axes}, self.active(point)
        for name in point:
            if name not in known:
                raise ValueError(f"{name} is no axis of space {self.name}: it has {', '.join(known)}")
        for name in active:
            if name not in point:
                raise ValueError(f"{name} must be given, got {', '.join(point) or 'nothing'} (space {self.name})")
            try:
                known[name].check(point[name])
            except ValueError as error:
                raise ValueError(f"{error} (space {self.name})") from None
        for name in point:
            if name not in active:
                when = conditions.sentence(known[name].when)
                raise ValueError(f"{name} must be absent unless {when}, got {point[name]!r} (space {self.name})")

    def assignment(self, point: Mapping[str, Value]) -> dict[str, JsonValue]:
        """Return values by dotted path of the configuration: all that the point and the space set.

        Raises:
            ValueError: as :meth:`check` does.
        """
        self.check(point)
        assigned = dict(self.assign)
        for axis in self.axes:
            if axis.name in point:
                assigned |= axis.assigned(point[axis.name])
        for rule in self.rules:
            if rule.axes[0] in point:
                assigned |= rule.assigned(point)
        return deepcopy(assigned)  # whoever sets paths inside a value must not change the space

    def default(self) -> dict[str, Value]:
        """Return the point with every active axis at its default."""
        return self._filled(lambda axis: axis.default)

    def ends(self) -> Iterator[dict[str, Value]]:
        """Yield the default point with one range at its lower, then at its upper end, for each range that it has."""
        usual = self.default()
        for axis in self.axes:
            if isinstance(axis, Range) and axis.name in usual:
                yield from ({**usual, axis.name: end} for end in (axis.domain.low, axis.domain.high))

    def sample(self, rng: Random) -> dict[str, Value]:
        """Draw a random point: options and ranges uniform (in the logarithm, if the domain says so), to 6 digits."""
        return self._filled(lambda axis: axis.drawn(rng))

    def on_grid(self, rng: Random, n: int) -> dict[str, Value]:
        """Draw a random point of ``grid(n)``: axis by axis, uniform over the values there."""
        return self._filled(lambda axis: rng.choice(axis.values(n)))

    def grid(self, n: int) -> Iterator[dict[str, Value]]:
        """Return all combinations of options and at most ``n`` values per range, ends included, the last axis fastest.

        With ``n`` 1 a range has its default alone. No point comes twice.

        Raises:
            ValueError: at the call, if ``n < 1``.
        """
        if n < 1:
            raise ValueError(f"n must be >= 1, got {n}")
        return self._grid({}, self.axes, n)

    def point_of(self, config: Mapping[str, JsonValue]) -> dict[str, Value] | None:
        """Return the point that gives this configuration or None; numbers as found, or of a rule to 6 digits.

        What the space does not set is not looked at.

        Args:
            config: as plain JSON values.
        """
        point: dict[str, Value] = {}
        derived = self._derived(config)
        for axis in self.axes:
            if _exists(axis, point):
                value = derived.get(axis.name) if isinstance(axis, Range) and not axis.paths else axis.read(config)
                if value is None:
                    return None
                point[axis.name] = value
        try:
            assigned = self.assignment(point)
        except ValueError:  # a number outside its range: no point of this space
            return None
        return point if matching.all_hold(config, assigned) else None

    def name_of(self, point: Mapping[str, Value]) -> str:
        """Return a cell's name: ``optimizer=adam / lr=0.0002 / beta1=0.5``, in the order of the axes."""
        return " / ".join(f"{axis.name}={_short(point[axis.name])}" for axis in self.axes if axis.name in point)

    def _filled(self, choose: Callable[[Axis], Value]) -> dict[str, Value]:
        point: dict[str, Value] = {}
        for axis in self.axes:
            if _exists(axis, point):
                point[axis.name] = choose(axis)
        return point

    def _grid(self, point: dict[str, Value], left: Sequence[Axis], n: int) -> Iterator[dict[str, Value]]:
        if not left:
            yield point
        elif not _exists(left[0], point):
            yield from self._grid(point, left[1:], n)
        else:
            for value in left[0].values(n):
                yield from self._grid({**point, left[0].name: value}, left[1:], n)

    def _derived(self, config: Mapping[str, JsonValue]) -> dict[str, Value]:
        """Return what the rules read from a configuration."""
        axes = {axis.name: axis for axis in self.axes}
        found: dict[str, Value] = {}
        for rule in self.rules:
            for name, value in (rule.read(config) or {}).items():
                axis = axes[name]
                assert isinstance(axis, Range)
                found[name] = axis.rounded(value)
        return found

    def _check(self) -> None:
        if not self.axes:
            raise ValueError("axes must name at least one axis, got none")
        names = [axis.name for axis in self.axes]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names of axes must be unique, got {', '.join(repeated)} repeatedly")
        for path, value in self.assign.items():
            check_path(path)
            if not is_json(value):
                raise ValueError(f"{path} must be a finite JSON value, got {value!r}")
        when = conditions.resolve(
            [(axis.name, axis.labels if isinstance(axis, Options) else (), axis.when) for axis in self.axes]
        )
        self._check_rules(when)
        self._check_paths(when)

    def _check_rules(self, when: Mapping[str, Conditions]) -> None:
        ranges = {axis.name: axis for axis in self.axes if isinstance(axis, Range)}
        for rule in self.rules:
            for name in rule.axes:
                if name not in ranges:
                    raise ValueError(f"rule {rule.kind} must name axes of numbers of the space, got {name}")
                if when[name] != when[rule.axes[0]]:
                    raise ValueError(
                        f"axes of rule {rule.kind} must exist together, got {rule.axes[0]} and {name} under different"
                        " conditions"
                    )
            for end in ("default", "low", "high"):
                numbers = [(name, ranges[name]) for name in rule.axes]
                rule.assigned(
                    {n: axis.default if end == "default" else getattr(axis.domain, end) for n, axis in numbers}
                )
        used = {name for rule in self.rules for name in rule.axes}
        for name, axis in ranges.items():
            if not axis.paths and name not in used:
                raise ValueError(f"axis {name} must set a path or serve a rule, got neither")

    def _check_paths(self, when: Mapping[str, Conditions]) -> None:
        for (one, path, here), (other, inside, there) in combinations(self._setters(when), 2):
            if overlap(path, inside) and conditions.possible(conditions.both(here, there)):
                raise ValueError(f"paths must be set once at a point, got {path} from {one} and {inside} from {other}")

    def _setters(self, when: Mapping[str, Conditions]) -> Iterator[tuple[str, str, Conditions]]:
        """Yield who sets which path under which condition."""
        for path in self.assign:
            yield "the space itself", path, {}
        for axis in self.axes:
            if isinstance(axis, Range):
                yield from ((f"axis {axis.name}", path, when[axis.name]) for path in axis.paths)
            else:
                for level in axis.levels:
                    under = conditions.both(when[axis.name], {axis.name: frozenset({level.label})})
                    yield from ((f"axis {axis.name}", path, under) for path in level.assign)
        for rule in self.rules:
            yield from ((f"rule {rule.kind}", path, when[rule.axes[0]]) for path in rule.paths)


def compose(name: str, title: str, *parts: Space | Sequence[Axis], without: Sequence[str] = ()) -> Space:
    """Return one space with the axes, rules and fixed paths of several, in their order.

    Args:
        name: of the new space.
        title: of the new space, in words.
        *parts: spaces, or axes alone: their conditions may be about axes of earlier parts.
        without: names of axes to leave out, with the rules that need them; what they set is then the base
            configuration's.

    Raises:
        ValueError: if an axis to leave out is in no part, two spaces fix a path at different values, or the whole is no
            space (see :class:`Space`).
    """
    axes = [axis for part in parts for axis in (part.axes if isinstance(part, Space) else part)]
    spaces = [part for part in parts if isinstance(part, Space)]
    names = {axis.name for axis in axes}
    for left_out in without:
        if left_out not in names:
            raise ValueError(
                f"without must name axes of the parts ({', '.join(sorted(names))}), got {left_out!r} (space {name})"
            )
    return Space(
        name=name,
        title=title,
        axes=tuple(axis for axis in axes if axis.name not in without),
        rules=tuple(rule for space in spaces for rule in space.rules if not {*rule.axes} & {*without}),
        assign=_joined(name, spaces),
        source="; ".join(dict.fromkeys(space.source for space in spaces)) or "that of its axes",
    )


def _joined(name: str, spaces: Sequence[Space]) -> dict[str, JsonValue]:
    assign: dict[str, JsonValue] = {}
    for space in spaces:
        for path, value in space.assign.items():
            if not matching.holds(assign.get(path, value), value):
                both = f"{label_of(assign[path])} and {label_of(value)}"
                raise ValueError(f"{path} must be fixed at one value, got {both} (space {name})")
            assign[path] = value
    return assign


def _exists(axis: Axis, point: Mapping[str, Value]) -> bool:
    """Return whether the axis is active, given the values of all earlier active axes and no others."""
    return all(point.get(name) in labels for name, labels in axis.when.items())


def _short(value: Value) -> str:
    return f"{value:.6g}" if isinstance(value, float) else label_of(value)
