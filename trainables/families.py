"""Families: the classes of which a field of a configuration is one, told apart by their ``kind``.

A field says ``objective: Annotated[Objective, OBJECTIVE_FAMILY]``. The union ``Objective`` names the built-in classes
for readers and type checkers; the family also knows those that plugins have added, and whoever parses a configuration
asks it (see ``trainables.plugins``).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, Union

C = TypeVar("C", bound=type)

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_generation = 0


def generation() -> int:
    """Return a number that grows with every class that is added: what was derived before may lack it."""
    return _generation


@dataclass(slots=True, eq=False)
class Family:
    """The classes of one field.

    Attributes:
        name: what a member is, in sentences: ``objective``.
        built_in: the members of this package.
        methods: what every member must define.
        usual: what a member that a plugin adds has if it does not say otherwise, by attribute.
        added: the members of plugins, by kind.
    """

    name: str
    built_in: tuple[type, ...]
    methods: tuple[str, ...]
    usual: Mapping[str, Callable[[type], Any]] = field(default_factory=dict)
    added: dict[str, type] = field(default_factory=dict)

    @property
    def members(self) -> tuple[type, ...]:
        """The built-in classes, then those of plugins."""
        return (*self.built_in, *self.added.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of all members."""
        return tuple(kind_of(member) for member in self.members)

    def add(self, member: C) -> C:
        """Add the class of a plugin; one of the same name from the same module replaces it, as a notebook does.

        Raises:
            ValueError: if the class is no frozen dataclass with a ``kind``, lacks a method, or its kind is taken.
        """
        global _generation
        said = f"the {self.name} {member.__qualname__}"
        if not dataclasses.is_dataclass(member) or not member.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise ValueError(
                f"{said} must be a frozen dataclass: put @dataclass(frozen=True, kw_only=True) below the other"
            )
        kind = kind_of(member)
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise ValueError(f'{said} must have a field kind: Literal["name"] = "name" in lower case, got {kind!r}')
        lacking = [name for name in self.methods if not hasattr(member, name)]
        if lacking:
            raise ValueError(f"{said} must define {', '.join(lacking)}")
        other = next((own for own in self.members if kind_of(own) == kind), None)
        if other is not None and _home(other) != _home(member):
            raise ValueError(f"{said} must have a kind of its own, got {kind}, which {_home(other)} has")
        for name, make in self.usual.items():
            if not hasattr(member, name):
                setattr(member, name, make(member))
        self.added[kind] = member
        _generation += 1
        return member

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Tell a parser the union of all members at this moment."""
        return handler.generate_schema(Union[self.members])  # noqa: UP007  # of a tuple


def kind_of(member: type) -> Any:
    """Return the default of a dataclass's field ``kind``; None if it has none."""
    found = {each.name: each.default for each in dataclasses.fields(member)}
    return found.get("kind")


def first_line(member: type) -> str:
    """Return the first line of a class's docstring; of one without, its name."""
    return (member.__doc__ or member.__qualname__).strip().splitlines()[0]


def _home(member: type) -> str:
    return f"{member.__module__}.{member.__qualname__}"
