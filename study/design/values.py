"""Configuration values as text, whole or as short as a sentence wants them, and where two configurations differ."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Final

from search_spaces import Value, label_of


class _Absent:
    """What stands for a field that one of two configurations does not have."""


ABSENT: Final = _Absent()


def exact(value: Any) -> str:
    """``mlp(hidden=(128, 128), ...)``: a value in one line, every number with all its digits."""
    if value is ABSENT:
        return ""
    if is_dataclass(value):
        inside = {field.name: getattr(value, field.name) for field in fields(value)}
        kind = inside.pop("kind", "")
        return f"{kind}({', '.join(f'{name}={exact(own)}' for name, own in inside.items())})" if inside else kind
    if isinstance(value, tuple | list):
        return f"({', '.join(map(exact, value))})"
    if value is None:
        return "none"
    return label_of(value.value if isinstance(value, Enum) else value)


def brief(value: Any) -> str:
    """``128-128``, ``200,000``, ``0.0002``, ``rmsprop tf1``: a value in a sentence; of a part with a kind, the kind."""
    if value is None or value is ABSENT:
        return "none"
    if isinstance(value, Mapping):
        return str(value["kind"]).replace("_", " ") if "kind" in value else "another"
    if isinstance(value, tuple | list):
        return "-".join(map(brief, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


@lru_cache(maxsize=10_000)
def rounded(value: Value) -> str:
    """Return a coordinate of a point of a space: a number in three digits, or a label."""
    return f"{value:.3g}" if isinstance(value, float) else label_of(value)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted path of each field inside, such as ``g_optimizer.lr``, with its value."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path, value


def differences(one: Any, other: Any, path: str = "", *, by_kind: bool = False) -> dict[str, tuple[Any, Any]]:
    """Return the dotted paths at which two plain values differ, with both values; ``ABSENT`` where one lacks a field.

    With ``by_kind``, two parts of different kinds differ as a whole, and in the fields that both have; otherwise they
    differ field by field, the kind among them. ``path`` is the prefix of all paths.
    """
    if not (isinstance(one, Mapping) and isinstance(other, Mapping)):
        return {} if one == other else {path: (one, other)}
    found: dict[str, tuple[Any, Any]] = {}
    names = dict.fromkeys((*one, *other))
    if by_kind and one.get("kind") != other.get("kind"):
        found[path], names = (one, other), dict.fromkeys(name for name in one if name in other and name != "kind")
    for name in names:
        inner = f"{path}.{name}" if path else name
        found |= differences(one.get(name, ABSENT), other.get(name, ABSENT), inner, by_kind=by_kind)
    return found
