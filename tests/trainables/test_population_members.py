"""Populations in the loop: members are solo runs until they copy, no replica knows of another, a row is the best's."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.made_populations import CPU, PLAN, SEEDS, build, digits, per_network, ring, tensors, trained
from tests.trainables.rounding import assert_same, damped, largest
from trainables.config import GanConfig
from trainables.loop import _scaled_step
from trainables.optim import Adam, OptimizerConfig, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import WganGp
from trainables.population import Population, Populations
from trainables.streams import generator

OPTIMIZERS = (
    Sgd(lr=0.05),
    Sgd(lr=0.02, momentum=0.9),
    Adam(lr=1e-3),
    Adam(lr=1e-2, beta1=0.9, weight_decay=0.1),
    RMSprop(lr=1e-3),
    RMSprop(lr=1e-3, momentum=0.9),
    RMSpropTf1(lr=1e-2),
)


# Members


@pytest.mark.parametrize("config", [ring(), digits()], ids=["mlp", "dcgan"])
def test_before_a_selection_members_are_solo_runs_with_their_scales(config: GanConfig) -> None:
    plan = dataclasses.replace(PLAN, members=2, every=50)
    stack = trained(damped(dataclasses.replace(config, population=plan)), steps=3).state_dict()
    scales = stack["populations"]["scales"]
    for network, seed in enumerate(own for replica in SEEDS for own in plan.seeds(replica)):
        g, d, penalty = (float(scales[name][network]) for name in plan.scales)
        assert len({g, d, penalty, 1.0}) == 4
        solo = dataclasses.replace(
            config,
            population=None,
            g_optimizer=Adam(lr=1e-3 * g),
            d_optimizer=RMSprop(lr=1e-3 * d),
            penalty=WganGp(weight=WganGp().weight * penalty),
        )
        alone = trained(damped(solo), [seed], steps=3).state_dict()
        for name in ("params", "loss_sums"):
            for path, value in tensors(alone[name]).items():
                mine = tensors(stack[name])[path][network]
                assert_same(mine, value[0], largest(*tensors(alone[name]).values()), name=path)


def test_scales_of_one_change_no_bit() -> None:
    plan = Population(members=3, every=50, scales=("lr", "penalty"))
    seeds = [own for seed in SEEDS for own in plan.seeds(seed)]
    stack, separate = trained(ring(plan)), trained(ring(None), seeds)
    for path, value in tensors(separate.state_dict()["params"]).items():
        assert torch.equal(tensors(stack.state_dict()["params"])[path], value), path


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_a_scaled_step_is_the_rule_s_own_with_a_scaled_rate(optimizer: OptimizerConfig) -> None:
    """Also when the scale changes between steps."""
    values = [
        torch.from_numpy(generator(0, f"w/{i}").normal(size=(3, *shape))) for i, shape in enumerate([(4, 2), (4,)])
    ]
    stack = [value.clone().requires_grad_() for value in values]
    alone = [[value[i : i + 1].clone().requires_grad_() for value in values] for i in range(3)]
    whole, solo = optimizer.build(stack), [optimizer.build(own) for own in alone]
    for step, rates in enumerate([(1.0, 0.3, 25.0), (1.0, 0.3, 25.0), (0.8, 0.375, 20.0)]):
        for place, leaf in enumerate(stack):
            leaf.grad = torch.from_numpy(generator(1, f"g/{place}", step).normal(size=tuple(leaf.shape)))
            for i, own in enumerate(alone):
                own[place].grad = leaf.grad[i : i + 1].clone()
        _scaled_step(whole, stack, torch.tensor(rates, dtype=torch.float64))
        for rule, rate in zip(solo, rates, strict=True):
            rule.param_groups[0]["lr"] = optimizer.lr * rate
            rule.step()
    for i, own in enumerate(alone):
        for mine, theirs in zip(stack, own, strict=True):
            assert_same(mine[i : i + 1], theirs)


def test_member_seeds_are_distinct_and_those_of_a_smaller_population_come_first() -> None:
    large = Population(members=50, every=1)
    seeds = [own for seed in range(20) for own in large.seeds(seed)]
    assert len(set(seeds)) == 1_000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert Population(members=3, every=1).seeds(7) == large.seeds(7)[:3]


def test_first_scales_are_log_uniform_within_the_spread() -> None:
    plan = Population(members=500, every=1, scales=("g_lr", "d_lr"), spread=10.0)
    scales = Populations(plan, [1], {}, device=CPU).scales
    logs = torch.stack(list(scales.values())).log10()
    assert -1 <= logs.min() < -0.98
    assert 0.98 < logs.max() <= 1
    assert logs.mean(1).abs().max() < 0.1
    assert abs(float(torch.corrcoef(logs)[0, 1])) < 0.1


# Replicas


@pytest.mark.parametrize("config", [ring(), digits()], ids=["mlp", "dcgan"])
@pytest.mark.parametrize("dead", [slice(4, 8), slice(5, 6)], ids=["population", "member"])
def test_a_poisoned_population_leaves_the_bits_of_the_others(config: GanConfig, dead: slice) -> None:
    seeds = (*SEEDS, 902)
    clean, poisoned = build(config, seeds), build(config, seeds)
    for value in poisoned.state_dict()["params"]["generator"].values():
        value[dead] = torch.nan
    for loop in (clean, poisoned):
        for _ in range(5):
            loop.advance()
    rows, others = clean.report(), poisoned.report()
    assert repr([rows[0], rows[2]]) == repr([others[0], others[2]])
    mine = per_network(poisoned, 12)
    for path, value in per_network(clean, 12).items():
        assert torch.equal(value[:4], mine[path][:4]), path
        assert torch.equal(value[8:], mine[path][8:]), path


def test_a_population_beside_others_is_the_population_alone() -> None:
    together = trained(damped(ring())).state_dict()
    for replica, seed in enumerate(SEEDS):
        alone = trained(damped(ring()), [seed]).state_dict()
        own = slice(4 * replica, 4 * replica + 4)
        for path, value in tensors(alone["params"]).items():
            assert_same(tensors(together["params"])[path][own], value, largest(*tensors(alone["params"]).values()))
        for name, value in alone["populations"]["scales"].items():
            assert torch.equal(together["populations"]["scales"][name][own], value)


def test_every_replica_draws_its_own_starts_sources_and_factors() -> None:
    plan = Population(members=8, every=1, spread=2.0)
    both = Populations(plan, [1, 2], {"mode_weights": torch.ones(1)}, device=CPU)
    one, other = both.scales["lr"].view(2, 8)
    assert not torch.equal(one, other)
    equal, alive = {"mode_share_r3": torch.ones(16, 1)}, torch.ones(16, dtype=torch.bool)
    before = both.scales["lr"]
    sources = both.select(1, equal, alive)
    one, other = (sources.view(2, 8) - torch.tensor([[0], [8]])).tolist()
    assert one != other
    assert sorted(set(one)) != list(range(8))
    factors = [
        tuple((own / start).tolist())
        for own, start in zip(both.scales["lr"].view(2, 8), before[sources].view(2, 8), strict=True)
    ]
    assert factors[0] != factors[1]


# The loop


@pytest.mark.parametrize("config", [ring(), digits()], ids=["mlp", "dcgan"])
def test_a_resumed_run_equals_the_uninterrupted_one_number_by_number(config: GanConfig, tmp_path: Any) -> None:
    whole = trained(config, steps=4)
    whole.report()
    whole.advance()
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    resumed = build(config)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for loop in (whole, resumed):
        assert loop.sample(3).shape == (2, 3, *config.data.shape)
        for _ in range(4):
            loop.advance()
    assert repr(whole.report()) == repr(resumed.report())
    mine = tensors(resumed.state_dict())
    for path, value in tensors(whole.state_dict()).items():
        assert torch.equal(value, mine[path]), path


def test_reporting_changes_nothing_that_is_trained() -> None:
    quiet, watched = trained(ring(), steps=0), trained(ring(), steps=0)
    for _ in range(5):
        quiet.advance()
        watched.advance()
        watched.report()
        watched.sample(3)
    mine = per_network(watched, 8)
    for path, value in per_network(quiet, 8).items():
        if "loss_sums" not in path:
            assert torch.equal(value, mine[path]), path


def test_a_row_and_the_samples_are_those_of_the_best_member() -> None:
    plan, seeds = dataclasses.replace(PLAN, every=50), (*SEEDS, 902, 3)
    loop, stack = trained(ring(plan), seeds), build(ring(None), [own for seed in seeds for own in plan.seeds(seed)])
    for name, own in stack.state_dict()["params"].items():
        for key, value in own.items():
            with torch.no_grad():
                value.copy_(loop.state_dict()["params"][name][key])
    rows, singles = loop.report(), stack.report()
    for replica, row in enumerate(rows):
        members = singles[4 * replica : 4 * replica + 4]
        best = int(row["population_best"])
        assert best == int(np.argmax(row["member_fitness"]))
        assert (row["replica"], row["seed"]) == (replica, seeds[replica])
        for name in ("hq_share_r30", "mode_share_r10", "g_param_norm", "score_fake"):
            assert row[name] == members[best][name]
        assert row["population_spread"] == pytest.approx(max(row["member_fitness"]) - min(row["member_fitness"]))
        assert row["g_lr_scale"] == row["member_g_lr_scale"][best]
        assert torch.equal(loop.sample(3)[replica], stack.sample(3)[4 * replica + best])
    assert {int(row["population_best"]) for row in rows} != {0}


def test_every_number_of_a_row_is_one_that_a_table_holds() -> None:
    row = trained(ring()).report()[0]
    own = [name for name in row if "member_" in name or "population_" in name or name.endswith("_scale")]
    assert len(own) == 5 + 2 * 3
    assert np.isfinite(np.concatenate([np.atleast_1d(row[name]) for name in own])).all()
