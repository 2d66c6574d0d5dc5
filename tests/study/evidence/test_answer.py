"""The answer of a launch: what became of its claims, why the undecided ones are, and when nothing can be told apart."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from study.evidence.answer import Reason, answer, explained, nothing_apart, reason
from study.evidence.commands import Command
from study.evidence.inference.proportions import wilson
from study.evidence.judging import judge
from study.evidence.reach import reach
from study.evidence.variance_components import said, variance_components
from study.storage.records import Status
from study.storage.store import Store
from tests.study.conftest import C, D, M, U
from tests.study.design.made_studies import planned
from tests.study.evidence.made_records import recorded
from tests.study.evidence.test_variance_components import designed, plan_of
from trainables.streams import Held

Trained = Callable[..., Store]


@pytest.fixture(name="store")
def store_fixture(trained: Trained) -> Callable[..., Store]:
    """Makes a launch of two cells without its page."""
    return lambda *ends, **options: trained(ends, page=False, **options)


def answered(store: Store) -> tuple[str, ...]:
    plan, records = store.plan(), store.records()
    return answer(plan, records, judge(plan.hypotheses, records, anytime=plan.until_decided))


def reasons(store: Store) -> list[Reason | None]:
    plan, records = store.plan(), store.records()
    return [reason(own, reach(plan)) for own in judge(plan.hypotheses, records)]


def test_claims_are_counted_by_verdict_and_the_first_decided_one_is_quoted(store: Any) -> None:
    counted, first = answered(store([C] * 12, [D] * 12))
    assert counted == "Both claims are supported."
    assert first.startswith("“Least squares converges more often” is supported: 12 of 12 (100 %")
    assert "0 of 12 (0 %" in first
    assert first.endswith("; p < 0.001.")
    assert "McNemar" not in first


def test_a_decided_comparison_is_quoted_before_a_share(store: Any) -> None:
    plan, records = (launch := store([C] * 12, [D] * 12)).plan(), launch.records()
    compared, share = judge(plan.hypotheses, records)
    said = answer(plan, records, (share, compared))
    assert said[1].startswith("“Least squares converges more often” is supported")
    assert answer(plan, records, (share,))[0].startswith(f"“{share.hypothesis.claim.removesuffix('.')}” is supported")


def test_too_few_seeds_are_told_from_no_difference_shown(store: Any) -> None:
    few, many = store([C] * 3, [D] * 3, study="few"), store([C, M] * 8, [M, C] * 8, study="many")
    assert reasons(few) == [Reason.UNDERPOWERED, Reason.UNDERPOWERED]
    assert answered(few)[0] == "Both claims are undecided (underpowered)."
    plan, records = few.plan(), few.records()
    compared = judge(plan.hypotheses, records)[0]
    assert (
        explained(compared, reach(plan))
        == "Underpowered: 3 seeds per cell cannot decide this claim, whatever comes out."
    )
    assert reasons(many) == [Reason.NOT_SHOWN, Reason.NOT_SHOWN]
    assert answered(many)[0] == (
        "Both claims are undecided (1 with no difference shown and 1 with neither side shown)."
    )
    plan, records = many.plan(), many.records()
    compared, share = judge(plan.hypotheses, records)
    end = "can decide this claim, but what came out shows"
    assert explained(compared, reach(plan)) == f"16 seeds per cell {end} no difference."
    assert explained(share, reach(plan)) == f"16 seeds per cell {end} neither side of the threshold."


def test_a_claim_that_seeds_can_only_contradict_is_underpowered_too(store: Any) -> None:
    launch = store([C, M] * 8, [M, C] * 8)
    plan, records = launch.plan(), launch.records()
    own, _ = judge(plan.hypotheses, records)
    able = replace(reach(plan), unsupportable=plan.hypotheses)
    assert reason(own, able) is Reason.UNSUPPORTABLE
    assert "can contradict this claim, but cannot support it" in explained(own, able)


def test_a_claim_without_cells_has_nothing_to_test(trained: Trained) -> None:
    store = trained(([C] * 3,), page=False)
    assert reasons(store)[0] is Reason.UNTESTED
    assert answered(store) == ("The 2 claims of the study are not in this profile.",)
    plan, records = store.plan(), store.records()
    assert explained(judge(plan.hypotheses, records)[0], reach(plan)) == ""


def test_floor_and_ceiling_are_named(store: Any) -> None:
    floor, ceiling = (answered(store([end] * 3, [end] * 3, study=end.value))[0] for end in (D, C))
    said = "so success tells no two cells apart here"
    assert floor == f"No replica of any cell converged (0 of 6), {said}: a floor effect."
    assert ceiling == f"Every replica of every cell converged (6 of 6), {said}: a ceiling effect."
    assert "effect" not in " ".join(answered(store([C] * 3, [D] * 3, study="apart")))


def test_one_cell_or_no_replica_is_no_effect() -> None:
    assert nothing_apart([wilson(0, 5)]) == ""
    assert nothing_apart([wilson(0, 0), wilson(0, 0)]) == ""
    assert nothing_apart([wilson(0, 5), wilson(0, 0)]) == ""


def test_an_unfinished_launch_says_so(store: Any) -> None:
    assert answered(store([U] * 2, [U] * 2, study="none")) == ("No replica has an outcome yet.",)
    some = answered(store([C] * 2, [U] * 2, study="some"))
    assert some[0] == "Not finished: 2 of 4 replicas have no outcome yet."
    assert not [sentence for sentence in some if "effect" in sentence or isinstance(sentence, Command)]


def test_an_unfinished_launch_offers_no_other_one(store: Any) -> None:
    """Its own seeds may decide what is open: the command that is due is ``study resume``, which the launch names."""
    own = [C] * 6 + [D] * 2 + [U] * 8, [C] * 2 + [D] * 6 + [U] * 8
    assert not [sentence for sentence in answered(store(*own)) if isinstance(sentence, Command)]
    ended = [row[:8] for row in own]
    assert [sentence for sentence in answered(store(*ended, study="ended")) if isinstance(sentence, Command)]


def test_replicas_that_crashed_are_counted(store: Any) -> None:
    launch = store([C, C, D], [D, D, D])
    plan, records = launch.plan(), launch.records()
    lost = [replace(own, status=Status.CRASHED, outcome=U) for own in records[:2]]
    verdicts = judge(plan.hypotheses, (*lost, *records[2:]))
    assert answer(plan, (*lost, *records[2:]), verdicts)[0] == "2 of 6 replicas crashed and count for nothing."
    every = [replace(own, status=Status.CRASHED, outcome=U) for own in records]
    assert answer(plan, every, judge(plan.hypotheses, every)) == ("6 of 6 replicas crashed and count for nothing.",)


def test_without_claims_the_best_and_the_worst_cell_are_the_answer(store: Any) -> None:
    apart = answered(store([C] * 8, [D] * 8, study="apart", hypotheses=()))
    assert apart == (
        "Of 2 cells, ls converged most often, 8 of 8 (1.00, 95 % Wilson interval [0.68, 1.00]), and ns least often,"
        " 0 of 8 (0.00, 95 % Wilson interval [0.00, 0.32]); the two intervals do not overlap.",
    )
    plan = plan_of(*(Held(init=at) for at in range(5)), seeds=8)
    (tied,) = answer(plan, recorded(plan, [[C] * 8, [D] * 8, [C] * 8, [D] * 8, [D] * 8]), ())
    assert tied.startswith("Of 5 cells, 2 (cell 0 among them) converged most often, 8 of 8 ")
    assert "and 3 (cell 4 among them) least often, 0 of 8 " in tied
    near = answered(store([C, C, D], [C, D, D], study="near", hypotheses=()))
    assert near[0].endswith("the two intervals overlap.")
    same = answered(store([C, D], [D, C], study="same", hypotheses=()))
    assert same[0] == "Each of 2 cells: 1 of 2 (0.50, 95 % Wilson interval [0.09, 0.91]) converged."


def test_a_launch_that_holds_sources_says_where_its_variance_comes_from() -> None:
    plan = plan_of(*designed(2), seeds=8)
    records = recorded(plan, [[C, M, M, C, C, M, M, M], *[[C, M] * 4, [M] * 8] * 3, [M] * 8])
    assert answer(plan, records, ()) == (said(variance_components(plan, records)),)
    floor = answer(plan, recorded(plan, [[M] * 8] * 8), ())
    assert [sentence.split("converged")[0] for sentence in floor] == [
        "No replica of any cell ",
        "Each of 8 cells: 0 of 8 (0.00, 95 % Wilson interval [0.00, 0.32]) ",
    ]


def test_what_is_open_comes_with_the_seeds_the_time_and_the_command_that_would_decide_it(store: Any) -> None:
    said, command = answered(store([C] * 3, [D] * 3, study="mixture-modes", changes={"steps": 900, "data.modes": 2}))[
        -2:
    ]
    assert said == (
        "If the rates are as observed, 8 seeds per cell would decide the 2 open claims with a chance of 0.80, in"
        " at most 32 s of one CPU core."
    )
    options = "--profile quick --until-decided --seeds 8"
    assert command == f"study run mixture-modes {options} --set steps=900 --set data.modes=2"
    assert isinstance(command, Command)
    assert answered(store([C] * 3, [D] * 3))[-1] == f"study run STUDY {options}"
    limited = answered(store([C] * 3, [D] * 3, study="limited", until_decided=True, least=3, budget=60.0))[-1]
    assert limited.endswith("--until-decided --seeds 8 --budget 6m"), "a minute of computing, and five more"


def test_rates_at_the_border_are_out_of_reach(store: Any) -> None:
    last = answered(store([C, M] * 8, [M, C] * 8))[-1]
    assert last == "The 2 open claims would take more than 200 seeds per cell at the observed rates."


@pytest.mark.parametrize(("end", "some"), [(D, "No replica of either side"), (C, "Every replica of both sides")])
def test_after_a_floor_or_ceiling_effect_seeds_are_not_said_to_be_enough_as_it_stands(
    store: Any, end: Any, some: str
) -> None:
    launch = store([end] * 16, [end] * 16)
    plan, records = launch.plan(), launch.records()
    compared = judge(plan.hypotheses, records)[0]
    able = reach(plan)
    assert reason(compared, able) is Reason.NOT_SHOWN
    assert explained(compared, able) == (
        f"{some} converged, so that they cannot be told apart; 16 seeds per cell could decide it if they differed."
    )
    assert "can decide" not in " ".join(answered(launch))


def test_open_claims_that_can_be_had_are_told_from_those_that_cannot(store: Any) -> None:
    said, others, _ = answered(store([C] * 6, [C, D] * 3))[-3:]
    assert "would decide 1 of the 2 open claims" in said
    assert others == "The other one would take more than 200 seeds per cell at the observed rates."


def test_open_claims_about_drawn_levels_take_draws_and_come_without_a_command() -> None:
    plan = planned(seeds=6)
    plan = replace(plan, hypotheses=tuple(replace(own, drawn=("rate",)) for own in plan.hypotheses))
    rows = recorded(plan, [[C] * 3 + [M] * 3, [M] * 6] * 2)
    *_, last = answer(plan, rows, judge(plan.hypotheses, rows))
    assert not isinstance(last, Command)
    assert "of levels that were drawn at random" in last
    assert "not more seeds" in last


def test_a_design_of_several_factors_says_which_one_moves_success_most() -> None:
    plan = planned(seeds=8)  # objective x rate
    ends = ([C] * 8, [C] * 6 + [M] * 2, [M] * 8, [M] * 8)
    rows = recorded(plan, ends)
    judged = judge(plan.hypotheses, rows)
    (moved,) = [own for own in answer(plan, rows, judged) if own.startswith("Over the whole design")]
    assert moved.startswith(
        "Over the whole design objective moves success most: 87.5 % with ls(-1,1,0) against 0 % with ns, 87.5"
        " points (95 % interval "
    )
    assert "; rate by 12.5 (" in moved
    floor = recorded(plan, [[M] * 8] * 4)
    assert "Over the whole design" not in " ".join(answer(plan, floor, judge(plan.hypotheses, floor)))
