import pytest

from study.report.drawing import svg
from study.report.drawing.intervals import IntervalRow, intervals


@pytest.mark.parametrize("counts", ["", "10 of 10"])
@pytest.mark.parametrize("value", ["1.00 [0.34, 1.00]", "\N{MINUS SIGN}1.00 [\N{MINUS SIGN}1.00, \N{MINUS SIGN}0.31]"])
def test_no_text_is_cut_at_the_edge(counts: str, value: str) -> None:
    row = IntervalRow(label="a cell", counts=counts, value=value, point=-1.0, low=-1.0, high=-0.31)
    with svg.drawing():
        figure = intervals([row], (-1.0, 1.0), (-1, 0, 1), "difference")
        figure.canvas.draw()
        edge = figure.bbox.x1
        ends = {text.get_text(): text.get_window_extent().x1 for text in figure.axes[0].texts}
    assert ends[value] <= edge
