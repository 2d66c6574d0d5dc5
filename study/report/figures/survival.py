"""Survival curves: the share of each cell's replicas that has not failed yet, over generator steps."""

from collections.abc import Mapping, Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study import formatting
from study.evidence.time_to_failure import CellSurvival
from study.report.drawing import panels, svg
from study.report.drawing.figure import Figure
from study.report.drawing.panels import Entry, Panel, Panels
from study.report.drawing.svg import COLORS, Picture
from study.report.views import View

_BANDS = 3
"""Largest number of lines in a panel whose intervals are shaded."""


def picture(view: View) -> Picture | None:
    """Return the curves of all shown cells with an outcome; None if there are none."""
    seen = {curve.cell: curve for curve in view.survival if curve.n}
    if not seen:
        return None
    entries = {
        cell: Entry(name=own.name, levels=own.levels, note=f"{own.n} replicas" + _fate(own))
        for cell, own in seen.items()
    }
    label = "Share of replicas that have not failed yet. " + "; ".join(
        f"{curve.name}: {formatting.number(float(curve.survival[-1]))} of {curve.n} at the end"
        for curve in seen.values()
    )
    found = view.panels(entries, line="share that has not failed yet")
    return Picture(draw=partial(draw, found, seen), label=label)


def _fate(own: CellSurvival) -> str:
    counts = ((own.stopped, "stopped"), (own.audited, "audited"))
    return "".join(f", {count} {what}" for count, what in counts if count)


def draw(found: Panels, curves: Mapping[int, CellSurvival]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    columns = 2 if len(found.panels) in (2, 4) else min(3, len(found.panels))
    gap, end, head, height, foot = 40, 16, 24, 132, 38
    top = panels.KEY if found.keyed else 0
    width = min(420.0, (svg.WIDTH - end) / columns - gap)
    below = head + height + foot
    figure = svg.blank(top + below * -(-len(found.panels) // columns))
    if found.keyed:
        panels.key(figure, found, gap)
    panels.remark(figure, found)
    last = max(float(curve.step[-1]) for curve in curves.values()) or 1.0
    for number, panel in enumerate(found.panels):
        row, column = divmod(number, columns)
        ax = svg.axes(figure, gap + column * (width + gap), top + head + row * below, width, height)
        _panel(ax, found, panel, curves, last)
    return figure


def _panel(ax: Axes, found: Panels, panel: Panel, curves: Mapping[int, CellSurvival], last: float) -> None:
    ax.set_title(panel.title, loc="left", fontsize=11.5, pad=7, color=COLORS["ink"])
    ax.set_xlim(0, last)
    ax.set_ylim(0, 1.03)
    ax.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid(axis="y", linewidth=0.8)
    ax.locator_params(axis="x", nbins=4)
    ax.tick_params(labelsize=10.5)
    ax.set_xlabel("generator steps", fontsize=10.5, labelpad=1)
    for name, cell in panel.lines.items():
        _curve(ax, curves[cell], name, found.look(name), last, shaded=len(panel.lines) <= _BANDS)
    if not found.keyed:
        ax.legend(loc="best", fontsize=9.5, frameon=False, handlelength=2.2, labelspacing=0.25)


def _curve(ax: Axes, curve: CellSurvival, name: str, look: tuple[str, object], last: float, *, shaded: bool) -> None:
    color, dashes = look
    step = [*curve.step.tolist(), last]

    def held(values: Sequence[float]) -> list[float]:
        return [*values, values[-1]]

    if shaded:
        low, high = held(curve.low.tolist()), held(curve.high.tolist())
        ax.fill_between(step, low, high, step="post", color=color, alpha=0.13, linewidth=0)
    survival = held(curve.survival.tolist())
    ax.step(
        step, survival, where="post", color=color, linestyle=dashes, linewidth=1.9, label=name, clip_on=False, zorder=3
    )


def _lead(view: View) -> Markup:
    return Markup(
        "<p>The share of replicas that has not failed by collapse or blow-up (Kaplan–Meier; shaded, where at most"
        " three lines share a panel: 95&nbsp;% intervals by Greenwood’s variance of log(−log)). Survival is no success:"
        " a replica that learns nothing survives. A replica without a failure is censored at the planned steps.{}</p>"
    ).format(f" {view.words.survival}" if view.words.survival else "")


def _instead(view: View) -> str:
    """Say that nothing failed, in place of curves that are all the same line."""
    seen = [curve for curve in view.survival if curve.n]
    if any(float(curve.survival.min()) < 1 or curve.stopped for curve in seen):
        return ""
    replicas = sum(curve.n for curve in seen)
    return (
        f"Not one of {formatting.plural(replicas, 'replica')} failed by collapse or blow-up: every curve of survival"
        " would be a line at 1. Survival is no success, since a replica that learns nothing survives."
    )


FIGURE = Figure(
    name="survival",
    shows="the share of replicas that has not failed, over steps",
    of=View,
    section="survival",
    picture=picture,
    region="Survival curves",
    lead=_lead,
    instead=_instead,
)
