"""Who copies whom in a population: a copy is exact, fitness by hand, and the schedule that copies leave."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tests.trainables.made_populations import CPU, PLAN, SEEDS, build, per_network, ring, source, tensors, trained
from trainables.data import Ring
from trainables.loop import Loop
from trainables.population import Population, Populations, fitness, schedule
from trainables.probes import probes_for

# Selection


def test_a_copy_has_all_that_its_source_has() -> None:
    loop = trained(ring(), steps=2)
    before, scales = per_network(loop, 8), loop.state_dict()["populations"]["scales"]
    loop._select(loop._populations)
    state = loop.state_dict()["populations"]
    origin = state["origin"] + torch.tensor([0] * 4 + [4] * 4)
    moved = origin != torch.arange(8)
    assert moved.view(2, 4).sum(1).tolist() == [1, 1]
    for path, value in per_network(loop, 8).items():
        assert torch.equal(value, before[path][origin]), path
    assert any("exp_avg" in path for path in tensors(loop.state_dict()["optimizers"]))
    for name, value in state["scales"].items():
        ratios = value / scales[name][origin]
        assert torch.equal(ratios[~moved], torch.ones(6, dtype=torch.float64))
        assert all(min(abs(ratio - 0.8), abs(ratio - 1.25)) < 1e-12 for ratio in ratios[moved].tolist())


def selected(values: Sequence[float], alive: Sequence[bool], plan: Population, step: int = 4) -> list[int]:
    """Who continues as whom, of one population with these fitnesses."""
    populations = Populations(plan, [3], {"mode_weights": torch.ones(1)}, device=CPU)
    columns = {"mode_share_r3": torch.tensor(values, dtype=torch.float64)[:, None]}
    sources: list[int] = populations.select(step, columns, torch.tensor(alive)).tolist()
    return sources


def test_the_last_copy_the_first() -> None:
    plan = Population(members=8, every=4)
    values = [0.5, 0.1, 0.9, 0.4, 0.3, 0.2, 0.8, 0.6]
    found = {tuple(selected(values, [True] * 8, plan, step)) for step in range(4, 200, 4)}
    assert all(own[:1] + own[2:5] + own[6:] == (0, 2, 3, 4, 6, 7) for own in found)
    assert {(own[1], own[5]) for own in found} == {(a, b) for a in (2, 6) for b in (2, 6)}


def test_the_dead_copy_too_and_are_never_copied() -> None:
    plan = Population(members=4, every=4)
    nan = float("nan")
    assert selected([nan, 0.0, 0.3, nan], [False, True, True, False], plan) == [2, 1, 2, 2]
    assert selected([0.9, 0.0, 0.3, 0.2], [False, True, True, True], plan)[0] == 2


def test_where_none_is_finite_none_copies() -> None:
    plan = Population(members=3, every=4)
    assert selected([0.9, 0.8, 0.1], [False] * 3, plan) == [0, 1, 2]


def test_equals_are_ranked_at_random() -> None:
    plan = Population(members=2, every=1)
    found = {tuple(selected([0.0, 0.0], [True, True], plan, step)) for step in range(1, 30)}
    assert found == {(0, 0), (1, 1)}


def test_a_dead_member_lives_again_and_the_replica_was_never_dead() -> None:
    loop = trained(ring(), steps=1)
    for own in loop.state_dict()["params"].values():
        for value in own.values():
            value[1] = torch.nan
    loop.advance()
    assert loop.finite.tolist() == [True, True]
    assert loop.state_dict()["finite"].tolist() == [True, False, *[True] * 6]
    row = loop.report()[0]
    assert row["finite"]
    assert row["member_fitness"][1] == 0
    loop.advance()
    assert loop.state_dict()["finite"].all()


def test_a_population_is_dead_when_all_its_members_are() -> None:
    loop = trained(ring(), steps=1)
    for own in loop.state_dict()["params"].values():
        for value in own.values():
            value[:4] = torch.nan
    for _ in range(3):
        loop.advance()
    rows = loop.report()
    assert loop.finite.tolist() == [row["finite"] for row in rows] == [False, True]
    assert rows[0]["population_fitness"] == rows[0]["population_spread"] == 0


# Fitness


def test_the_fitness_of_points_by_hand() -> None:
    columns = {
        "mode_share_r3": torch.tensor([[0.5, 0.0], [0.25, 0.75], [0.0, 0.0], [torch.nan, torch.nan]]),
        "mode_share_r10": torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.1, 0.1], [torch.nan, torch.nan]]),
    }
    found = fitness(columns, {"mode_weights": torch.tensor([0.25, 0.75], dtype=torch.float64)})
    assert found.tolist() == pytest.approx([0.25, 1.0, 0.1, 0.0])


def test_the_fitness_of_images_by_hand() -> None:
    columns = {"frechet_classifier": torch.tensor([0.0, 2.0, 6.0, torch.inf, torch.nan])}
    found = fitness(columns, {"feature_variance": torch.tensor([2.0])})
    assert found.tolist() == pytest.approx([1.0, 0.5, 0.25, 0.0, 0.0])


def test_a_population_that_nothing_measures_is_refused() -> None:
    loop = Loop(ring(), SEEDS, source(Ring()), [], device=CPU)
    with pytest.raises(ValueError, match="a population needs the shares of modes or a Fréchet distance to rank"):
        loop.report()


# Schedules


def test_a_schedule_goes_back_through_the_ancestors() -> None:
    columns = {
        "population_best": np.array([0.0, 1.0, 2.0]),
        "member_origin": np.array([[0, 1, 2], [0, 1, 1], [0, 0, 1]], dtype=float),
        "member_lr_scale": np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=float),
    }
    assert {name: own.tolist() for name, own in schedule(columns).items()} == {"lr_scale": [2, 5, 9]}


def test_a_schedule_changes_by_factors_of_the_plan() -> None:
    loop = build(ring(dataclasses.replace(PLAN, every=3)), [5])
    rows = loop.report()
    for _ in range(15):
        loop.advance()
        rows += loop.report()
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    for name, factors in schedule(columns).items():
        assert factors[-1] == rows[-1][name]
        steps = factors[1:] / factors[:-1]
        assert all(min(abs(step - own) for own in (1, 0.8, 1.25)) < 1e-12 for step in steps)
        assert {i for i, step in enumerate(steps) if abs(step - 1) > 1e-6} <= {3, 6, 9, 12}


@pytest.mark.gpu
def test_a_gpu_selects_like_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    cuda = torch.device("cuda")
    data = Ring().load(device=cuda, dtype=torch.float64)
    there = Loop(ring(), SEEDS, data, probes_for(ring(), data, None, device=cuda), device=cuda)
    here = build(ring())
    for loop in (here, there):
        loop.report()
        for _ in range(5):
            loop.advance()
    for mine, theirs in zip(here.report(), there.report(), strict=True):
        for name in ("population_best", "member_origin", "member_g_lr_scale"):
            assert mine[name] == theirs[name]
    assert there.sample(3).device.type == "cuda"
