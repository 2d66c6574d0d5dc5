"""Verdicts on declared hypotheses: every kind by hand."""

import random
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from study.evidence.inference.paired import Pairs, mcnemar, newcombe_paired, sign_flip
from study.evidence.inference.proportions import boschloo, clopper_pearson, wilson
from study.evidence.judging import Verdict
from study.outcomes.outcome import Outcome
from tests.study.evidence.made_claims import CONTRADICTED, MORE, SAME, SHARE, SUPPORTED, UNDECIDED, M, U, cell, one, two

# More success


@pytest.mark.parametrize(
    ("ls", "ns", "verdict"),
    [
        ("++++++++", "--------", SUPPORTED),
        ("--------", "++++++++", CONTRADICTED),
        ("+++++", "-----", UNDECIDED),
        ("++++++++", "++++++++", UNDECIDED),
        ("--------", "--------", UNDECIDED),
        ("+-+-+-+-", "-+-+-+-+", UNDECIDED),
        ("+", "-", UNDECIDED),
    ],
)
def test_more_success_is_mcnemars_exact_test_on_the_seeds(ls: str, ns: str, verdict: Verdict) -> None:
    """8 discordant pairs on one side have p = 2/256, 5 have 2/32."""
    found = one(MORE, two(ls, ns))
    discordant = [(a, b) for a, b in zip(ls, ns, strict=True) if a != b]
    pairs = Pairs(
        both=0, only_a=discordant.count(("+", "-")), only_b=discordant.count(("-", "+")),
        neither=len(ls) - len(discordant),
    )  # fmt: skip
    assert found.verdict is verdict
    assert found.p == found.p_adjusted == mcnemar(pairs)
    assert (found.test, found.pairs) == ("exact McNemar test", len(ls))


def test_pairs_have_a_difference_with_interval_and_a_correlation() -> None:
    found = one(MORE, two("++++--+-", "++--+---"))
    pairs = Pairs(both=2, only_a=3, only_b=1, neither=2)
    assert found.rates == (wilson(5, 8), wilson(3, 8))
    assert found.difference == (pytest.approx(0.25, abs=1e-12), *newcombe_paired(pairs))
    assert found.correlation == pairs.correlation


def test_alpha_decides_what_is_small() -> None:
    records = two("+++++++", "-------")
    assert one(MORE, records).verdict is SUPPORTED
    assert one(replace(MORE, alpha=0.01), records).verdict is UNDECIDED


def test_several_pairs_of_a_seed_are_one_observation() -> None:
    """Differences of the seeds: 2, 1, 0, 2, -1, 1; of all their signs 14 of 64 sum to 5 or more in size."""
    records = [
        *cell(0, "++-+-+", loss="ls", bn="a"), *cell(1, "++++++", loss="ls", bn="b"),
        *cell(2, "-----+", loss="ns", bn="b"), *cell(3, "-++-+-", loss="ns", bn="a"),
    ]  # fmt: skip
    sizes = (2, 1, 0, 2, 0, 1)
    found = one(MORE, records)
    sums = [sum(s * d for s, d in zip(signs, sizes, strict=True)) for signs in product((-1, 1), repeat=6)]
    assert found.p == pytest.approx(sum(abs(total) >= sum(sizes) for total in sums) / 64, abs=1e-12)
    assert found.p == sign_flip(sizes)
    assert (found.pairs, [(rate.successes, rate.n) for rate in found.rates]) == (12, [(10, 12), (4, 12)])
    assert found.verdict is UNDECIDED
    assert "over 12 pairs on 6 seeds that count as one observation each" in found.sentence


def test_many_cells_of_few_seeds_decide_nothing() -> None:
    """Boschloo's p of 24 against 0 of 24 is below 1e-12; three seeds cannot say more than p = 1/4."""
    records = [
        row
        for number in range(8)
        for row in (
            *cell(2 * number, "+++", loss="ls", net=str(number)),
            *cell(2 * number + 1, "---", loss="ns", net=str(number)),
        )
    ]
    assert boschloo(24, 24, 0, 24) < 1e-12
    found = one(MORE, records)
    assert (found.p, found.verdict) == (0.25, UNDECIDED)
    drawn = one(replace(MORE, drawn=("net",)), records)
    assert (drawn.p, drawn.verdict, drawn.test) == (2 / 2**24, SUPPORTED, "exact McNemar test")


def test_cells_without_partners_are_pooled_and_their_seeds_called_independent() -> None:
    records = [*cell(0, "++++", loss="ls", bn="a"), *cell(1, "++++", loss="ls", bn="b"), *cell(2, "---+", loss="ns")]
    found = one(MORE, records)
    assert found.p == boschloo(8, 8, 1, 4)
    assert (found.pairs, found.correlation, found.test) == (0, None, "Boschloo's exact test")
    assert found.verdict is SUPPORTED
    assert "seeds counting as independent" in found.sentence


def test_cells_without_a_common_seed_are_no_pairs() -> None:
    found = one(MORE, cell(0, "+++++", loss="ls") + cell(1, "-----", first=5, loss="ns"))
    assert (found.p, found.pairs) == (boschloo(5, 5, 0, 5), 0)
    assert found.verdict is SUPPORTED


def test_a_replica_whose_partner_crashed_is_left_out_and_counted() -> None:
    found = one(MORE, two("+++++++++", "-------xx"))
    assert found.p == 2 / 2**7
    assert (found.pairs, found.rates[0].n) == (7, 7)
    assert "not counted: 2 replicas whose partner has no outcome" in found.sentence


def test_the_sentence_of_more_success_states_counts_difference_test_and_p() -> None:
    assert one(MORE, two("++++++++-+", "--------+-")).sentence == (
        "9 of 10 (90 %, 95 % interval 59.6 % to 98.2 %) converged with loss ls, 1 of 10 (10 %, 95 % interval 1.79 % to"
        " 40.4 %) with loss ns, a difference of 80 points (95 % interval 19.2 to 96.4), over 10 pairs on the same"
        " seeds, correlation -1; exact McNemar test: p = 0.0215, below 0.05."
    )


def test_equal_rates_are_called_different_no_oftener_than_alpha_when_cells_share_their_seeds_luck() -> None:
    """Six cells of a side succeed or fail together, as a side's luck with the seed has it; the rates are the same.

    Taking each cell of a seed as an observation of its own would call every second such launch a difference.
    """
    luck, wrong, naive = random.Random(1), 0, 0
    for _ in range(200):
        better, worse = ("".join(luck.choices("+-", k=10)) for _ in range(2))
        records = [
            row
            for number in range(6)
            for index, loss, ends in ((2 * number, "ls", better), (2 * number + 1, "ns", worse))
            for row in cell(index, ends, loss=loss, net=str(number))
        ]
        wrong += one(MORE, records).verdict is not UNDECIDED
        naive += one(replace(MORE, drawn=("net",)), records).verdict is not UNDECIDED
    assert wrong <= 0.05 * 200
    assert naive > 0.4 * 200


# The share of some outcomes


@pytest.mark.parametrize(
    ("side", "ends", "verdict"),
    [
        ("above", "+" * 20, SUPPORTED),
        ("above", "-" * 20, CONTRADICTED),
        ("above", "+" * 12 + "-" * 8, UNDECIDED),
        ("below", "-" * 20, SUPPORTED),
        ("below", "+" * 20, CONTRADICTED),
        ("below", "+" * 12 + "-" * 8, UNDECIDED),
        ("above", "+", UNDECIDED),
    ],
)
def test_a_share_needs_its_exact_interval_on_one_side(side: Any, ends: str, verdict: Verdict) -> None:
    found = one(replace(SHARE, side=side), cell(0, ends, loss="ls"))
    (rate,) = found.rates
    assert found.verdict is verdict
    assert (found.p is not None and found.p < 0.05) is not (rate.low <= 0.5 <= rate.high)
    assert found.test == "exact binomial test"


def test_a_share_uses_the_exact_interval_at_its_alpha() -> None:
    (rate,) = one(replace(SHARE, alpha=0.1), cell(0, "+" * 9 + "---", loss="ls") + cell(1, "---", loss="ns")).rates
    exact = clopper_pearson(9, 12, 0.9)
    assert (rate.low, rate.high) == (pytest.approx(exact.low, abs=1e-9), pytest.approx(exact.high, abs=1e-9))


def test_a_share_may_count_several_outcomes() -> None:
    decided = [outcome for outcome in Outcome if outcome is not U]
    records = [
        replace(row, outcome=outcome) for row, outcome in zip(cell(0, "++++++", loss="ls"), decided, strict=True)
    ]
    (rate,) = one(replace(SHARE, outcomes=(M, Outcome.LATE_COLLAPSE)), records).rates
    assert (rate.successes, rate.n) == (2, 6)


def test_several_cells_of_a_seed_are_one_observation_of_a_share() -> None:
    """10 seeds with 2 of 2 each, and not 20 replicas; 6 seeds alone would not do."""
    records = cell(0, "+" * 10, loss="ls", bn="a") + cell(1, "+" * 10, loss="ls", bn="b")
    found = one(SHARE, records)
    assert found.p == pytest.approx(2 / 2**10, abs=1e-12)
    assert (found.rates[0].successes, found.rates[0].n) == (20, 20)
    assert found.rates[0].low == pytest.approx(clopper_pearson(10, 10).low, abs=1e-9)
    assert "10 seeds counting as one observation each" in found.sentence
    few = [row for row in records if row.seed < 5]
    assert one(SHARE, few).verdict is UNDECIDED
    assert one(replace(SHARE, drawn=("bn",)), few).verdict is SUPPORTED


def test_the_sentence_of_a_share_states_count_interval_and_p() -> None:
    assert one(SHARE, cell(0, "+" * 20, loss="ls")).sentence == (
        "20 of 20 (100 %, 95 % interval 83.2 % to 100 %) ended converged with loss ls, against 50 %; "
        "exact binomial test: p < 0.001, below 0.05."
    )


@pytest.mark.parametrize(("threshold", "ends", "p"), [(0.0, "--", 1.0), (0.0, "+-", 0.0), (1.0, "++", 1.0)])
def test_a_threshold_at_the_end_is_judged_without_a_gap(threshold: float, ends: str, p: float) -> None:
    assert one(replace(SHARE, threshold=threshold), cell(0, ends, loss="ls")).p == p


# Equal rates


@pytest.mark.parametrize(
    ("ls", "ns", "verdict"),
    [
        ("+" * 20, "+" * 20, SUPPORTED),
        ("-" * 20, "-" * 20, SUPPORTED),
        ("+" * 5, "+" * 5, UNDECIDED),
        ("+-" * 6, "-+" * 6, UNDECIDED),
        ("+" * 14 + "-" * 6, "+" * 7 + "-" * 13, UNDECIDED),
        ("+" * 20, "+" * 5 + "-" * 15, CONTRADICTED),
        ("+" * 5 + "-" * 15, "+" * 20, CONTRADICTED),
    ],
)
def test_equal_rates_need_an_interval_within_the_margin(ls: str, ns: str, verdict: Verdict) -> None:
    """That few replicas show no difference is no support. The verdict is that of the interval at 90 %."""
    records = two(ls, ns)
    found = one(SAME, records)
    counts = list(zip(ls, ns, strict=True))
    low, high = newcombe_paired(
        Pairs(
            both=counts.count(("+", "+")), only_a=counts.count(("+", "-")), only_b=counts.count(("-", "+")),
            neither=counts.count(("-", "-")),
        ),
        0.9,
    )  # fmt: skip
    assert found.verdict is verdict
    assert (-0.25 < low and high < 0.25) is (verdict is SUPPORTED)
    assert (low > 0.25 or high < -0.25) is (verdict is CONTRADICTED)
    assert found.p is not None
    assert (found.p < 0.05) is (verdict is not UNDECIDED)


def test_p_of_equal_rates_is_the_smallest_alpha_that_supports_them() -> None:
    records = two("+" * 20 + "-" * 4, "+" * 20 + "-" * 4)
    p = one(SAME, records).p
    assert p is not None
    assert one(replace(SAME, alpha=1.001 * p), records).verdict is SUPPORTED
    assert one(replace(SAME, alpha=0.999 * p), records).verdict is UNDECIDED


def test_the_margin_decides_what_is_equal() -> None:
    records = two("+-" * 30, "+-" * 30)
    assert one(SAME, records).verdict is SUPPORTED
    assert one(replace(SAME, margin=0.01), records).verdict is UNDECIDED


def test_the_sentence_of_equal_rates_states_the_interval_of_the_difference() -> None:
    found = one(SAME, two("+" * 18 + "-" * 2, "+" * 17 + "-" * 3))
    assert found.sentence.startswith("18 of 20 (90 %, 95 % interval 69.9 % to 97.2 %) converged with loss ls, 17 of 20")
    assert "the 90 % interval of the difference, -8.39 to 19.5 points, lies wholly within 25 points" in found.sentence
    assert "two one-sided tests by Newcombe's interval for pairs: p = " in found.sentence


def test_unmatched_cells_are_compared_by_the_interval_of_independent_rates() -> None:
    records = cell(0, "+" * 20, loss="ls") + cell(1, "+" * 20, first=20, loss="ns")
    found = one(SAME, records)
    assert (found.verdict, found.pairs) == (SUPPORTED, 0)
    assert "seeds counting as independent" in found.sentence
