from typing import Any

import numpy as np
import pytest

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.survival import picture
from study.report.views import view_of

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def test_lines_are_the_kaplan_meier_steps_to_the_end(make: Any) -> None:
    """Failures stand at step 600 of 1,000 in this launch."""
    store = make([[C, C, C, D, M], [C, D, D, D, D]])
    found = picture(view_of(Launch(store)))
    assert found is not None
    with svg.drawing():
        (ax,) = [ax for ax in found.draw().axes if ax.get_xlabel()]
    lines = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_allclose(lines["ls(0,1,1)"].get_xdata(), [0, 600, 1_000, 1_000])
    np.testing.assert_allclose(lines["ls(0,1,1)"].get_ydata(), [1, 0.6, 0.6, 0.6])
    assert {line.get_drawstyle() for line in lines.values()} == {"steps-post"}
    np.testing.assert_allclose(lines["ns"].get_ydata(), [1, 0.2, 0.2, 0.2])
    assert found.label.endswith("full / ls(0,1,1): 0.60 of 5 at the end; full / ns: 0.20 of 5 at the end")


def test_a_panel_for_each_setting_of_the_other_factors(make: Any) -> None:
    store = make()
    found = picture(view_of(Launch(store)))
    assert found is not None
    with svg.drawing():
        titles = [ax.get_title(loc="left") for ax in found.draw().axes if ax.get_xlabel()]
    assert titles == ["bn full", "bn no_bn_g"]


@pytest.mark.parametrize("plan", [[[U, U]], [[U], [U]]])
def test_nothing_is_drawn_without_an_outcome(make: Any, plan: Any) -> None:
    assert picture(view_of(Launch(make(plan)))) is None


def test_cells_without_an_outcome_have_no_line(make: Any) -> None:
    found = picture(view_of(Launch(make([[C, D], [U, U]]))))
    assert found is not None
    assert "ns" not in found.label
