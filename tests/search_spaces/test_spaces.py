"""The shipped axes, alone and against the configuration that they assign to."""

from copy import deepcopy
from math import inf, nan

import pytest
from pydantic import TypeAdapter

from search_spaces import BN, CLIP, OBJECTIVE, SPACES, Factor, JsonValue, Level, clip, grid, optimizer
from trainables.config import GanConfig, to_dict
from trainables.objectives import OBJECTIVES, LeastSquares, Minimax, NonSaturating, Wasserstein
from trainables.optim import OPTIMIZERS, Adam, RMSprop, RMSpropTf1, Sgd

SHIPPED = (BN, OBJECTIVE, clip(), CLIP.factor(7), optimizer(2e-4))
LEVELS = [pytest.param(level, id=f"{factor.name}={level.label}") for factor in SHIPPED for level in factor.levels]


def configured(*levels: Level) -> GanConfig:
    """A small GAN with the levels' values put in."""
    plain: dict[str, JsonValue] = {
        "data": {"kind": "ring"},
        "generator": {"kind": "mlp", "norm": "none"},
        "discriminator": {"kind": "mlp", "norm": "none"},
        "latent": {"dim": 2},
        "g_optimizer": {"kind": "sgd", "lr": 1.0},
        "d_optimizer": {"kind": "sgd", "lr": 1.0},
        "steps": 1,
    }
    for level in levels:
        for path, value in level.assign.items():
            *parents, last = path.split(".")
            place = plain
            for name in parents:
                inner = place[name]
                assert isinstance(inner, dict), f"{path} leads through a value"
                place = inner
            place[last] = deepcopy(value)
    return TypeAdapter(GanConfig).validate_python(plain)


def at(config: GanConfig, path: str) -> JsonValue:
    value: JsonValue = to_dict(config)
    for name in path.split("."):
        assert isinstance(value, dict), f"{path} does not exist"
        assert name in value, f"{path} does not exist"
        value = value[name]
    return value


def holds(found: JsonValue, assigned: JsonValue) -> bool:
    if isinstance(assigned, dict):
        return isinstance(found, dict) and all(
            name in found and holds(found[name], value) for name, value in assigned.items()
        )
    return found == assigned and isinstance(found, bool) == isinstance(assigned, bool)


@pytest.mark.parametrize("level", LEVELS)
def test_what_a_level_assigns_arrives_in_the_configuration(level: Level) -> None:
    config = configured(level)
    for path, value in level.assign.items():
        assert holds(at(config, path), value), path


@pytest.mark.parametrize("path", ["generator.batchnorm", "clips", "objective.d", "g_optimizer.learning_rate"])
def test_a_path_that_does_not_exist_would_be_noticed(path: str) -> None:
    with pytest.raises(AssertionError, match="does not exist"):
        at(configured(), path)


@pytest.mark.parametrize("factor", SHIPPED, ids=lambda factor: factor.name)
def test_levels_of_a_shipped_factor_give_different_configurations(factor: Factor) -> None:
    configs = [configured(level) for level in factor.levels]
    assert all(one != other for i, one in enumerate(configs) for other in configs[:i])


@pytest.mark.parametrize("name", SPACES)
def test_cells_of_a_space_are_different_configurations_with_sources(name: str) -> None:
    configs = [configured(*cell.values()) for cell in grid(SPACES[name])]
    assert all(one != other for i, one in enumerate(configs) for other in configs[:i])
    assert all(factor.source.strip() for factor in SPACES[name])


def test_lsgan_bn_table_is_the_papers_design_completed() -> None:
    axes = {factor.name: [level.label for level in factor.levels] for factor in SPACES["lsgan-bn-table"]}
    assert axes == {
        "bn": ["full", "no_bn_g", "no_bn_d", "no_bn_gd"],
        "optimizer": ["adam", "rmsprop"],
        "objective": ["ls(0,1,1)", "ls(-1,1,0)", "ns"],
    }


@pytest.mark.parametrize(
    ("label", "generator", "discriminator"),
    [("full", True, True), ("no_bn_g", False, True), ("no_bn_d", True, False), ("no_bn_gd", False, False)],
)
def test_bn_is_named_by_what_is_removed(label: str, generator: bool, discriminator: bool) -> None:
    config = configured(*BN.pick(label).levels)
    assert (config.generator.norm, config.discriminator.norm) == tuple(
        "batch" if normed else "none" for normed in (generator, discriminator)
    )


@pytest.mark.parametrize(
    ("label", "objective"),
    [
        ("ls(0,1,1)", LeastSquares(a=0.0, b=1.0, c=1.0)),
        ("ls(-1,1,0)", LeastSquares(a=-1.0, b=1.0, c=0.0)),
        ("ns", NonSaturating()),
        ("minimax", Minimax()),
        ("wasserstein", Wasserstein()),
    ],
)
def test_objective_levels_mean_what_they_say(label: str, objective: object) -> None:
    assert configured(*OBJECTIVE.pick(label).levels).objective == objective


def test_every_objective_has_a_level() -> None:
    assert {type(configured(level).objective) for level in OBJECTIVE.levels} == set(OBJECTIVES)


@pytest.mark.parametrize(
    ("label", "g", "d"),
    [
        ("adam", Adam(lr=1e-3, beta1=0.9), Adam(lr=1e-4, beta1=0.9)),
        ("rmsprop", RMSprop(lr=1e-3), RMSprop(lr=1e-4)),
        ("rmsprop_tf1", RMSpropTf1(lr=1e-3), RMSpropTf1(lr=1e-4)),
        ("sgd", Sgd(lr=1e-3), Sgd(lr=1e-4)),
    ],
)
def test_optimizer_gives_each_player_its_rate(label: str, g: object, d: object) -> None:
    config = configured(*optimizer(1e-3, 1e-4, beta1=0.9).pick(label).levels)
    assert (config.g_optimizer, config.d_optimizer) == (g, d)


def test_every_optimizer_has_a_level() -> None:
    assert {type(configured(level).g_optimizer) for level in optimizer(1e-3).levels} == set(OPTIMIZERS)


def test_one_rate_and_dcgans_beta1_serve_both_players() -> None:
    config = configured(*optimizer(2e-4).pick("adam").levels)
    assert config.g_optimizer == config.d_optimizer == Adam(lr=2e-4, beta1=0.5)


@pytest.mark.parametrize("bad", [0.0, -1e-3, nan, inf])
def test_optimizer_refuses_a_rate_out_of_range(bad: float) -> None:
    with pytest.raises(ValueError, match="g_lr must be > 0, got"):
        optimizer(bad)
    with pytest.raises(ValueError, match="d_lr must be > 0, got"):
        optimizer(1e-3, bad)


@pytest.mark.parametrize("bad", [1.0, -0.1, nan])
def test_optimizer_refuses_a_beta1_out_of_range(bad: float) -> None:
    with pytest.raises(ValueError, match=r"beta1 must be in \[0, 1\), got"):
        optimizer(1e-3, beta1=bad)


def test_clip_takes_values_beyond_the_searched_range() -> None:
    assert [configured(level).clip for level in clip([5, 0.01]).levels] == [5.0, 0.01]


@pytest.mark.parametrize("bad", [0.0, -0.01, nan, inf])
def test_clip_refuses_a_value_that_clips_nothing_or_all(bad: float) -> None:
    with pytest.raises(ValueError, match="clip must be > 0, got"):
        clip([0.01, bad])


def test_clip_range_holds_the_papers_value_and_its_ends() -> None:
    assert [CLIP.domain.contains(value) for value in (0.001, 0.01, 1.0, 0.0, 2.0)] == [True, True, True, False, False]
