"""The shipped axes, alone and against the configuration that they assign to."""

from copy import deepcopy
from fractions import Fraction
from math import inf, nan

import pytest
from pydantic import TypeAdapter

from search_spaces import (
    BN,
    CLIP,
    D_NORM,
    LAMBDA,
    OBJECTIVE,
    PENALTY,
    SPACES,
    TRIPLET,
    WEIGHTS,
    Factor,
    JsonValue,
    Level,
    clip,
    divergences,
    gp_weight,
    grid,
    label_use,
    optimizer,
    triplet,
    triplets,
    weighted,
)
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Unconditional
from trainables.config import GanConfig, to_dict
from trainables.objectives import OBJECTIVES, LeastSquares, Minimax, NonSaturating, Wasserstein
from trainables.optim import OPTIMIZERS, Adam, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import (
    PENALTIES,
    AroundReal,
    Dragan,
    Fake,
    Interpolates,
    LsganGp,
    NoPenalty,
    WganDiv,
    WganGp,
    WganLp,
    ZeroCentered,
)

SHIPPED = (
    BN,
    D_NORM,
    OBJECTIVE,
    TRIPLET,
    PENALTY,
    clip(),
    CLIP.factor(7),
    gp_weight(),
    LAMBDA.factor(7),
    label_use(embedding=8),
    optimizer(2e-4),
)
LEVELS = [pytest.param(level, id=f"{factor.name}={level.label}") for factor in SHIPPED for level in factor.levels]


def configured(*levels: Level) -> GanConfig:
    """A small GAN with the levels' values put in."""
    plain: dict[str, JsonValue] = {
        "data": {"kind": "ring"},  # its labels are the modes
        "generator": {"kind": "mlp", "norm": "none"},
        "discriminator": {"kind": "mlp", "norm": "none"},
        "latent": {"dim": 2},
        "g_optimizer": {"kind": "sgd", "lr": 1.0},
        "d_optimizer": {"kind": "sgd", "lr": 1.0},
        "steps": 1,
    }
    if any(path.startswith("penalty.") for level in levels for path in level.assign):
        plain["penalty"] = {"kind": "wgan_gp"}  # the weight alone names no penalty
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


def test_the_discriminators_norm_is_varied_alone() -> None:
    configs = [configured(level) for level in D_NORM.levels]
    assert [config.discriminator.norm for config in configs] == ["none", "batch", "layer", "spectral"]
    assert {config.generator.norm for config in configs} == {"none"}


# The label triplet


@pytest.mark.parametrize(
    ("label", "gamma", "scale", "offset"),
    [
        ("(0,1,1)", "1", "1", "0"),
        ("(-1,1,1)", "1", "4", "1/2"),
        ("(-1,1,0)", "1/2", "4", "1/2"),
        ("(0,1,1/2)", "1/2", "1", "0"),
    ],
)
def test_named_triplets_are_their_labels(label: str, gamma: str, scale: str, offset: str) -> None:
    (level,) = TRIPLET.pick(label).levels
    assert level.tags == {"gamma": gamma, "scale": scale, "offset": offset}
    a, b, c = (float(Fraction(part)) for part in label.strip("()").split(","))
    assert configured(level).objective == LeastSquares(a=a, b=b, c=c)


@pytest.mark.parametrize("gamma", [0.25, 1.0, 1.7])
@pytest.mark.parametrize("scale", [0.09, 1.0, 4.0])
@pytest.mark.parametrize("offset", [-1.0, 0.0, 0.5])
def test_a_triplet_has_the_gamma_scale_and_offset_asked_for(gamma: float, scale: float, offset: float) -> None:
    own = configured(triplet(gamma, scale, offset)).objective
    assert isinstance(own, LeastSquares)
    assert (own.c - own.a) / (own.b - own.a) == pytest.approx(gamma, rel=1e-12)
    assert (own.b - own.a) ** 2 == pytest.approx(scale, rel=1e-12)
    assert -own.a / (own.b - own.a) == pytest.approx(offset, rel=1e-12)


def test_the_papers_triplets_are_among_the_objectives_too() -> None:
    for label in ("(0,1,1)", "(-1,1,0)"):
        (level,), (objective,) = TRIPLET.pick(label).levels, OBJECTIVE.pick(f"ls{label}").levels
        assert configured(level) == configured(objective)


def test_triplets_are_crossed_with_gamma_slowest() -> None:
    factor = triplets((0.5, 1.0), scales=(1.0, 4.0), offsets=(0.0, 0.5))
    assert [level.tags["gamma"] for level in factor.levels] == ["1/2"] * 4 + ["1"] * 4
    assert [level.label for level in factor.levels[:4]] == ["(0,1,1/2)", "(-1/2,1/2,0)", "(0,2,1)", "(-1,1,0)"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((nan, 1.0, 0.0), "gamma must be finite, got nan"),
        ((1.0, 0.0, 0.0), "scale must be > 0, got 0.0"),
        ((1.0, inf, 0.0), "scale must be > 0, got inf"),
        ((1.0, 1.0, inf), "offset must be finite, got inf"),
    ],
)
def test_a_triplet_that_is_no_game_is_refused(values: tuple[float, float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        triplet(*values)


# Penalties


@pytest.mark.parametrize(
    ("label", "penalty"),
    [
        ("none", NoPenalty()),
        ("wgan-gp", WganGp(weight=10)),
        ("wgan-lp", WganLp(weight=5, points=Interpolates())),
        ("wgan-lp-around-data", WganLp(weight=5, points=AroundReal())),
        ("wgan-div", WganDiv(k=2, p=6)),
        ("dragan", Dragan(weight=10, points=AroundReal(scale=0.5))),
        ("r1", ZeroCentered(weight=10)),
        ("r2", ZeroCentered(weight=10, points=Fake())),
        ("zero-centered", ZeroCentered(weight=10, points=Interpolates())),
        ("lsgan-gp", LsganGp(weight=150 / 64, scale=30)),
    ],
)
def test_penalty_levels_mean_what_they_say(label: str, penalty: object) -> None:
    assert configured(*PENALTY.pick(label).levels).penalty == penalty


def test_every_penalty_has_a_level() -> None:
    assert {type(configured(level).penalty) for level in PENALTY.levels} == set(PENALTIES)


def test_weighted_levels_change_the_weight_alone() -> None:
    levels = weighted("wgan-lp-around-data", "r1", values=(0.1, 100))
    assert [level.label for level in levels] == [
        "wgan-lp-around-data 0.1",
        "wgan-lp-around-data 100",
        "r1 0.1",
        "r1 100",
    ]
    assert [configured(level).penalty for level in levels[1:3]] == [
        WganLp(weight=100, points=AroundReal()),
        ZeroCentered(weight=0.1),
    ]
    assert levels[1].tags == {"method": "wgan-lp-around-data", "lambda": "100"}


def test_divergences_change_k_and_p() -> None:
    (one, other) = divergences(((2, 6), (10, 2)))
    assert configured(one) == configured(*PENALTY.pick("wgan-div").levels)
    assert configured(other).penalty == WganDiv(k=10, p=2)
    assert other.label == "wgan-div k=10 p=2"
    assert other.tags == {"method": "wgan-div", "lambda": "k=10 p=2"}


@pytest.mark.parametrize("label", ["none", "wgan-div"])
def test_a_penalty_without_a_weight_takes_none(label: str) -> None:
    with pytest.raises(ValueError, match=f"penalty must have a weight to vary, got {label}"):
        weighted(label, values=(1.0,))


def test_the_weight_of_the_base_is_varied_in_the_order_given() -> None:
    assert [configured(level).penalty for level in gp_weight((500, 0.1)).levels] == [
        WganGp(weight=500),
        WganGp(weight=0.1),
    ]
    assert gp_weight().name == "lambda"
    assert [level.label for level in gp_weight().levels] == ["0.1", "1", "5", "10", "100", "500"]


def test_the_range_of_weights_is_that_of_the_wide_search() -> None:
    assert [LAMBDA.domain.contains(value) for value in (0.1, 10.0, 100.0, 0.01, 500.0)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert set(WEIGHTS) - {500.0} == {value for value in WEIGHTS if LAMBDA.domain.contains(value)}


@pytest.mark.parametrize("bad", [-0.1, nan, inf])
def test_a_weight_out_of_range_is_refused(bad: float) -> None:
    for make in (gp_weight, lambda values: weighted("wgan-gp", values=values)):
        with pytest.raises(ValueError, match="weight must be >= 0, got"):
            make((1.0, bad))


@pytest.mark.parametrize(
    ("pair", "message"), [((-1, 6), "k must be >= 0, got -1"), ((2, 0.5), "p must be >= 1, got 0.5")]
)
def test_a_divergence_out_of_range_is_refused(pair: tuple[float, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        divergences((pair,))


def test_labels_enter_as_declared() -> None:
    levels = label_use(embedding=8, weights=(0.5, 2)).levels
    assert [level.label for level in levels] == ["none", "by_label", "acgan 0.5", "acgan 2"]
    assert [configured(level).conditioning for level in levels] == [
        Unconditional(),
        ByLabel(embedding=8),
        AuxiliaryClassifier(weight=0.5, embedding=8),
        AuxiliaryClassifier(weight=2.0, embedding=8),
    ]


@pytest.mark.parametrize("bad", [-0.1, nan, inf])
def test_a_class_weight_out_of_range_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="weight must be >= 0, got"):
        label_use(weights=(bad,))
