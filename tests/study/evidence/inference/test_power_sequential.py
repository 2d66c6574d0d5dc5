"""Studies that are looked at after every seed: what is simulated is what the judge would have said."""

from collections.abc import Sequence
from math import exp

import numpy as np
import pytest

from study.evidence.inference import power_sequential
from study.evidence.inference.confidence_sequences import log_wealth
from study.evidence.inference.differences import Betting
from study.evidence.inference.power_fixed import Chances, differences, joint
from study.evidence.inference.power_sequential import Paths, paired_paths, same_paths, share_paths

LEVELS = (0.1, 0.03)
FEW = 120


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power_sequential, "DRAWS", FEW)


def first_below(values: Sequence[float], mean: float, low: float, level: float) -> int | None:
    wealth = log_wealth(values, mean, low, 1.0)
    return next((n for n, one in enumerate(wealth, start=1) if exp(-one) < level), None)


def sides_of(values: Sequence[float], mean: float, low: float) -> tuple[float, int]:
    """p and side, as the judge has it."""
    pairs = [(1, 1) if value > 0 else (0, 1) for value in values], [(1, 1) if value < 0 else (0, 1) for value in values]
    return Betting(*pairs, None).against(mean, LEVELS[0])


def test_pairs_are_decided_when_the_judge_decides_them() -> None:
    what = joint(0.9, 0.4)
    drawn = power_sequential.drawn(30, differences(1, what)) - 1
    for level, found in zip(LEVELS, paired_paths(30, 1, what, LEVELS), strict=True):
        assert 0 < (found.side != 0).sum() <= FEW
        for values, when, side in zip(drawn, found.when, found.side, strict=True):
            p, judged = sides_of(values, 0.0, -1.0)
            assert side == (judged if p < level else 0)
            assert when == (first_below(values, 0.0, -1.0, level) or 31)


def test_an_equivalence_is_decided_when_both_ends_of_the_margin_are_refuted() -> None:
    what, margin = joint(0.9, 0.9), 0.4
    drawn = power_sequential.drawn(60, differences(1, what)) - 1
    for level, found in zip(LEVELS, same_paths(60, 1, what, margin, LEVELS), strict=True):
        assert 0 < (found.side > 0).sum() <= FEW
        for values, when, side in zip(drawn, found.when, found.side, strict=True):
            (upper, above), (lower, below) = (sides_of(values, end, -1.0) for end in (margin, -margin))
            if side > 0:
                assert above < 0 < below
                assert max(upper, lower) < level
                ends = [first_below(values, end, -1.0, level) or 0 for end in (margin, -margin)]
                assert when == max(ends)
            elif side == 0:
                assert max(upper, lower) >= level


def test_a_share_is_decided_on_the_side_where_it_lies() -> None:
    high, low = (share_paths(40, 2, rate, 0.5, LEVELS)[0].chances(40) for rate in (0.95, 0.05))
    assert high.up > 0.95
    assert high.down == 0
    assert low.down > 0.95
    assert low.up == 0


def test_equal_rates_are_decided_with_chance_alpha_at_most() -> None:
    for pairs in (1, 3):
        found = paired_paths(60, pairs, joint(0.6, 0.6), (0.05,))[0].chances(60)
        assert found.up + found.down <= 0.05 + 2 * found.error


def made(when: Sequence[int], side: Sequence[int], most: int = 20) -> Paths:
    return Paths(when=np.array(when), side=np.array(side), most=most)


@pytest.mark.parametrize(
    ("plan", "up", "seeds"),
    [
        ((20, 1, 1), 0.5, (3 + 8 + 12 + 20) / 4),
        ((20, 5, 1), 0.5, (5 + 10 + 15 + 20) / 4),
        ((20, 1, 10), 0.5, (10 + 10 + 12 + 20) / 4),
        ((10, 4, 1), 0.5, (4 + 8 + 10 + 10) / 4),
    ],
)
def test_seeds_come_in_blocks_up_to_the_planned_number(plan: tuple[int, int, int], up: float, seeds: float) -> None:
    seeds_planned, block, least = plan
    found = made([3, 8, 12, 21], [1, 1, -1, 0]).chances(seeds_planned, block, least)
    assert isinstance(found, Chances)
    assert (found.up, found.seeds) == (up, seeds)


def test_enough_seeds_are_those_by_which_most_studies_are_decided_upwards() -> None:
    found = made([1, 2, 3, 4, 5, 6, 7, 8, 9, 21], [1] * 8 + [-1, 0])
    assert found.enough(0.5) == 5
    assert found.enough(0.8) == 8
    assert found.enough(0.9) is None
