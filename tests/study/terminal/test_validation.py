"""The tables of ``study outcomes``: their numbers and their width."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from study.terminal.validation import show
from study.validation.confusion import KINDS, SHIPPED, Measurement, read
from tests.study.made_measurements import SMALL


def printed(measurement: Measurement, width: int = 100) -> str:
    out = StringIO()
    show(measurement, Console(file=out, width=width))
    return out.getvalue()


def test_a_small_measurement_is_shown_with_all_its_numbers() -> None:
    text = printed(SMALL)
    assert "ring: 2 of 3 injected replicas classified correctly" in text
    assert "mixture@0123abcd" in text
    assert "11000 to 11001; no threshold was fixed on them" in text
    assert "by construction for 2 (1 of them confirmed" in text
    assert "torch 9.9, code cafe, cpu (abc), 61 s" in text
    assert re.search(r"late_collapse +0.500 +0.01 to 0.99 +1/2 +1.000 +0.03 to 1.00 +1/1", text)
    assert re.search(r"not_learned +1.000 +0.03 to 1.00 +1/1 +0.500 +0.01 to 0.99 +1/2", text)
    assert re.search(r"converged +- +- +0/0 +- +- +0/0", text)
    assert re.search(r"late collapse +late_collapse +1 +2 +not_learned \(3 of 8 from 1150\)", text)


def test_seeds_that_fixed_thresholds_are_pointed_out() -> None:
    old = replace(SMALL, cases=(replace(SMALL.cases[0], seed=1_500),))
    assert "some of them fixed thresholds, so this is no test" in printed(old)


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_measurements_fit_into_100_columns_without_cuts(kind: str) -> None:
    text = printed(read(SHIPPED, kind))
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text
