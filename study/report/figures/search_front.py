"""The front of a search for success and quality at once: the candidates that none other beats in both."""

from collections.abc import Sequence
from functools import partial
from math import sqrt

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study import formatting
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.drawing.figure import Figure
from study.report.drawing.svg import COLORS, Picture
from study.report.views import SearchView
from study.search import race
from study.search.candidates import Candidate

WIDTH = 520.0
_LEFT, _RIGHT, _HEAD, _HEIGHT, _FOOT = 58.0, 22.0, 18.0, 280.0, 44.0
_SMALLEST, _LARGEST = 22.0, 170.0
_MARGIN, _LEAST = 0.08, 0.1
"""What is left free above and below, as a share of the qualities' range, and the smallest range that is drawn."""


def picture(candidates: Sequence[Candidate]) -> Picture | None:
    """Return quality of successes against the score; None before a replica has converged."""
    front = race.front(candidates)
    if not front:
        return None
    named = (f"#{own.cell} {own.successes} of {own.n}, quality {formatting.number(own.quality)}" for own in front)
    label = f"The front among {len(candidates)} candidates: " + "; ".join(named)
    return Picture(draw=partial(draw, candidates, front), label=label)


def draw(candidates: Sequence[Candidate], front: Sequence[Candidate]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    figure = svg.blank(_HEAD + _HEIGHT + _FOOT, WIDTH)
    ax = svg.axes(figure, _LEFT, _HEAD, WIDTH - _LEFT - _RIGHT, _HEIGHT)
    able = [own for own in candidates if own.quality is not None]
    _frame(ax, [_quality(own) for own in able])
    ahead, most = {own.cell for own in front}, max(own.n for own in able)
    for own in sorted(able, key=lambda each: each.cell in ahead):
        color = svg.color(Outcome.CONVERGED) if own.cell in ahead else COLORS["muted"]
        area = _SMALLEST + (_LARGEST - _SMALLEST) * sqrt(own.n / most)
        ax.scatter([own.score], [_quality(own)], s=area, color=color, edgecolors=COLORS["paper"], linewidths=1.2,
                   zorder=3, clip_on=False)  # fmt: skip
    for own in front:
        _member(ax, own)
    return figure


def _frame(ax: Axes, qualities: Sequence[float]) -> None:
    low, high = min(qualities), max(qualities)
    edge = max(_MARGIN * (high - low), (_LEAST - (high - low)) / 2)
    ax.set_xlim(0, 1)
    ax.set_ylim(low - edge, high + edge + _MARGIN * (high - low))
    ax.set_xticks((0, 0.25, 0.5, 0.75, 1), ("0", "0.25", "0.5", "0.75", "1"))
    ax.locator_params(axis="y", nbins=6)
    ax.grid(linewidth=0.8)
    ax.tick_params(labelsize=11)
    ax.set_xlabel("score: the success rate, shrunken", fontsize=12, color=COLORS["ink"])
    ax.set_ylabel("quality of successes", fontsize=12, color=COLORS["ink"])


def _member(ax: Axes, own: Candidate) -> None:
    color, quality = svg.color(Outcome.CONVERGED), _quality(own)
    ax.plot(race.interval(own), [quality, quality], color=color, linewidth=1.2, alpha=0.5, zorder=2, clip_on=False)
    ax.annotate(f"#{own.cell}", (own.score, quality), (0, 8), textcoords="offset points", ha="center", fontsize=11,
                zorder=4, annotation_clip=False)  # fmt: skip


def _quality(own: Candidate) -> float:
    return own.quality or 0.0


FIGURE = Figure(
    name="front",
    shows="the candidates that none other beats in success and quality",
    of=SearchView,
    section="search",
    place=1,
    picture=lambda view: picture(view.candidates) if view.search.goal == "both" else None,
    layout="narrow",
    lead=lambda _: Markup("<h3>Success and quality at once</h3>"),
    caption=lambda _: Markup(
        "Each mark is a candidate with a success, its area the number of replicas. In color, with their numbers: those"
        " that no other candidate beats in both. The score is the success rate, shrunken towards one half as few"
        " replicas ask; lines: anytime intervals of the rates."
    ),
)
