"""Composition: what became of the replicas of each cell, as stacked bars of outcome counts."""

from collections import Counter
from collections.abc import Sequence
from functools import partial

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from study.evidence.estimates import CellSummary
from study.formatting import joined
from study.outcomes.measures import missed
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.report.drawing import svg
from study.report.drawing.figure import Figure, Part
from study.report.drawing.intervals import HEAD, ROW, label_width, rows
from study.report.drawing.svg import COLORS, Picture
from study.report.palette import ORDER
from study.report.views import View


def picture(summaries: Sequence[CellSummary]) -> Picture | None:
    """Return a bar per cell, with crashed and pending replicas at its right; None before a replica has an outcome."""
    if not any(s.rate.n for s in summaries):
        return None
    label = "Outcomes: " + "; ".join(f"{s.name}: {phrases.counts(s.outcomes)}" for s in summaries)
    return Picture(draw=partial(draw, summaries), label=label)


def draw(ordered: Sequence[CellSummary]) -> Canvas:
    """Draw the figure; to be called within ``svg.drawing``."""
    most = max((_decided(s) for s in ordered), default=0) or 1
    left, right = label_width([s.name for s in ordered]), 150
    height = HEAD + ROW * len(ordered) + 8
    figure = svg.blank(height)
    ax = svg.axes(figure, left, HEAD, svg.WIDTH - left - right, height - HEAD - 8)
    rows(ax, [s.name for s in ordered])
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


def _parts(view: View) -> Sequence[Part]:
    seen = frozenset(outcome for summary in view.launch.summaries for outcome, n in summary.outcomes.items() if n)
    return [Part(picture=picture(view.compared), outcomes=seen)]


def _caption(view: View) -> Markup:
    apart = ", and those without one" if phrases.apart(*view.launch.summaries) else ""
    return Markup("Replicas by outcome, {}. At the right: replicas with an outcome{}.{}").format(
        view.words.compared, apart, _why(view)
    )


def _why(view: View) -> str:
    """Say which thresholds the replicas that failed miss at the end, the most frequent one first."""
    failed = [each for each in view.launch.replicas if each.outcome.decided and each.outcome is not Outcome.CONVERGED]
    missing = [missed(each.evidence, view.launch.rule) for each in failed]
    counted = Counter(each.field for own in missing for each in own)
    if not counted:
        return ""
    fields = joined(f"{field} ({count})" for field, count in counted.most_common())
    return f" Thresholds that the {len(failed)} replicas without success miss at the end: {fields}."


FIGURE = Figure(
    name="composition",
    shows="what became of the replicas of each cell",
    of=View,
    section="outcomes",
    picture=lambda view: picture(view.compared),
    parts=_parts,
    legend=True,
    caption=_caption,
)
