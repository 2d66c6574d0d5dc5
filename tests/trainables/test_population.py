"""Populations: members are solo runs until they copy, a copy is exact, and no replica knows of another."""

import dataclasses
import json
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from study.facts import facts
from study.parsing import assign_config, config_from
from study.report.methods import _gan
from trainables.config import Evaluation, GanConfig, Latent, digest, digest_of, to_dict
from trainables.data import Digits, Ring
from trainables.data.source import Source
from trainables.draws import generator
from trainables.features import Features
from trainables.loop import Loop, _scaled_step
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He
from trainables.objectives import Wasserstein
from trainables.optim import Adam, OptimizerConfig, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import WganGp
from trainables.population import Population, Populations, fitness, schedule
from trainables.probes import Probe, probes_for

CPU = torch.device("cpu")
SEEDS = (11, 5)
PLAN = Population(members=4, every=2, scales=("g_lr", "d_lr", "penalty"), spread=3.0)
OPTIMIZERS = (
    Sgd(lr=0.05),
    Sgd(lr=0.02, momentum=0.9),
    Adam(lr=1e-3),
    Adam(lr=1e-2, beta1=0.9, weight_decay=0.1),
    RMSprop(lr=1e-3),
    RMSprop(lr=1e-3, momentum=0.9),
    RMSpropTf1(lr=1e-2),
)


def ring(population: Population | None = PLAN, **changes: Any) -> GanConfig:
    net = Mlp(hidden=(12, 10), activation="leaky_relu", init=He())
    base = GanConfig(
        data=Ring(),
        generator=net,
        discriminator=net,
        objective=Wasserstein(),
        penalty=WganGp(),
        latent=Latent(dim=3, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=RMSprop(lr=1e-3),
        batch_size=16,
        steps=100,
        evaluation=Evaluation(every=2, samples=32),
        dtype="float64",
        population=population,
    )
    return dataclasses.replace(base, **changes)


def digits(population: Population | None = PLAN, **changes: Any) -> GanConfig:
    net = Dcgan(channels=(3, 4), norm="none")
    return ring(population, data=Digits(), generator=net, discriminator=net, batch_size=4, **changes)


@cache
def source(data: Ring | Digits) -> Source:
    return data.load(device=CPU, dtype=torch.float64)


@cache
def probes(data: Ring | Digits) -> list[Probe]:
    """All that apply; images are seen by a classifier that has learned nothing."""
    config, features = ring(None) if isinstance(data, Ring) else digits(None), None
    if isinstance(data, Digits):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            net, head = nn.Sequential(nn.Flatten(), nn.Linear(prod(data.shape), 6)), nn.Linear(6, 10)
        features = Features(
            net=net.requires_grad_(False), head=head.requires_grad_(False), task="labels", accuracy=0, data_digest=""
        )
    return probes_for(config, source(data), features, device=CPU)


def build(config: GanConfig, seeds: Sequence[int] = SEEDS) -> Loop:
    assert isinstance(config.data, Ring | Digits)
    return Loop(config, seeds, source(config.data), probes(config.data), device=CPU)


def trained(config: GanConfig, seeds: Sequence[int] = SEEDS, steps: int = 5) -> Loop:
    loop = build(config, seeds)
    for _ in range(steps):
        loop.advance()
    return loop


def tensors(state: Any, path: str = "") -> dict[str, torch.Tensor]:
    """Every tensor of a state, by its place."""
    if isinstance(state, torch.Tensor):
        return {path: state}
    inner = state.items() if isinstance(state, dict) else enumerate(state) if isinstance(state, list | tuple) else ()
    return {place: own for key, value in inner for place, own in tensors(value, f"{path}/{key}").items()}


def per_network(loop: Loop, networks: int) -> dict[str, torch.Tensor]:
    """All that belongs to a network alone: weights, moments, sums of losses, flags."""
    state = loop.state_dict()
    own = {name: state[name] for name in ("params", "optimizers", "loss_sums", "finite")}
    return {path: value.clone() for path, value in tensors(own).items() if value.shape[:1] == (networks,)}


# Members


@pytest.mark.parametrize("config", [ring(), digits()], ids=["mlp", "dcgan"])
def test_before_a_selection_members_are_solo_runs_with_their_scales(config: GanConfig) -> None:
    plan = dataclasses.replace(PLAN, members=2, every=50)
    stack = trained(dataclasses.replace(config, population=plan), steps=3).state_dict()
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
        alone = trained(solo, [seed], steps=3).state_dict()
        for name in ("params", "loss_sums"):
            for path, value in tensors(alone[name]).items():
                mine = tensors(stack[name])[path][network]
                torch.testing.assert_close(mine, value[0], rtol=1e-9, atol=1e-9, msg=lambda m, p=path: f"{p}: {m}")


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
            torch.testing.assert_close(mine[i : i + 1], theirs, rtol=1e-12, atol=1e-12)


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
    together = trained(ring()).state_dict()
    for replica, seed in enumerate(SEEDS):
        alone = trained(ring(), [seed]).state_dict()
        own = slice(4 * replica, 4 * replica + 4)
        for path, value in tensors(alone["params"]).items():
            torch.testing.assert_close(tensors(together["params"])[path][own], value, rtol=1e-9, atol=1e-9)
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


# Configurations


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"members": 1}, "members must be >= 2, got 1"),
        ({"every": 0}, "every must be >= 1, got 0"),
        ({"scales": ()}, "scales must be different ones of lr, g_lr, d_lr, penalty, at least one, got none"),
        ({"scales": ("lr", "lr")}, "scales must be different ones of .*, got lr, lr"),
        ({"scales": ("momentum",)}, "scales must be different ones of .*, got momentum"),
        ({"scales": ("lr", "d_lr")}, "scales must not have lr beside g_lr or d_lr, got lr, d_lr"),
        ({"spread": 0.5}, "spread must be >= 1, got 0.5"),
        ({"spread": float("inf")}, "spread must be >= 1, got inf"),
        ({"factors": ()}, "factors must be numbers > 0 and at least one, got none"),
        ({"factors": (0.8, 0.0)}, "factors must be numbers > 0 and at least one, got 0.8, 0.0"),
        ({"truncation": 0.6}, r"truncation must be in \(0, 0.5\], got 0.6"),
        ({"truncation": 0.0}, r"truncation must be in \(0, 0.5\], got 0.0"),
    ],
    ids=str,
)
def test_what_makes_no_population_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Population(**{"members": 4, "every": 10, **changes})


def test_a_penalty_that_is_not_there_is_not_varied() -> None:
    values = to_dict(ring())
    with pytest.raises(
        ValueError, match=r"population.scales must not have penalty where there is none, got penalty none"
    ):
        config_from({**values, "penalty": {"kind": "none"}})


def test_a_configuration_without_population_is_what_it_was() -> None:
    assert "population" not in to_dict(ring(None))
    assert digest_of({**to_dict(ring(None)), "population": None}) == digest(ring(None))
    assert len({digest(ring(None)), digest(ring()), digest(ring(Population(members=4, every=2)))}) == 3


@pytest.mark.parametrize("config", [ring(), ring(None)], ids=["population", "none"])
def test_plain_values_lead_back_to_the_configuration(config: GanConfig) -> None:
    parsed = config_from(json.loads(json.dumps(to_dict(config))))
    assert parsed == config
    assert digest(parsed) == digest(config)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"members": 4}, "population.every must be given, got none"),
        ({"members": 1, "every": 5}, "population: members must be >= 2, got 1"),
        ({"members": 4, "every": 5, "size": 3}, "population.size is no field: population has members, every, scales, "),
        (4, "population must be named fields, got 4"),
    ],
    ids=str,
)
def test_a_user_s_mistake_is_one_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        assign_config(ring(None), {"population": value})


def test_an_explanation_says_what_a_population_does() -> None:
    told = {fact.name: fact.text for fact in facts(ring()) if fact.section == "Population"}
    assert told["members"].startswith("4 networks per replica")
    assert told["selection"].startswith("every 2 steps the last 1 by fitness")
    assert (
        told["factors"]
        == "on g_lr, d_lr, penalty: at first log-uniform in [0.333333, 3], times 0.8 or 1.25 with each copy"
    )
    assert not [fact for fact in facts(ring(None)) if fact.section == "Population"]
    late = facts(ring(Population(members=4, every=100)))
    assert "none: the steps end before the first" in {fact.text for fact in late}


def test_a_methods_section_says_that_replicas_are_populations() -> None:
    said = " ".join(_gan([ring()]))
    assert "Population-based training: Population (members 4, every 2, scales g_lr-d_lr-penalty, spread 3)." in said
    assert "opulation" not in " ".join(_gan([ring(None)]))


def test_the_copied_share_is_rounded_down_and_at_least_one() -> None:
    found = [Population(members=n, every=1, truncation=share).copied for n, share in ((2, 0.1), (8, 0.25), (7, 0.5))]
    assert found == [1, 2, 3]


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
