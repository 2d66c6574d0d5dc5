"""The candidates over the two most important axes of numbers, above the success rate that a model predicts there."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure as Canvas

from search_spaces import Options, Range, Space
from study.report.drawing import svg
from study.report.drawing.figure import Figure
from study.report.drawing.scales import scale
from study.report.drawing.shades import shade
from study.report.drawing.svg import COLORS, Picture
from study.report.views import SearchView
from study.search.candidates import Candidate

if TYPE_CHECKING:  # brings scikit-learn, and only a search needs it
    from study.search.dependence import Surface

WIDTH = 440.0
"""Units, so that letters stay legible on a phone."""
_LEFT, _RIGHT, _HEAD, _HEIGHT, _FOOT = 62.0, 12.0, 14.0, 300.0, 46.0
_KEY = 24.0
_EDGE = "#ffffff"
"""Edge of marks on light paper and on dark: the colors of low rates are dark."""
_MARKS = "osD^vPX"
_SMALLEST, _LARGEST = 22.0, 170.0
_CROWDED = 250
"""More marks are drawn smaller, so that together they hide no more."""
_SPOKEN = 10
_LETTER = 6.9


def picture(space: Space, surface: "Surface", candidates: Sequence[Candidate], shapes: Options | None) -> Picture:
    """Return the map.

    Args:
        candidates: best first; those that lack one of the two axes are left out.
        shapes: the axis that the points' shapes tell.
    """
    own = placed(surface, candidates)
    best = ", ".join(f"#{each.cell} {each.successes} of {each.n}" for each in own[:_SPOKEN])
    label = (
        f"{len(own)} candidates over {surface.second} and {surface.first}, above the predicted success rate."
        f" The best: {best}"
    )
    return Picture(draw=partial(draw, space, surface, own, shapes), label=label)


def placed(surface: "Surface", candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates that have both axes."""
    return [own for own in candidates if surface.first in own.point and surface.second in own.point]


def draw(space: Space, surface: "Surface", candidates: Sequence[Candidate], shapes: Options | None) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    axes = {axis.name: axis for axis in space.axes}
    x, y = axes[surface.second], axes[surface.first]
    assert isinstance(x, Range)
    assert isinstance(y, Range)
    marks = {} if shapes is None else {label: _MARKS[place % len(_MARKS)] for place, label in enumerate(shapes.labels)}
    rows = 2 + bool(marks)
    figure = svg.blank(_HEAD + _HEIGHT + _FOOT + _KEY * rows, WIDTH)
    plot = svg.axes(figure, _LEFT, _HEAD, WIDTH - _LEFT - _RIGHT, _HEIGHT)
    _frame(plot, x, y)
    _shaded(plot, surface)
    most = max((own.n for own in candidates), default=1)
    crowded = min(1.0, sqrt(_CROWDED / max(len(candidates), 1)))
    for own in reversed(candidates):
        plot.scatter(
            [float(own.point[x.name])], [float(own.point[y.name])],
            s=crowded * (_SMALLEST + (_LARGEST - _SMALLEST) * own.n / most),
            marker=marks.get(str(own.point.get(shapes.name)), "o") if shapes else "o",
            color=shade(own.successes / own.n), edgecolors=_EDGE, linewidths=1.2 * crowded, zorder=3,
            clip_on=False,
        )  # fmt: skip
    _key(figure, _HEAD + _HEIGHT + _FOOT, most, crowded)
    if shapes is not None:
        _shapes(figure, _HEAD + _HEIGHT + _FOOT + 2 * _KEY, shapes.name, marks)
    return figure


def _frame(plot: Plot, x: Range, y: Range) -> None:
    scale(plot, x)
    scale(plot, y, "y")
    plot.tick_params(labelsize=11)
    for name, axis in (("xlabel", x), ("ylabel", y)):
        plot.set(**{name: f"{axis.name}{' (log scale)' if axis.domain.log else ''}"})
    plot.xaxis.label.set(size=12, color=COLORS["ink"])
    plot.yaxis.label.set(size=12, color=COLORS["ink"])


def _shaded(plot: Plot, surface: "Surface") -> None:
    mean = np.array([[nan if value is None else value for value in row] for row in surface.mean])
    levels = np.linspace(0, 1, 11)
    colors = [shade(float(low + 0.05)) for low in levels[:-1]]
    x, y = ([float(value) for value in values] for values in (surface.columns, surface.rows))
    plot.contourf(x, y, np.ma.masked_invalid(mean), levels=levels, colors=colors, zorder=1)


def _key(figure: Canvas, top: float, most: int, crowded: float) -> None:
    """Draw the key: colors of rates and sizes of numbers."""
    ax = _strip(figure, top)
    for place in range(40):
        left = _LEFT + 3 * place
        ax.fill_between([left, left + 3.2], 6, 16, color=shade((place + 0.5) / 40), linewidth=0)
    ax.text(_LEFT - 8, 11, "0", ha="right", va="center", fontsize=11)
    ax.text(_LEFT + 128, 11, "1  share converged", va="center", fontsize=11)
    ax = _strip(figure, top + _KEY)
    ax.text(_LEFT, 11, "replicas", va="center", fontsize=11, color=COLORS["muted"])
    start = _LEFT + 16 + _LETTER * len("replicas")
    for n in dict.fromkeys((1, most)):
        area = crowded * (_SMALLEST + (_LARGEST - _SMALLEST) * n / most)
        ax.scatter([start], [11], s=area, color=COLORS["muted"], linewidths=0)
        ax.text(start + 12, 11, str(n), va="center", fontsize=11)
        start += 34 + _LETTER * len(str(n))


def _shapes(figure: Canvas, top: float, name: str, marks: Mapping[str, str]) -> None:
    ax = _strip(figure, top)
    ax.text(_LEFT, 11, name, va="center", fontsize=11, color=COLORS["muted"])
    place = _LEFT + 16 + _LETTER * len(name)
    for label, mark in marks.items():
        ax.scatter([place], [11], s=60, marker=mark, color=COLORS["muted"], linewidths=0)
        ax.text(place + 11, 11, label, va="center", fontsize=11)
        place += 32 + _LETTER * len(label)


def _strip(figure: Canvas, top: float) -> Plot:
    ax = svg.axes(figure, 0, top, WIDTH, 22)
    ax.set_xlim(0, WIDTH)
    ax.set_ylim(22, 0)
    ax.axis("off")
    return ax


def _picture(view: SearchView) -> Picture | None:
    return None if view.surface is None else picture(view.space, view.surface, view.candidates, view.shapes)


def _lead(view: SearchView) -> Markup:
    return Markup("<h3>{}</h3>").format(" and ".join(axis.name for axis in view.mapped))


def _caption(view: SearchView) -> Markup:
    unplaced = sum(any(axis.name not in own.point for axis in view.mapped) for own in view.candidates)
    verb = "candidate lacks" if unplaced == 1 else "candidates lack"
    return Markup(
        "{}Each mark is a candidate: its color the share of its replicas that converged, its area their number{}."
        " Behind: the rate that the model predicts there.{}"
    ).format(
        "The two most important axes of numbers. " if view.decisive else "",
        f", its shape {view.shapes.name}" if view.shapes else "",
        f" {unplaced} {verb} one of the two axes." if unplaced else "",
    )


FIGURE = Figure(
    name="landscape",
    shows="the candidates of a search over its two most important axes",
    of=SearchView,
    section="dependence",
    place=1,
    picture=_picture,
    layout="narrow",
    lead=_lead,
    caption=_caption,
)
