from typing import Any

import numpy as np

from study.evidence.judging import Verdict
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.sensitivity import picture
from study.report.views import GridView

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741
S, Q = Verdict.SUPPORTED, Verdict.UNDECIDED


def axes(view: GridView) -> Any:
    found = picture(view)
    assert found is not None
    with svg.drawing():
        return found.draw().axes


def test_lines_are_the_rates_at_every_threshold_and_the_rules_own_is_marked(make: Any) -> None:
    view = GridView(Launch(make([[C, C, D], [C, N, N]], images=False)))
    found = view.sensitivities[0]
    ax = next(ax for ax in axes(view) if ax.get_xlabel() == found.name)
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    for own, name in zip(found.cells, ("ls(0,1,1)", "ns"), strict=True):
        np.testing.assert_allclose(lines[name], [rate.rate for rate in own.rates])
    assert any(np.array_equal(line.get_xdata(), [found.own, found.own]) for line in ax.get_lines())


def test_a_band_reaches_half_way_to_the_next_verdict(make: Any) -> None:
    view = GridView(Launch(make([[C] * 6, [N] * 6], images=False)))
    found = view.sensitivities[0]
    own = found.hypotheses[0]
    verdicts = [judgment.verdict for judgment in own.judgments]
    assert set(verdicts) == {S, Q}
    bands = next(ax for ax in axes(view) if "the rule’s own" in ax.get_xlabel())
    first_row = [patch for patch in bands.patches if patch.get_y() < 0]
    change = next(i for i in range(1, len(verdicts)) if verdicts[i] is not verdicts[i - 1])
    middle = (found.thresholds[change - 1] + found.thresholds[change]) / 2
    assert np.isclose(first_row[0].get_x() + first_row[0].get_width(), middle)
    assert np.isclose(sum(patch.get_width() for patch in first_row), found.thresholds[-1] - found.thresholds[0])


def test_a_launch_without_outcomes_or_traces_has_no_picture(make: Any) -> None:
    assert picture(GridView(Launch(make([[U, U]])))) is None
    assert picture(GridView(Launch(make([[C, D]], traces=False)))) is None
