"""Verdicts on declared hypotheses: every kind by hand, then what must hold whatever the data are."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import grid
from study.evidence.judging import Judgement, Verdict, cells_that_matter, judge
from study.evidence.statistics.paired import Pairs, mcnemar, newcombe_paired, sign_flip
from study.evidence.statistics.proportions import boschloo, clopper_pearson, wilson
from study.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share, sides
from study.outcome import Outcome
from study.records import Record, Status
from study.spec import Study
from study.studies import studies

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED
SUPPORTED, CONTRADICTED, UNDECIDED = Verdict
LS, NS = {"loss": "ls"}, {"loss": "ns"}
MORE = MoreSuccess(name="m", claim="c", source="s", better=LS, worse=NS)
SAME = SameSuccess(name="e", claim="c", source="s", a=LS, b=NS)
SHARE = Share(name="h", claim="c", source="s", where=LS, outcomes=(C,), side="above", threshold=0.5)
ENDS = {"+": C, "-": M, "x": U, "?": U, ".": U}
STATUSES = {"x": Status.CRASHED, "?": Status.PLANNED, ".": Status.SKIPPED}


def cell(index: int, ends: str, first: int = 0, **levels: str) -> list[Record]:
    """A replica per letter, on the seeds from ``first``: + converged, - collapsed, x crashed, ? planned, . skipped."""
    return [
        Record(
            launch="l", study="s", profile="p", cell=index, cell_name="c", levels=levels, digest="d", config={},
            block="b", replica=number, seed=first + number, status=STATUSES.get(end, Status.FINISHED),
            outcome=ENDS[end], outcome_step=None, ever_good=False, evidence={}, rule="r", steps=1, planned_steps=1,
            seconds=1.0, mode="", device="", versions={},
        )
        for number, end in enumerate(ends)
    ]  # fmt: skip


def two(ls: str, ns: str) -> list[Record]:
    return cell(0, ls, loss="ls") + cell(1, ns, loss="ns")


def one(hypothesis: Hypothesis, records: Sequence[Record], *, anytime: bool = False) -> Judgement:
    (found,) = judge([hypothesis], records, anytime=anytime)
    return found


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


# The family


def test_holm_decides() -> None:
    """p = 2/64 alone is below 0.05, twice that in a family of two is not."""
    records = two("++++++", "------") + cell(2, "+-", loss="w")
    other = replace(SHARE, name="w", where={"loss": "w"})
    assert one(MORE, records).verdict is SUPPORTED
    found, _ = judge([MORE, other], records)
    assert (found.p, found.p_adjusted, found.verdict) == (2 / 64, 4 / 64, UNDECIDED)
    assert found.sentence.endswith("p = 0.0312, adjusted by Holm for 2 claims p = 0.0625, not below 0.05.")


def test_a_claim_that_waits_for_its_data_counts_in_the_family_already() -> None:
    """No p may grow when the data come in."""
    records = two("++++++", "------") + cell(2, "??", loss="w")
    found, waiting = judge([MORE, replace(SHARE, name="w", where={"loss": "w"})], records)
    assert found.p_adjusted == 4 / 64
    assert (waiting.p, waiting.p_adjusted) == (None, None)


def test_a_claim_without_cells_is_not_in_the_family() -> None:
    found, elsewhere = judge([MORE, replace(SHARE, name="w", where={"loss": "w"})], two("++++++", "------"))
    assert found.p_adjusted == 2 / 64
    assert elsewhere.sentence == "This profile has no cell with loss w."


def test_judgements_come_in_the_order_of_the_hypotheses() -> None:
    family = [SHARE, MORE, SAME]
    assert [found.hypothesis for found in judge(family, two("++", "--"))] == family
    assert judge([], two("++", "--")) == ()


# Little or nothing to judge


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME], ids=lambda own: own.kind)
def test_a_launch_without_the_cells_leaves_the_claim_undecided(hypothesis: Hypothesis, anytime: bool) -> None:
    found = one(hypothesis, cell(0, "++--", loss="w") + cell(1, "++--", loss="ns"), anytime=anytime)
    assert found == Judgement(
        hypothesis=hypothesis, verdict=UNDECIDED, sentence="This profile has no cell with loss ls."
    )


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME], ids=lambda own: own.kind)
@pytest.mark.parametrize("ends", ["?", "xx", "."])
def test_cells_without_any_outcome_leave_the_claim_undecided(hypothesis: Hypothesis, ends: str, anytime: bool) -> None:
    found = one(hypothesis, two(ends, "++--"), anytime=anytime)
    assert found == Judgement(
        hypothesis=hypothesis, verdict=UNDECIDED, sentence="No replica with loss ls has an outcome yet."
    )


def test_nothing_at_all_is_undecided() -> None:
    assert [found.verdict for found in judge([MORE, SAME, SHARE], [])] == [UNDECIDED] * 3


# Looking after every seed


def test_bets_need_more_seeds_than_a_fixed_number_and_say_so() -> None:
    assert one(MORE, two("+" * 6, "-" * 6)).verdict is SUPPORTED
    assert one(MORE, two("+" * 6, "-" * 6), anytime=True).verdict is UNDECIDED
    found = one(MORE, two("+" * 9, "-" * 9), anytime=True)
    assert found.verdict is SUPPORTED
    assert "95 % anytime interval" in found.sentence
    assert "after 9 seeds" in found.sentence
    assert "betting, valid at any time: p = " in found.sentence


@pytest.mark.parametrize(
    ("hypothesis", "ls", "ns", "verdict"),
    [
        (MORE, "+" * 12, "-" * 12, SUPPORTED),
        (MORE, "-" * 12, "+" * 12, CONTRADICTED),
        (SHARE, "+" * 12, "", SUPPORTED),
        (SHARE, "-" * 12, "", CONTRADICTED),
        (replace(SHARE, side="below"), "-" * 12, "", SUPPORTED),
        (SAME, "+" * 60, "+" * 60, SUPPORTED),
        (SAME, "+" * 20, "-" * 20, CONTRADICTED),
        (SAME, "-" * 20, "+" * 20, CONTRADICTED),
        (SAME, "+" * 12, "+" * 12, UNDECIDED),
    ],
)
def test_every_kind_can_be_judged_at_any_time(hypothesis: Hypothesis, ls: str, ns: str, verdict: Verdict) -> None:
    assert one(hypothesis, two(ls, ns), anytime=True).verdict is verdict


def test_cells_without_partners_are_bet_on_by_the_shares_of_each_seed() -> None:
    records = [
        *cell(0, "+" * 12, loss="ls", bn="a"), *cell(1, "+" * 12, loss="ls", bn="b"), *cell(2, "-" * 12, loss="ns")
    ]  # fmt: skip
    found = one(MORE, records, anytime=True)
    assert (found.verdict, found.pairs, [rate.n for rate in found.rates]) == (SUPPORTED, 0, [24, 12])
    assert found.p == one(MORE, two("+" * 12, "-" * 12), anytime=True).p


def test_a_seed_that_is_pending_stops_the_sequence() -> None:
    """Later seeds do not jump ahead, whichever side they wait for."""
    short = one(MORE, two("+++", "---"), anytime=True)
    for ls, ns in (("+++?++++++++", "-" * 12), ("+" * 12, "---?--------"), ("+++.", "---.")):
        found = one(MORE, two(ls, ns), anytime=True)
        assert (found.p, found.rates, found.verdict) == (short.p, short.rates, UNDECIDED)
    assert (
        "not counted: 17 replicas after a seed that lacks outcomes"
        in one(MORE, two("+++?++++++++", "-" * 12), anytime=True).sentence
    )


@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME], ids=lambda own: own.kind)
def test_nothing_counts_while_the_first_seed_is_pending(hypothesis: Hypothesis) -> None:
    found = one(hypothesis, two("?" + "+" * 12, "-" * 13), anytime=True)
    assert (found.verdict, found.p) == (UNDECIDED, None)
    assert found.sentence == "No seed counts yet: the first ones lack outcomes."


def test_a_seed_that_is_lost_does_not_stop_the_sequence() -> None:
    whole, holed = (one(MORE, two(ls, "-" * len(ls)), anytime=True) for ls in ("+" * 11, "+++x++++++++"))
    assert (holed.p, holed.rates, holed.verdict) == (whole.p, whole.rates, SUPPORTED)


def test_a_share_waits_for_all_cells_of_a_seed() -> None:
    records = cell(0, "+" * 12, loss="ls", bn="a") + cell(1, "+++?", loss="ls", bn="b")
    assert one(SHARE, records, anytime=True).rates[0].n == 6
    assert one(SHARE, records, anytime=True).verdict is UNDECIDED


def test_seeds_count_in_their_order_not_in_that_of_the_records() -> None:
    records = two("+++-+++-++++", "---+-----+--")
    for seed in range(5):
        shuffled = random.Random(seed).sample(records, len(records))
        for anytime in (False, True):
            assert judge([MORE, SHARE, SAME], shuffled, anytime=anytime) == judge(
                [MORE, SHARE, SAME], records, anytime=anytime
            )


def test_cells_matter_until_all_claims_about_them_are_decided() -> None:
    family = [MORE, replace(SHARE, name="w", where={"loss": "w"}), replace(SHARE, name="v", where={"loss": "v"})]
    few = two("++?", "--?") + cell(2, "++?", loss="w") + cell(3, "++?", loss="u")
    assert cells_that_matter(family, few) == {0, 1, 2}
    many = two("+" * 14 + "?", "-" * 14 + "?") + cell(2, "+-?", loss="w") + cell(3, "++?", loss="u")
    assert cells_that_matter(family, many) == {2}
    shared = [MORE, replace(SHARE, name="w", where={"loss": "ns"}, threshold=0.05)]
    assert cells_that_matter(shared, many) == {1}


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("++-x"), st.sampled_from("+---x")), min_size=8, max_size=16))
def test_what_is_decided_at_some_time_stays_so(drawn: list[tuple[str, str]]) -> None:
    family = [MORE, SHARE, SAME]
    before: tuple[Judgement, ...] = ()
    for n in range(1, len(drawn) + 1):
        pending = "?" * (len(drawn) - n)
        now = judge(family, two(*("".join(side) + pending for side in zip(*drawn[:n], strict=True))), anytime=True)
        for old, new in zip(before, now, strict=False):
            assert old.verdict in (UNDECIDED, new.verdict)
            assert old.p is None or (new.p is not None and new.p <= old.p)
            assert old.p_adjusted is None or (new.p_adjusted is not None and new.p_adjusted <= old.p_adjusted)
        before = now


# Whatever the data are


LEVELS = [{"loss": loss, "bn": bn} for loss in ("ls", "ns") for bn in ("a", "b")]


def numbers(found: Judgement) -> list[float]:
    rates = [value for rate in found.rates for value in (rate.low, rate.rate, rate.high)]
    return [*rates, *(found.difference or ()), *(p for p in (found.p, found.p_adjusted) if p is not None)]


@settings(max_examples=40)
@given(st.lists(st.text("+-x?.", max_size=7), min_size=4, max_size=4), st.booleans(), st.sampled_from([(), ("bn",)]))
def test_judgements_are_total_finite_and_turn_round_with_their_sides(
    ends: list[str], anytime: bool, drawn: tuple[str, ...]
) -> None:
    records = [row for index, own in enumerate(ends) for row in cell(index, own, **LEVELS[index])]
    family = [replace(own, drawn=drawn) for own in (MORE, SAME, SHARE)]
    turned = [
        replace(MORE, drawn=drawn, better=NS, worse=LS),
        replace(SAME, drawn=drawn, a=NS, b=LS),
        replace(SHARE, drawn=drawn, side="below"),
    ]
    swap = {SUPPORTED: CONTRADICTED, CONTRADICTED: SUPPORTED, UNDECIDED: UNDECIDED}
    found = judge(family, records, anytime=anytime)
    for own, other in zip(found, judge(turned, records, anytime=anytime), strict=True):
        assert all(isfinite(value) for value in numbers(own))
        assert all(0 <= p <= 1 for p in (own.p, own.p_adjusted) if p is not None)
        assert all(0 <= rate.low <= rate.rate <= rate.high <= 1 for rate in own.rates)
        assert "nan" not in own.sentence
        assert other.verdict is (own.verdict if own.hypothesis.kind == "same_success" else swap[own.verdict])
        assert (other.p is None) is (own.p is None)
        if own.p is not None:
            assert other.p == pytest.approx(own.p, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("study", studies().values(), ids=studies())
def test_all_hypotheses_of_a_study_can_be_judged(study: Study, anytime: bool) -> None:
    """In every profile, and on pairs: the cells of no shipped comparison lack partners."""
    for profile in study.profiles.values():
        levels = [
            {name: tag for level in chosen.values() for name, tag in level.tags.items()}
            | {name: level.label for name, level in chosen.items()}
            for chosen in grid(profile.factors)
        ]
        ends = random.Random(study.name)
        records = [
            row for i, own in enumerate(levels) for row in cell(i, "x" + "".join(ends.choices("+-", k=3)), **own)
        ]
        for found in judge(study.hypotheses, records, anytime=anytime):
            here = all(any(where.items() <= own.items() for own in levels) for where in sides(found.hypothesis))
            assert all(isfinite(value) for value in numbers(found))
            assert (found.p is not None) is here
            assert (found.pairs > 0) is (here and len(found.rates) == 2)
            assert not here or set(found.hypothesis.drawn) <= levels[0].keys()
