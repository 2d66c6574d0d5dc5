"""From text to values: the one place where configurations from outside are parsed, checked and changed.

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
    """A configuration from plain values; unknown fields are errors, absent ones take their default (kind: gan)."""
    return _checked(_CONFIG, {"kind": "gan", **values})


def assign_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """The configuration with some dotted paths set: ``{"d_optimizer.lr": 1e-4, "objective.kind": "minimax"}``.

    A path that ends in ``kind`` replaces the whole value by the other kind with its defaults; paths inside that value
    are set in the new one, in whatever order they are given.
    """
    return _checked(_CONFIG, _changed(dataclasses.asdict(config), changes))


def assign_flat(value: T, changes: Mapping[str, Any]) -> T:
    """The same for any other dataclass, such as an outcome rule."""
    return _checked(pydantic.TypeAdapter(type(value)), _changed(dataclasses.asdict(value), changes))  # type: ignore[call-overload]


def assignments(texts: list[str], option: str) -> dict[str, Any]:
    """``["steps=500", "clip=0.01"]`` as a mapping; a value is read as JSON, or else as the text itself."""
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
    """``90s``, ``30m`` or ``2h`` in seconds, more than 0."""
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not number.replace(".", "", 1).isdecimal() or not 0 < float(number) < inf:
        raise ValueError(f"{option} must be a number > 0 with s, m or h behind it, got {text!r}")
    return float(number) * _SECONDS[unit]


def _changed(values: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(json.dumps(values, default=lambda other: other.value))
    for path in sorted(changes, key=_outer_first):
        *parents, leaf = path.split(".")
        place = result
        for depth, name in enumerate(parents):
            inner = place.setdefault(name, {})  # what no kind has is refused when all is parsed
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
    """Refuses what pydantic lets pass: unknown fields, a union's member without its kind, a truth value as a number."""
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
    """The one error that the user made, of the many that a union reports (one list per member)."""
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
    # A union inside a member of another kind than the one asked for is not the user's; nor is the refusal of a member
    # beside the right one: its sentence lies deeper.
    kinds = [e for e in kinds if not any(e["loc"][: len(m)] == m for m in refused if len(m) < len(e["loc"]) - 1)]
    kinds.sort(key=lambda e: len(e["loc"]), reverse=True)
    path = ".".join(str(part) for part in kinds[0]["loc"] if not _is_type_name(part))
    place = kinds[0]["loc"][:-2]
    members = [e["ctx"]["expected"].strip("'") for e in kinds if e["loc"][:-2] == place]
    return f"{path} must be one of {', '.join(dict.fromkeys(members))}, got {kinds[0]['input']!r}"


def _is_type_name(part: object) -> bool:
    """Pydantic puts the class of a union's member into the place of an error; our field names start small."""
    return isinstance(part, str) and part[:1].isupper()
