"""Chances of a decision: against enumeration with the tests themselves, and against published figures."""

from itertools import product
from math import comb, prod

import numpy as np
import pytest

from study.evidence.inference import power_fixed
from study.evidence.inference.clusters import exact_p
from study.evidence.inference.differences import ManyPairs
from study.evidence.inference.paired import Pairs, newcombe_paired, sign_flip
from study.evidence.inference.power_fixed import Joint, correlations, differences, joint, paired, same, share, smallest

LEVELS = (0.05, 0.13, 0.3)
USUAL = joint(0.9, 0.5, 0.1)


def weight(pairs: Pairs, what: Joint) -> float:
    """Of one table of independent pairs."""
    counts = (pairs.both, pairs.only_a, pairs.only_b, pairs.neither)
    each = (what.both, what.only_a, what.only_b, what.neither)
    ways, left = 1, pairs.n
    for count in counts:
        ways, left = ways * comb(left, count), left - count
    return ways * prod(chance**count for chance, count in zip(each, counts, strict=True))


def tables(n: int) -> list[Pairs]:
    return [
        Pairs(both=both, only_a=a, only_b=b, neither=n - both - a - b)
        for both, a, b in product(range(n + 1), repeat=3)
        if both + a + b <= n
    ]


def test_a_pair_has_its_rates_and_its_correlation() -> None:
    what = joint(0.7, 0.4, 0.3)
    assert what.both + what.only_a == pytest.approx(0.7)
    assert what.both + what.only_b == pytest.approx(0.4)
    assert what.both + what.only_a + what.only_b + what.neither == pytest.approx(1)
    assert (what.both - 0.28) / (0.7 * 0.3 * 0.4 * 0.6) ** 0.5 == pytest.approx(0.3)


@pytest.mark.parametrize("rates", [(0.9, 0.3), (0.5, 0.5), (0.2, 0.1), (1.0, 0.4)])
def test_the_most_extreme_correlations_leave_no_negative_chance(rates: tuple[float, float]) -> None:
    for correlation in correlations(*rates):
        what = joint(*rates, correlation)
        assert min(what.both, what.only_a, what.only_b, what.neither) >= -1e-12


def test_a_correlation_that_no_pair_has_is_refused() -> None:
    with pytest.raises(ValueError, match=r"correlation must be in \[-0.51, 0.22\] for rates 0.9 and 0.3, got 0.5"):
        joint(0.9, 0.3, 0.5)


def test_a_rate_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rates must be in \[0, 1\], got 1.2"):
        joint(1.2, 0.3)


@pytest.mark.parametrize(("seeds", "pairs"), [(1, 1), (5, 1), (8, 1), (4, 2), (5, 2), (3, 3), (1, 4)])
def test_paired_chances_are_those_of_all_studies(seeds: int, pairs: int) -> None:
    likely_sums = differences(pairs, USUAL)
    up, down = dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0)
    for study in product(range(-pairs, pairs + 1), repeat=seeds):
        p, likely = sign_flip(study), prod(likely_sums[value + pairs] for value in study)
        for level in LEVELS:
            up[level] += likely * (p < level) * (sum(study) > 0)
            down[level] += likely * (p < level) * (sum(study) < 0)
    for level, found in zip(LEVELS, paired(seeds, pairs, USUAL, LEVELS), strict=True):
        assert found.up == pytest.approx(up[level], abs=1e-12)
        assert found.down == pytest.approx(down[level], abs=1e-12)
        assert found.error == 0


def test_simulated_chances_are_within_their_error_of_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = paired(8, 2, USUAL, LEVELS)
    monkeypatch.setattr(power_fixed, "_ENUMERATED", 0)
    for one, other in zip(paired(8, 2, USUAL, LEVELS), exact, strict=True):
        assert other.error == 0 < one.error < 0.008
        assert one.up == pytest.approx(other.up, abs=4 * one.error)


def test_five_pairs_can_never_be_decided() -> None:
    """All five on one side is p = 1/16."""
    assert paired(5, 1, joint(1, 0), (0.05,))[0].up == 0
    assert paired(6, 1, joint(1, 0), (0.05,))[0].up == 1


def test_equal_rates_are_told_apart_with_chance_alpha_at_most() -> None:
    for rate, correlation in product((0.5, 0.7, 0.9), (0.0, 0.4)):
        found = paired(20, 1, joint(rate, rate, correlation), (0.05,))[0]
        assert found.up == pytest.approx(found.down)
        assert found.up + found.down <= 0.05


@pytest.mark.parametrize(("seeds", "replicas"), [(1, 1), (8, 1), (6, 3)])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
def test_chances_of_a_share_are_those_of_all_counts(seeds: int, replicas: int, threshold: float) -> None:
    trials, rate = seeds * replicas, 0.8
    for level, found in zip(LEVELS, share(seeds, replicas, rate, threshold, LEVELS), strict=True):
        up = down = 0.0
        for successes in range(trials + 1):
            likely = comb(trials, successes) * rate**successes * (1 - rate) ** (trials - successes)
            decided = exact_p(successes / trials, seeds, threshold) < level
            up += likely * decided * (successes / trials > threshold)
            down += likely * decided * (successes / trials < threshold)
        assert (found.up, found.down) == (pytest.approx(up, abs=1e-12), pytest.approx(down, abs=1e-12))


@pytest.mark.parametrize("margin", [0.25, 0.5])
def test_chances_of_an_equivalence_are_those_of_all_tables(margin: float) -> None:
    what, seeds, level = joint(0.8, 0.7, 0.2), 9, 0.13
    within = beyond = 0.0
    for pairs in tables(seeds):
        low, high = newcombe_paired(pairs, 1 - 2 * level)
        within += weight(pairs, what) * (-margin < low and high < margin)
        beyond += weight(pairs, what) * (low > margin or high < -margin)
    found = same(seeds, 1, what, margin, (level,))[0]
    assert (found.up, found.down) == (pytest.approx(within), pytest.approx(beyond))


def test_an_equivalence_of_several_pairs_per_seed_takes_a_seed_as_one_observation() -> None:
    what, level, margin = joint(0.6, 0.6), 0.2, 0.5
    expected = 0.0
    for pairs in tables(6):
        low, high = ManyPairs([(2, 1, 1)] * 3, pairs).interval(1 - 2 * level)
        expected += weight(pairs, what) * (-margin < low and high < margin)
    assert same(3, 2, what, margin, (level,))[0].up == pytest.approx(expected)


def test_the_smallest_number_is_the_first_that_is_enough() -> None:
    powers = [paired(n, 1, USUAL, (0.05,))[0].up for n in range(60)]
    for target in (0.3, 0.8, 0.9):
        first = next(n for n, power in enumerate(powers) if power >= target)
        assert smallest(powers.__getitem__, target, 59) == first


def test_the_smallest_number_may_lie_before_a_dip() -> None:
    powers = [0, 0.1, 0.2, 0.3, 0.5, 0.82, 0.7, 0.79, 0.9]
    assert smallest(powers.__getitem__, 0.8, 8) == 5


def test_p_values_of_many_studies_at_once_are_those_of_each() -> None:
    counts = np.random.default_rng(1).multinomial(9, [0.1, 0.2, 0.2, 0.3, 0.2], size=40)
    found = power_fixed.flipped(counts, counts @ np.arange(-2, 3), 18)
    for own, p in zip(counts, found, strict=True):
        study = [value for value, count in zip(range(-2, 3), own, strict=True) for _ in range(count)]
        assert p == pytest.approx(sign_flip(study), abs=1e-12)


def test_what_no_number_of_seeds_reaches_has_no_smallest_one() -> None:
    assert smallest(lambda n: 0.5, 0.8, 1_000) is None
