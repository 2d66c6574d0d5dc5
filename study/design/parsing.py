"""Parse, check and change configurations from outside: the one place where text becomes values.

Every failure is a ``ValueError`` of one sentence that names the field, the value and the rule.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from math import inf, isfinite
from typing import Any, TypeVar

import pydantic

from study.formatting import did_you_mean, quoted
from trainables.config import Config, Trained
from trainables.families import generation

T = TypeVar("T")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_CONFIG: Any = Trained  # a union is no type to a type checker


def adapter(of: type[T]) -> pydantic.TypeAdapter[T]:
    """Return the parser of a type that holds configurations; it knows the classes that plugins have added so far."""
    found: pydantic.TypeAdapter[T] = _adapter(of, generation())  # type: ignore[arg-type]
    return found


@lru_cache(maxsize=16)
def _adapter(of: Any, now: int) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(of)


def config_from(values: Mapping[str, Any]) -> Config:
    """Return a configuration from plain values; unknown fields are errors, absent ones take their default (kind: gan).

    Raises:
        ValueError: if a field or value does not exist or fit.
    """
    config: Config = _checked(adapter(_CONFIG), {"kind": "gan", **values})
    return config


def assign_config(config: Config, changes: Mapping[str, Any]) -> Config:
    """Return the configuration with some paths set, e.g. ``{"d_optimizer.lr": 1e-4, "objective.kind": "minimax"}``.

    A path that ends in ``kind`` replaces the whole value by the other kind with its defaults; paths inside this value
    are set in the new one, in any order.

    Raises:
        ValueError: if a path or value does not exist or fit.
    """
    changed: Config = _checked(adapter(_CONFIG), _changed(dataclasses.asdict(config), changes))
    return changed


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
        path, value = path_and_value(text, option, "path=value")
        changes[path] = value_of(value, f"{option} {path}")
    return changes


def path_and_value(text: str, option: str, form: str) -> tuple[str, str]:
    """Split ``path=value``.

    Raises:
        ValueError: if the path is no names joined by dots, or the value is absent; names ``option`` and ``form``.
    """
    path, sign, value = text.partition("=")
    if not sign or not value or len(path) > 200 or not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"{option} needs {form}, got {quoted(text)}")
    return path, value


def value_of(text: str, option: str) -> Any:
    """Return the value of a text that is JSON, or else the text itself.

    Raises:
        ValueError: if it is JSON that no number or list of a configuration can hold; names ``option``.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    except (RecursionError, ValueError):
        raise ValueError(f"{option} must be a value of reasonable size, got {quoted(text)}") from None
    check_plain(option, value)
    return value


_DEEPEST, _LONGEST, _LARGEST = 20, 1_000, 2**53
"""Bounds of what is handed in: levels of nesting, entries of a list, and the size of a number that JSON keeps exact."""


def check_plain(name: str, value: Any, depth: int = 0) -> None:
    """Raise ValueError if a value from outside is more than any field takes: before anything is made of it.

    Args:
        name: what the value is, in the sentence.
        value: as JSON has it.
        depth: number of lists and objects around it.
    """
    if depth > _DEEPEST:
        raise ValueError(f"{name} must be nested at most {_DEEPEST} levels deep, got more")
    if isinstance(value, str) and not _encodable(value):
        raise ValueError(f"{name} must be text that can be written as UTF-8, got {quoted(value)}")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{name} must be a number between -2^53 and 2^53, got {quoted(value)}")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{name} must be a finite number, got {value}")
    if isinstance(value, Mapping | list | tuple):
        if len(value) > _LONGEST:
            raise ValueError(f"{name} must have at most {_LONGEST:,} entries, got {len(value):,}")
        for key, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
            if isinstance(key, str) and not _encodable(key):
                raise ValueError(f"{name} must have names that can be written as UTF-8, got {quoted(key)}")
            check_plain(f"{name}.{key}" if name else str(key), inner, depth + 1)


def _encodable(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def seconds(text: str, option: str) -> float:
    """Parse ``90s``, ``30m`` or ``2h`` into seconds > 0.

    Raises:
        ValueError: if the text is no such time; names ``option``.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _SECONDS or not number.replace(".", "", 1).isdecimal() or not 0 < float(number) < inf:
        raise ValueError(f"{option} must be a number > 0 followed by s, m or h, got {quoted(text)}")
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
    check_plain("", values)
    try:
        parsed = adapter.validate_python(values)
    except pydantic.ValidationError as error:
        raise ValueError(_sentence(error, values)) from None
    known = json.loads(json.dumps(dataclasses.asdict(parsed), default=lambda other: other.value))  # type: ignore[call-overload]
    check_plain("", known)  # a text may have been read as a number
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
                meant = did_you_mean(name, known)
                raise ValueError(f"{path}{name} is no field: {_known(known, path.rstrip('.'))}{meant}")
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
            return f"{path} must be named fields, got {quoted(first['input'])}"
        meant = did_you_mean(first["input"], re.findall(r"'([^']+)'", str(first.get("ctx", {}).get("expected", ""))))
        return f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}, got {quoted(first['input'])}{meant}"
    # Leave out errors inside members of other kinds than the requested one, and refusals of members where a sibling
    # matched: the user's error lies deeper.
    kinds = [e for e in kinds if not any(e["loc"][: len(m)] == m for m in refused if len(m) < len(e["loc"]) - 1)]
    kinds.sort(key=lambda e: len(e["loc"]), reverse=True)
    path = ".".join(str(part) for part in kinds[0]["loc"] if not _is_type_name(part))
    place = kinds[0]["loc"][:-2]
    members = [e["ctx"]["expected"].strip("'") for e in kinds if e["loc"][:-2] == place and "ctx" in e]
    given = kinds[0]["input"]
    meant = did_you_mean(given, members)
    return f"{path} must be one of {', '.join(dict.fromkeys(members))}, got {quoted(given)}{meant}"


def _is_type_name(part: object) -> bool:
    """Return whether a part of an error's location is a class of a union; field names start in lower case."""
    return isinstance(part, str) and part[:1].isupper()
