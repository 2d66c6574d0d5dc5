"""Sensitivity: success against each threshold that changes something, and the verdicts that it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from textwrap import wrap

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study.evidence.judging import Verdict
from study.evidence.sensitivity import Sensitivity
from study.outcomes.outcome import Outcome
from study.outcomes.rule import Value
from study.report import phrases
from study.report.drawing import panels, svg
from study.report.drawing.figure import Figure
from study.report.drawing.panels import Entry, Panels
from study.report.drawing.svg import COLORS, Picture
from study.report.views import GridView

_COLUMNS, _PANEL, _BAND = 3, 92.0, 22.0
_HEAD, _FOOT, _GAP, _END = 24.0, 26.0, 40.0, 16.0
_ROW = _HEAD + _PANEL + _FOOT
_LETTER, _LINE = 6.2, 13.0
_MOST = 7
"""Most hypotheses side by side."""
_FILLS = {Verdict.SUPPORTED: Outcome.CONVERGED, Verdict.CONTRADICTED: Outcome.DIVERGED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """What the figure shows.

    Attributes:
        rates: thresholds that change a rate, a panel each.
        verdicts: thresholds that change a verdict, a row each.
        arranged: the looks of the lines, one per cell.
        names: cell to the name of its line.
    """

    rates: Sequence[Sensitivity]
    verdicts: Sequence[Sensitivity]
    arranged: Panels
    names: Mapping[int, str]


def picture(view: GridView) -> Picture | None:
    """Return all thresholds that change a rate or a verdict; None if there are none."""
    found = view.sensitivities
    if not found:
        return None
    levels = {summary.cell: summary.levels for summary in view.launch.summaries}
    seen = {
        each.cell: Entry(name=each.name, levels=levels.get(each.cell, {}))
        for each in found[0].cells
        if any(rate.n for rate in each.rates)
    }
    arranged = view.panels(seen)
    drawing = Drawing(
        rates=[each for each in found if each.moves_rates],
        verdicts=[each for each in found if each.moves_verdicts],
        arranged=arranged,
        names={cell: name for panel in arranged.panels for name, cell in panel.lines.items()},
    )
    label = ". ".join(f"Success against {own.name}, {_span(own)}. {_spoken(own)}" for own in found)
    return Picture(draw=partial(draw, drawing), label=label)


def _span(found: Sensitivity) -> str:
    return f"which is {_tick(found.own)} in the rule and here {found.span}"


def _spoken(found: Sensitivity) -> str:
    return "; ".join(f"{own.hypothesis.name}: {phrases.by_threshold(found, own)}" for own in found.hypotheses)


def draw(drawing: Drawing) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    keyed = drawing.arranged.keyed and bool(drawing.rates)
    top = panels.KEY if keyed else 0.0
    rows = -(-len(drawing.rates) // _COLUMNS)
    count = len(_hypotheses(drawing))
    parts = [range(first, min(first + _MOST, count)) for first in range(0, count, _MOST)]
    heights = [_matrix_height(drawing, part) for part in parts]
    figure = svg.blank(top + rows * _ROW + sum(heights))
    if keyed:
        panels.key(figure, drawing.arranged, _GAP)
    width = (svg.WIDTH - _END) / _COLUMNS - _GAP
    for number, own in enumerate(drawing.rates):
        row, column = divmod(number, _COLUMNS)
        ax = svg.axes(figure, _GAP + column * (width + _GAP), top + _HEAD + row * _ROW, width, _PANEL)
        _rates(ax, own, drawing)
    top += rows * _ROW
    for part, height in zip(parts, heights, strict=True):
        _matrix(figure, drawing, part, top)
        top += height
    panels.remark(figure, drawing.arranged)
    return figure


def _hypotheses(drawing: Drawing) -> list[str]:
    return [own.hypothesis.name for own in drawing.verdicts[0].hypotheses] if drawing.verdicts else []


def _rates(ax: Axes, found: Sensitivity, drawing: Drawing) -> None:
    _scale(ax, found)
    ax.set_title(found.name, loc="left", fontsize=11, pad=6, color=COLORS["ink"])
    ax.set_ylim(0, 1.03)
    ax.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid(axis="y", linewidth=0.8)
    for own in found.cells:
        if own.cell in drawing.names:
            name = drawing.names[own.cell]
            color, dashes = drawing.arranged.look(name)
            shares = [rate.rate for rate in own.rates]
            ax.plot(shares, color=color, linestyle=dashes, linewidth=1.6, label=name, clip_on=False, zorder=3)


def _scale(ax: Axes, found: Sensitivity) -> None:
    """Set an axis on which a threshold's values are evenly spaced; its ends and the rule's own value are named."""
    values = found.thresholds
    own, last = values.index(found.own), len(values) - 1
    ax.set_xlim(0, max(last, 1))
    named = range(len(values)) if isinstance(found.own, str) else sorted({0, own, last})
    ax.set_xticks(list(named), [_tick(values[place]) for place in named])
    ax.tick_params(labelsize=10)
    ax.axvline(own, color=COLORS["ink"], linewidth=1.2, linestyle=(0, (1, 2)))


def _tick(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _matrix_height(drawing: Drawing, part: Sequence[int]) -> float:
    return _head(drawing, part) + _BAND * len(drawing.verdicts) + _FOOT


def _head(drawing: Drawing, part: Sequence[int]) -> float:
    return _HEAD + _LINE * max(len(_titled(_hypotheses(drawing)[place], len(part))) for place in part)


def _titled(name: str, columns: int) -> list[str]:
    return wrap(name, max(4, int(_column(columns) / _LETTER))) or [name]


_LEFT = 160.0
"""Room for the names of thresholds."""


def _column(columns: int) -> float:
    return (svg.WIDTH - _LEFT - _END) / columns - 12


def _matrix(figure: Canvas, drawing: Drawing, part: Sequence[int], top: float) -> None:
    """Draw a row per threshold and a column per hypothesis: the verdict along the threshold's plausible range."""
    head, width = _head(drawing, part), _column(len(part))
    for column, place in enumerate(part):
        left = _LEFT + column * (width + 12)
        ax = svg.axes(figure, left, top + head, width, _BAND * len(drawing.verdicts))
        title = "\n".join(_titled(_hypotheses(drawing)[place], len(part)))
        ax.set_title(title, loc="left", fontsize=10.5, pad=6, color=COLORS["ink"])
        ax.set_xlim(0, 1)
        ax.set_ylim(len(drawing.verdicts) - 0.5, -0.5)
        ax.spines[:].set_visible(False)
        ax.set_xticks(())
        names = [own.name for own in drawing.verdicts] if column == 0 else []
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(axis="y", length=0, pad=8, labelcolor=COLORS["ink"], labelsize=9.5)
        for row, own in enumerate(drawing.verdicts):
            _band(ax, row, own, own.hypotheses[place].verdicts)


def _band(ax: Axes, row: int, found: Sensitivity, verdicts: Sequence[Verdict]) -> None:
    """Draw the verdicts along a threshold's values, and mark the rule's own value."""
    count, start = len(verdicts), 0
    for verdict, group in groupby(verdicts):
        stop = start + len(list(group))
        _segment(ax, row, (start / count, stop / count), verdict)
        start = stop
    own = (found.thresholds.index(found.own) + 0.5) / count
    ax.plot([own, own], [row - 0.4, row + 0.4], color=COLORS["ink"], linewidth=1.2, linestyle=(0, (1, 2)))


def _segment(ax: Axes, row: int, span: tuple[float, float], verdict: Verdict) -> None:
    low, high = span
    outcome = _FILLS.get(verdict)
    fill = COLORS["rule"] if outcome is None else svg.color(outcome)
    ax.barh(row, high - low, left=low, height=0.72, color=fill, edgecolor=COLORS["paper"], linewidth=1.2)
    scale = ax.get_window_extent().width
    room = (high - low) * scale
    text = next((own for own in (verdict.value, verdict.value[:1]) if room > 8 + _LETTER * len(own)), "")
    on = COLORS["ink"] if outcome is None else svg.on_color(outcome)
    ax.text(low + 4 / scale, row, text, va="center", color=on, fontsize=9.5)


FIGURE = Figure(
    name="sensitivity",
    shows="success and verdicts against each threshold of the rule that changes them",
    of=GridView,
    section="sensitivity",
    picture=picture,
    region="Sensitivity to the thresholds",
    lead=lambda _: Markup(
        "<p>How success would change if one threshold of the rule stood elsewhere in its plausible range and all else"
        " were the same, from the stored traces: one line per cell, and below it the verdicts that change. Dotted: the"
        " value in the rule.</p>"
    ),
)
