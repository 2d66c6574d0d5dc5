"""Success per cell: the share of replicas that converged, with its interval."""

from collections.abc import Sequence
from functools import partial

from markupsafe import Markup

from study.evidence.estimates import CellSummary
from study.report import phrases
from study.report.drawing.figure import Figure
from study.report.drawing.intervals import IntervalRow, intervals
from study.report.drawing.svg import Picture
from study.report.views import View


def picture(summaries: Sequence[CellSummary]) -> Picture | None:
    """Return success rate and interval of each cell on one scale; a hollow mark shows the best-checkpoint rate."""
    rows = [
        IntervalRow(
            label=s.name,
            counts=phrases.count(s.rate),
            value=phrases.share(s.rate),
            point=s.rate.rate if s.rate.n else None,
            low=s.rate.low,
            high=s.rate.high,
            also=s.ever_good.rate if s.ever_good.n else None,
        )
        for s in summaries
    ]
    if not rows:
        return None
    label = "Success rate with 95 % interval: " + "; ".join(f"{r.label}: {r.counts}, {r.value}" for r in rows)
    title = "share of replicas that converged"
    return Picture(draw=partial(intervals, rows, (0.0, 1.0), (0, 0.25, 0.5, 0.75, 1), title), label=label)


def _caption(view: View) -> Markup:
    return Markup(
        "Dot: share of replicas converged at the end. Line: 95&nbsp;% Wilson interval. Ring, where it differs: share"
        " that met the criteria at some time of training (best checkpoint). Best cell first."
    )


FIGURE = Figure(
    name="success",
    shows="how often each cell converged, with intervals",
    of=View,
    section="success",
    picture=lambda view: picture(view.compared),
    caption=_caption,
)
