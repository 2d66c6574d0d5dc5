"""The studies: each module of this package exports one ``STUDY``. A new file here is a new study everywhere."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from study.design.study import Study


@cache
def studies() -> dict[str, Study]:
    """Return all studies by name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    return {study.name: study for study in sorted((m.STUDY for m in modules), key=lambda study: study.name)}


def find(name: str) -> Study:
    """Return the study of a name.

    Raises:
        ValueError: if there is no such study; lists the names.
    """
    known = studies()
    if name not in known:
        raise ValueError(f"study must be one of {', '.join(known)}, got {name!r}")
    return known[name]
