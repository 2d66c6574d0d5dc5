"""Verdicts on several hypotheses: Holm's family, claims without data, and what must hold whatever the data are."""

import random
from dataclasses import replace
from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import grid
from study.design.hypotheses import Hypothesis
from study.design.study import Study
from study.evidence.judging import Flip, Fragility, Judgment, Verdict, judge, open_cells
from study.outcomes.rule import Value
from study.studies import studies
from tests.study.evidence.made_claims import (
    CONTRADICTED,
    LS,
    MORE,
    NS,
    SAME,
    SHARE,
    SUPPORTED,
    UNDECIDED,
    cell,
    one,
    two,
)

# The family


def test_holm_decides() -> None:
    """p = 2/64 alone is below 0.05, twice that in a family of two is not."""
    records = two("++++++", "------") + cell(2, "+-", loss="w")
    other = replace(SHARE, name="w", where={"loss": "w"})
    assert one(MORE, records).verdict is SUPPORTED
    found, _ = judge([MORE, other], records)
    assert (found.p, found.p_adjusted, found.verdict) == (2 / 64, 4 / 64, UNDECIDED)
    assert found.sentence.endswith(
        "p = 0.0312, adjusted by Holm for 2 claims p = 0.0625, not below 0.05; the interval is for this claim alone."
    )


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


def test_judgments_come_in_the_order_of_the_hypotheses() -> None:
    family = [SHARE, MORE, SAME]
    assert [found.hypothesis for found in judge(family, two("++", "--"))] == family
    assert judge([], two("++", "--")) == ()


# Little or nothing to judge


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME], ids=lambda own: own.kind)
def test_a_launch_without_the_cells_leaves_the_claim_undecided(hypothesis: Hypothesis, anytime: bool) -> None:
    found = one(hypothesis, cell(0, "++--", loss="w") + cell(1, "++--", loss="ns"), anytime=anytime)
    assert found == Judgment(
        hypothesis=hypothesis, verdict=UNDECIDED, sentence="This profile has no cell with loss ls.", planned=False
    )


@pytest.mark.parametrize("anytime", [False, True])
@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME], ids=lambda own: own.kind)
@pytest.mark.parametrize("ends", ["?", "xx", "."])
def test_cells_without_any_outcome_leave_the_claim_undecided(hypothesis: Hypothesis, ends: str, anytime: bool) -> None:
    found = one(hypothesis, two(ends, "++--"), anytime=anytime)
    assert found == Judgment(
        hypothesis=hypothesis, verdict=UNDECIDED, sentence="No replica with loss ls has an outcome yet."
    )


def test_nothing_at_all_is_undecided() -> None:
    assert [found.verdict for found in judge([MORE, SAME, SHARE], [])] == [UNDECIDED] * 3


# Whatever the data are


LEVELS = [{"loss": loss, "bn": bn} for loss in ("ls", "ns") for bn in ("a", "b")]


def numbers(found: Judgment) -> list[float]:
    rates = [value for rate in found.rates for value in (rate.low, rate.rate, rate.high)]
    return [*rates, *(found.difference or ()), *(p for p in (found.p, found.p_adjusted) if p is not None)]


@settings(max_examples=40)
@given(st.lists(st.text("+-x?.", max_size=7), min_size=4, max_size=4), st.booleans(), st.sampled_from([(), ("bn",)]))
def test_judgments_are_total_finite_and_turn_round_with_their_sides(
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
            here = all(any(where.items() <= own.items() for own in levels) for where in found.hypothesis.sides)
            assert all(isfinite(value) for value in numbers(found))
            assert (found.p is not None) is here
            assert (found.pairs > 0) is (here and len(found.rates) == 2)
            assert not here or set(found.hypothesis.drawn) <= levels[0].keys()


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


def flip(name: str, values: tuple[Value, ...], side: str = "within", verdict: Verdict = UNDECIDED) -> Flip:
    return Flip(threshold=name, verdict=verdict, values=values, steps=1, side=side)


@pytest.mark.parametrize(
    ("found", "condition"),
    [
        (flip("quality_min", (0.93, 0.95), "above"), "quality_min >= 0.93"),
        (flip("quality_min", (0.3, 0.4), "below"), "quality_min <= 0.4"),
        (flip("window", (4, 5)), "window is 4 to 5"),
        (flip("window", (4,)), "window is 4"),
        (flip("radius", ("r3", "r30")), "radius is r3 or r30"),
        (flip("loss_bound", (1e5,), "above"), "loss_bound >= 100000"),
    ],
)
def test_the_condition_of_a_flip_is_that_of_its_values(found: Flip, condition: str) -> None:
    assert found.condition == condition


def test_a_fragile_verdict_names_its_nearest_changes_and_counts_the_others() -> None:
    flips = (flip("a", (2,)), flip("b", (3,), verdict=Verdict.CONTRADICTED), flip("c", (4,)), flip("d", (5,)))
    assert Fragility(flips=flips).sentence(3) == (
        "fragile: undecided if a is 2 or c is 4, contradicted if b is 3; and 1 other change"
    )
    assert Fragility(flips=flips).sentence().endswith("undecided if a is 2 or c is 4 or d is 5, contradicted if b is 3")
    assert (Fragility().sentence(), Fragility().mark) == ("", "")
    assert Fragility(unknown="no traces").sentence(3) == "sensitivity unknown: no traces"
