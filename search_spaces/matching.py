"""Whether a configuration, as plain JSON values, holds what a space assigns to it."""

from collections.abc import Mapping
from math import isclose
from typing import Final

from search_spaces.factors import JsonValue

ABSENT: Final = object()
"""What :func:`at` finds at a path that leads nowhere; no JSON value is it."""

_TOLERANCE = 1e-6  # points carry 6 digits


def at(config: Mapping[str, JsonValue], path: str) -> JsonValue:
    """Return the value at a dotted path of the configuration, or :data:`ABSENT`."""
    place: JsonValue = config
    for name in path.split("."):
        if not isinstance(place, Mapping) or name not in place:
            return ABSENT
        place = place[name]
    return place


def holds(found: JsonValue, assigned: JsonValue) -> bool:
    """Return whether a value is the assigned one: numbers to 6 digits, of an object the fields assigned alone."""
    if isinstance(assigned, Mapping):
        return isinstance(found, Mapping) and all(holds(found.get(key, ABSENT), assigned[key]) for key in assigned)
    if isinstance(assigned, list | tuple):
        return isinstance(found, list | tuple) and len(found) == len(assigned) and all(map(holds, found, assigned))
    if isinstance(assigned, int | float) and not isinstance(assigned, bool):
        number = isinstance(found, int | float) and not isinstance(found, bool)
        return number and isclose(found, assigned, rel_tol=_TOLERANCE, abs_tol=1e-12)  # type: ignore[arg-type]
    return type(found) is type(assigned) and found == assigned


def all_hold(config: Mapping[str, JsonValue], assigned: Mapping[str, JsonValue]) -> bool:
    """Return whether the configuration has every assigned value at its dotted path."""
    return all(holds(at(config, path), value) for path, value in assigned.items())


def apart(one: Mapping[str, JsonValue], other: Mapping[str, JsonValue]) -> bool:
    """Return whether no configuration holds both: some path of both has values that exclude each other."""
    return any(_exclude(one[path], other[path]) for path in one.keys() & other.keys())


def _exclude(one: JsonValue, other: JsonValue) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return apart(one, other)
    return not holds(one, other)
