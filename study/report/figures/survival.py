"""Survival curves: the share of each cell's replicas that has not failed yet, over generator steps."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study import formatting
from study.design.study import Contrast
from study.evidence.time_to_failure import CellSurvival
from study.report.figures import panels, svg
from study.report.figures.panels import Panel, Panels
from study.report.figures.svg import COLORS, Picture

_BANDS = 3
"""Intervals are shaded where at most so many lines share a panel."""


def picture(factors: Sequence[str], contrasts: Sequence[Contrast], curves: Sequence[CellSurvival]) -> Picture | None:
    """The curves of all cells with an outcome; nothing if there are none."""
    seen = {curve.cell: curve for curve in curves if curve.n}
    if not seen:
        return None
    return _picture(panels.arrange(factors, contrasts, {c: (own.name, own.levels) for c, own in seen.items()}), seen)


def of_candidates(curves: Sequence[CellSurvival]) -> Picture | None:
    """The same for cells that lie where a sampler put them: one to a panel, titled by its number."""
    seen = {curve.cell: replace(curve, name=f"#{curve.cell}") for curve in curves if curve.n}
    titles = {cell: f"{own.name}: {own.n} replicas" + _fate(own) for cell, own in seen.items()}
    return _picture(panels.each(titles, "share that has not failed yet"), seen) if seen else None


def _fate(own: CellSurvival) -> str:
    counts = ((own.stopped, "stopped"), (own.audited, "audited"))
    return "".join(f", {count} {what}" for count, what in counts if count)


def _picture(found: Panels, seen: Mapping[int, CellSurvival]) -> Picture:
    label = "Share of replicas that have not failed yet. " + "; ".join(
        f"{curve.name}: {formatting.number(float(curve.survival[-1]))} of {curve.n} at the end"
        for curve in seen.values()
    )
    return Picture(draw=partial(draw, found, seen), label=label)


def draw(found: Panels, curves: Mapping[int, CellSurvival]) -> Figure:
    """The figure; to be called within ``svg.drawing``."""
    columns = min(3, len(found.panels))
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
