"""Two launches of the same replicas, compared by what became of them."""

from types import SimpleNamespace
from typing import Any

import pandas as pd

from benchmarks.agreement.__main__ import compared

C, D, M = "converged", "diverged", "mode_collapsed"


def launch(outcomes: dict[str, list[str]], device: str) -> Any:
    rows = [
        {"cell_name": cell, "seed": seed, "outcome": outcome, "device": device}
        for cell, own in outcomes.items()
        for seed, outcome in enumerate(own)
    ]
    return SimpleNamespace(records=pd.DataFrame(rows))


def test_replicas_are_compared_one_by_one_and_rates_cell_by_cell() -> None:
    one = launch({"a": [C, C, M, C], "b": [D, C]}, "cpu (fused)")
    other = launch({"b": [M, C], "a": [C, M, M, M]}, "cpu")
    found = compared(one, other)
    assert (found["replicas"], found["converged"], found["other_outcome"]) == (6, [4, 2], 3)
    assert (found["converged_one_way_alone"], found["exact_sign_test_p"]) == ([2, 0], 0.5)
    assert found["changes"] == {"converged -> mode_collapsed": 2, "diverged -> mode_collapsed": 1}
    assert found["cells"] == {"a": [3, 1, 4], "b": [1, 1, 2]}
    assert found["devices"] == [["cpu (fused)"], ["cpu"]]


def test_equal_launches_differ_in_nothing() -> None:
    same = launch({"a": [C, M]}, "cpu")
    found = compared(same, same)
    assert (found["other_outcome"], found["exact_sign_test_p"], found["changes"]) == (0, 1.0, {})
