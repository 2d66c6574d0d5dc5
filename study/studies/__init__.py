"""The studies: each module of this package exports one ``STUDY``. A new file here is a new study everywhere.

The file has the name of its study, with ``_`` for ``-``: whether there is a study is known without loading any.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from study.design import brought
from study.design.brought import Brought
from study.design.study import Study
from study.formatting import did_you_mean, quoted


@cache
def names() -> tuple[str, ...]:
    """Return the names of the built-in studies, in alphabetical order."""
    return tuple(sorted(info.name.replace("_", "-") for info in iter_modules(__path__)))


@cache
def studies() -> dict[str, Study]:
    """Return the built-in studies by name, in alphabetical order."""
    return {name: find(name) for name in names()}


def of_plugins() -> dict[str, Brought[Study]]:
    """Return the studies that loaded plugins bring, by name, with the names of the plugins.

    Raises:
        ValueError: if one is no study, or has the name of another one.
    """
    return brought.studies(names())


def find(name: str) -> Study:
    """Return the study of a name: a built-in one, or that of a loaded plugin.

    Raises:
        ValueError: if there is no such study; lists the names.
    """
    if name not in names():
        own = of_plugins()
        if name in own:
            return own[name].value
        known = (*names(), *own)
        raise ValueError(f"study must be one of {', '.join(known)}, got {quoted(name)}{did_you_mean(name, known)}")
    study: Study = import_module(f"{__name__}.{name.replace('-', '_')}").STUDY
    return study
