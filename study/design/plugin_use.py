"""The plugins that a plan needs: by name, version and digest, and in this process."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from study.design.values import leaves
from trainables import plugins
from trainables.config import Config, to_dict
from trainables.plugins import Plugin


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginUse:
    """A plugin that a plan needs; ``digest`` is over its source."""

    name: str
    version: str
    digest: str


def uses(configs: Iterable[Config], *others: Any) -> tuple[PluginUse, ...]:
    """Return the plugins whose kinds configurations or other JSON values name, and those that measure something."""
    words = {value for config in configs for _, value in leaves(to_dict(config)) if isinstance(value, str)}
    words |= {value for other in others for _, value in leaves(other) if isinstance(value, str)}
    found = plugins.needed(words)
    return tuple(PluginUse(name=own.name, version=own.version, digest=own.digest) for own in found)


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
