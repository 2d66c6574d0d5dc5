"""How the success rate depends on each axis: the model's curve with its band, and where the candidates lie."""

from collections.abc import Sequence
from functools import partial
from math import nan
from typing import TYPE_CHECKING

from markupsafe import Markup
from matplotlib.axes import Axes as Plot
from matplotlib.figure import Figure as Canvas

from search_spaces import Axis, Options, Range, Space
from study import formatting
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.drawing.figure import Figure, Part
from study.report.drawing.scales import scale
from study.report.drawing.svg import COLORS, Picture
from study.report.views import SearchView
from study.search.candidates import Candidate

if TYPE_CHECKING:  # brings scikit-learn, and only a search needs it
    from study.search.dependence import Dependence

WIDTH = 400.0
"""Units of a panel, so that letters stay legible on a phone."""
_LEFT, _RIGHT, _HEAD, _HEIGHT, _FOOT = 38.0, 16.0, 32.0, 120.0, 34.0
_BELOW = _HEAD + _HEIGHT + _FOOT
_CROWDED = 60
"""Number of strokes above which a rug is drawn fainter."""
_RUG = -0.075
"""The rug's height, below 0."""


def picture(space: Space, found: "Dependence", candidates: Sequence[Candidate]) -> Picture:
    """Return one panel."""
    label = f"Predicted success rate by {found.axis}: " + ", ".join(
        f"{value if isinstance(value, str) else f'{value:.3g}'} {formatting.number(mean)}"
        f" {formatting.interval(low, high)}"
        for value, mean, low, high in zip(found.values, found.mean, found.low, found.high, strict=True)
    )
    return Picture(draw=partial(draw, space, [found], candidates), label=label)


def all_panels(space: Space, found: Sequence["Dependence"], candidates: Sequence[Candidate]) -> Picture | None:
    """Return all axes side by side, for a file."""
    label = ". ".join(picture(space, own, candidates).label for own in found)
    return Picture(draw=partial(draw, space, found, candidates), label=label) if found else None


def draw(space: Space, found: Sequence["Dependence"], candidates: Sequence[Candidate]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    columns = min(2, len(found))
    figure = svg.blank(_BELOW * -(-len(found) // columns), WIDTH * columns)
    axes = {axis.name: axis for axis in space.axes}
    for number, own in enumerate(found):
        row, column = divmod(number, columns)
        place = (column * WIDTH + _LEFT, row * _BELOW + _HEAD)
        plot = svg.axes(figure, *place, WIDTH - _LEFT - _RIGHT, _HEIGHT)
        values = [each.point[own.axis] for each in candidates if own.axis in each.point]
        _frame(plot, axes[own.axis])
        axis = axes[own.axis]
        if isinstance(axis, Options):
            _labels(plot, axis, own)
        else:
            _curve(plot, axis, own)
            _rug(plot, [float(value) for value in values])
    return figure


def _frame(plot: Plot, axis: Axis) -> None:
    plot.set_ylim(2 * _RUG, 1.03)
    plot.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    plot.grid(axis="y", linewidth=0.8)
    plot.spines["bottom"].set_visible(False)
    plot.tick_params(labelsize=11)
    when = "".join(f", with {formatting.joined(labels, 'or')}" for labels in axis.when.values())
    log = isinstance(axis, Range) and axis.domain.log
    plot.set_title(axis.name, loc="left", x=-_LEFT / (WIDTH - _LEFT - _RIGHT), fontsize=12.5, pad=9,
                   fontweight="bold", color=COLORS["ink"])  # fmt: skip
    plot.set_title("log scale" * log + when[2 * (not log) :], loc="right", fontsize=11, pad=9, color=COLORS["muted"])


def _curve(plot: Plot, axis: Range, found: "Dependence") -> None:
    scale(plot, axis)
    color = svg.color(Outcome.CONVERGED)
    values = [float(value) for value in found.values]
    plot.fill_between(values, found.low, found.high, color=color, alpha=0.16, linewidth=0)
    plot.plot(values, found.mean, color=color, linewidth=2, clip_on=False)
    plot.axvline(float(axis.default), ymin=0.11, color=COLORS["muted"], linewidth=1, linestyle=(0, (1, 2)))


def _labels(plot: Plot, axis: Options, found: "Dependence") -> None:
    color = svg.color(Outcome.CONVERGED)
    for place, (low, mean, high) in enumerate(zip(found.low, found.mean, found.high, strict=True)):
        plot.plot([place, place], [low, high], color=color, linewidth=2.5, alpha=0.45, solid_capstyle="butt")
        plot.plot(place, mean, marker="o", markersize=8, color=color, clip_on=False)
    names = [f"{_short(str(label))}\n{count}" for label, count in zip(found.values, found.n_near, strict=True)]
    plot.set_xticks(range(len(names)), names)
    plot.tick_params(axis="x", length=0, labelcolor=COLORS["ink"], labelsize=11 if len(names) < 6 else 9.5)
    plot.set_xlim(-0.6, len(names) - 0.4)


def _rug(plot: Plot, values: Sequence[float]) -> None:
    """Draw all marks as one path."""
    places = [place for value in values for place in (value, value, nan)]
    heights = [2 * _RUG, 0.3 * _RUG, nan] * len(values)
    faint = min(0.5, _CROWDED / max(len(values), 1))
    plot.plot(places, heights, color=COLORS["ink"], linewidth=0.8, alpha=max(faint, 0.12), clip_on=False)


def _short(label: str) -> str:
    return label if len(label) <= 14 else f"{label[:13]}…"


def _parts(view: SearchView) -> Sequence[Part]:
    return [Part(picture=picture(view.space, own, view.candidates)) for own in view.dependences]


def _lead(view: SearchView) -> Markup:
    first = "; the most important axis first" if view.decisive else ""
    return Markup(
        "<p>The success rate that a model of the candidates predicts along each axis, averaged over the other axes as"
        " the candidates have them{}.</p>"
    ).format(first)


FIGURE = Figure(
    name="dependence",
    shows="the success rate that a model predicts along each axis of a search",
    of=SearchView,
    section="dependence",
    picture=lambda view: all_panels(view.space, view.dependences, view.candidates),
    parts=_parts,
    layout="panels",
    lead=_lead,
    caption=lambda _: Markup(
        "Shaded, or lines at labels: 95&nbsp;% bootstrap band. Strokes below: the candidates; numbers under labels: how"
        " many there are. Dotted: the default. Forests smooth: peaks come out lower than they are, and where no"
        " candidate is near, a curve is a guess."
    ),
)
