"""Finds the figures: every other module of this package exports one, as ``FIGURE``."""

from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from study.launch import Launch
from study.report import figures as package
from study.report.drawing.figure import Figure
from study.report.drawing.svg import Picture
from study.report.views import View, view_of


def figures() -> list[Figure[Any]]:
    """Return all figures in the order of their names."""
    modules = (module.name for module in iter_modules(package.__path__))
    found = (import_module(f"{package.__name__}.{name}") for name in modules if name != "registry")
    return sorted((module.FIGURE for module in found), key=lambda figure: figure.name)


def named(name: str) -> Figure[Any]:
    """Return the figure of a name.

    Raises:
        ValueError: if there is none.
    """
    found = {figure.name: figure for figure in figures()}
    if name not in found:
        raise ValueError(f"figure must be one of {', '.join(found)}, got {name!r}")
    return found[name]


def needs_launch(name: str) -> bool:
    """Whether the figure shows a launch; one of the theory does not."""
    return issubclass(named(name).of, View)


def picture(name: str, launch: Launch | None = None) -> Picture:
    """Return a figure as a picture that can be saved.

    Args:
        launch: what it shows; None for a figure of the theory.

    Raises:
        ValueError: if there is no figure of that name, or the launch has nothing to show in it.
    """
    figure = named(name)
    view = None if launch is None else view_of(launch)
    found = figure.picture(view) if isinstance(view, figure.of) else None
    if found is None:
        raise ValueError(f"figure must be one that the launch has data for, got {name!r}")
    return found


def of_section(view: View, section: str) -> Sequence[Figure[Any]]:
    """Return the figures of a section of a view's page, in their order."""
    found = (own for own in figures() if own.section == section and isinstance(view, own.of))
    return sorted(found, key=lambda figure: figure.place)
