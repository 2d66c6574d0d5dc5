from collections.abc import Sequence
from itertools import combinations_with_replacement, pairwise, product
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.evidence.inference.confidence_sequences import evidence, interval
from study.evidence.inference.differences import (
    Betting,
    Difference,
    Independent,
    ManyPairs,
    OnePair,
    difference_of,
    remark,
)
from study.evidence.inference.paired import Pairs, mcnemar, newcombe_paired
from study.evidence.inference.paired_exact import exact_interval
from study.evidence.inference.proportions import boschloo, newcombe, wilson
from study.evidence.inference.shares import BettingShare, bet_against

PAIRS = Pairs(both=5, only_a=6, only_b=1, neither=3)


def several(clusters: Sequence[tuple[int, int, int]]) -> ManyPairs:
    """Clusters whose successes sit in as few pairs as possible."""
    a = [x for n, k, _ in clusters for x in [True] * k + [False] * (n - k)]
    b = [x for n, _, k in clusters for x in [True] * k + [False] * (n - k)]
    seen = list(zip(a, b, strict=True))
    pairs = Pairs(
        both=seen.count((True, True)), only_a=seen.count((True, False)), only_b=seen.count((False, True)),
        neither=seen.count((False, False)),
    )  # fmt: skip
    return ManyPairs(clusters, pairs)


CLUSTERS = [(3, 3, 1), (3, 2, 2), (3, 3, 0), (3, 1, 2), (3, 3, 2)]
KINDS: list[Difference] = [
    OnePair(PAIRS),
    several(CLUSTERS),
    Independent((11, 15), (6, 15)),
    Betting([(1, 1)] * 10, [(0, 1)] * 7 + [(1, 1)] * 3, None),
]


def test_one_pair_per_seed_is_mcnemar_with_the_exact_interval() -> None:
    found = OnePair(PAIRS)
    assert found.rates == (wilson(11, 15), wilson(6, 15))
    assert found.estimate == pytest.approx(5 / 15, abs=1e-12)
    assert found.interval(0.9) == exact_interval(PAIRS, 0.9)
    assert found.margin_interval(0.9) == newcombe_paired(PAIRS, 0.9)
    assert found.against(0, 0.05) == (mcnemar(PAIRS), 1)


def test_no_pairs_are_boschloo_with_newcombes_interval() -> None:
    found = Independent((11, 15), (6, 15))
    assert found.interval(0.9) == newcombe(wilson(11, 15, 0.9), wilson(6, 15, 0.9))
    assert found.against(0, 0.05) == (boschloo(11, 15, 6, 15), 1)


def test_several_pairs_per_seed_flip_the_sign_of_whole_seeds() -> None:
    """By enumeration: of all signs of 2, 0, 3, -1, 1 those with a sum as far from 0 as theirs, 5."""
    sums = [sum(s * d for s, d in zip(signs, (2, 0, 3, -1, 1), strict=True)) for signs in product((-1, 1), repeat=5)]
    p = np.mean([abs(total) >= 5 for total in sums])
    assert several(CLUSTERS).against(0, 0.05) == (pytest.approx(p, abs=1e-12), 1)


def test_replicas_that_agree_inside_their_seeds_say_no_more_than_the_seeds() -> None:
    once = Pairs(both=2, only_a=3, only_b=1, neither=2)
    each = [(1, 1, 1)] * 2 + [(1, 1, 0)] * 3 + [(1, 0, 1)] + [(1, 0, 0)] * 2
    thrice = several([(3, 3 * a, 3 * b) for _, a, b in each])
    assert thrice.against(0, 0.05) == OnePair(once).against(0, 0.05)
    assert [(r.low, r.high) for r in thrice.rates] == [
        (pytest.approx(r.low, abs=1e-9), pytest.approx(r.high, abs=1e-9)) for r in OnePair(once).rates
    ]
    a, b = wilson(5, 8), wilson(3, 8)
    assert thrice.margin_interval(0.95) == pytest.approx(newcombe(a, b), abs=1e-9)


@pytest.mark.parametrize("n", [4, 6, 9])
def test_the_interval_of_independent_rates_holds_0_where_boschloo_does_not_reject(n: int) -> None:
    widened = 0
    for a, b in combinations_with_replacement(range(n + 1), 2):  # swapped sides are a test below
        found = Independent((a, n), (b, n))
        (low, high), rejects = found.interval(0.95), found.against(0, 0.05)[0] < 0.05
        assert rejects == (not low <= 0 <= high)
        widened += remark(found, 0.95) == "the interval is widened to 0, which the test does not refute"
        assert (found.interval(0.95) != found.margin_interval(0.95)) == bool(remark(found, 0.95))
    assert widened


def test_the_interval_of_several_pairs_per_seed_holds_0_where_the_sign_flips_do_not_reject() -> None:
    found = several([(2, 2, 0)] * 5)
    assert found.against(0, 0.05)[0] == 2 / 32
    assert found.margin_interval(0.95)[0] > 0.3
    assert found.interval(0.95) == (0.0, found.margin_interval(0.95)[1])
    assert remark(found, 0.95) == "the interval is widened to 0, which the test does not refute"
    more = several([(2, 2, 0)] * 6)
    assert more.interval(0.95) == more.margin_interval(0.95)
    assert remark(more, 0.95) == ""


def test_an_interval_that_cannot_agree_says_which_of_both_decides() -> None:
    """Six seeds for a, with few pairs, and many pairs of other seeds that differ in nothing."""
    found = several([(1, 1, 0)] * 6 + [(40, 20, 20)])
    low, high = found.interval(0.95)
    assert found.against(0, 0.05)[0] < 0.05
    assert low < 0 < high
    assert remark(found, 0.95) == "this interval and the test use different approximations, and the test decides"


def test_a_difference_knows_which_kind_it_is() -> None:
    assert isinstance(difference_of([(1, 1, 0)], Pairs(both=0, only_a=1, only_b=0, neither=0)), OnePair)
    assert isinstance(difference_of(CLUSTERS, several(CLUSTERS).pairs), ManyPairs)


@pytest.mark.parametrize("found", KINDS[:3], ids=lambda found: type(found).__name__)
@pytest.mark.parametrize("margin", [-0.4, 0.1, 0.7])
def test_p_against_a_margin_is_the_level_at_which_the_interval_ends_there(found: Difference, margin: float) -> None:
    p, side = found.against(margin, 0.05)
    low, high = found.margin_interval(1 - p)
    assert side == (1 if found.estimate > margin else -1)
    assert (low if side > 0 else high) == pytest.approx(margin, abs=1e-6)


def test_a_difference_at_the_margin_refutes_nothing() -> None:
    assert OnePair(Pairs(both=1, only_a=2, only_b=1, neither=0)).against(0.25, 0.05) == (1.0, 0)


def test_samples_without_anything_seen_say_nothing() -> None:
    found = Independent((0, 0), (3, 4))
    assert (found.estimate, found.interval(0.95), found.against(0, 0.05)) == (0.0, (-1.0, 1.0), (1.0, 0))


def test_bets_are_on_the_differences_of_the_seeds() -> None:
    found = Betting([(2, 2), (1, 2), (2, 2)], [(0, 2), (1, 2), (1, 2)], None)
    assert found.against(0, 0.05) == (pytest.approx(1 / evidence([1, 0, 0.5], 0, -1, 1), rel=1e-11), 0)
    assert found.interval(0.9) == interval([1, 0, 0.5], -1, 1, 0.9)
    assert found.estimate == pytest.approx(0.5, abs=1e-12)
    assert found.rates == (BettingShare(found.a).rate(0.95), BettingShare(found.b).rate(0.95))
    assert (found.rates[0].successes, found.rates[0].n) == (5, 6)


def test_what_bets_have_decided_stays_decided() -> None:
    """Eight wins decide "above"; a hundred losses afterwards neither undo that nor turn it round."""
    values = [1.0] * 8 + [0.0] * 100
    ps, sides = zip(*(bet_against(values[:n], 0.5, 0, 1, 0.05) for n in range(len(values) + 1)), strict=True)
    assert all(later <= earlier for earlier, later in pairwise(ps))
    first = sides.index(1)
    assert set(sides[:first]) == {0}
    assert set(sides[first:]) == {1}
    assert ps[first] <= 0.05 < ps[first - 1]


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=8),
    st.floats(-0.9, 0.9),
)
def test_swapping_the_sides_turns_everything_round(drawn: list[tuple[int, int, int]], margin: float) -> None:
    clusters = [(n, min(a, n), min(b, n)) for n, a, b in drawn]
    turned = [(n, b, a) for n, a, b in clusters]
    n, a, b = (sum(column) for column in zip(*clusters, strict=True))
    kinds: list[tuple[Difference, Difference]] = [
        (several(clusters), several(turned)),
        (Independent((a, n), (b, n)), Independent((b, n), (a, n))),
        (
            Betting([(a, n) for n, a, _ in clusters], [(b, n) for n, _, b in clusters], None),
            Betting([(b, n) for n, _, b in clusters], [(a, n) for n, a, _ in clusters], None),
        ),
    ]  # fmt: skip
    for found, other in kinds:
        low, high = found.interval(0.95)
        assert -1 <= low <= found.estimate + 1e-12
        assert found.estimate - 1e-12 <= high <= 1
        assert other.interval(0.95) == pytest.approx((-high, -low), abs=1e-7)
        for value in (0.0, margin):
            (p, side), (q, reverse) = found.against(value, 0.05), other.against(-value, 0.05)
            assert isfinite(p)
            assert 0 <= p <= 1
            assert q == pytest.approx(p, rel=1e-4, abs=1e-9)
            assert reverse == -side
