"""What a plan cannot decide whatever comes out, against the judge on every outcome that there is."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations_with_replacement, product

import pytest

import study
from study.design.hypotheses import Hypothesis, MoreSuccess
from study.design.plan import Plan
from study.evidence.inference.confidence_sequences import evidence
from study.evidence.inference.proportions import boschloo
from study.evidence.judging import Verdict, judge
from study.evidence.reach import Reach, reach, sentence
from study.outcomes.outcome import Outcome
from study.studies import find
from tests.study.evidence.made_records import recorded
from tests.study.evidence.test_power import BELOW, MORE, NOW, POOLED, SAME, SHARE, launched, plan_study, planned

C, N = Outcome.CONVERGED, Outcome.NOT_LEARNED
APART = MoreSuccess(
    name="apart", claim="c", source="s", better={"ring": "official", "objective": "ls(0,1,1)"},
    worse={"objective": "ns"}, alpha=0.2,
)  # fmt: skip
NEAR, FAR = replace(SAME, name="near", margin=0.3), replace(SAME, name="far", margin=0.5)
STRICT = [replace(own, alpha=0.05) for own in (MORE, SHARE)]


def verdicts(plan: Plan) -> Iterator[Verdict]:
    """Of the first hypothesis, for everything that may come out; the order of seeds counts only if it is looked at."""
    cells = 4 if plan.hypotheses[0].name in ("pooled", "apart") else 2
    seed = list(product((True, False), repeat=cells))
    n = len(plan.seeds)
    for own in product(seed, repeat=n) if plan.until_decided else combinations_with_replacement(seed, n):
        yield judge(plan.hypotheses, launched(plan, own), anytime=plan.until_decided)[0].verdict


@pytest.mark.parametrize(
    ("hypothesis", "until_decided"),
    [(own, until) for own in (MORE, FAR, SHARE, BELOW) for until in (False, True)]
    + [
        (NEAR, False),
        (POOLED, False),
        (replace(APART, alpha=0.6), False),
        (APART, False),
        *((own, False) for own in STRICT),
    ],
    ids=lambda own: getattr(own, "name", str(own)),
)
def test_seeds_are_out_of_reach_up_to_the_number_that_is_needed(hypothesis: Hypothesis, until_decided: bool) -> None:
    def found(seeds: int) -> Reach:
        return reach(planned(hypothesis, seeds=seeds, until_decided=until_decided))

    enough = found(1).enough or 0
    assert 1 <= enough <= 7
    decided = {
        seeds: any(
            own is not Verdict.UNDECIDED
            for own in verdicts(planned(hypothesis, seeds=seeds, until_decided=until_decided))
        )
        for seeds in range(max(1, enough - 1), enough + 1)
    }
    assert decided == {seeds: seeds >= enough for seeds in decided}
    assert [bool(found(seeds).undecidable) for seeds in decided] == [seeds < enough for seeds in decided]


@pytest.mark.parametrize("hypothesis", [MORE, NEAR, SHARE, BELOW], ids=lambda own: own.name)
def test_what_can_be_contradicted_alone_cannot_be_supported(hypothesis: Hypothesis) -> None:
    enough = reach(planned(hypothesis, seeds=1)).enough_to_support or 0
    assert 1 < enough <= 8
    for seeds in (enough - 1, enough):
        plan = planned(hypothesis, seeds=seeds)
        found = reach(plan)
        supported = any(own is Verdict.SUPPORTED for own in verdicts(plan))
        assert supported == (seeds == enough) == (hypothesis not in (*found.undecidable, *found.unsupportable))


def test_the_numbers_are_those_of_the_formulas() -> None:
    """2 / 2^n of n pairs; 2 * 0.9^n of a share above 0.9; Boschloo of all against none; the wealth of n wins."""
    more, high = replace(MORE, alpha=0.05), replace(SHARE, threshold=0.9, alpha=0.05)
    assert reach(planned(more, seeds=5)).enough == 6
    found = reach(planned(high, seeds=5))
    assert (found.undecidable, found.unsupportable, found.enough_to_support) == ((), (high,), 36)
    apart = reach(planned(replace(APART, alpha=0.001), seeds=1)).enough or 0
    others = len([cell for cell in planned(APART).cells if cell.levels["objective"] == "ns"])
    assert boschloo(apart, apart, 0, others * apart) < 0.001 <= boschloo(apart - 1, apart - 1, 0, others * (apart - 1))
    looked = reach(planned(more, seeds=5, until_decided=True)).enough or 0
    assert 1 / evidence([1] * looked, 0, -1, 1) < 0.05 <= 1 / evidence([1] * (looked - 1), 0, -1, 1)


def test_holm_counts_every_claim_that_has_cells() -> None:
    """Three of ten claims: 2 / 2^6 times 3 is 0.094, 2 / 2^7 times 3 is 0.047."""
    study_ = find("lsgan-stability")
    five, six, seven = (plan_study(study_, "quick", now=NOW, seeds=seeds, until_decided=False) for seeds in (5, 6, 7))
    assert sentence(five) == (
        "5 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out: at least 7 seeds are needed"
        " (--seeds 7)."
    )
    assert sentence(six).startswith("6 seeds cannot decide 3 of the 3 claims")
    assert sentence(seven) == ""


def test_the_first_run_needs_two_blocks_of_seeds_for_a_verdict() -> None:
    """The price of looking after every block: nine seeds that agree, where a fixed number would take seven."""
    few, enough = (plan_study(find("lsgan-stability"), "quick", now=NOW, seeds=seeds) for seeds in (8, 9))
    assert "at least 9 seeds are needed" in sentence(few)
    assert sentence(enough) == ""


def test_each_sentence_names_what_it_speaks_of() -> None:
    high = replace(SHARE, name="high", threshold=0.9, alpha=0.05)
    more = replace(MORE, alpha=0.05)
    assert sentence(planned(more, seeds=5, until_decided=True)) == (
        "At most 5 seeds cannot decide the claim, whatever comes out: at least 7 seeds are needed (--seeds 7)."
    )
    assert sentence(planned(more, high, seeds=5)) == (
        "5 seeds cannot decide 1 of the 2 claims (more) under Holm, whatever comes out: at least 6 seeds are needed"
        " (--seeds 6). 5 seeds can contradict but not support 1 of the 2 claims (high) under Holm: at least 36 seeds"
        " are needed to support every claim (--seeds 36)."
    )
    never = replace(high, threshold=0.9999)
    assert "more than 1" in sentence(planned(never, seeds=5))
    assert sentence(planned(seeds=5)) == ""


def test_python_says_the_same() -> None:
    plan = study.plan("lsgan-stability", seeds=5)
    assert study.reach(plan) == sentence(plan) != ""


def test_the_seeds_that_support_every_claim_do_so_if_all_comes_out_as_claimed_and_one_fewer_does_not() -> None:
    """What speaks most clearly against one of the claims needs fewer seeds than what speaks for it."""

    def all_supported(seeds: int) -> bool:
        plan = plan_study(find("dirac"), "smoke", now=NOW, seeds=seeds)
        ends = [[C if "r1" in cell.name else N] * seeds for cell in plan.cells]
        return all(
            own.verdict is Verdict.SUPPORTED for own in judge(plan.hypotheses, recorded(plan, ends)) if own.planned
        )

    enough = reach(plan_study(find("dirac"), "smoke", now=NOW)).enough_to_support
    assert enough is not None
    assert all_supported(enough)
    assert not all_supported(enough - 1)


def test_claims_about_draws_ask_for_draws() -> None:
    drawn = replace(MORE, better={"objective": "ls(0,1,1)"}, worse={"objective": "ns"}, drawn=("ring",), alpha=0.05)
    for seeds in (1, 40):
        assert "more draws are needed, of which further seeds of the same ones say nothing" in sentence(
            planned(drawn, seeds=seeds)
        )
