"""The success map: how often each setting trains, over two factors, with the border of what trains reliably.

Two factors span the map, a panel stands for each combination of the others. A cell's square has an area in proportion
to its replicas and a color for the share that converged (cividis, of even lightness steps and safe for color-blind
readers), and says k/n itself.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log10, prod, sqrt

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from study import formatting
from study.evidence import reliability
from study.evidence.estimates import CellSummary
from study.evidence.inference.proportions import Rate, wilson
from study.report.drawing import design_axes, svg
from study.report.drawing.figure import Figure
from study.report.drawing.shades import shade, text_on
from study.report.drawing.svg import COLORS, Picture
from study.report.views import GridView

_SLOT, _LETTER = 58.0, 6.6
"""Units of a slot and, about, of a letter."""
_HEAD, _FOOT, _GAP, _KEY = 26.0, 44.0, 26.0, 44.0
_MOST_PANELS, _MOST_COLUMNS, _MOST_ROWS = 12, 12, 40
_CROWDED = 2.5
"""Largest ratio of the length of a logarithmic axis to that of one with a slot per level."""
_SMALLEST, _LARGEST = 0.66, 0.94
"""Sides of squares, in slots: small ones must still hold their text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One factor of the map; ``places`` are in slots, equally spaced or (numbers, ``to_scale``) by their logarithm."""

    name: str
    labels: tuple[str, ...]
    places: tuple[float, ...]
    to_scale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One combination of the other factors; slots are (column, row), numbers of the levels of both axes."""

    title: str
    rates: Mapping[tuple[int, int], Rate]
    reliable: Collection[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessMap:
    """What is drawn. ``pooled`` factors are in no panel's title: a slot holds the replicas of all their levels."""

    x: Axis
    y: Axis
    panels: tuple[Panel, ...]
    pooled: tuple[str, ...]
    left_out: int


def lay_out(
    factors: Sequence[str], summaries: Sequence[CellSummary], reliable: Collection[int] = ()
) -> SuccessMap | None:
    """Lay out the map of a launch; None if fewer than two factors (or tags of one factor) vary, or both vary a lot.

    The axes are the factors with the most levels, numbers first; with one factor, the two of its tags that place the
    most cells and leave the fewest slots empty.

    Args:
        reliable: cells that are shown to succeed often enough; of no use where replicas are pooled.
    """
    held = [summary.levels for summary in summaries]
    varied = design_axes.varied(factors, held)
    levels = {name: design_axes.ordered(name, held) for name in varied}
    chosen = sorted(
        varied, key=lambda name: (not design_axes.numeric(levels[name]), -len(levels[name]), varied.index(name))
    )[:2]
    if len(chosen) == 2 and len(levels[chosen[0]]) > _MOST_COLUMNS:
        chosen.reverse()
    if len(chosen) < 2 or len(levels[chosen[0]]) > _MOST_COLUMNS or len(levels[chosen[1]]) > _MOST_ROWS:
        return None
    x, y = chosen
    titled = [name for name in varied if name not in chosen and name in factors]
    while prod(len(levels[name]) for name in titled) > _MOST_PANELS:
        titled.remove(max(titled, key=lambda name: len(levels[name])))
    placed = [summary for summary in summaries if x in summary.levels and y in summary.levels]
    return SuccessMap(
        x=_axis(x, levels[x]),
        y=_axis(y, levels[y]),
        panels=tuple(_panels((x, y), levels, titled, placed, reliable)),
        pooled=_pooled_over((x, y, *titled), placed),
        left_out=len(summaries) - len(placed),
    )


def picture(found: SuccessMap) -> Picture:
    """Return all panels, in rows that fill the width, above the key of the colors."""
    texts = [
        f"{panel.title or 'all'}: "
        + ", ".join(
            f"{found.x.labels[column]} / {found.y.labels[row]} {rate.successes} of {rate.n}"
            + (" (reliable)" if (column, row) in panel.reliable else "")
            for (column, row), rate in sorted(panel.rates.items())
        )
        for panel in found.panels
    ]
    label = f"Success over {found.x.name} and {found.y.name}. " + "; ".join(texts)
    return Picture(draw=partial(draw, found), label=label)


def draw(found: SuccessMap) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    left = min(340, 34 + _LETTER * max(map(len, (found.y.name, *found.y.labels))))
    width, height = (_SLOT * (axis.places[-1] + 1) for axis in (found.x, found.y))
    columns = max(1, min(len(found.panels), int((svg.WIDTH + _GAP - left) // (width + _GAP))))
    below = _HEAD + height + _FOOT
    rows = -(-len(found.panels) // columns)
    figure = svg.blank(below * rows + _KEY)
    most = max((rate.n for panel in found.panels for rate in panel.rates.values()), default=0) or 1
    for number, panel in enumerate(found.panels):
        row, column = divmod(number, columns)
        ax = svg.axes(figure, left + column * (width + _GAP), row * below + _HEAD, width, height)
        _frame(ax, found, panel.title, first=column == 0)
        for slot, rate in sorted(panel.rates.items()):
            _square(ax, found, slot, rate, most, outlined=slot in panel.reliable)
        for ends in borders(found, panel):
            ax.plot(*ends, color=COLORS["ink"], linewidth=2.6, solid_capstyle="projecting", clip_on=False, zorder=4)
    _key(figure, left, below * rows + 6)
    return figure


def borders(found: SuccessMap, panel: Panel) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Yield (xs, ys) of each edge between neighboring slots of which one is reliable and the other is not."""
    for column, row in sorted(panel.rates):
        x, y = found.x.places[column], found.y.places[row]
        for dx, dy in ((1, 0), (0, 1)):
            other = (column + dx, row + dy)
            if other not in panel.rates or ((column, row) in panel.reliable) == (other in panel.reliable):
                continue
            if dx:
                middle = (x + found.x.places[other[0]]) / 2
                yield (middle, middle), (y - 0.5, y + 0.5)
            else:
                middle = (y + found.y.places[other[1]]) / 2
                yield (x - 0.5, x + 0.5), (middle, middle)


def _axis(name: str, labels: tuple[str, ...]) -> Axis:
    places = tuple(map(float, range(len(labels))))
    if not design_axes.numeric(labels) or float(labels[0]) <= 0:
        return Axis(name=name, labels=labels, places=places, to_scale=False)
    powers = [log10(float(label)) for label in labels]
    closest = min((b - a for a, b in pairwise(powers)), default=1.0)
    if closest <= 0 or (powers[-1] - powers[0]) / closest > min(_CROWDED * (len(labels) - 1), _MOST_COLUMNS - 1):
        return Axis(name=name, labels=labels, places=places, to_scale=False)
    scaled = tuple((power - powers[0]) / closest for power in powers)
    return Axis(name=name, labels=labels, places=scaled, to_scale=True)


def _panels(
    spanned: tuple[str, str],
    levels: Mapping[str, Sequence[str]],
    titled: Sequence[str],
    placed: Sequence[CellSummary],
    reliable: Collection[int],
) -> Iterator[Panel]:
    groups: dict[tuple[str, ...], dict[tuple[int, int], list[CellSummary]]] = {}
    for summary in placed:
        slot = tuple(levels[name].index(summary.levels[name]) for name in spanned)
        group = groups.setdefault(tuple(summary.levels[name] for name in titled), {})
        group.setdefault((slot[0], slot[1]), []).append(summary)
    for labels, slots in groups.items():
        yield Panel(
            title=", ".join(f"{name} {label}" for name, label in zip(titled, labels, strict=True)),
            rates={slot: _pooled(own) for slot, own in slots.items()},
            reliable={slot for slot, own in slots.items() if len(own) == 1 and own[0].cell in reliable},
        )


def _pooled_over(shown: Sequence[str], placed: Sequence[CellSummary]) -> tuple[str, ...]:
    """Return the factors and tags whose levels differ within a slot."""
    first: dict[tuple[str, ...], CellSummary] = {}
    differing: dict[str, None] = {}
    for summary in placed:
        other = first.setdefault(tuple(summary.levels[name] for name in shown), summary)
        differing |= {name: None for name in summary.levels if summary.levels[name] != other.levels.get(name)}
    return tuple(differing)


def _pooled(summaries: Sequence[CellSummary]) -> Rate:
    return wilson(sum(s.rate.successes for s in summaries), sum(s.rate.n for s in summaries))


def _frame(ax: Axes, found: SuccessMap, title: str, *, first: bool) -> None:
    ax.set_xlim(-0.5, found.x.places[-1] + 0.5)
    ax.set_ylim(found.y.places[-1] + 0.5, -0.5)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0, pad=5, labelsize=11, labelcolor=COLORS["ink"])
    ax.set_xticks(found.x.places, [_short(label) for label in found.x.labels])
    ax.set_yticks(found.y.places, found.y.labels if first else [""] * len(found.y.labels))
    ax.set_xlabel(found.x.name + (" (log scale)" if found.x.to_scale else ""), fontsize=11, labelpad=3)
    if first:
        ax.set_title(found.y.name, loc="right", x=0, pad=8, fontsize=11, color=COLORS["muted"], ha="right")
    ax.set_title(title, loc="left", x=0.02, pad=8, fontsize=11.5, color=COLORS["ink"], fontweight="bold")


def _short(label: str) -> str:
    """Return a label that fits the width of a slot, on two lines if necessary."""
    most = int(_SLOT / _LETTER)
    if len(label) <= most:
        return label
    cut = max(label.rfind(mark, 0, most) for mark in " _,/-") + 1 or most
    return f"{label[:cut]}\n{label[cut:]}"


def _square(ax: Axes, found: SuccessMap, slot: tuple[int, int], rate: Rate, most: int, *, outlined: bool) -> None:
    x, y = found.x.places[slot[0]], found.y.places[slot[1]]
    side = max(_SMALLEST, _LARGEST * sqrt(rate.n / most))
    corner = (x - side / 2, y - side / 2)
    if not rate.n:
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=COLORS["rule"], linestyle=(0, (3, 2))))
        ax.text(x, y, "–", ha="center", va="center", color=COLORS["muted"])
        return
    fill = shade(rate.rate)
    edge, width = (COLORS["ink"], 1.8) if outlined else (COLORS["rule"], 0.8)
    ax.add_patch(Rectangle(corner, side, side, facecolor=fill, edgecolor=edge, linewidth=width, zorder=3))
    text = f"{rate.successes}/{rate.n}"
    size = min(12.0, side * _SLOT / (0.62 * len(text)))
    ax.text(x, y, text, ha="center", va="center", color=text_on(fill), fontsize=size, zorder=5)


def _key(figure: Canvas, left: float, top: float) -> None:
    steps = 32
    ax = svg.axes(figure, left, top, 220, 10)
    ax.bar(
        [(i + 0.5) / steps for i in range(steps)], 1, 1.1 / steps, color=[shade(i / (steps - 1)) for i in range(steps)]
    )
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.spines[:].set_visible(False)
    ax.set_yticks([])
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.tick_params(length=0, labelsize=10.5)
    ax.text(1.04, 0.5, "share of replicas that converged", transform=ax.transAxes, va="center", fontsize=11,
            color=COLORS["muted"])  # fmt: skip


def _laid_out(view: GridView) -> SuccessMap | None:
    return lay_out(view.launch.factors, view.launch.summaries, view.launch.reliable)


def _picture(view: GridView) -> Picture | None:
    found = _laid_out(view)
    return None if found is None else picture(found)


def _lead(view: GridView) -> Markup:
    found = _laid_out(view)
    if found is None:
        return Markup()
    several = ", one panel for each combination of the other factors" if len(found.panels) > 1 else ""
    verb = "cell has" if found.left_out == 1 else "cells have"
    pooled = f"Squares pool the replicas of all levels of {formatting.joined(found.pooled)}." if found.pooled else ""
    left_out = f"{found.left_out} {verb} no place on the map." if found.left_out else ""
    return Markup(
        "<p>The share of replicas that converged over {} and {}{}. Each square shows how many converged of how many;"
        " its area grows with that number.\n{}</p>"
    ).format(found.x.name, found.y.name, several, " ".join(filter(None, (pooled, left_out))))


def _caption(view: GridView) -> Markup:
    share, anytime = formatting.percent(reliability.SHARE), view.launch.plan.until_decided
    summaries, reliable = view.launch.summaries, view.launch.reliable
    if reliable:
        limit = "lower limit of its confidence sequence" if anytime else "one-sided exact limit"
        return Markup(
            "Outlined: the true rate is at least {} with 95&nbsp;% confidence, each cell by itself ({}); the heavy line"
            " is the border to neighbors for which that is not shown. {} of {} cells."
        ).format(share, limit, len(reliable), len(summaries))
    most = max((summary.rate.n for summary in summaries), default=0)
    if not most:
        return Markup("No replica has an outcome yet.")
    shown = Markup("No cell is shown to succeed at a rate of at least {} with 95&nbsp;% confidence.").format(share)
    if anytime:
        return shown
    needed = reliability.seeds_needed()
    return shown + f" That takes {needed} of {needed} replicas at the least; the most that one cell has is {most}."


def _instead(view: GridView) -> str:
    """Say what all cells have in common, in place of a map with one value."""
    rates = {summary.rate.rate for summary in view.launch.summaries if summary.rate.n}
    if len(rates) > 1 or not rates:
        return ""
    known = [summary for summary in view.launch.summaries if summary.rate.n]
    return (
        f"The map would have one color: in each of {formatting.plural(len(known), 'cell')}"
        f" {formatting.percent(rates.pop())} of the replicas converged."
    )


FIGURE = Figure(
    name="map",
    shows="success over two factors, with the border of what trains reliably",
    of=GridView,
    section="map",
    picture=_picture,
    region="Success map",
    lead=_lead,
    caption=_caption,
    instead=_instead,
)
