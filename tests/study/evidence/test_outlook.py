"""What would decide the claims that a launch left open."""

from dataclasses import replace

from study.evidence.judging import Judgment, judge
from study.evidence.outlook import CHANCE, MOST, Outlook, outlook
from study.evidence.power import power_analysis
from study.evidence.summaries import summarize
from study.outcomes.outcome import Outcome
from tests.study.design.made_studies import planned
from tests.study.evidence.made_records import recorded

C, M = Outcome.CONVERGED, Outcome.MODE_COLLAPSED


def found(*ends: str) -> tuple[Outlook, tuple[Judgment, ...]]:
    """Cells: objective (ls, ns) by rate (slow, fast); claims: slow beats fast, ns succeeds in under half."""
    plan = planned(seeds=len(ends[0]))
    rows = recorded(plan, [[C if end == "c" else M for end in own] for own in ends], seconds=2.0)
    judged = judge(plan.hypotheses, rows)
    return outlook(plan, summarize(rows), judged), judged


def test_open_claims_come_with_seeds_and_seconds_of_all_cells() -> None:
    own, judged = found("cccc", "mmmm", "cccc", "mmmm")
    assert [one.hypothesis.name for one in judged if one.verdict.value == "undecided"] == ["m", "h"]
    assert own.deciding == ("m",)
    assert own.beyond == ("h",)  # half of the replicas of ns succeed: it is at its border
    assert 4 < own.seeds < 20
    assert own.seconds == 2.0 * 4 * own.seeds


def test_seeds_are_those_that_a_power_analysis_asks_for() -> None:
    own, _ = found("cccccmm", "cmmmmmm", "cccccmm", "cmmmmmm")
    plan = replace(planned(seeds=7, until_decided=True), hypotheses=planned().hypotheses[:1])
    rates = (5 / 7, 1 / 7)
    (analysis,) = power_analysis(plan, rates=rates)
    assert CHANCE == 0.8
    alone, _ = analysis.prospects[0].enough[0]
    assert alone is not None
    assert own.seeds >= alone  # two claims are open, so that each has half of alpha


def test_claims_that_go_the_other_way_can_be_decided_too() -> None:
    own, _ = found("mmmm", "cccc", "mmmm", "cccc")
    assert own.deciding == ("m",)


def test_equal_rates_are_beyond_reach_and_cost_nothing() -> None:
    own, _ = found("ccmm", "ccmm", "ccmm", "ccmm")
    assert (own.seeds, own.seconds, own.deciding) == (0, 0.0, ())
    assert len(own.beyond) == 2
    assert MOST == 200


def test_decided_claims_are_left_alone() -> None:
    own, judged = found("c" * 12, "m" * 12, "m" * 12, "m" * 12)
    decided = [one for one in judged if one.verdict.value != "undecided"]
    assert not {one.hypothesis.name for one in decided} & set(own.needed)


def test_seeds_do_not_decide_what_is_said_of_drawn_levels() -> None:
    plan = planned(seeds=6)
    drawn = tuple(replace(own, drawn=("rate",)) for own in plan.hypotheses)
    rows = recorded(plan, [[C if end == "c" else M for end in own] for own in ("cccmmm", "mmmmmm") * 2], seconds=2.0)
    judged = judge(drawn, rows)
    own = outlook(replace(plan, hypotheses=drawn), summarize(rows), judged)
    assert (own.needed, own.seeds, own.seconds) == ({}, 0, 0.0)
    assert own.draws.keys() == {one.hypothesis.name for one in judged if one.verdict.value == "undecided"}
    assert all(count is None or count > 2 for count in own.draws.values())
