"""Verdicts after every seed: bets stay valid at any time, and seeds count in their order."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design.hypotheses import Hypothesis
from study.evidence.judging import Judgment, Verdict, judge, open_cells
from tests.study.evidence.made_claims import CONTRADICTED, MORE, SAME, SHARE, SUPPORTED, UNDECIDED, cell, one, two


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
    assert open_cells(family, few) == {0, 1, 2}
    many = two("+" * 14 + "?", "-" * 14 + "?") + cell(2, "+-?", loss="w") + cell(3, "++?", loss="u")
    assert open_cells(family, many) == {2}
    shared = [MORE, replace(SHARE, name="w", where={"loss": "ns"}, threshold=0.05)]
    assert open_cells(shared, many) == {1}


@settings(max_examples=15)
@given(st.lists(st.tuples(st.sampled_from("++-x"), st.sampled_from("+---x")), min_size=8, max_size=16))
def test_what_is_decided_at_some_time_stays_so(drawn: list[tuple[str, str]]) -> None:
    family = [MORE, SHARE, SAME]
    before: tuple[Judgment, ...] = ()
    for n in range(1, len(drawn) + 1):
        pending = "?" * (len(drawn) - n)
        now = judge(family, two(*("".join(side) + pending for side in zip(*drawn[:n], strict=True))), anytime=True)
        for old, new in zip(before, now, strict=False):
            assert old.verdict in (UNDECIDED, new.verdict)
            assert old.p is None or (new.p is not None and new.p <= old.p)
            assert old.p_adjusted is None or (new.p_adjusted is not None and new.p_adjusted <= old.p_adjusted)
        before = now
