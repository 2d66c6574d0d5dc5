"""Which cells share a panel of lines: those that differ in one factor, a panel for each setting of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from study.design.study import Contrast
from study.report import phrases
from study.report.drawing import design_axes, svg
from study.report.drawing.svg import COLORS
from study.report.palette import SERIES

LINES = len(SERIES)
"""Most lines in a panel."""
_PANELS = 24
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (3, 1)), (0, (1, 3)))
KEY, _LINE = 28.0, 40.0
"""Height of the key over the panels, and units that the sample of a line takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Cells that differ in one factor: name of the line to number of the cell."""

    title: str
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """All panels of one picture.

    Attributes:
        factor: whose levels the lines are; empty if the lines are cells.
        names: the lines' names, each with the same look in every panel; more than ``LINES`` share looks.
        left_out: cells that found no room.
    """

    factor: str
    panels: tuple[Panel, ...]
    names: tuple[str, ...]
    left_out: int

    def look(self, name: str) -> tuple[str, Any]:
        """Return color and dashes of a line."""
        place = self.names.index(name) % LINES
        return COLORS[f"series-{place}"], _DASHES[place]

    @property
    def keyed(self) -> bool:
        """Whether one key serves all panels; each has its own if not, or if the names are too long for a row."""
        return len(self.names) <= LINES and sum(map(_wide, (self.factor, *self.names))) < svg.WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a cell that gets a line; ``note`` is said where it has a panel to itself."""

    name: str
    levels: Mapping[str, str]
    note: str = ""


def arrange(factors: Sequence[str], contrasts: Sequence[Contrast], cells: Mapping[int, Entry]) -> Panels:
    """Lay out lines: the levels of the first contrast's factor or of the one with the fewest levels, six to a panel."""
    held = [entry.levels for entry in cells.values()]
    varied = design_axes.varied(factors, held)
    if len({tuple(levels.get(name) for name in varied) for levels in held}) < len(held):
        varied = ()  # tags that several cells share
    counts = {name: len(design_axes.ordered(name, held)) for name in varied}
    compared = [own.factor for own in contrasts if own.factor in varied and counts[own.factor] <= LINES]
    factor = next(iter(compared), min(varied, key=counts.__getitem__, default=""))
    others = [name for name in varied if name != factor]
    groups: dict[tuple[str, ...], dict[str, int]] = {}
    for cell, entry in cells.items():
        group = groups.setdefault(tuple(entry.levels.get(other, "none") for other in others), {})
        group[entry.levels.get(factor, entry.name)] = cell
    panels = [
        Panel(title=phrases.levels(dict(zip(others, key, strict=True))), lines=dict(part))
        for key, lines in groups.items()
        for first in range(0, len(lines), LINES)
        for part in [list(lines.items())[first : first + LINES]]
    ]
    shown = panels[:_PANELS]
    return Panels(
        factor=factor,
        panels=tuple(shown),
        names=tuple(dict.fromkeys(name for panel in shown for name in panel.lines)),
        left_out=len(cells) - sum(len(panel.lines) for panel in shown),
    )


def each(cells: Mapping[int, str], line: str) -> Panels:
    """Lay out a panel for every cell, with its name as title and one line of the given name."""
    panels = tuple(Panel(title=name, lines={line: cell}) for cell, name in cells.items())
    return Panels(factor="", panels=panels[:_PANELS], names=(line,), left_out=max(0, len(panels) - _PANELS))


def key(figure: Figure, found: Panels, left: float, top: float = 0.0) -> None:
    """Draw the names of the lines in one row."""
    ax = svg.axes(figure, 0, top, svg.WIDTH, 20)
    ax.set_xlim(0, svg.WIDTH)
    ax.set_ylim(20, 0)
    ax.axis("off")
    place = left
    if found.factor:
        ax.text(place, 10, found.factor, va="center", fontsize=11, color=COLORS["muted"])
        place += _wide(found.factor) - _LINE
    for name in found.names:
        color, dashes = found.look(name)
        ax.plot([place, place + 26], [10, 10], color=color, linestyle=dashes, linewidth=2)
        ax.text(place + 32, 10, name, va="center", fontsize=11)
        place += _wide(name)


def remark(figure: Figure, found: Panels) -> None:
    """Say at the foot of the figure how many cells are not in it."""
    if found.left_out:
        verb = "cell has" if found.left_out == 1 else "cells have"
        text = f"{found.left_out} more {verb} no room here; cells.csv has all"
        figure.text(0.99, 0.0, text, ha="right", va="bottom", fontsize=10.5, color=COLORS["muted"])


def _wide(name: str) -> float:
    """Return about how many units a line with its name takes."""
    return _LINE + 14 + 6.8 * len(name)
