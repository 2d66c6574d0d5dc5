from types import SimpleNamespace
from typing import Any

import numpy as np

from study.evidence.judging import Verdict
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.figures import svg
from study.report.figures.sensitivity import picture, spoken
from study.report.view import View

C, M, L, O, N, D, U = Outcome  # noqa: E741
S, X, Q = Verdict.SUPPORTED, Verdict.CONTRADICTED, Verdict.UNDECIDED


def gathered(store: Any) -> View:
    return View(Launch(store))


def shown(launch: View) -> Any:
    levels = {cell.index: cell.levels for cell in launch.launch.plan.cells}
    return picture(launch.sensitivities, launch.launch.factors, launch.launch.plan.contrasts, levels)


def test_lines_are_the_rates_at_every_threshold_and_the_rules_own_is_marked(make: Any) -> None:
    launch = gathered(make([[C, C, D], [C, N, N]], images=False))
    found = launch.sensitivities[0]
    with svg.drawing():
        axes = shown(launch).draw().axes
    ax = next(ax for ax in axes if ax.get_xlabel() == found.name)
    lines = {line.get_label(): line.get_ydata() for line in ax.get_lines()}
    for own, name in zip(found.cells, ("ls(0,1,1)", "ns"), strict=True):
        np.testing.assert_allclose(lines[name], [rate.rate for rate in own.rates])
    assert any(np.array_equal(line.get_xdata(), [found.own, found.own]) for line in ax.get_lines())


def test_bands_join_thresholds_of_one_verdict() -> None:
    found: Any = SimpleNamespace(thresholds=(0.1, 0.2, 0.3, 0.4))
    own: Any = SimpleNamespace(judgments=[SimpleNamespace(verdict=verdict) for verdict in (Q, S, S, X)])
    assert spoken(found, own) == "undecided from 0.1, supported from 0.2, contradicted from 0.4"


def test_a_band_reaches_half_way_to_the_next_verdict(make: Any) -> None:
    launch = gathered(make([[C] * 6, [N] * 6], images=False))
    found = launch.sensitivities[0]
    own = found.hypotheses[0]
    verdicts = [judgment.verdict for judgment in own.judgments]
    assert set(verdicts) == {S, Q}
    with svg.drawing():
        bands = next(ax for ax in shown(launch).draw().axes if "the rule’s own" in ax.get_xlabel())
    first_row = [patch for patch in bands.patches if patch.get_y() < 0]
    change = next(i for i in range(1, len(verdicts)) if verdicts[i] is not verdicts[i - 1])
    middle = (found.thresholds[change - 1] + found.thresholds[change]) / 2
    assert np.isclose(first_row[0].get_x() + first_row[0].get_width(), middle)
    assert np.isclose(sum(patch.get_width() for patch in first_row), found.thresholds[-1] - found.thresholds[0])


def test_a_launch_without_outcomes_or_traces_has_no_picture(make: Any) -> None:
    assert shown(gathered(make([[U, U]]))) is None
    assert shown(gathered(make([[C, D]], traces=False))) is None
