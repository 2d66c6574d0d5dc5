"""Parse, check and change configurations from outside: the one place where text becomes values.

Every failure is a ``ValueError`` of one sentence that names the field, the value and the rule.
"""

import dataclasses
import json
from collections.abc import Mapping
from math import inf
from typing import Any, TypeVar

import pydantic

from trainables.config import Config

T = TypeVar("T")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_CONFIG = pydantic.TypeAdapter(Config)


def config_from(values: Mapping[str, Any]) -> Config:
    """Return a configuration from plain values; unknown fields are errors, absent ones take their default (kind: gan).

    Raises:
        ValueError: if a field or value does not exist or fit.
    """
    return _checked(_CONFIG, {"kind": "gan", **values})


def assign_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some paths set, e.g. ``{"d_optimizer.lr": 1e-4, "objective.kind": "minimax"}``.

    A path that ends in ``kind`` replaces the whole value by the other kind with its defaults; paths inside this value
    are set in the new one, in any order.

    Raises:
        ValueError: if a path or value does not exist or fit.
    """
    return _checked(_CONFIG, _changed(dataclasses.asdict(config), changes))


def assign_flat(value: T, changes: Mapping[str, Any]) -> T:
    """Return a copy of any dataclass, such as an outcome rule, with some paths set as in :func:`assign_config`."""
    return _checked(pydantic.TypeAdapter(type(value)), _changed(dataclasses.asdict(value), changes))  # type: ignore[call-overload]


def assignments(texts: list[str], option: str) -> dict[str, Any]:
    """Parse ``["steps=500", "clip=0.01"]`` into a mapping; a value is JSON, or else plain text.

    Args:
        texts: ``path=value`` each.
        option: name of the option in errors.

    Raises:
        ValueError: if a text is not ``path=value``.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        path, sign, value = text.partition("=")
        if not sign or not path or not value:
            raise ValueError(f"{option} needs path=value, got {text!r}")
        try:
            changes[path] = json.loads(value)
        except json.JSONDecodeError:
            changes[path] = value
    return changes


def seconds(text: str, option: str) -> float:
    """Parse ``90s``, ``30m`` or ``2h`` into seconds > 0.

    Raises:
        ValueError: if the text is no such time; names ``option``.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not number.replace(".", "", 1).isdecimal() or not 0 < float(number) < inf:
        raise ValueError(f"{option} must be a number > 0 followed by s, m or h, got {text!r}")
    return float(number) * _SECONDS[unit]


def _changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(json.dumps(values, default=lambda other: other.value))
    for path in sorted(changes, key=_outer_first):
        *parents, leaf = path.split(".")
        place = result
        for depth, name in enumerate(parents):
            inner = place.setdefault(name, {})  # unknown fields are refused when the result is parsed
            if not isinstance(inner, dict):
                raise ValueError(f"{path} is no field: {'.'.join(parents[: depth + 1])} has none")
            place = inner
        if leaf == "kind" and leaf in place:
            place.clear()
        place[leaf] = changes[path]
    return result


def _outer_first(path: str) -> tuple[int, bool]:
    return path.count("."), not path.endswith(".kind")


def _known(place: Mapping[str, Any], path: str) -> str:
    return f"{path or 'the configuration'} has {', '.join(place)}"


def _checked(adapter: pydantic.TypeAdapter[T], values: Mapping[str, Any]) -> T:
    try:
        parsed = adapter.validate_python(values)
    except pydantic.ValidationError as error:
        raise ValueError(_sentence(error, values)) from None
    known = json.loads(json.dumps(dataclasses.asdict(parsed), default=lambda other: other.value))  # type: ignore[call-overload]
    _compare(values, known, "")
    return parsed


def _compare(given: Any, known: Any, path: str) -> None:
    """Refuse what pydantic accepts: unknown fields, a member of a union without its kind, a truth value as a number."""
    if isinstance(given, bool) and not isinstance(known, bool):
        raise ValueError(f"{path.rstrip('.')} must not be a truth value, got {json.dumps(given)}")
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        if "kind" in known and "kind" not in given:
            raise ValueError(f"{path}kind must be given, got {', '.join(given) or 'nothing'}")
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"{path}{name} is no field: {_known(known, path.rstrip('.'))}")
            _compare(value, known[name], f"{path}{name}.")


def _sentence(error: pydantic.ValidationError, values: Mapping[str, Any]) -> str:
    """Return the user's error as a sentence; a union reports a list of errors per member."""
    kinds = [e for e in error.errors() if e["loc"][-1:] == ("kind",)]
    others = [e for e in error.errors() if e["loc"][-1:] != ("kind",)]
    refused = {e["loc"][:-1] for e in kinds}  # union members whose kind was not the one asked for
    asked = [e for e in others if not any(e["loc"][: len(member)] == member for member in refused)]
    if asked:
        first = asked[0]
        path = ".".join(str(part) for part in first["loc"] if not _is_type_name(part))
        if first["type"] == "value_error":
            text = first["msg"].removeprefix("Value error, ")
            return f"{path}: {text}" if path else text
        if first["type"] == "missing":
            return f"{path} must be given, got none"
        if first["type"] == "dataclass_type":
            return f"{path} must be named fields, got {first['input']!r}"
        return f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}, got {first['input']!r}"
    # Leave out errors inside members of other kinds than the requested one, and refusals of members where a sibling
    # matched: the user's error lies deeper.
    kinds = [e for e in kinds if not any(e["loc"][: len(m)] == m for m in refused if len(m) < len(e["loc"]) - 1)]
    kinds.sort(key=lambda e: len(e["loc"]), reverse=True)
    path = ".".join(str(part) for part in kinds[0]["loc"] if not _is_type_name(part))
    place = kinds[0]["loc"][:-2]
    members = [e["ctx"]["expected"].strip("'") for e in kinds if e["loc"][:-2] == place]
    return f"{path} must be one of {', '.join(dict.fromkeys(members))}, got {kinds[0]['input']!r}"


def _is_type_name(part: object) -> bool:
    """Return whether a part of an error's location is a class of a union; field names start in lower case."""
    return isinstance(part, str) and part[:1].isupper()
