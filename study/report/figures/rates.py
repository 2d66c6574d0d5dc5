"""The pictures of rates: success per cell, intervals in general, and what became of the replicas."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import blended_transform_factory

from study import formatting
from study.evidence.estimates import CellSummary
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.report.figures import svg
from study.report.figures.svg import COLORS, Picture
from study.report.palette import LOOKS, ORDER

_ROW, _HEAD, _FOOT = 26, 22, 26
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


def by_rate(summaries: Sequence[CellSummary]) -> list[CellSummary]:
    """Best first; among equals the one known better, then the order of the study."""
    return sorted(summaries, key=lambda s: (s.rate.n == 0, -s.rate.rate, -s.rate.low, s.cell))


def success(summaries: Sequence[CellSummary]) -> Picture:
    """Success rate and interval of each cell on one scale; a hollow mark shows the best-checkpoint rate."""
    rows = [
        IntervalRow(
            label=s.name,
            counts=phrases.count(s.rate),
            value=phrases.share(s.rate),
            point=s.rate.rate if s.rate.n else None,
            low=s.rate.low,
            high=s.rate.high,
            also=s.ever_good.rate if s.ever_good.n else None,
        )
        for s in by_rate(summaries)
    ]
    label = "Success rate with 95 % interval: " + "; ".join(f"{r.label}: {r.counts}, {r.value}" for r in rows)
    title = "share of replicas that converged"
    return Picture(draw=partial(intervals, rows, (0.0, 1.0), (0, 0.25, 0.5, 0.75, 1), title), label=label)


def composition(summaries: Sequence[CellSummary]) -> Picture:
    """Stacked bars of outcome counts, one row per cell in the order of success; crashed and pending apart."""
    ordered = by_rate(summaries)
    label = "Outcomes: " + "; ".join(f"{s.name}: {phrases.counts(s.outcomes)}" for s in ordered)
    return Picture(draw=partial(_composition, ordered), label=label)


def _composition(ordered: Sequence[CellSummary]) -> Figure:
    most = max((_decided(s) for s in ordered), default=0) or 1
    left, right = _label_width([s.name for s in ordered]), 150
    height = _HEAD + _ROW * len(ordered) + 8
    figure = svg.blank(height)
    ax = svg.axes(figure, left, _HEAD, svg.WIDTH - left - right, height - _HEAD - 8)
    _rows(ax, [s.name for s in ordered])
    ax.set_xlim(0, most)
    ax.spines[:].set_visible(False)
    ax.set_xticks([])
    for row, summary in enumerate(ordered):
        _bar(ax, row, summary)
        remark = " + ".join(filter(None, [str(_decided(summary)), phrases.apart(summary)]))
        ax.annotate(remark, (most, row), (14, 0), textcoords="offset points", va="center", color=COLORS["muted"])
    ax.text(0, -0.75, "number of replicas", color=COLORS["muted"], va="center", fontsize=11)
    return figure


def _decided(summary: CellSummary) -> int:
    return sum(n for outcome, n in summary.outcomes.items() if outcome is not Outcome.UNDECIDED)


def _bar(ax: Axes, row: int, summary: CellSummary) -> None:
    start = 0
    for outcome in ORDER:
        n = summary.outcomes.get(outcome, 0)
        if n == 0 or outcome is Outcome.UNDECIDED:
            continue
        ax.barh(row, n, left=start, height=0.68, color=svg.color(outcome), edgecolor=COLORS["paper"], linewidth=1.5)
        ax.text(start + n / 2, row, str(n), ha="center", va="center", color=svg.on_color(outcome), fontsize=11.5)
        start += n


def intervals(rows: Sequence[IntervalRow], limits: tuple[float, float], ticks: Sequence[float], title: str) -> Figure:
    """Rows of intervals on one scale, with a line at 0 if it lies inside; to be called within ``svg.drawing``."""
    left, right = (
        _label_width([row.label for row in rows if not row.head]),
        196 if any(row.counts for row in rows) else 140,
    )
    height = _HEAD + _ROW * len(rows) + _FOOT
    figure = svg.blank(height)
    ax = svg.axes(figure, left, _HEAD, svg.WIDTH - left - right, height - _HEAD - _FOOT)
    _rows(ax, ["" if row.head else row.label for row in rows])
    ax.set_xlim(*limits)
    ax.set_xticks(ticks, [formatting.number(t) for t in ticks])
    ax.grid(axis="x")
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0)
    above = 1 + 12 / (_ROW * len(rows))
    ax.text(0, above, title, transform=ax.transAxes, color=COLORS["muted"], fontsize=11, va="center")
    if limits[0] < 0:
        ax.axvline(0, color=COLORS["muted"], linewidth=1)
    for place, row in enumerate(rows):
        if row.head:
            edge = blended_transform_factory(figure.transFigure, ax.transData)
            ax.text(0, place, row.label, transform=edge, va="center", fontweight="bold")
        else:
            _interval(ax, place, row)
    return figure


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


def _rows(ax: Axes, labels: Sequence[str]) -> None:
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.set_yticks(range(len(labels)), labels)
    ax.tick_params(axis="y", length=0, pad=10, labelcolor=COLORS["ink"])
    for text in ax.get_yticklabels():
        text.set_verticalalignment("center")


def _label_width(labels: Sequence[str]) -> float:
    return min(400.0, 24 + _LETTER * max(map(len, labels), default=0))
