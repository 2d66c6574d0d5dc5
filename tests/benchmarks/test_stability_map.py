"""The exploration on the ring: every rate and depth under every setting, and nothing that could be taken for a test."""

from pathlib import Path

import pytest

import benchmarks
import study

FILE = Path(benchmarks.__path__[0], "stability_map", "ring.py")


@pytest.mark.parametrize("rule", ["adam", "rmsprop"])
def test_each_place_of_the_map_is_a_cell_that_can_be_built(rule: str) -> None:
    plan = study.plan(FILE, rule)
    assert len(plan.cells) == 3 * 2 * 2 * 5
    rates = {cell.config.g_optimizer.lr for cell in plan.cells}
    assert len(rates) == 5
    assert all(cell.config.g_optimizer == cell.config.d_optimizer for cell in plan.cells)
    assert {cell.config.g_optimizer.kind for cell in plan.cells} == {rule}
    assert {len(cell.config.generator.hidden) for cell in plan.cells} == {2, 4}
    assert (plan.hypotheses, plan.contrasts) == ((), ())
