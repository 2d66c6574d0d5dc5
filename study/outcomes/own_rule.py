"""Outcome rules of plugins: a class whose ``decide`` gives the outcome from a replica's rows, in place of our table.

A rule of a plugin is data in an ``OutcomeRule`` (kind, settings, and the digest of the source that it was chosen with),
so that plans, records and reports are read without the plugin. Only deciding by it needs the plugin.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from study.formatting import did_you_mean, joined, quoted
from study.outcomes.outcome import Outcome
from trainables import plugins
from trainables.families import Family

C = TypeVar("C", bound=type)
Setting = bool | int | float | str
Rows = Mapping[str, npt.NDArray[Any]]
"""Column name to its values ``[T, ...]`` in order of steps: the trace's columns, and what our own rules measure."""

FAMILY = Family("outcome rule", (), ("decide",))


class RuleFailed(ValueError):
    """A plugin's rule that gives no outcome: it is absent, has changed, raised, or returned something else."""


def outcome_rule(member: C) -> C:
    """Add an outcome rule: ``decide(rows)`` returns an :class:`study.Outcome` or its value.

    ``rows`` maps each column of the trace, and ``quality``, ``coverage``, ``diversity`` and what else our own rules
    measure, to an array ``[T, ...]`` in order of steps, step 0 first. Replicas that blew up are ``diverged`` before the
    rule is asked: a number that is not finite is a failure for every rule.

    Raises:
        ValueError: if the class is no frozen dataclass with a ``kind`` of its own, or is in no file; and if a field has
            no default that is a number, a truth value or a text.
    """
    for own in fields(member) if hasattr(member, "__dataclass_fields__") else ():
        if own.default is MISSING or not isinstance(own.default, Setting):
            raise ValueError(
                f"the outcome rule {member.__qualname__} must have a number, truth value or text as default of"
                f" {own.name}, got none"
            )
    return plugins.add(FAMILY, member)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnRule:
    """The choice of a plugin's rule.

    Attributes:
        kind: of the rule's class.
        settings: of its fields; those that are absent are at their defaults.
        plugin, digest: name and digest of the plugin; of the one that is loaded if they are absent.

    Raises:
        ValueError: if they are absent and no loaded plugin has a rule of this kind, or a setting does not fit.
    """

    kind: str
    settings: Mapping[str, Setting] = field(default_factory=dict, hash=False)
    plugin: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        member = FAMILY.added.get(self.kind)
        if self.digest:
            here = None if member is None else plugins.loaded()[member.__module__]
            if member is not None and here is not None and (here.name, here.digest) == (self.plugin, self.digest):
                object.__setattr__(self, "settings", _filled(member, self.settings))
            return
        if member is None:
            known = f"one of {joined(FAMILY.added, 'or')}" if FAMILY.added else "that of a plugin"
            near = did_you_mean(self.kind, FAMILY.added)
            raise ValueError(
                f"own_rule.kind must be {known}, got {quoted(self.kind)}: add --plugin with its file{near}"
            )
        plugin = plugins.loaded()[member.__module__]
        for name, value in (
            ("settings", _filled(member, self.settings)),
            ("plugin", plugin.name),
            ("digest", plugin.digest),
        ):
            object.__setattr__(self, name, value)

    @property
    def title(self) -> str:
        """The rule in a sentence: ``steady(floor=0.5) of the plugin my_rules``."""
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return f"{self.kind}{f'({settings})' if settings else ''} of the plugin {self.plugin}"


def _filled(member: type, settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """Return all settings of a rule, numbers as the defaults have them."""
    usual: dict[str, Any] = {own.name: own.default for own in fields(member) if own.name != "kind"}
    found: dict[str, Setting] = dict(usual)
    for name, value in settings.items():
        if name not in usual:
            known = joined(usual) or "none"
            raise ValueError(f"own_rule.settings.{name} is no field: the rule has {known}{did_you_mean(name, usual)}")
        own = float(value) if isinstance(usual[name], float) and type(value) is int else value
        if type(own) is not type(usual[name]) or (isinstance(own, float) and not isfinite(own)):
            kind = type(usual[name]).__name__
            raise ValueError(f"own_rule.settings.{name} must be a finite {kind}, got {quoted(value)}")
        found[name] = own
    member(**found)  # which may refuse values itself
    return found


def check_here(own: OwnRule | None) -> None:
    """Raise RuleFailed unless a plugin's rule can be applied in this process, as it was chosen."""
    if own is None:
        return
    here = plugins.loaded().get(own.plugin)
    if here is None or own.kind not in FAMILY.added:
        raise RuleFailed(
            f"deciding by the outcome rule {own.kind} needs the plugin {own.plugin}: add --plugin with its file, or in"
            " Python import it"
        )
    if here.digest != own.digest:
        raise RuleFailed(
            f"the plugin {own.plugin} of the outcome rule {own.kind} must have digest {own.digest}, as when it was"
            f" chosen, got {here.digest} ({here.path})"
        )


def is_here(own: OwnRule | None) -> bool:
    """Return whether a plugin's rule can be applied in this process; without one there is nothing to be absent."""
    try:
        check_here(own)
    except RuleFailed:
        return False
    return True


def outcome_of(own: OwnRule, rows: Rows) -> Outcome:
    """Return what a plugin's rule says of a replica.

    Args:
        own: the rule.
        rows: in order of steps; the rule gets copies.

    Raises:
        RuleFailed: if the plugin is absent or another one, its rule raises, or returns what is no outcome.
    """
    check_here(own)
    member = FAMILY.added[own.kind]
    try:
        with plugins.no_global_draws():
            said = member(**own.settings).decide({name: np.array(values) for name, values in rows.items()})
    except Exception as error:  # whatever a plugin's code raises is what is wrong with it
        where = plugins.where(error, Path(plugins.loaded()[own.plugin].path))
        raise RuleFailed(f"the outcome rule {own.kind} of the plugin {own.plugin} failed with {where}") from None
    try:
        return Outcome(said)
    except ValueError:
        known = joined((outcome.value for outcome in Outcome), "or")
        raise RuleFailed(
            f"the outcome rule {own.kind} of the plugin {own.plugin} must return {known}, got {quoted(said)}"
        ) from None
