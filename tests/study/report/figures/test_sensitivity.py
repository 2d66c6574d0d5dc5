from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from study.evidence.judging import Verdict
from study.launch import Launch
from study.report.drawing import svg
from study.report.figures.sensitivity import picture
from study.report.views import GridView
from study.storage.store import Store
from tests.study.conftest import C, N, U, graded


@pytest.fixture
def view(trained: Callable[..., Store]) -> GridView:
    return GridView(Launch(graded(trained)))


def axes(view: GridView) -> Any:
    found = picture(view)
    assert found is not None
    with svg.drawing():
        return found.draw().axes


def test_only_thresholds_that_move_a_rate_have_a_panel(view: GridView) -> None:
    titles = {ax.get_title(loc="left") for ax in axes(view)}
    moving = {own.name for own in view.sensitivities if own.moves_rates}
    assert "quality_min" in moving <= titles
    assert view.still
    assert not titles & {own.name for own in view.still}


def test_lines_are_the_rates_at_every_threshold_and_the_rules_own_is_marked(view: GridView) -> None:
    found = next(own for own in view.sensitivities if own.name == "quality_min")
    ax = next(ax for ax in axes(view) if ax.get_title(loc="left") == found.name)
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    for own, name in zip(found.cells, ("ls", "ns"), strict=True):
        np.testing.assert_allclose(lines[name], [rate.rate for rate in own.rates])
    place = found.thresholds.index(found.own)
    assert any(np.array_equal(line.get_xdata(), [place, place]) for line in ax.get_lines())
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        f"{own:g}" for own in (found.thresholds[0], found.own, found.thresholds[-1])
    ]


def test_a_band_covers_the_values_of_its_verdict(view: GridView) -> None:
    found = next(own for own in view.sensitivities if own.name == "quality_min")
    row = [own.name for own in view.sensitivities if own.moves_verdicts].index(found.name)
    verdicts = found.hypotheses[0].verdicts
    assert len(set(verdicts)) > 1
    bands = next(ax for ax in axes(view) if ax.get_title(loc="left") == "ls" and ax.patches)
    drawn = [patch for patch in bands.patches if row - 0.5 < patch.get_y() < row + 0.5]
    changes = [i / len(verdicts) for i in range(1, len(verdicts)) if verdicts[i] is not verdicts[i - 1]]
    assert np.allclose([patch.get_x() for patch in drawn], [0, *changes])
    assert np.isclose(sum(patch.get_width() for patch in drawn), 1)


def test_the_label_says_all_of_it(view: GridView) -> None:
    found = picture(view)
    assert found is not None
    own = next(own for own in view.sensitivities if own.name == "quality_min")
    assert f"Success against quality_min, which is {own.own:g} in the rule and here {own.span}" in found.label
    assert f"{Verdict.SUPPORTED.value} from " in found.label


def test_a_launch_that_nothing_moves_or_without_outcomes_or_traces_has_no_picture(
    trained: Callable[..., Store], make: Any
) -> None:
    assert picture(GridView(Launch(trained(((C,) * 12, (N,) * 12), page=False)))) is None
    assert picture(GridView(Launch(make([[U, U]])))) is None
    assert picture(GridView(Launch(make([[C, N]], traces=False)))) is None
