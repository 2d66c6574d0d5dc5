"""The course of a search: what its leading candidate had shown after each block."""

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.figure import Figure as Canvas

from study import formatting
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.drawing.figure import Figure
from study.report.drawing.svg import COLORS, Picture
from study.report.views import SearchView
from study.search.trajectory import Moment

_LEFT, _RIGHT, _HEAD, _HEIGHT, _FOOT = 44.0, 130.0, 34.0, 200.0, 40.0
_APART = 34.0
"""Smallest distance between the names of two leaders, in units."""


def picture(course: Sequence[Moment]) -> Picture | None:
    """Return the leader's lower limit and rate against blocks; None before a replica has ended."""
    known = [moment for moment in course if moment.incumbent is not None]
    if not known:
        return None
    label = "The leading candidate by number of blocks: " + "; ".join(
        f"block {moment.blocks}: #{moment.incumbent.cell} with {moment.incumbent.successes} of {moment.incumbent.n},"
        f" lower end {formatting.number(moment.low)}"
        for moment in [*(each for each in changes(known) if each is not known[-1]), known[-1]]
        if moment.incumbent is not None
    )
    return Picture(draw=partial(draw, known), label=label)


def changes(course: Sequence[Moment]) -> list[Moment]:
    """Return the moments at which another candidate took the lead."""
    pairs = zip([None, *course], course, strict=False)
    return [now for before, now in pairs if before is None or _leader(before) != _leader(now)]


def draw(course: Sequence[Moment]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    figure = svg.blank(_HEAD + _HEIGHT + _FOOT)
    width = svg.WIDTH - _LEFT - _RIGHT
    ax = svg.axes(figure, _LEFT, _HEAD, width, _HEIGHT)
    first, last = 0, course[-1].blocks
    ax.set_xlim(first, last)
    ax.set_ylim(0, 1.03)
    ax.set_yticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.grid(axis="y", linewidth=0.8)
    ax.locator_params(axis="x", nbins=8, integer=True)
    ax.set_xlabel("blocks", fontsize=11, labelpad=2)
    blocks = [moment.blocks for moment in course]
    low = [moment.low for moment in course]
    rate = [_rate(moment) for moment in course]
    converged = svg.color(Outcome.CONVERGED)
    ax.fill_between(blocks, low, [moment.high for moment in course], step="post", color=converged, alpha=0.12,
                    linewidth=0)  # fmt: skip
    ax.step(blocks, low, where="post", color=converged, linewidth=2.2, clip_on=False, zorder=3)
    ax.step(blocks, rate, where="post", color=COLORS["muted"], linewidth=1.4, linestyle=(0, (4, 2)), clip_on=False)
    ends = _spread(low[-1], rate[-1])
    for place, text, color in ((ends[0], "shown at least", converged), (ends[1], "its rate so far", COLORS["muted"])):
        ax.annotate(text, (last, place), (8, 0), textcoords="offset points", va="center", fontsize=11.5, color=color,
                    annotation_clip=False)  # fmt: skip
    shown = -_APART
    for moment in changes(course):
        place = width * (moment.blocks - first) / max(last - first, 1)
        if place - shown >= _APART and _leader(moment) is not None:
            ax.annotate(f"#{_leader(moment)}", (moment.blocks, 1.03), (0, 5), textcoords="offset points", ha="center",
                        fontsize=10.5, color=COLORS["muted"], annotation_clip=False)  # fmt: skip
            ax.axvline(moment.blocks, color=COLORS["rule"], linewidth=1, zorder=0)
            shown = place
    return figure


def _leader(moment: Moment) -> int | None:
    return None if moment.incumbent is None else moment.incumbent.cell


def _rate(moment: Moment) -> float:
    own = moment.incumbent
    return own.successes / own.n if own is not None and own.n else 0.0


def _spread(low: float, rate: float, apart: float = 0.09) -> tuple[float, float]:
    """Return places for the two names at the end of their lines so that they do not overlap."""
    if abs(rate - low) >= apart:
        return low, rate
    middle = min(max((low + rate) / 2, apart / 2), 1 - apart / 2)
    return middle - apart / 2, middle + apart / 2


FIGURE = Figure(
    name="course",
    shows="the leading candidate of a search after each block",
    of=SearchView,
    section="search",
    picture=lambda view: picture(view.course),
    region="Course of the search",
    caption=lambda _: Markup(
        "The leading candidate after each block, in the order in which blocks were given. Line: lower end of its"
        " anytime interval, by which the race ranks; shaded: the interval; dashed: its rate. Numbers above: which"
        " candidate took the lead."
    ),
)
