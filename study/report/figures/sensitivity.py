"""Sensitivity: success against each threshold of the rule, above the verdict that each hypothesis would get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study import formatting
from study.evidence.judging import Verdict
from study.evidence.sensitivity import Sensitivity
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.report.drawing import panels, svg
from study.report.drawing.figure import Figure
from study.report.drawing.panels import Entry, Panel, Panels
from study.report.drawing.svg import COLORS, Picture
from study.report.views import GridView

_BAND, _PANEL = 24.0, 118.0
_HEAD, _FOOT, _GAP, _END = 28.0, 38.0, 40.0, 16.0
_BELOW = _HEAD + _PANEL + _FOOT
_LETTER = 6.7
_FILLS = {Verdict.SUPPORTED: Outcome.CONVERGED, Verdict.CONTRADICTED: Outcome.DIVERGED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One threshold, with its panels and its place in the picture: from ``top`` on, ``height`` units."""

    found: Sensitivity
    arranged: Panels
    top: float
    height: float


def picture(view: GridView) -> Picture | None:
    """Return all thresholds below each other; None if there are none."""
    levels = {summary.cell: summary.levels for summary in view.launch.summaries}
    parts: list[Part] = []
    for own in view.sensitivities:
        seen = {
            each.cell: Entry(name=each.name, levels=levels.get(each.cell, {}))
            for each in own.cells
            if any(rate.n for rate in each.rates)
        }
        arranged = view.panels(seen)
        top = parts[-1].top + parts[-1].height if parts else 0.0
        parts.append(Part(found=own, arranged=arranged, top=top, height=_height(own, arranged)))
    label = ". ".join(
        f"Success against {own.name}, which is {own.own:g} in the rule. {_bands_spoken(own)}"
        for own in view.sensitivities
    )
    return Picture(draw=partial(draw, parts), label=label) if parts else None


def _bands_spoken(found: Sensitivity) -> str:
    return "; ".join(f"{own.hypothesis.name}: {phrases.by_threshold(found, own)}" for own in found.hypotheses)


def draw(parts: Sequence[Part]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    figure = svg.blank(sum(part.height for part in parts))
    for part in parts:
        _part(figure, part)
    panels.remark(figure, parts[0].arranged)
    return figure


def _columns(arranged: Panels) -> int:
    return max(1, min(3, len(arranged.panels)))


def _height(found: Sensitivity, arranged: Panels) -> float:
    key = panels.KEY if arranged.keyed else 0
    return key + _BELOW * -(-len(arranged.panels) // _columns(arranged)) + _bands_height(found)


def _bands_height(found: Sensitivity) -> float:
    return _HEAD + _BAND * len(found.hypotheses) + _FOOT + 6 if found.hypotheses else 0


def _part(figure: Canvas, part: Part) -> None:
    found, arranged = part.found, part.arranged
    columns = _columns(arranged)
    width = min(420.0, (svg.WIDTH - _END) / columns - _GAP)
    top = part.top
    if arranged.keyed:
        panels.key(figure, arranged, _GAP, top)
        top += panels.KEY
    rates = {own.cell: [rate.rate for rate in own.rates] for own in found.cells}
    for number, panel in enumerate(arranged.panels):
        row, column = divmod(number, columns)
        ax = svg.axes(figure, _GAP + column * (width + _GAP), top + _HEAD + row * _BELOW, width, _PANEL)
        _panel(ax, found, arranged, panel, rates)
    if found.hypotheses:
        left = min(330.0, 24 + _LETTER * max(len(own.hypothesis.name) for own in found.hypotheses))
        place = part.top + part.height - _bands_height(found) + _HEAD
        _bands(svg.axes(figure, left, place, svg.WIDTH - left - _END, _BAND * len(found.hypotheses)), found)


def _panel(ax: Axes, found: Sensitivity, arranged: Panels, panel: Panel, rates: Mapping[int, Sequence[float]]) -> None:
    ax.set_title(panel.title, loc="left", fontsize=11.5, pad=7, color=COLORS["ink"])
    ax.set_xlim(found.thresholds[0], found.thresholds[-1])
    ax.set_ylim(0, 1.03)
    ax.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid(axis="y", linewidth=0.8)
    ax.locator_params(axis="x", nbins=5)
    ax.tick_params(labelsize=10.5)
    ax.set_xlabel(found.name, fontsize=10.5, labelpad=1)
    ax.axvline(found.own, color=COLORS["muted"], linewidth=1, linestyle=(0, (1, 2)))
    for name, cell in panel.lines.items():
        color, dashes = arranged.look(name)
        ax.plot(
            found.thresholds,
            rates[cell],
            color=color,
            linestyle=dashes,
            linewidth=1.8,
            label=name,
            clip_on=False,
            zorder=3,
        )
    if not arranged.keyed:
        ax.legend(loc="best", fontsize=9.5, frameon=False, handlelength=2.2, labelspacing=0.25)


def _bands(ax: Axes, found: Sensitivity) -> None:
    """Draw a row per hypothesis; the verdict at a threshold reaches half-way to its neighbors."""
    values = found.thresholds
    ends = [values[0], *((a + b) / 2 for a, b in pairwise(values)), values[-1]]
    ax.set_xlim(values[0], values[-1])
    ax.set_ylim(len(found.hypotheses) - 0.5, -0.5)
    ax.spines[:].set_visible(False)
    ax.set_yticks(range(len(found.hypotheses)), [own.hypothesis.name for own in found.hypotheses])
    ax.tick_params(axis="y", length=0, pad=8, labelcolor=COLORS["ink"], labelsize=11)
    ax.tick_params(axis="x", length=0, pad=2, labelsize=10.5)
    ax.set_xlabel(f"{found.name}; dotted: {formatting.number(found.own)}, the rule’s own", fontsize=10.5, labelpad=1)
    ax.set_title("verdict at each threshold", loc="left", fontsize=11, pad=8, color=COLORS["muted"])
    for row, own in enumerate(found.hypotheses):
        start = 0
        for verdict, group in groupby(judgment.verdict for judgment in own.judgments):
            stop = start + len(list(group))
            _segment(ax, row, (ends[start], ends[stop]), verdict)
            start = stop
    ax.axvline(found.own, color=COLORS["ink"], linewidth=1.2, linestyle=(0, (1, 2)))


def _segment(ax: Axes, row: int, span: tuple[float, float], verdict: Verdict) -> None:
    low, high = span
    outcome = _FILLS.get(verdict)
    fill = COLORS["rule"] if outcome is None else svg.color(outcome)
    ax.barh(row, high - low, left=low, height=0.72, color=fill, edgecolor=COLORS["paper"], linewidth=1.2)
    scale = ax.get_window_extent().width / (ax.get_xlim()[1] - ax.get_xlim()[0])
    room = (high - low) * scale
    text = next((own for own in (verdict.value, verdict.value[:1]) if room > 12 + _LETTER * len(own)), "")
    on = COLORS["ink"] if outcome is None else svg.on_color(outcome)
    ax.text(low + 7 / scale, row, text, va="center", color=on, fontsize=10.5)


FIGURE = Figure(
    name="sensitivity",
    shows="success and verdicts against each threshold of the rule",
    of=GridView,
    section="sensitivity",
    picture=picture,
    region="Sensitivity to the thresholds",
    lead=lambda _: Markup(
        "<p>How success would change if one threshold of the rule were different and all else the same, from the stored"
        " traces; and the verdict on each hypothesis at each threshold.</p>"
    ),
)
