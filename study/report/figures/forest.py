"""The forest plot: every difference of success that the study asked for, with its interval, on one scale."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from markupsafe import Markup

from study import formatting
from study.evidence.estimates import Comparison
from study.evidence.judging import Judgment
from study.report import phrases
from study.report.drawing.figure import Figure
from study.report.drawing.intervals import IntervalRow, intervals
from study.report.drawing.svg import Picture
from study.report.views import GridView


def picture(judgments: Sequence[Judgment], comparisons: Sequence[Comparison]) -> Picture | None:
    """Return the differences of the hypotheses, then of each contrast; None if there are none."""
    found = [*_of_hypotheses(judgments), *_of_contrasts(comparisons)]
    if not found:
        return None
    title = "difference of success rates: left, less often; right, more often than what it is compared with"
    label = "Differences of success rates. " + "; ".join(f"{r.label} {r.value}".strip() for r in found)
    return Picture(draw=partial(intervals, found, (-1.0, 1.0), (-1, -0.5, 0, 0.5, 1), title), label=label)


def _of_hypotheses(judgments: Sequence[Judgment]) -> list[IntervalRow]:
    rows = [_row(f"{own.hypothesis.name}", own.difference) for own in judgments if own.difference is not None]
    return [_head("hypotheses"), *rows] if rows else []


def _of_contrasts(comparisons: Sequence[Comparison]) -> list[IntervalRow]:
    rows: list[IntervalRow] = []
    for contrast, own in groupby(comparisons, key=lambda row: row.contrast):
        rows.append(_head(f"{contrast.factor}: {contrast.a} against {contrast.b}"))
        for row in own:
            known = row.a.n and row.b.n
            rows.append(_row(phrases.levels(row.held) or "all", (row.difference, row.low, row.high) if known else None))
    return rows


def _head(label: str) -> IntervalRow:
    return IntervalRow(label=label, counts="", value="", point=None, low=0.0, high=0.0, head=True)


def _row(label: str, difference: tuple[float, float, float] | None) -> IntervalRow:
    if difference is None:
        return IntervalRow(label=label, counts="", value=formatting.NOTHING, point=None, low=-1.0, high=1.0)
    point, low, high = difference
    value = f"{formatting.number(point)} {formatting.interval(low, high)}"
    return IntervalRow(label=label, counts="", value=value, point=point, low=low, high=high)


FIGURE = Figure(
    name="forest",
    shows="differences of success rates: hypotheses and contrasts",
    of=GridView,
    section="contrasts",
    picture=lambda view: picture(view.launch.verdicts, view.launch.comparisons),
    region="Differences of success rates",
    lead=lambda _: Markup(
        "<p>Differences of success rates with 95&nbsp;% intervals: of the hypotheses, and of two levels of one factor"
        " with all other factors held fixed.</p>"
    ),
)
