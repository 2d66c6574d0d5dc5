"""Rows of labels, and pictures of intervals on one scale: what figures with a row per cell share."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from study import formatting
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.drawing.svg import COLORS
from study.report.palette import LOOKS

ROW, HEAD, FOOT = 26, 22, 26
"""Heights of a row, and of what stands above and below all rows."""
_LETTER = 6.7
"""About the width of a letter at the size of the row labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalRow:
    """One row of a picture of intervals.

    Attributes:
        label: what the row is; ``counts`` and ``value`` are written at its right.
        point: the estimate, absent if nothing was observed.
        low, high: the interval.
        also: a second, lesser estimate on the same row.
        head: the row is a heading of those below it, its label alone.
    """

    label: str
    counts: str
    value: str
    point: float | None
    low: float
    high: float
    also: float | None = None
    head: bool = False


def intervals(found: Sequence[IntervalRow], limits: tuple[float, float], ticks: Sequence[float], title: str) -> Figure:
    """Draw rows of intervals on one scale, with a line at 0 if it lies inside; to be called within ``svg.drawing``."""
    left, right = label_width([row.label for row in found if not row.head]), _width_of_values(found)
    height = HEAD + ROW * len(found) + FOOT
    figure = svg.blank(height)
    ax = svg.axes(figure, left, HEAD, svg.WIDTH - left - right, height - HEAD - FOOT)
    rows(ax, ["" if row.head else row.label for row in found])
    ax.set_xlim(*limits)
    ax.set_xticks(ticks, [formatting.number(t) for t in ticks])
    ax.grid(axis="x")
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0)
    above = 1 + 12 / (ROW * len(found))
    ax.text(0, above, title, transform=ax.transAxes, color=COLORS["muted"], fontsize=11, va="center")
    if limits[0] < 0:
        ax.axvline(0, color=COLORS["muted"], linewidth=1)
    for place, row in enumerate(found):
        if row.head:
            edge = blended_transform_factory(figure.transFigure, ax.transData)
            ax.text(0, place, row.label, transform=edge, va="center", fontweight="bold")
        else:
            _interval(ax, place, row)
    return figure


def _width_of_values(found: Sequence[IntervalRow]) -> float:
    """Return how many units counts and values need at the right: those of a minus sign at each number, too."""
    counts = any(row.counts for row in found)
    longest = max((len(row.value) for row in found), default=0)
    return max(196 if counts else 140, (80 if counts else 16) + longest * _LETTER + 2)


def _interval(ax: Axes, place: int, row: IntervalRow) -> None:
    converged = svg.color(Outcome.CONVERGED)
    edge = ax.get_xlim()[1]
    for text, offset in ((row.counts, 16), (row.value, 80 if row.counts else 16)):
        ax.annotate(text, (edge, place), (offset, 0), textcoords="offset points", va="center", annotation_clip=False)
    if row.point is None:
        ax.plot([row.low, row.high], [place] * 2, color=COLORS["rule"], linewidth=2, linestyle=(0, (1, 2)))
        return
    ax.plot([row.low, row.high], [place] * 2, color=converged, linewidth=2.5, solid_capstyle="butt", clip_on=False)
    if row.also is not None and row.also != row.point:
        _dot(ax, row.also, place, fill=COLORS["paper"])
    _dot(ax, row.point, place, fill=converged)


def _dot(ax: Axes, value: float, place: int, *, fill: str) -> None:
    edge = svg.color(Outcome.CONVERGED)
    ax.plot(
        value,
        place,
        linestyle="none",
        marker=LOOKS[Outcome.CONVERGED].mark,
        markersize=8,
        markerfacecolor=fill,
        markeredgecolor=edge,
        clip_on=False,
    )


def rows(ax: Axes, labels: Sequence[str]) -> None:
    """Label each row of the axes with a text, from the top down."""
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0, pad=10, labelcolor=COLORS["ink"])
    for text in ax.get_yticklabels():
        text.set_verticalalignment("center")


def label_width(labels: Sequence[str]) -> float:
    """Return about how many units the longest of the labels takes."""
    return min(400.0, 24 + _LETTER * max(map(len, labels), default=0))
