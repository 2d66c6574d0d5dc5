"""The named spaces: every point is a configuration that can be built, and every such configuration has its point.

The same points go through Optuna and Ray Tune, whose ranges disagree about their ends.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import islice
from random import Random

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from ray import tune

from search_spaces import SEARCHES, Choice, Float, Int, Options, Param, Range, Role, Space, Value, compose
from search_spaces.blocks import axis_of, d_steps_axis, normalization_axes, optimizer_axes
from search_spaces.searches import named, penalty_axes
from study.design.parsing import assign_config
from study.search.optuna_adapter.distributions import distribution, suggested
from study.studies import find
from trainables import games
from trainables.config import GanConfig, to_dict
from trainables.objectives import LeastSquares, NonSaturating, Wasserstein
from trainables.optim import OPTIMIZERS, Adam, RMSprop
from trainables.penalties import PENALTIES, NoPenalty, WganGp

IMAGES = "lsgan-stability"
RING = "wgan-clip"
NOT_ON = (("gp-architectures", RING), ("mlp-size", IMAGES))  # convolutions want images, widths fully connected nets
ON = [(name, on) for name in SEARCHES for on in (RING, IMAGES) if (name, on) not in NOT_ON]
WORKS = [pytest.param(name, on, id=f"{name} on {on}") for name, on in ON]


def base(study: str) -> GanConfig:
    config = find(study).profiles["quick"].base
    assert isinstance(config, GanConfig)
    return config


def configured(space: Space, point: Mapping[str, Value], on: str) -> GanConfig:
    config = assign_config(base(on), space.assignment(point))
    assert isinstance(config, GanConfig)
    return config


def comes_back(space: Space, point: Mapping[str, Value], on: str) -> bool:
    """Whether the configuration of a point has this point, options as they are and numbers to 6 digits."""
    found = space.point_of(to_dict(configured(space, point, on)))
    return (
        found is not None
        and list(found) == list(point)
        and all(
            found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-6, abs=1e-9))
            for name, value in point.items()
        )
    )


@pytest.mark.parametrize(("name", "on"), WORKS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(min_value=0))
def test_a_point_of_a_named_space_makes_a_configuration_that_has_this_point(name: str, on: str, seed: int) -> None:
    space = SEARCHES[name]
    point = space.sample(Random(seed))
    assert comes_back(space, point, on)


@pytest.mark.parametrize(("name", "on"), WORKS)
def test_ends_and_options_of_a_named_space_are_configurations(name: str, on: str) -> None:
    space = SEARCHES[name]
    for axis in space.axes:
        for value in axis.values(2):
            point = with_value(space, axis, value)
            assert comes_back(space, point, on)


def with_value(space: Space, axis: Options | Range, value: Value) -> dict[str, Value]:
    """A point at which the axis exists and has the value, all else at its default where that can be."""
    asked: dict[str, Value] = {axis.name: value}
    axes = {each.name: each for each in space.axes}
    waiting = [axis]
    while waiting:
        for other, labels in waiting.pop().when.items():
            usual = axes[other].default
            asked[other] = usual if usual in labels else labels[0]
            waiting.append(axes[other])
    return space._filled(lambda each: asked.get(each.name, each.default))


@pytest.mark.parametrize(("name", "on"), WORKS)
def test_networks_of_the_default_fit_the_data(name: str, on: str) -> None:
    games.build(configured(SEARCHES[name], SEARCHES[name].default(), on))


@pytest.mark.parametrize("name", SEARCHES)
def test_a_named_space_comes_back_from_json(name: str) -> None:
    text = json.dumps(asdict(SEARCHES[name]), default=lambda role: role.value)
    assert TypeAdapter(Space).validate_json(text) == SEARCHES[name]


@pytest.mark.parametrize("name", SEARCHES)
def test_a_named_space_says_where_everything_comes_from(name: str) -> None:
    space = SEARCHES[name]
    assert space.name == name
    assert space.title
    assert space.source
    assert all(axis.source for axis in space.axes)
    assert any(axis.role is Role.SCIENTIFIC for axis in space.axes)


@pytest.mark.parametrize("name", SEARCHES)
def test_no_point_of_a_grid_comes_twice(name: str) -> None:
    points = [tuple(point.items()) for point in islice(SEARCHES[name].grid(2), 5_000)]
    assert len(set(points)) == len(points)


# Other libraries


def point_of(space: Space, trial: optuna.trial.BaseTrial) -> dict[str, Value]:
    """The point that a trial suggests, axis by axis as they come to exist."""
    point: dict[str, Value] = {}
    for axis in space.axes:
        if axis.name in space.active(point):
            point[axis.name] = suggested(trial, axis)
    return point


@pytest.mark.parametrize("name", SEARCHES)
def test_every_point_is_one_to_optuna(name: str) -> None:
    space, rng = SEARCHES[name], Random(0)
    points = [space.default(), *(space.sample(rng) for _ in range(20)), *islice(space.grid(2), 20)]
    for point in points:
        assert point_of(space, optuna.trial.FixedTrial(dict(point))) == point


@pytest.mark.parametrize("name", SEARCHES)
def test_what_optuna_suggests_is_a_point(name: str) -> None:
    space = SEARCHES[name]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        space.check(point_of(space, study.ask()))


@pytest.mark.parametrize("name", SEARCHES)
def test_ends_are_in_optunas_range_and_nothing_beyond(name: str) -> None:
    for axis in SEARCHES[name].axes:
        if isinstance(axis, Range):
            same = distribution(axis)
            for end, beyond in ((axis.domain.low, -1), (axis.domain.high, 1)):
                outside = end + beyond if isinstance(axis.domain, Int) else end + beyond * 1e-3 * abs(end or 1)
                assert same._contains(end)
                assert not same._contains(outside)
                assert not axis.domain.contains(outside)
                assert suggested(optuna.trial.FixedTrial({axis.name: end}), axis) == end


def of_ray(domain: Float | Int) -> tune.search.sample.Domain:
    if isinstance(domain, Int):  # Ray leaves the upper end out
        return (tune.lograndint if domain.log else tune.randint)(domain.low, domain.high + 1)
    return (tune.loguniform if domain.log else tune.uniform)(domain.low, domain.high)


@pytest.mark.parametrize("name", SEARCHES)
def test_what_ray_draws_is_a_value_of_the_axis(name: str) -> None:
    for axis in SEARCHES[name].axes:
        if isinstance(axis, Options):
            drawn = tune.choice(axis.labels).sample(size=20)
        else:
            drawn = of_ray(axis.domain).sample(size=20)
        for value in drawn:
            axis.check(int(value) if isinstance(value, np.integer) else value)  # Ray draws numpy's integers


def test_ray_draws_both_ends_of_whole_numbers() -> None:
    drawn = of_ray(Int(low=1, high=3)).sample(size=200)
    assert set(drawn) == {1, 2, 3}


# Where the named spaces start, and what they contain


def test_wgan_clip_starts_at_the_papers_settings() -> None:
    space = SEARCHES["wgan-clip"]
    config = configured(space, space.default(), RING)
    assert config.objective == Wasserstein()
    assert (config.clip, config.updates.d_steps) == (0.01, 5)
    assert config.g_optimizer == config.d_optimizer == RMSprop(lr=5e-5)


@pytest.mark.parametrize("name", ["lsgan", "lsgan-raw", "lsgan-triplets", "lsgan-bn"])
def test_lsgan_starts_at_the_papers_settings(name: str) -> None:
    config = configured(SEARCHES[name], SEARCHES[name].default(), IMAGES)
    assert config.objective == LeastSquares(a=0.0, b=1.0, c=1.0)
    assert (config.generator.norm, config.discriminator.norm) == ("batch", "batch")
    assert config.g_optimizer == config.d_optimizer == Adam(lr=2e-4, beta1=0.5)


@pytest.mark.parametrize("name", ["lsgan", "lsgan-bn", "lsgan-raw", "lsgan-triplets"])
def test_a_search_of_lsgan_knows_the_chi_square_triplet(name: str) -> None:
    space = SEARCHES[name]
    config = replace(configured(space, space.default(), IMAGES), objective=LeastSquares(a=-1.0, b=1.0, c=0.0))
    point = space.point_of(to_dict(config))
    if name == "lsgan-bn":  # has gamma alone: 1/2 is (0, 1, 1/2) there
        assert point is None
        return
    assert point is not None
    own = {"lsgan": {"gamma": 0.5, "scale": 4.0, "offset": 0.5}, "lsgan-triplets": {"triplet": "(-1,1,0)"}}
    expected = own.get(name, {"a": -1.0, "b": 1.0, "c": 0.0})
    assert {axis: point[axis] for axis in expected} == expected


def test_the_wide_clip_range_of_compare_gan_belongs_to_wgan_alone() -> None:
    for name, low in (("compare-gan-wide", 1e-3), ("compare-gan-narrow", 1e-2)):
        space = SEARCHES[name]
        clip = next(axis for axis in space.axes if axis.name == "clip")
        assert isinstance(clip, Range)
        assert (clip.domain.low, clip.domain.high) == (low, 1.0)
        active = {method: space.active({"method": method}) for method in space.axes[0].labels}  # type: ignore[union-attr]
        assert {method for method, axes in active.items() if "clip" in axes} == {"wgan"}
        assert {method for method, axes in active.items() if "lambda" in axes} == {"wgan-gp", "dragan"}
        assert {method for method, axes in active.items() if "d_norm" not in axes} == {"wgan-gp", "dragan"}


def test_the_fixed_grid_has_the_papers_24_settings_of_a_penalized_method() -> None:
    points = list(SEARCHES["kurach-grid"].grid(1))
    method = {"loss": "ns", "d_norm": "spectral", "regularizer": "gp"}
    assert sum(method.items() <= point.items() for point in points) == 24
    # 3 losses, each with 3 norms x (12 without and 2 x 24 with a penalty) and batch norm alone.
    assert len(points) == 3 * (3 * (12 + 24 + 24) + 12)


def test_the_grid_of_ebgans_baselines_is_complete_but_for_dropout() -> None:
    assert sum(1 for _ in SEARCHES["ebgan-grid"].grid(1)) == 6144 // 2


def test_random_architectures_have_the_papers_factors() -> None:
    values = {axis.name: axis.labels for axis in SEARCHES["gp-architectures"].axes if isinstance(axis, Options)}
    for short in ("g", "d"):
        assert values[f"{short}_activation"] == ("relu", "leaky_relu", "softplus", "tanh")
        assert values[f"{short}_depth"] == ("4", "8", "12", "20")
        assert values[f"{short}_filters"] == ("32", "64", "128")


def test_random_architectures_train_by_the_papers_two_methods() -> None:
    space = SEARCHES["gp-architectures"]
    point = space.default()
    penalized = configured(space, point, IMAGES)
    assert (penalized.objective, penalized.penalty) == (Wasserstein(), WganGp())
    assert penalized.g_optimizer == Adam(lr=1e-4, beta1=0.0, beta2=0.9)
    assert penalized.d_optimizer == Adam(lr=1e-4, beta1=0.0, beta2=0.9, weight_decay=1e-3)
    assert (penalized.updates.d_steps, penalized.discriminator.norm) == (5, "layer")
    del point["d_norm_gp"]
    plain = configured(space, {**point, "method": "gan", "d_norm": "none"}, IMAGES)
    assert (plain.objective, plain.penalty) == (NonSaturating(), NoPenalty())
    assert plain.g_optimizer == plain.d_optimizer == Adam(lr=2e-4)
    assert (plain.updates.d_steps, plain.discriminator.norm) == (1, "none")


def test_every_penalty_with_an_axis_reaches_its_configuration() -> None:
    space, rng = SEARCHES["penalty"], Random(0)
    kinds = {configured(space, space.sample(rng), RING).penalty.kind for _ in range(60)}
    assert kinds == {penalty().kind for penalty in PENALTIES} - {"lsgan_gp"}


# Building blocks


def test_every_optimizer_is_an_option_with_its_own_numbers() -> None:
    kinds = ("adam", "rmsprop", "rmsprop_tf1", "sgd")
    space = Space(name="s", title="S", axes=optimizer_axes(*kinds), source="a test")
    numbers = {kind: space.active({"optimizer": kind})[2:] for kind in kinds}
    assert numbers == {
        "adam": ("beta1", "beta2"),
        "rmsprop": ("alpha", "momentum"),
        "rmsprop_tf1": ("decay",),
        "sgd": ("momentum",),
    }
    rng = Random(0)
    made = {type(configured(space, space.sample(rng), RING).g_optimizer) for _ in range(40)}
    assert made == set(OPTIMIZERS)


def test_players_may_have_rates_of_their_own() -> None:
    space = Space(name="s", title="S", axes=optimizer_axes("adam", lr=1e-4, d_lr=4e-4), source="a test")
    config = configured(space, space.default(), RING)
    assert (config.g_optimizer.lr, config.d_optimizer.lr) == (1e-4, 4e-4)
    assert not space.conditional


def test_a_field_over_a_choice_is_no_range() -> None:
    with pytest.raises(ValueError, match=r"domain of axis norm must be a range of numbers, got \{none, batch\}"):
        axis_of(Param(path="norm", domain=Choice(values=("none", "batch")), source="a test"), default=0.0)


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ValueError, match="kinds must be of adam, rmsprop, rmsprop_tf1, sgd, got 'lion'"):
        optimizer_axes("lion")


def test_eps_exists_where_a_norm_divides_by_it() -> None:
    space = Space(name="s", title="S", axes=normalization_axes(eps=True), source="a test")
    assert space.active({"g_norm": "none", "d_norm": "spectral"}) == ("g_norm", "d_norm")
    assert space.active({"g_norm": "batch", "d_norm": "layer"}) == ("g_norm", "d_norm", "g_norm_eps", "d_norm_eps")
    point = {"g_norm": "batch", "d_norm": "layer", "g_norm_eps": 1e-3, "d_norm_eps": 0.8}
    config = configured(space, point, IMAGES)
    assert (config.generator.norm_eps, config.discriminator.norm_eps) == (1e-3, 0.8)


def test_a_penalty_without_numbers_has_none() -> None:
    assert [axis.name for axis in penalty_axes("none")] == ["penalty"]
    assert [axis.name for axis in penalty_axes("none", "r1")] == ["penalty", "lambda"]
    assert [axis.name for axis in penalty_axes("wgan-div")] == ["penalty", "k", "p"]


def test_named_spaces_and_blocks_compose() -> None:
    space = compose(
        "both", "LSGAN and the sizes", SEARCHES["lsgan"], SEARCHES["mlp-size"], (d_steps_axis(),), without=("bn",)
    )
    point = space.sample(Random(1))
    assert comes_back(space, point, RING)
    config = configured(space, point, RING)
    assert (config.batch_size, config.latent.dim) == (point["batch"], point["z"])


def test_spaces_that_set_one_path_do_not_compose() -> None:
    with pytest.raises(ValueError, match=r"penalty.kind from the space itself and penalty.kind from axis penalty"):
        compose("both", "", SEARCHES["wgan-clip"], penalty_axes("none", "r1"))


def test_names_joined_by_plus_are_one_space() -> None:
    space = named("wgan-clip+mlp-size")
    both = (*SEARCHES["wgan-clip"].axes, *SEARCHES["mlp-size"].axes)
    assert space.axes == both
    assert space.name == "wgan-clip+mlp-size"


def test_spaces_that_set_the_same_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match=r"names of axes must be unique, got .*lr.* \(space lsgan\+lsgan-bn\)"):
        named("lsgan+lsgan-bn")
