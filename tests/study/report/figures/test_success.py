from typing import Any

import pytest

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.success import FIGURE
from study.report.views import view_of

C, D, U = Outcome.CONVERGED, Outcome.DIVERGED, Outcome.UNDECIDED


def test_a_row_is_drawn_at_the_rate_and_its_interval(make: Any) -> None:
    view = view_of(Launch(make([[C, C, C, D]])))
    (summary,) = view.launch.summaries
    picture = FIGURE.picture(view)
    assert picture is not None
    with svg.drawing():
        (ax,) = picture.draw().axes
    drawn = [list(line.get_xdata()) for line in ax.get_lines()]
    assert [summary.rate.low, summary.rate.high] in drawn
    assert [0.75] in drawn
    assert picture.label.endswith("full / ls(0,1,1): 3 of 4, 0.75 [0.30, 0.95]")


def test_rows_stand_best_first_and_a_cell_without_an_outcome_last(make: Any) -> None:
    picture = FIGURE.picture(view_of(Launch(make([[U, U], [D, D], [C, C]]))))
    assert picture is not None
    places = [picture.label.index(name) for name in ("no_bn_g / ls(0,1,1)", "full / ns", "full / ls(0,1,1)")]
    assert places == sorted(places)


def test_the_caption_is_html_that_needs_no_escape(make: Any) -> None:
    assert "95&nbsp;% Wilson interval" in FIGURE.caption(view_of(Launch(make([[C]]))))


@pytest.mark.usefixtures("undrawn")
def test_without_cells_there_is_no_figure(make: Any) -> None:
    view = view_of(Launch(make([[C]]), ()))
    assert FIGURE.picture(view) is None
    assert FIGURE.on_page(view) == ()
