"""Fields that were renamed, and the names that they had first.

A digest identifies what is trained, whatever its fields are called: it is taken over the first names. So a cell keeps
its digest when a field is renamed, and what an earlier version stored can be compared, verified and resumed.
"""

from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]

_NAMES: Mapping[Path, str] = {
    ("regularizer",): "regulariser",
    ("labels", "labeled"): "labelled",
    ("labels", "labeled_share"): "labelled_share",
}
"""Path of a field to the name that version 0.4.0 stored it under."""
_VALUES: Mapping[Path, Mapping[str, str]] = {("labels", "kind"): {"unlabeled": "unlabelled"}}


def _inverse(names: Mapping[Path, str]) -> dict[Path, str]:
    return {(*path[:-1], first): path[-1] for path, first in names.items()}


_CURRENT = _inverse(_NAMES)
_CURRENT_VALUES = {path: {first: now for now, first in values.items()} for path, values in _VALUES.items()}


def first_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a configuration, or values by dotted path, under the names that they had first."""
    return _renamed(values, _NAMES, _VALUES)


def current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an earlier version stored, fields or values by dotted path, under the names of this version."""
    return _renamed(values, _CURRENT, _CURRENT_VALUES)


def _renamed(
    values: Mapping[str, Any], names: Mapping[Path, str], words: Mapping[Path, Mapping[str, str]], inside: Path = ()
) -> dict[str, Any]:
    found = {}
    for name, value in values.items():
        path = (*inside, *name.split("."))
        parts = [names.get(path[: depth + 1], path[depth]) for depth in range(len(inside), len(path))]
        if isinstance(value, Mapping):
            value = _renamed(value, names, words, path)
        elif isinstance(value, str):
            value = words.get(path, {}).get(value, value)
        found[".".join(parts)] = value
    return found
