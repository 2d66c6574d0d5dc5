"""The figure of variance components: a row per set of varied sources, and nothing for launches that hold nothing."""

from typing import Any

from study.evidence.variance_components import VarianceComponents, variance_components
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.variance import picture
from tests.study.evidence.made_records import recorded
from tests.study.evidence.test_variance_components import designed, plan_of

C, M = Outcome.CONVERGED, Outcome.MODE_COLLAPSED


def found(*rows: list[Outcome]) -> VarianceComponents:
    plan = plan_of(*designed(2), seeds=4)
    return variance_components(plan, recorded(plan, rows))


def varied() -> VarianceComponents:
    return found([C, C, M, M], *[[C, M, M, M], [M, M, M, M]] * 3, [C] * 4)


def test_each_set_of_sources_has_a_row_with_its_share() -> None:
    own = varied()
    init = own.parts[1]
    label = picture(own).label  # type: ignore[union-attr]
    assert label.startswith(
        "Share of the variance of success. evaluation alone, at 1 setting: 0.00 [0.00, 0.00]; initi"
    )
    assert (
        f"initial weights, at 2 settings: {init.share:.2f} [{init.low:.2f}, {init.high:.2f}]; data, at 2 settings: "
        in label
    )


def test_the_drawn_point_and_interval_are_the_estimate() -> None:
    own = varied()
    init = own.parts[1]
    drawing: Any = picture(own)
    with svg.drawing():
        ax = drawing.draw().axes[0]
    spans = [list(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert [init.low, init.high] in spans
    assert ax.get_xlim()[1] >= max(part.high for part in own.parts)


def test_there_is_no_figure_without_components_or_variance() -> None:
    assert picture(None) is None
    assert picture(found(*[[C] * 4] * 8)) is None
