"""Equal rates: an interval within the margin."""

from dataclasses import replace

import pytest

from study.evidence.inference.paired import Pairs, newcombe_paired
from study.evidence.judging import Verdict
from tests.study.evidence.made_claims import CONTRADICTED, SAME, SUPPORTED, UNDECIDED, cell, one, two


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
    assert "the 90 % interval of the difference, −8.39 to 19.5 points, lies wholly within 25 points" in found.sentence
    assert "two one-sided tests by Newcombe's interval for pairs: p = " in found.sentence


def test_unmatched_cells_are_compared_by_the_interval_of_independent_rates() -> None:
    records = cell(0, "+" * 20, loss="ls") + cell(1, "+" * 20, first=20, loss="ns")
    found = one(SAME, records)
    assert (found.verdict, found.pairs) == (SUPPORTED, 0)
    assert "seeds counting as independent" in found.sentence
