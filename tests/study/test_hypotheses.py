from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.hypotheses import Hypothesis, Judgement, MoreSuccess, SameSuccess, Share, Verdict, judge, sides
from study.outcome import Outcome
from study.statistics.proportions import clopper_pearson, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    levels: Mapping[str, str]
    outcomes: Mapping[Outcome, int]


def cell(converged: int, collapsed: int = 0, **levels: str) -> Cell:
    return Cell(levels=levels, outcomes={Outcome.CONVERGED: converged, Outcome.MODE_COLLAPSED: collapsed})


MORE = MoreSuccess(name="m", claim="c", source="s", better={"loss": "ls"}, worse={"loss": "ns"})
SAME = SameSuccess(name="e", claim="c", source="s", a={"loss": "ls"}, b={"loss": "ns"})
SHARE = Share(
    name="h", claim="c", source="s", where={"loss": "ls"}, outcomes=(Outcome.CONVERGED,), side="above", threshold=0.5
)


def judge_more(better: tuple[int, int], worse: tuple[int, int], **changes: Any) -> Judgement:
    return judge(replace(MORE, **changes), [cell(*better, loss="ls"), cell(*worse, loss="ns")])


@pytest.mark.parametrize(
    ("better", "worse", "verdict"),
    [
        ((10, 0), (0, 10), Verdict.SUPPORTED),
        ((0, 10), (10, 0), Verdict.CONTRADICTED),
        ((6, 4), (4, 6), Verdict.UNDECIDED),
        ((5, 5), (5, 5), Verdict.UNDECIDED),
        ((10, 0), (10, 0), Verdict.UNDECIDED),
        ((0, 10), (0, 10), Verdict.UNDECIDED),
        ((1, 0), (0, 1), Verdict.UNDECIDED),
    ],
)
def test_more_success_needs_a_small_p_on_its_side(
    better: tuple[int, int], worse: tuple[int, int], verdict: Verdict
) -> None:
    assert judge_more(better, worse).verdict is verdict


def test_alpha_decides_what_is_small() -> None:
    assert judge_more((8, 2), (3, 7)).p == pytest.approx(0.0414, abs=2e-3)
    assert judge_more((8, 2), (3, 7)).verdict is Verdict.SUPPORTED
    assert judge_more((8, 2), (3, 7), alpha=0.01).verdict is Verdict.UNDECIDED


def test_more_success_pools_all_cells_that_match() -> None:
    cells = [
        cell(3, 2, loss="ls", bn="a"),
        cell(4, 1, loss="ls", bn="b"),
        cell(1, 4, loss="ns", bn="a"),
        cell(0, 5, loss="ns", bn="b"),
        cell(9, 0, loss="w", bn="b"),
    ]
    assert judge(MORE, cells).rates == (wilson(7, 10), wilson(1, 10))


def test_all_factors_that_a_set_names_must_match() -> None:
    cells = [cell(3, 2, loss="ls", bn="a"), cell(4, 1, loss="ls", bn="b"), cell(1, 4, loss="ns", bn="a")]
    found = judge(replace(MORE, better={"loss": "ls", "bn": "b"}), cells)
    assert found.rates == (wilson(4, 5), wilson(1, 5))


def test_the_sentence_of_more_success_states_counts_intervals_and_p() -> None:
    assert judge_more((9, 1), (1, 9)).sentence == (
        "9 of 10 (90 %, 95 % interval 59.6 % to 98.2 %) converged with loss ls, "
        "1 of 10 (10 %, 95 % interval 1.79 % to 40.4 %) converged with loss ns; "
        "exact test of equal rates: p < 0.001, below 0.05."
    )
    assert "p = 0.503, not below 0.05" in judge_more((6, 4), (4, 6)).sentence


@pytest.mark.parametrize(
    ("side", "counts", "verdict"),
    [
        ("above", (20, 0), Verdict.SUPPORTED),
        ("above", (0, 20), Verdict.CONTRADICTED),
        ("above", (12, 8), Verdict.UNDECIDED),
        ("below", (0, 20), Verdict.SUPPORTED),
        ("below", (20, 0), Verdict.CONTRADICTED),
        ("below", (12, 8), Verdict.UNDECIDED),
    ],
)
def test_a_share_needs_its_whole_interval_on_one_side(side: Any, counts: tuple[int, int], verdict: Verdict) -> None:
    found = judge(replace(SHARE, side=side), [cell(*counts, loss="ls")])
    assert found.verdict is verdict
    assert found.p is None


def test_a_share_uses_the_exact_interval_at_its_alpha() -> None:
    found = judge(replace(SHARE, alpha=0.1), [cell(9, 3, loss="ls"), cell(0, 9, loss="ns")])
    assert found.rates == (clopper_pearson(9, 12, confidence=0.9),)


def test_a_share_may_count_several_outcomes() -> None:
    cells = [Cell(levels={"loss": "ls"}, outcomes={o: 1 for o in Outcome if o is not Outcome.UNDECIDED})]
    failures = (Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE)
    assert judge(replace(SHARE, outcomes=failures), cells).rates[0] == clopper_pearson(2, 6)


def test_the_sentence_of_a_share_states_counts_and_interval() -> None:
    assert judge(SHARE, [cell(20, 0, loss="ls")]).sentence == (
        "20 of 20 (100 %, 95 % interval 83.2 % to 100 %) ended converged with loss ls; "
        "the interval lies wholly above 50 %."
    )
    assert "on no one side of 50 %" in judge(SHARE, [cell(10, 10, loss="ls")]).sentence


def test_undecided_replicas_are_no_observations() -> None:
    cells = [Cell(levels={"loss": "ls"}, outcomes={Outcome.CONVERGED: 3, Outcome.UNDECIDED: 7})]
    assert judge(SHARE, cells).rates[0].n == 3


@pytest.mark.parametrize("hypothesis", [MORE, SHARE])
def test_a_launch_without_the_cells_leaves_the_claim_undecided(hypothesis: Hypothesis) -> None:
    found = judge(hypothesis, [cell(5, 5, loss="w"), cell(5, 5, loss="ns")])
    assert (found.verdict, found.p, found.rates) == (Verdict.UNDECIDED, None, ())
    assert found.sentence == "This profile has no cell with loss ls."


@pytest.mark.parametrize("hypothesis", [MORE, SHARE])
def test_cells_without_any_outcome_leave_the_claim_undecided(hypothesis: Hypothesis) -> None:
    found = judge(hypothesis, [cell(0, 0, loss="ls"), cell(5, 5, loss="ns")])
    assert (found.verdict, found.p) == (Verdict.UNDECIDED, None)
    assert found.sentence == "No replica with loss ls has an outcome yet."


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(0, 15)] * 4))
def test_swapping_the_sides_swaps_the_verdict(n: tuple[int, int, int, int]) -> None:
    swap = {Verdict.SUPPORTED: Verdict.CONTRADICTED, Verdict.CONTRADICTED: Verdict.SUPPORTED}
    found, swapped = judge_more(n[:2], n[2:]), judge_more(n[2:], n[:2])
    assert swapped.verdict is swap.get(found.verdict, Verdict.UNDECIDED)
    assert "nan" not in found.sentence


@pytest.mark.parametrize(
    ("hypothesis", "changes", "message"),
    [
        (MORE, {"alpha": 0.0}, r"alpha must be in \(0, 1\), got 0.0"),
        (SHARE, {"alpha": 1.0}, r"alpha must be in \(0, 1\), got 1.0"),
        (MORE, {"worse": {"loss": "ls"}}, "better and worse must differ, got loss ls twice"),
        (SHARE, {"threshold": 1.5}, r"threshold must be in \[0, 1\], got 1.5"),
        (SHARE, {"outcomes": ()}, "outcomes must be at least one and not undecided, got none"),
        (SHARE, {"outcomes": (Outcome.UNDECIDED,)}, "outcomes must be at least one and not undecided, got undecided"),
    ],
)
def test_an_impossible_hypothesis_is_refused(hypothesis: Any, changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(hypothesis, **changes)


@pytest.mark.parametrize("hypothesis", [MORE, SHARE])
def test_a_hypothesis_survives_json(hypothesis: Hypothesis) -> None:
    adapter: pydantic.TypeAdapter[Hypothesis] = pydantic.TypeAdapter(Hypothesis)
    assert adapter.validate_json(adapter.dump_json(hypothesis)) == hypothesis


# Equal rates


def judge_same(a: tuple[int, int], b: tuple[int, int], **changes: Any) -> Judgement:
    return judge(replace(SAME, **changes), [cell(*a, loss="ls"), cell(*b, loss="ns")])


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ((20, 0), (20, 0), Verdict.SUPPORTED),
        ((0, 20), (0, 20), Verdict.SUPPORTED),
        ((50, 50), (50, 50), Verdict.SUPPORTED),
        ((5, 0), (5, 0), Verdict.UNDECIDED),
        ((8, 8), (8, 8), Verdict.UNDECIDED),
        ((14, 6), (7, 13), Verdict.UNDECIDED),
        ((20, 0), (5, 15), Verdict.CONTRADICTED),
        ((5, 15), (20, 0), Verdict.CONTRADICTED),
    ],
)
def test_equal_rates_need_an_interval_within_the_margin(
    a: tuple[int, int], b: tuple[int, int], verdict: Verdict
) -> None:
    """That few replicas show no difference is no support."""
    assert judge_same(a, b).verdict is verdict
    assert judge_same(a, b).p is None


def test_the_margin_decides_what_is_equal() -> None:
    assert judge_same((50, 50), (50, 50), margin=0.1).verdict is Verdict.UNDECIDED
    assert judge_same((20, 0), (5, 15), margin=0.9).verdict is Verdict.SUPPORTED


def test_the_sentence_of_equal_rates_states_the_interval_of_the_difference() -> None:
    found = judge_same((18, 2), (17, 3))
    assert found.sentence == (
        "18 of 20 (90 %, 95 % interval 69.9 % to 97.2 %) converged with loss ls, "
        "17 of 20 (85 %, 95 % interval 64 % to 94.8 %) converged with loss ns; "
        "the 90 % interval of the difference, -13.4 to 23.4 points, lies wholly within 25 points."
    )
    assert found.rates == (wilson(18, 20), wilson(17, 20))


def test_equal_rates_of_nothing_are_undecided() -> None:
    assert judge_same((0, 0), (3, 1)).verdict is Verdict.UNDECIDED
    assert judge(SAME, [cell(3, 1, loss="ls")]).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"margin": 0.0}, r"margin must be in \(0, 1\), got 0.0"),
        ({"margin": 1.0}, r"margin must be in \(0, 1\), got 1.0"),
        ({"b": {"loss": "ls"}}, "a and b must differ, got loss ls twice"),
        ({"alpha": 0.5}, r"alpha must be in \(0, 0.5\) for an equivalence, got 0.5"),
    ],
)
def test_an_equality_that_cannot_be_judged_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SAME, **changes)


def test_sides_are_the_sets_that_a_hypothesis_names() -> None:
    assert sides(MORE) == (MORE.better, MORE.worse)
    assert sides(SAME) == (SAME.a, SAME.b)
    assert sides(SHARE) == (SHARE.where,)
