"""Check what a notebook hands in: one sentence for a value of the wrong kind."""

from collections.abc import Mapping, Sequence
from typing import Any


def check_kind(name: str, value: object, kind: type | tuple[type, ...], rule: str) -> None:
    """Raise ValueError if an argument is of another kind.

    Args:
        name: the argument.
        value: what was handed in.
        kind: what it has to be.
        rule: the same in words, after "must be".
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise ValueError(f"{name} must be {rule}, got {value!r}")


def check_values(name: str, values: Mapping[str, Any] | None) -> None:
    """Raise ValueError if an argument does not map dotted paths to values."""
    if values is not None:
        check_kind(name, values, Mapping, "a mapping of dotted paths to values")


def check_axes(vary: Mapping[str, Sequence[Any]] | None) -> None:
    """Raise ValueError if ``vary`` does not map dotted paths to lists of values."""
    check_values("vary", vary)
    for path, values in (vary or {}).items():
        if isinstance(values, str | bytes) or not isinstance(values, Sequence):
            raise ValueError(f"vary {path} must be a list of values, got {values!r}")
