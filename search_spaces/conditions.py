"""When an axis exists: conditions on the options of earlier axes, followed through the conditions of those."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

When: TypeAlias = Mapping[str, tuple[str, ...]]
"""Axis of options to the labels under which another axis exists; all must hold."""

Conditions: TypeAlias = Mapping[str, frozenset[str]]
"""The same, with the conditions of the axes named: axis to labels, every one of which can occur."""


def resolve(axes: Sequence[tuple[str, tuple[str, ...], When]]) -> dict[str, Conditions]:
    """Return the whole condition of every axis; a label set that leaves no label out is no condition.

    Args:
        axes: name, labels (none of a range) and condition of each axis, in order.

    Raises:
        ValueError: if a condition is not about an earlier axis of options and labels of it, or can never hold.
    """
    known: dict[str, Conditions] = {}
    labels: dict[str, frozenset[str]] = {}
    for name, own, when in axes:
        _check(name, when, labels, {each for each, _, _ in axes})
        whole: Conditions = {}
        for other, allowed in when.items():
            whole = both(both(whole, {other: frozenset(allowed)}), known[other])
        if not possible(whole):
            raise ValueError(f"axis {name} must exist at some point, got the condition {sentence(when)}")
        known[name] = {other: allowed for other, allowed in whole.items() if allowed != labels[other]}
        if own:
            labels[name] = frozenset(own)
    return known


def both(one: Conditions, other: Conditions) -> Conditions:
    """Combine both conditions; return a set without labels if they exclude each other."""
    merged = dict(one)
    for name, labels in other.items():
        merged[name] = merged[name] & labels if name in merged else labels
    return merged


def possible(condition: Conditions) -> bool:
    """Return whether some point fulfils it: options of different axes are free of each other."""
    return all(condition.values())


def sentence(when: When) -> str:
    """Say a condition in words: ``bn is full or no_bn_g and optimizer is adam``; ``always`` without one."""
    parts = [f"{name} is {' or '.join(labels)}" for name, labels in when.items()]
    return " and ".join(parts) or "always"


def _check(name: str, when: When, earlier: Mapping[str, frozenset[str]], names: set[str]) -> None:
    for other, allowed in when.items():
        if other not in names:
            raise ValueError(f"condition of axis {name} must be about an axis of the space, got {other}")
        if other not in earlier:
            raise ValueError(f"condition of axis {name} must be about an earlier axis of options, got {other}")
        for label in allowed:
            if label not in earlier[other]:
                known = ", ".join(sorted(earlier[other]))
                raise ValueError(f"condition of axis {name} must name options of {other} ({known}), got {label!r}")
