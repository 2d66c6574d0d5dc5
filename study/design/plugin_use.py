"""The plugins that a plan needs: by name, version and digest, and in this process."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from trainables import plugins
from trainables.plugins import Plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginUse:
    """A plugin that a plan needs; ``digest`` is over its source."""

    name: str
    version: str
    digest: str


def uses(*values: Any) -> tuple[PluginUse, ...]:
    """Return the plugins whose kinds are named anywhere in dataclasses or plain values, and those that measure."""
    found = plugins.needed({word for value in values for word in _words(value)})
    return tuple(PluginUse(name=own.name, version=own.version, digest=own.digest) for own in found)


def _words(value: Any) -> Iterator[str]:
    """Yield every text inside a value: a space names kinds in its levels, a configuration in its fields."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _words(asdict(value))
    elif isinstance(value, Mapping):
        yield from _words(tuple(value.values()))
    elif isinstance(value, Iterable):
        for inner in value:
            yield from _words(inner)


def loaded(used: Sequence[PluginUse]) -> tuple[Plugin, ...]:
    """Return the plugins of a plan as they are in this process.

    Raises:
        ValueError: if one is not loaded, or has changed since.
    """
    here = plugins.loaded()
    for own in used:
        found = here.get(own.name)
        if found is None:
            raise ValueError(absent(own.name))
        if found.digest != own.digest:
            raise ValueError(changed(own, found))
    return tuple(here[own.name] for own in used)


def absent(name: str) -> str:
    """Say that a plugin is needed and not loaded."""
    return f"the plugin {name} must be given for this launch: add --plugin {name}.py, or in Python import it"


def changed(own: PluginUse, found: Plugin) -> str:
    """Say that a plugin is another one than planned."""
    return (
        f"the plugin {own.name}, with what it imports from its folder, must have digest {own.digest}, as planned, got"
        f" {found.digest} ({found.path}): take the copy in the launch's folder plugins/"
    )
