"""Where the variance between seeds comes from: what is left of it when only one source of randomness varies."""

from functools import partial
from math import isfinite

from markupsafe import Markup

from study import formatting
from study.evidence.variance_components import Component, VarianceComponents, components_if_held
from study.report.drawing.figure import Figure
from study.report.drawing.intervals import IntervalRow, intervals
from study.report.drawing.svg import Picture
from study.report.views import GridView

_LABELS = {"init": "initial weights", "data": "data", "noise": "noise"}


def picture(found: VarianceComponents | None) -> Picture | None:
    """Return the share of the variance of success with only these sources varied; None without components."""
    rows = [] if found is None else [_row(part) for part in found.parts]
    if not any(row.point is not None for row in rows):
        return None
    label = "Share of the variance of success. " + "; ".join(f"{row.label}: {row.value}" for row in rows)
    top = max(1.0, *(row.high for row in rows))
    limits, title = (0.0, top), "share of the variance of success that is left"
    return Picture(draw=partial(intervals, rows, limits, (0, 0.25, 0.5, 0.75, 1), title), label=label)


def _row(part: Component) -> IntervalRow:
    sources = formatting.joined(_LABELS[own] for own in part.varied) if part.varied else "evaluation alone"
    known = isfinite(part.share)
    value = (
        f"{formatting.number(part.share)} {formatting.interval(part.low, part.high)}" if known else formatting.NOTHING
    )
    return IntervalRow(
        label=f"{sources}, at {formatting.plural(part.settings, 'setting')}",
        counts="",
        value=value,
        point=part.share if known else None,
        low=part.low if known else 0.0,
        high=part.high if known else 1.0,
    )


FIGURE = Figure(
    name="variance",
    shows="how much of the variance of success each source of randomness leaves",
    of=GridView,
    section="variance",
    picture=lambda view: picture(components_if_held(view.launch.plan, view.launch.replicas)),
    caption=lambda _: Markup(
        "What is left of the variance of success over seeds when these sources alone vary and all others are held, mean"
        " over the held settings; 95&nbsp;% bootstrap intervals. A share counts what a source decides alone and"
        " together with others, so that shares may sum to more than 1."
    ),
)
