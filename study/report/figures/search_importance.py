"""What decides an outcome: the share of each axis, with its interval, against the share that chance reaches."""

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study import formatting
from study.outcomes.outcome import Outcome
from study.report import search_text, tables
from study.report.drawing import svg
from study.report.drawing.figure import Figure, Part
from study.report.drawing.svg import COLORS, Picture
from study.report.views import SearchView
from study.search.importance import Importance

WIDTH = 400.0
"""Units of a panel, so that letters stay legible on a phone."""
_ROW, _HEAD, _FOOT, _RIGHT = 25.0, 34.0, 30.0, 44.0
_LETTER = 6.9


def picture(axes: Sequence[str], found: Sequence[Importance]) -> Picture:
    """Return one panel with the axes in the given order.

    Args:
        found: the importances of one target.
    """
    label = f"What decides {search_text.spoken(found[0].target)}: " + "; ".join(
        f"{own.axis} {formatting.number(own.share)} {formatting.interval(own.low, own.high)}"
        f", chance {formatting.number(own.chance)}"
        for own in sorted(found, key=lambda own: axes.index(own.axis))
    )
    return Picture(draw=partial(draw, axes, [found]), label=label)


def all_panels(axes: Sequence[str], found: Sequence[Importance]) -> Picture | None:
    """Return all targets side by side, for a file."""
    targets = list(dict.fromkeys(own.target for own in found))
    parts = [[own for own in found if own.target == target] for target in targets]
    label = ". ".join(picture(axes, part).label for part in parts)
    return Picture(draw=partial(draw, axes, parts), label=label) if parts else None


def draw(axes: Sequence[str], parts: Sequence[Sequence[Importance]]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    columns = min(2, len(parts))
    below = _HEAD + _ROW * len(axes) + _FOOT
    figure = svg.blank(below * -(-len(parts) // columns), WIDTH * columns)
    left = min(150.0, 18 + _LETTER * max(map(len, axes)))
    for number, part in enumerate(parts):
        row, column = divmod(number, columns)
        place = (column * WIDTH + left, row * below + _HEAD)
        _panel(svg.axes(figure, *place, WIDTH - left - _RIGHT, _ROW * len(axes)), axes, part, left)
    return figure


def _panel(ax: Axes, axes: Sequence[str], part: Sequence[Importance], left: float) -> None:
    target = part[0].target
    outcome = target if isinstance(target, Outcome) else Outcome.CONVERGED
    ax.set_xlim(0, 1)
    ax.set_ylim(len(axes) - 0.5, -0.5)
    ax.set_yticks(range(len(axes)), axes)
    ax.tick_params(axis="y", length=0, pad=8, labelcolor=COLORS["ink"], labelsize=12)
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.tick_params(axis="x", length=0, labelsize=11)
    ax.grid(axis="x", linewidth=0.8)
    ax.spines[:].set_visible(False)
    ax.annotate(search_text.spoken(target), (0, 1), (-left, 12), xycoords="axes fraction", textcoords="offset points",
                fontsize=12.5, fontweight="bold", annotation_clip=False)  # fmt: skip
    for own in part:
        row = axes.index(own.axis)
        fill = svg.color(outcome) if own.beyond_chance else COLORS["rule"]
        ax.barh(row, own.share, height=0.62, color=fill)
        ax.plot([own.low, own.high], [row, row], color=COLORS["ink"], linewidth=1.3, solid_capstyle="butt", zorder=3)
        ax.plot([own.chance] * 2, [row - 0.42, row + 0.42], color=COLORS["muted"], linewidth=1.4,
                linestyle=(0, (2, 1.5)), zorder=4, clip_on=False)  # fmt: skip
        ax.annotate(f"{own.share:.2f}", (1, row), (_RIGHT - 6, 0), textcoords="offset points", ha="right",
                    va="center", fontsize=11.5, annotation_clip=False)  # fmt: skip


def _parts(view: SearchView) -> Sequence[Part]:
    """Return a panel for each target that some axis explains at all."""
    by_target = [[own for own in view.importances if own.target == target] for target in view.targets]
    told = (found for found in by_target if any(own.share for own in found))
    return [Part(picture=picture(view.by_importance, found)) for found in told]


FIGURE = Figure(
    name="importance",
    shows="how much each axis of a search decides success and each failure",
    of=SearchView,
    section="importance",
    picture=lambda view: all_panels(view.by_importance, view.importances),
    parts=_parts,
    layout="panels",
    lead=lambda _: Markup(
        "<p>How much of the differences between candidates each axis explains, for success and for each failure that at"
        " least three candidates have. Bars of one panel add up to 1; they do not say which values are good.</p>"
    ),
    caption=lambda _: Markup(
        "Line: 95&nbsp;% bootstrap interval over candidates. Dashed: a share that an axis without effect exceeds in"
        " 5&nbsp;% of searches that propose at random; a bar is in color if it is beyond that and its interval above"
        ' 0. The order is that of success in all panels. <a href="{0}">{0}</a> has the numbers.'
    ).format(tables.IMPORTANCE),
)
