"""What loaded plugins bring beside classes: a study in the attribute ``STUDY``, a search space in ``SPACE``."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar

from search_spaces import SEARCHES, Space
from study.design.study import Study
from study.design.study_file import read_here
from trainables import plugins

T = TypeVar("T", Study, Space)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought(Generic[T]):
    """A study or a space, and the name of the plugin that it comes from."""

    plugin: str
    value: T


def studies(taken: Collection[str]) -> dict[str, Brought[Study]]:
    """Return the studies of the loaded plugins, by name, without those that were read from their file by itself.

    Args:
        taken: names of the built-in studies.

    Raises:
        ValueError: if a plugin's ``STUDY`` is none, or has the name of another one.
    """
    # What was read from its file is often a saved copy of another study.
    return _named("STUDY", Study, "study", taken, but=read_here)


def spaces() -> dict[str, Brought[Space]]:
    """Return the search spaces of the loaded plugins, by name; errors as :func:`studies`, of ``SPACE``."""
    return _named("SPACE", Space, "space", SEARCHES)


def space_in(module: ModuleType, path: object) -> Space:
    """Return the ``SPACE`` of the module of a file.

    Raises:
        ValueError: if it defines none.
    """
    return _checked(getattr(module, "SPACE", None), "SPACE", Space, f"{path}")


def _named(
    attribute: str, kind: type[T], word: str, taken: Collection[str], but: Collection[str] = ()
) -> dict[str, Brought[T]]:
    found: dict[str, Brought[T]] = {}
    for plugin, value in _values(attribute, kind):
        if plugin in but:
            continue
        other = found.get(value.name)
        if other is not None and other.value is value:  # a package that passes on what its module defines
            continue
        if other is not None or value.name in taken:
            whose = "which is built in" if other is None else f"which the plugin {other.plugin} has"
            raise ValueError(
                f"the {word} of the plugin {plugin} must have a name of its own, got {value.name}, {whose}"
            )
        found[value.name] = Brought(plugin=plugin, value=value)
    return found


def _values(attribute: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    for name, module in plugins.modules().items():
        if hasattr(module, attribute):
            yield name, _checked(getattr(module, attribute), attribute, kind, f"the plugin {name}")


def _checked(value: object, attribute: str, kind: type[T], where: str) -> T:
    if not isinstance(value, kind):
        got = "none" if value is None else type(value).__name__
        raise ValueError(
            f"{where} must define {attribute}, a {kind.__module__.split('.')[0]}.{kind.__name__}, got {got}"
        )
    return value
