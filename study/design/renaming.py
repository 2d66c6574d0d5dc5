"""Plans and settings whose configurations name fields as an earlier version did."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from study.outcomes.rule import EDITION, stored_fields
from trainables.renaming import current_names, first_names

Rename = Callable[[Mapping[str, Any]], dict[str, Any]]

_HOLDERS = frozenset({"config", "base", "assign", "changes"})
"""Keys of a plan whose values are configurations, or values by dotted path."""


def current(content: bytes) -> bytes:
    """Return a stored plan or setting, as JSON text, with the field names of this version.

    Text that is no JSON, or nested too deeply, is returned as it is: whoever parses it says what is wrong.
    """
    try:
        values = json.loads(content)
        renamed = _with_edition(_walk(values, current_names))
        return content if renamed == values else json.dumps(renamed).encode()
    except (ValueError, RecursionError):
        return content


def first(values: Any) -> Any:
    """Return the plain values of a plan with the names that fields had first, over which its digest is taken."""
    return _as_stored(_walk(values, first_names))


def _with_edition(values: Any) -> Any:
    """Return the values with edition 1 in every outcome rule that names none: it was written before there were two."""
    return _rules(values, lambda rule: rule if "edition" in rule else {"edition": 1, **rule})


def _as_stored(values: Any) -> Any:
    return _rules(values, _as_first_stated)


def _as_first_stated(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a rule's values without what edition 1 did not have, and without its default of the radius."""
    if rule.get("edition", EDITION) > 1:
        return rule
    return {name: value for name, value in stored_fields(rule).items() if (name, value) != ("radius", "r30")}


def _rules(values: Any, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Any:
    if isinstance(values, Mapping):
        if "rule" in values and isinstance(values["rule"], Mapping):
            values = {**values, "rule": change(values["rule"])}
        elif "baseline_margin" in values:  # a rule in a file of its own
            return change(values)
        return values
    return values


def _walk(values: Any, rename: Rename) -> Any:
    if isinstance(values, Mapping):
        return {key: _held(key, inner, rename) for key, inner in values.items()}
    if isinstance(values, list):
        return [_walk(inner, rename) for inner in values]
    return values


def _held(key: str, value: Any, rename: Rename) -> Any:
    if key in _HOLDERS and isinstance(value, Mapping):
        return rename(value)
    if key == "paths" and isinstance(value, list):
        return [next(iter(rename({path: None}))) for path in value]
    return _walk(value, rename)
