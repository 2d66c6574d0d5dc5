"""The explorations: every rate and depth under every setting, and nothing that could be taken for a test."""

from pathlib import Path

import pytest

import benchmarks
import study
from study.design.plan import Cell

FOLDER = Path(benchmarks.__path__[0], "stability_map")


def cells(data: str, profile: str) -> tuple[Cell, ...]:
    plan = study.plan(FOLDER / f"{data}.py", profile)
    assert (plan.hypotheses, plan.contrasts) == ((), ())
    assert all(cell.config.g_optimizer == cell.config.d_optimizer for cell in plan.cells)
    return plan.cells


@pytest.mark.parametrize("rule", ["adam", "rmsprop"])
def test_each_place_of_the_rings_map_is_a_cell_that_can_be_built(rule: str) -> None:
    found = cells("ring", rule)
    assert len(found) == 3 * 2 * 2 * 5
    assert len({cell.config.g_optimizer.lr for cell in found}) == 5
    assert {cell.config.g_optimizer.kind for cell in found} == {rule}
    assert {len(cell.config.generator.hidden) for cell in found} == {2, 4}


@pytest.mark.parametrize("rule", ["adam", "rmsprop"])
@pytest.mark.parametrize(("side", "stages"), [(16, 2), (32, 3)])
def test_each_place_of_the_digits_map_is_a_cell_that_can_be_built(rule: str, side: int, stages: int) -> None:
    found = cells("digits", f"{rule}-{side}")
    assert len(found) == 3 * 2 * 3
    assert len({cell.config.g_optimizer.lr for cell in found}) == 3
    assert {cell.config.g_optimizer.kind for cell in found} == {rule}
    nets = {cell.config.generator.channels for cell in found} | {cell.config.discriminator.channels for cell in found}
    assert {len(channels) for channels in nets} == {stages}
    assert {cell.config.data.side for cell in found} == {side}
