"""More success: exact tests on the seeds of two sets of cells."""

import random
from dataclasses import replace
from itertools import product

import pytest

from study.evidence.inference.paired import Pairs, mcnemar, sign_flip
from study.evidence.inference.paired_exact import exact_interval
from study.evidence.inference.proportions import boschloo, wilson
from study.evidence.judging import Verdict
from tests.study.evidence.made_claims import CONTRADICTED, MORE, SUPPORTED, UNDECIDED, cell, one, two


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
    assert found.difference == (pytest.approx(0.25, abs=1e-12), *exact_interval(pairs))
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
    assert (drawn.p, drawn.verdict) == (2 / 2**8, SUPPORTED)
    assert "over 24 pairs on 8 draws that count as one observation each" in drawn.sentence


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
        " 40.4 %) with loss ns, a difference of 80 points (95 % interval 11 to 99.5), over 10 pairs on the same"
        " seeds, correlation -1; exact McNemar test: p = 0.0215, below 0.05."
    )


def test_equal_rates_are_called_different_no_oftener_than_alpha_when_cells_share_their_seeds_luck() -> None:
    """Six cells of a side succeed or fail together, as a side's luck with the seed has it; the rates are the same.

    Taking the cells as observations would call every second such launch a difference.
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


def test_draws_are_called_different_no_oftener_than_alpha_when_their_seeds_agree() -> None:
    """A setting either trains, whatever the seed, or it does not: five seeds of it are one observation.

    Twelve settings are drawn for each launch, and both methods are equally likely to train on one. Counting each seed
    of a setting apart would call every second launch a difference.
    """
    luck, wrong, apart = random.Random(2), 0, 0
    for _ in range(200):
        ends = [tuple(luck.choice("+-") for _ in range(2)) for _ in range(12)]
        records = [
            row
            for number, own in enumerate(ends)
            for index, loss, end in ((2 * number, "ls", own[0]), (2 * number + 1, "ns", own[1]))
            for row in cell(index, end * 5, loss=loss, net=str(number))
        ]
        wrong += one(replace(MORE, drawn=("net",)), records).verdict is not UNDECIDED
        of_one, of_other = (5 * own.count(pair) for own, pair in ((ends, ("+", "-")), (ends, ("-", "+"))))
        apart += mcnemar(Pairs(both=0, only_a=of_one, only_b=of_other, neither=0)) < 0.05
    assert wrong <= 0.05 * 200
    assert apart > 0.3 * 200
