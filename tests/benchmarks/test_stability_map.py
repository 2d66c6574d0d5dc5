"""The explorations: every rate and depth under every setting, and nothing that could be taken for a test."""

from pathlib import Path

import pytest

import benchmarks
import study

FOLDER = Path(benchmarks.__path__[0], "stability_map")


@pytest.mark.parametrize("rule", ["adam", "rmsprop"])
@pytest.mark.parametrize(
    ("data", "cells", "rates", "sizes"),
    [("ring", 3 * 2 * 2 * 5, 5, {128: {2, 4}}), ("digits", 3 * 2 * 2 * 3, 3, {16: {2}, 32: {3}})],
)
def test_each_place_of_the_map_is_a_cell_that_can_be_built(
    data: str, cells: int, rates: int, sizes: dict[int, set[int]], rule: str
) -> None:
    plan = study.plan(FOLDER / f"{data}.py", rule)
    assert len(plan.cells) == cells
    assert len({cell.config.g_optimizer.lr for cell in plan.cells}) == rates
    assert all(cell.config.g_optimizer == cell.config.d_optimizer for cell in plan.cells)
    assert {cell.config.g_optimizer.kind for cell in plan.cells} == {rule}
    assert (plan.hypotheses, plan.contrasts) == ((), ())
    found: dict[int, set[int]] = {}
    for cell in plan.cells:
        net = cell.config.generator
        layers = net.hidden if data == "ring" else net.channels
        found.setdefault(layers[0] if data == "ring" else cell.config.data.side, set()).add(len(layers))
    assert found == sizes
