"""Main effects: the most and the least successful level of each factor, on the same seeds."""

import pytest

from study.evidence.main_effects import main_effects
from study.outcomes.outcome import Outcome
from tests.study.design.made_studies import planned
from tests.study.evidence.made_records import recorded

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED


def test_factors_are_ordered_by_the_difference_of_their_levels() -> None:
    """Cells: objective (ls, ns) by rate (slow, fast)."""
    plan = planned(seeds=4)
    found = main_effects(plan, recorded(plan, ([C] * 4, [C, M, M, M], [C] * 4, [M] * 4)))
    assert [(own.factor, own.most, own.least) for own in found] == [
        ("rate", "slow", "fast"),
        ("objective", "ls(-1,1,0)", "ns"),
    ]
    rate, objective = found
    assert [(side.successes, side.n) for side in rate.rates] == [(8, 8), (1, 8)]
    assert rate.difference[0] == pytest.approx(7 / 8)
    assert objective.difference[0] == pytest.approx(1 / 8)


def test_the_interval_counts_a_seed_once_whatever_the_number_of_its_cells() -> None:
    """All cells of a seed do the same: four observations, not eight pairs."""
    plan = planned(seeds=4)
    (rate, _) = main_effects(plan, recorded(plan, ([C] * 4, [M] * 4, [C] * 4, [M] * 4)))
    value, low, high = rate.difference
    assert value == 1.0
    assert low <= 0.0 <= 1.0 <= high  # four seeds can show nothing: the smallest p is 1/8


def test_replicas_without_a_partner_are_left_out() -> None:
    plan = planned(seeds=4, until_decided=True)
    (rate, *_) = main_effects(plan, recorded(plan, ([C] * 4, [M, M, U, U], [C] * 4, [M, M, U, U])))
    assert (rate.most, rate.least) == ("slow", "fast")
    assert [side.n for side in rate.rates] == [4, 4]


def test_a_factor_with_outcomes_at_one_level_has_no_effect_to_show() -> None:
    plan = planned(seeds=2)
    found = main_effects(plan, recorded(plan, ([C] * 2, [M] * 2, [U] * 2, [U] * 2)))
    assert [own.factor for own in found] == ["rate"]
