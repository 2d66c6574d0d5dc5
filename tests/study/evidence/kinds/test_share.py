"""Shares of outcomes against a threshold, a seed as one observation."""

from dataclasses import replace
from typing import Any

import pytest

from study.evidence.inference.proportions import clopper_pearson
from study.evidence.judging import Verdict
from study.outcomes.outcome import Outcome
from tests.study.evidence.made_claims import CONTRADICTED, SHARE, SUPPORTED, UNDECIDED, M, U, cell, one


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
        replace(row, outcome=outcome)
        for row, outcome in zip(cell(0, "+" * len(decided), loss="ls"), decided, strict=True)
    ]
    (rate,) = one(replace(SHARE, outcomes=(M, Outcome.LATE_COLLAPSE)), records).rates
    assert (rate.successes, rate.n) == (2, len(decided))


def test_several_cells_of_a_seed_are_one_observation_of_a_share() -> None:
    """10 seeds with 2 of 2 each, and not 20 replicas; 6 seeds alone would not do."""
    records = cell(0, "+" * 10, loss="ls", bn="a") + cell(1, "+" * 10, loss="ls", bn="b")
    found = one(SHARE, records)
    assert found.p == pytest.approx(2 / 2**10, abs=1e-12)
    assert (found.rates[0].successes, found.rates[0].n) == (20, 20)
    assert found.rates[0].low == pytest.approx(clopper_pearson(10, 10).low, abs=1e-9)
    assert "10 seeds counting as one observation each" in found.sentence
    drawn = one(replace(SHARE, drawn=("bn",)), records)
    assert (drawn.p, drawn.verdict) == (0.5, UNDECIDED)
    assert "2 draws counting as one observation each" in drawn.sentence


def test_the_sentence_of_a_share_states_count_interval_and_p() -> None:
    assert one(SHARE, cell(0, "+" * 20, loss="ls")).sentence == (
        "20 of 20 (100 %, 95 % interval 83.2 % to 100 %) converged with loss ls, against 50 %; "
        "exact binomial test: p < 0.001, below 0.05."
    )


@pytest.mark.parametrize(("threshold", "ends", "p"), [(0.0, "--", 1.0), (0.0, "+-", 0.0), (1.0, "++", 1.0)])
def test_a_threshold_at_the_end_is_judged_without_a_gap(threshold: float, ends: str, p: float) -> None:
    assert one(replace(SHARE, threshold=threshold), cell(0, ends, loss="ls")).p == p
