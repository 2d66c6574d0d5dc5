"""Survival curves and the log-rank test, against scipy, worked examples and simulation."""

from fractions import Fraction
from itertools import combinations, product
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from study.evidence.inference.survival import DRAWS, Lifetimes, SurvivalCurve, kaplan_meier, logrank

LIVES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=25)


def lives(pairs: list[tuple[int, bool]]) -> Lifetimes:
    return Lifetimes(time=np.array([t for t, _ in pairs], dtype=float), failed=np.array([f for _, f in pairs], bool))


def censored(own: Lifetimes) -> stats.CensoredData:
    return stats.CensoredData(uncensored=own.time[own.failed], right=own.time[~own.failed])


# Freireich et al. 1963, the weeks of remission of 21 children under 6-MP; the estimates are those of the textbooks.
REMISSION = lives(
    [(t, True) for t in (6, 6, 6, 7, 10, 13, 16, 22, 23)]
    + [(t, False) for t in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)]
)
PLACEBO = lives([(t, True) for t in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)])


def test_the_textbook_example() -> None:
    curve = kaplan_meier(REMISSION)
    assert curve.time.tolist() == [0, 6, 7, 9, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 34, 35]
    survival, _, _ = curve.at(np.array([0.0, 6, 7, 10, 13, 16, 22, 23, 35]))
    expected = [1, 0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482, 0.4482]
    assert survival == pytest.approx(expected, abs=5e-5)


def test_the_textbook_log_rank_test() -> None:
    found = logrank(REMISSION, PLACEBO)
    assert found.z**2 == pytest.approx(16.79, abs=0.005)
    assert found.z < 0
    assert found.p == found.least == pytest.approx(2 / (DRAWS + 1))  # 4e-5 by the normal approximation


@given(LIVES.filter(lambda pairs: any(failed for _, failed in pairs)))
@pytest.mark.filterwarnings("ignore:The confidence interval is undefined:RuntimeWarning")
def test_curve_and_interval_are_scipys(pairs: list[tuple[int, bool]]) -> None:
    own = lives(pairs)
    curve, reference = kaplan_meier(own), stats.ecdf(censored(own)).sf
    survival, low, high = curve.at(reference.quantiles)
    assert survival == pytest.approx(reference.probabilities, abs=1e-12)
    inside = (survival > 0) & (survival < 1)
    limits = reference.confidence_interval(method="log-log")
    assert low[inside] == pytest.approx(limits.low.probabilities[inside], abs=1e-12)
    assert high[inside] == pytest.approx(limits.high.probabilities[inside], abs=1e-12)


@given(LIVES, st.sampled_from([0.5, 0.95]))
def test_a_curve_starts_at_zero_falls_and_lies_within_its_interval(
    pairs: list[tuple[int, bool]], confidence: float
) -> None:
    curve = kaplan_meier(lives(pairs), confidence=confidence)
    assert curve.time[0] == 0
    assert (np.diff(curve.time) > 0).all()
    assert (np.diff(curve.survival) <= 0).all()
    assert (curve.low >= 0).all() and (curve.high <= 1).all()  # noqa: PT018
    assert (curve.low <= curve.survival).all() and (curve.survival <= curve.high).all()  # noqa: PT018


@given(LIVES, st.lists(st.integers(0, 3), min_size=25, max_size=25))
def test_a_whole_weight_counts_as_so_many_subjects(pairs: list[tuple[int, bool]], times: list[int]) -> None:
    weights = np.array(times[: len(pairs)], dtype=float)
    repeated = [pair for pair, count in zip(pairs, times, strict=False) for _ in range(count)]
    weighted, plain = kaplan_meier(lives(pairs), weights), kaplan_meier(lives(repeated))
    assert weighted.time.tolist() == plain.time.tolist()
    assert weighted.survival == pytest.approx(plain.survival, abs=1e-12)


def test_a_common_factor_of_the_weights_changes_nothing() -> None:
    plain, weighted = kaplan_meier(REMISSION), kaplan_meier(REMISSION, np.full(21, 7.3))
    for name in ("time", "survival", "low", "high"):
        assert getattr(weighted, name) == pytest.approx(getattr(plain, name), abs=1e-12)


def test_unequal_weights_widen_the_interval() -> None:
    """By hand: weights 1, 1, 2 with the failure of a 1 at first; 16 / 6 subjects are at risk."""
    curve = kaplan_meier(lives([(5, True), (9, False), (9, False)]), np.array([1.0, 1.0, 2.0]))
    survival, number = 3 / 4, 16 / 6
    spread = stats.norm.ppf(0.975) * sqrt((1 - survival) / (number * survival)) / -log(survival)
    assert curve.low[1] == pytest.approx(survival ** exp(spread), abs=1e-12)
    assert curve.high[1] == pytest.approx(survival ** exp(-spread), abs=1e-12)


def test_without_any_failure_the_interval_is_clopper_pearsons() -> None:
    curve = kaplan_meier(lives([(40, False)] * 20))
    assert curve.time.tolist() == [0, 40]
    assert curve.survival.tolist() == curve.high.tolist() == [1, 1]
    assert curve.low[-1] == pytest.approx(stats.binomtest(20, 20).proportion_ci(method="exact").low)


def test_those_not_seen_any_more_say_nothing_of_later() -> None:
    _, low, _ = kaplan_meier(lives([(20, False)] * 10 + [(40, False)] * 10)).at(np.array([20.0, 21.0, 40.0]))
    limits = [stats.binomtest(n, n).proportion_ci(method="exact").low for n in (20, 20, 10)]
    assert low == pytest.approx(limits)


def test_where_all_have_failed_the_interval_is_clopper_pearsons() -> None:
    curve = kaplan_meier(lives([(10, True)] * 5 + [(20, True)] * 3))
    assert (curve.survival[-1], curve.low[-1]) == (0, 0)
    assert curve.high[-1] == pytest.approx(stats.binomtest(0, 8).proportion_ci(method="exact").high)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_is_left_where_all_have_failed_whatever_the_weights(seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 3, 30)
    curve = kaplan_meier(lives([(place // 10, place >= 10) for place in range(30)]), weights)
    assert (curve.survival[-1], curve.low[-1]) == (0, 0)
    assert curve.high[-1] < 0.3


def test_nobody_at_all_says_nothing() -> None:
    empty = lives([])
    assert [values.tolist() for values in kaplan_meier(empty).at(np.array([0.0, 9.0]))] == [[1, 1], [0, 0], [1, 1]]
    assert kaplan_meier(REMISSION, np.zeros(21)).low.tolist() == [0]


def test_a_failure_at_time_zero_counts() -> None:
    assert kaplan_meier(lives([(0, True), (5, False)])).survival.tolist() == [0.5, 0.5]


def test_a_step_function_holds_its_value_up_to_the_next_time() -> None:
    curve = SurvivalCurve(time=np.array([0.0, 5.0]), survival=np.array([1.0, 0.4]), low=np.zeros(2), high=np.ones(2))
    assert curve.at(np.array([0.0, 4.9, 5.0, 99.0]))[0].tolist() == [1, 1, 0.4, 0.4]


FEW = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=6)


@given(FEW, FEW)
def test_the_log_rank_test_is_total_and_symmetric(a: list[tuple[int, bool]], b: list[tuple[int, bool]]) -> None:
    shorter = min(len(a), len(b))
    for paired, one, two in ((False, a, b), (True, a[:shorter], b[:shorter])):
        found, other = logrank(lives(one), lives(two), paired=paired), logrank(lives(two), lives(one), paired=paired)
        assert 0 < found.least <= found.p <= 1
        assert found.z == pytest.approx(-other.z, abs=1e-9)
        assert found.p == pytest.approx(other.p, abs=1e-9)


def excess(a: list[tuple[int, bool]], b: list[tuple[int, bool]]) -> Fraction:
    """Failures of ``a`` less those expected, from the definition, in fractions."""
    total = Fraction(0)
    for time in {t for t, failed in a + b if failed}:
        (risk_a, fail_a), (risk, fail) = (
            (sum(t >= time for t, _ in own), own.count((time, True))) for own in (a, a + b)
        )
        total += fail_a - Fraction(fail * risk_a, risk)
    return total


def brute(a: list[tuple[int, bool]], b: list[tuple[int, bool]], *, paired: bool) -> float:
    """Twice the smaller tail over all swaps, or over all divisions, one after the other."""
    everybody = range(len(a) + len(b))
    subjects = a + b
    if paired:
        chosen = [[i + len(a) * swap for i, swap in enumerate(way)] for way in product((0, 1), repeat=len(a))]
    else:
        chosen = [list(way) for way in combinations(everybody, len(a))]
    values = [excess([subjects[i] for i in way], [subjects[i] for i in everybody if i not in way]) for way in chosen]
    observed = excess(a, b)
    tails = sum(value >= observed for value in values), sum(value <= observed for value in values)
    return min(1.0, 2 * min(tails) / len(values))


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_p_is_that_of_all_arrangements_ties_and_censoring_included(seed: int, paired: bool) -> None:
    rng = np.random.default_rng(seed)
    a, b = ([(int(t), bool(f)) for t, f in zip(rng.integers(1, 5, 5), rng.random(5) < 0.7, strict=True)] for _ in "ab")
    a = [(max(1, t - 2), f) for t, f in a]
    assert logrank(lives(a), lives(b), paired=paired).p == pytest.approx(brute(a, b, paired=paired), abs=1e-9)


@pytest.mark.parametrize("first", [0, 3, 9])
def test_p_of_a_single_subject_is_that_of_its_place_among_all(first: int) -> None:
    one, others = [(first, True)], [(t, t % 3 > 0) for t in range(1, 8)]
    for a, b in ((one, others), (others, one)):
        assert logrank(lives(a), lives(b)).p == pytest.approx(brute(a, b, paired=False), abs=1e-9)


@pytest.mark.parametrize(
    ("n", "paired", "least"), [(5, True, 2 / 32), (6, True, 2 / 64), (3, False, 2 / 20), (4, False, 2 / 70)]
)
def test_the_least_p_is_reached_where_one_group_outlives_the_other(n: int, paired: bool, least: float) -> None:
    found = logrank(lives([(t, True) for t in range(n)]), lives([(n + t, True) for t in range(n)]), paired=paired)
    assert found.p == found.least == pytest.approx(least)


def test_many_pairs_are_drawn_and_always_alike() -> None:
    a, b = lives([(t, True) for t in range(20)]), lives([(t + (-1) ** t * 3 + 3, True) for t in range(20)])
    found = logrank(a, b, paired=True)
    assert found == logrank(a, b, paired=True)
    assert found.p * (DRAWS + 1) == pytest.approx(round(found.p * (DRAWS + 1)))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(found.z)), abs=0.02)


def test_pairs_see_what_independent_groups_cannot() -> None:
    """Each pair has a time of its own, at which its first replica fails a little sooner."""
    a, b = lives([(10 * t, True) for t in range(1, 9)]), lives([(10 * t + 1, True) for t in range(1, 9)])
    assert logrank(a, b, paired=True).p == pytest.approx(2 / 256)
    assert logrank(a, b).p > 0.5


def test_pairs_need_groups_of_one_size() -> None:
    with pytest.raises(ValueError, match="paired groups must have the same size, got 1 and 2"):
        logrank(lives([(1, True)]), lives([(1, True), (2, True)]), paired=True)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([], []),
        ([(3, True)], []),
        ([(3, False)], [(3, False)]),
        ([(3, True)], [(3, True)]),
        ([(3, True)], [(1, False)]),
        ([(3, True)] * 4, [(3, True)] * 9),
    ],
)
def test_what_cannot_tell_the_groups_apart_gives_one(a: list[tuple[int, bool]], b: list[tuple[int, bool]]) -> None:
    found = logrank(lives(a), lives(b))
    assert (found.z, found.p) == (0, 1)


def equal(rng: np.random.Generator, n: int, end: float, shared: bool, steps: int) -> list[Lifetimes]:
    """Two groups with one law: exponential, looked at ``steps`` times per unit, censored at ``end``."""
    frailty = rng.exponential(1, n) if shared else np.ones(n)
    times = np.ceil(rng.exponential(1, (2, n)) * frailty * steps) / steps
    return [Lifetimes(time=np.minimum(own, end), failed=own <= end) for own in times]


@pytest.mark.parametrize("shared", [False, True], ids=["independent", "seeds shared"])
@pytest.mark.parametrize(("end", "steps"), [(1e9, 10**6), (2.0, 3), (0.3, 10**6)], ids=["all fail", "ties", "censored"])
@pytest.mark.parametrize(("n", "paired"), [(5, False), (5, True), (7, True)])
def test_equal_groups_are_told_apart_at_most_at_the_level(
    n: int, paired: bool, end: float, steps: int, shared: bool
) -> None:
    """The sizes of ``docs/explanation/statistics.md``; the normal approximation has up to 6.7 % at 5 against 5."""
    rng = np.random.default_rng(1)
    draws = 600
    ps = [logrank(*equal(rng, n, end, shared, steps), paired=paired).p for _ in range(draws)]
    size = np.mean(np.array(ps) < 0.05)
    assert size <= 0.05 + 2.5 * sqrt(0.05 * 0.95 / draws)
    assert size == 0 or (n, paired) != (5, True)  # five pairs cannot reject


def test_the_interval_covers_under_censoring() -> None:
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(1500):
        failure, loss = rng.exponential(1, 30), rng.uniform(0, 3, 30)
        curve = kaplan_meier(Lifetimes(time=np.minimum(failure, loss), failed=failure <= loss))
        _, low, high = curve.at(np.array([0.25, 0.5, 1.0]))
        hits.append((low <= np.exp([-0.25, -0.5, -1.0])) & (np.exp([-0.25, -0.5, -1.0]) <= high))
    assert (np.mean(hits, axis=0) > 0.93).all()


@pytest.mark.parametrize(
    ("time", "failed", "message"),
    [
        ([1.0], [True, False], r"time and failed must be \[N\] each, got \(1,\) and \(2,\)"),
        ([-1.0], [True], "time must be finite and >= 0"),
        ([np.nan], [True], "time must be finite and >= 0"),
    ],
)
def test_impossible_lifetimes_are_refused(time: list[float], failed: list[bool], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lifetimes(time=np.array(time), failed=np.array(failed))


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, np.inf]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights must be 2 finite numbers >= 0"):
        kaplan_meier(lives([(1, True), (2, True)]), np.array(weights))


def test_an_impossible_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match=r"confidence must be in \(0, 1\), got 1"):
        kaplan_meier(REMISSION, confidence=1)
