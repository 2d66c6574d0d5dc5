"""Held random numbers: what all replicas of a cell share, what stays their own, and that nothing is in no group."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor

from study.design.description import statements
from study.design.parsing import assign_config, assignments, config_from
from study.report.methods import training
from tests import made_plugins
from tests.trainables import made_autoencoders, made_gans
from tests.trainables.made_gans import BASE, CPU, SEEDS, changed
from tests.trainables.rounding import assert_same, largest
from trainables import philox, plugins, sampling, streams, weights
from trainables.autoencoder.draws import Draws as CodeDraws
from trainables.autoencoder.split import Split
from trainables.conditioning import AuxiliaryClassifier, ByLabel
from trainables.config import GanConfig, Latent, Trained, Updates, digest, digest_of, to_dict
from trainables.data import Digits, Ring, SwissRoll
from trainables.data.points import PointSource
from trainables.gan.draws import Draws
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.optim import Adam
from trainables.penalties import Dragan, LsganGp, WganGp
from trainables.population import Population
from trainables.streams import GROUPS, Group, Held, Streams

HELD = Held(init=101, data=102, noise=103)
FRESH = Updates(reuse_latents=False, d_steps=2)
_SPECTRAL = Mlp(hidden=(6,), norm="spectral")
GANS: dict[str, GanConfig] = {
    "points": BASE,
    "fresh noise": changed(updates=FRESH, instance_noise=0.1),
    "swiss roll": changed(data=SwissRoll()),
    "batch norm": changed(generator=Mlp(hidden=(6,), norm="batch"), discriminator=Mlp(hidden=(6,), norm="batch")),
    "spectral norm": changed(discriminator=_SPECTRAL),
    "penalty": changed(penalty=WganGp()),
    "penalty around the data": changed(penalty=Dragan()),
    "penalty between": changed(penalty=LsganGp()),
    "classes": changed(conditioning=ByLabel(fake_labels="uniform"), updates=FRESH),
    "classified": changed(conditioning=AuxiliaryClassifier()),
    "packed": changed(packing=2),
    "images": changed(data=Digits(), generator=Dcgan(channels=(3, 4)), discriminator=Dcgan(channels=(3, 4))),
}
GAMES: dict[str, Trained] = GANS | {
    f"autoencoder, {kind}": made_autoencoders.config(kind) for kind in made_autoencoders.KINDS
}
every_game = pytest.mark.parametrize("game", GAMES)
STREAMS = {
    "init": HELD.init,
    "data": HELD.data,
    "labelled": HELD.data,
    **dict.fromkeys(
        ("latent", "latent_g", "label", "label_g", "instance", "penalty", "prior", "prior_label", "posterior"),
        HELD.noise,
    ),
}
"""The first part of every stream that a training consumes, and the seed that holds it. A new stream gets its place in
:class:`Held` and here."""
FIXED = {(0, "held_out"), (0, "reference")}


def held(config: Any, own: Held) -> Any:
    return dataclasses.replace(config, held=own)


def only(group: Group) -> Held:
    """Everything held but one group."""
    return dataclasses.replace(HELD, **{group: None})


def loop_of(config: Trained, steps: int = 0, seeds: Sequence[int] = SEEDS) -> Loop:
    load = made_gans.source if isinstance(config, GanConfig) else made_autoencoders.source
    source: Any = load(config.data if isinstance(config, GanConfig) else config)  # type: ignore[arg-type]
    loop = Loop(config, seeds, source, [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def values(loop: Loop) -> dict[str, Tensor]:
    params = loop.state_dict()["params"]
    return {f"{net}.{name}": value for net, own in params.items() for name, value in own.items()}


def same(values: Tensor) -> bool:
    """Whether all replicas have the same bits."""
    return all(torch.equal(row, values[0]) for row in values[1:])


@pytest.fixture
def consumed() -> Iterator[set[tuple[int, str]]]:
    """Seed and stream of all keys that are made: who draws has made one."""
    found: set[tuple[int, str]] = set()
    made = streams.blake2b

    def recording(text: bytes, **options: Any) -> Any:
        seed, _, stream = text.decode().partition("/")
        found.add((int(seed), stream))
        return made(text, **options)

    streams._key.cache_clear()
    with mock.patch.object(streams, "blake2b", recording):
        yield found
    streams._key.cache_clear()


@every_game
def test_whatever_a_training_consumes_belongs_to_one_group(game: str, consumed: set[tuple[int, str]]) -> None:
    loop = loop_of(held(GAMES[game], HELD), steps=3)
    drawn = {(seed, stream.partition("/")[0]) for seed, stream in consumed} - FIXED
    assert {101, 102, 103} >= {seed for seed, _ in drawn} >= {101, 102}
    assert not {(seed, stream) for seed, stream in drawn if STREAMS[stream] != seed}
    consumed.clear()
    loop.report()
    assert {stream.partition("/")[0] for seed, stream in consumed if seed} <= {"evaluation", "evaluation_label"}
    assert {seed for seed, _ in consumed} <= {0, *SEEDS}  # 0 is of real samples that all are measured on


def test_the_games_consume_every_stream_of_the_table(consumed: set[tuple[int, str]]) -> None:
    for config in GAMES.values():
        loop_of(held(config, HELD), steps=1)
    assert {stream.partition("/")[0] for _, stream in consumed} - {stream for _, stream in FIXED} == STREAMS.keys()


@every_game
def test_with_all_held_replicas_are_equal(game: str) -> None:
    """To rounding: some kernels round an entry by its place in the stack."""
    loop = loop_of(held(GAMES[game], HELD), steps=3)
    found = values(loop)
    for name, value in found.items():
        assert_same(value[1:], value[:1].expand_as(value[1:]), largest(*found.values()), name=name)
    if game != "autoencoder, supervised only":
        assert not same(loop.sample(8))  # each is measured with noise of its own


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_with_all_held_replicas_are_equal_to_the_bit_where_their_kernels_are(dtype: str) -> None:
    net = Mlp(hidden=(16, 16), norm="batch")
    adam = Adam(lr=1e-2)
    config = changed(generator=net, discriminator=net, latent=Latent(dim=8), g_optimizer=adam, d_optimizer=adam)
    source = Ring().load(device=CPU, dtype=getattr(torch, dtype))
    loop = Loop(dataclasses.replace(config, held=HELD, dtype=dtype), range(8), source, [], device=CPU)
    for _ in range(20):
        loop.advance()
    assert all(same(value) for value in values(loop).values())
    rows = loop.report()
    training = [name for name in rows[0] if name.endswith(("_loss", "_norm"))]
    assert training
    assert all(row[name] == rows[0][name] for row in rows for name in training)
    assert len({row["score_fake"] for row in rows}) == len(rows)  # of samples of their own


@pytest.mark.parametrize("varied", GROUPS)
@pytest.mark.parametrize("compiled", [True, False], ids=["in C", "in torch"])
def test_what_is_held_is_the_same_in_all_replicas_and_what_is_not_differs(varied: Group, compiled: bool) -> None:
    with mock.patch.object(philox, "load", philox.load if compiled else lambda: None):
        config = held(changed(updates=FRESH, penalty=Dragan(), instance_noise=0.1), only(varied))
        source = made_gans.source(config.data)
        assert same(values(loop_of(config))["generator.0.weight"]) == (varied != "init")
        own = Draws(config, source, Streams(SEEDS, held=config.held), 1)
        assert same(own.real(0)) == (varied != "data")
        for noise in (
            own.discriminator_latents(0),
            own.generator_latents(),
            own.noisy(torch.zeros(2, 8, 2), "real", 0),
            own.penalty_noise(0).uniform("x", (8,)),
        ):
            assert same(noise) == (varied != "noise")


@pytest.mark.parametrize("varied", GROUPS)
def test_an_autoencoder_shows_the_same_images_in_the_same_order_where_data_are_held(varied: Group) -> None:
    for kind in ("semi-supervised", "prior labels", "variational"):
        config = held(made_autoencoders.config(kind), only(varied))
        shared = Streams(SEEDS, held=config.held)
        own = CodeDraws(config, Split(config, made_autoencoders.source(config), shared.of("data").seeds), shared, 1)
        assert same(values(loop_of(config))["encoder.1.weight"]) == (varied != "init")
        assert same(own.batch.samples) == (varied != "data")
        if kind == "semi-supervised":
            assert same(own.labeled.samples) == (varied != "data")
            assert same(own.classes()) == (varied != "noise")
        assert same(own.posterior()) == (varied != "noise")
        if kind != "prior labels":  # whose draws follow the labels of the images
            assert same(own.prior()) == (varied != "noise")


@pytest.mark.parametrize("game", ["fresh noise", "batch norm", "classes", "images", "autoencoder, semi-supervised"])
@pytest.mark.parametrize("own", [only("init"), only("data"), Held(noise=103)], ids=str)
def test_a_stack_equals_its_solo_runs(game: str, own: Held) -> None:
    config = held(GAMES[game], own)
    stack = values(loop_of(config, steps=3))
    for place, seed in enumerate(SEEDS):
        solo = values(loop_of(config, steps=3, seeds=[seed]))
        for name, value in solo.items():
            assert_same(stack[name][place], value[0], largest(*solo.values()), name=name)


@every_game
def test_a_replica_of_the_held_seed_is_the_run_with_nothing_held(game: str) -> None:
    config = GAMES[game]
    free = values(loop_of(config, steps=2))
    for groups in (("init",), ("data", "noise"), GROUPS):
        shared = values(loop_of(held(config, Held(**dict.fromkeys(groups, SEEDS[1]))), steps=2))
        assert all(torch.equal(free[name][1], shared[name][1]) for name in free)


@pytest.mark.parametrize("game", ["fresh noise", "autoencoder, semi-supervised"])
def test_a_resumed_run_is_the_uninterrupted_one(game: str) -> None:
    config = held(GAMES[game], only("noise"))
    resumed = loop_of(config)
    resumed.load_state_dict(loop_of(config, steps=2).state_dict())
    for _ in range(2):
        resumed.advance()
    whole = values(loop_of(config, steps=4))
    assert all(torch.equal(value, whole[name]) for name, value in values(resumed).items())


def test_kept_generators_are_sampled_with_the_replica_s_own_noise() -> None:
    config = held(BASE, HELD)
    loop = loop_of(config, steps=2)
    measured = loop.sample(20)
    assert loop.sampling_seeds == SEEDS
    for place, stream in enumerate(loop.sampling_seeds):
        kept = weights.replica(loop.weights(), place)["generator"]
        torch.testing.assert_close(sampling.samples(config, stream, kept, 20), measured[place])


@pytest.mark.usefixtures("no_plugins")
def test_a_plugin_s_networks_start_alike_where_first_weights_are_held(tmp_path: Path) -> None:
    plugins.load(made_plugins.file(tmp_path, made_plugins.PAIR, "pair_held"))
    from trainables.networks import FAMILY

    nets = FAMILY.added["pair"]()
    for own, shared in ((only("data"), True), (only("init"), False)):
        params = values(loop_of(held(changed(generator=nets, discriminator=nets), own)))
        assert all(same(value) for name, value in params.items() if name.endswith("weight")) == shared


def test_points_of_a_file_are_shown_in_the_same_order_where_data_are_held() -> None:
    centers = np.array([[0.0, 0.0], [3.0, 0.0]])
    points = (centers.repeat(20, 0) + np.random.default_rng(0).normal(size=(40, 2)) * 0.1).astype(np.float32)
    source = PointSource(points, centers, device=CPU, dtype=torch.float64)
    for own, shared in ((only("init"), True), (only("data"), False)):
        drawn = Draws(changed(), source, Streams(SEEDS, held=own), 0).real(0)
        assert same(drawn) == shared


def test_nothing_held_is_the_same_streams_and_the_same_digest() -> None:
    own = Streams(SEEDS)
    assert all(own.of(group) is own for group in GROUPS)
    assert "held" not in to_dict(BASE)
    assert digest_of({**to_dict(BASE), "held": dataclasses.asdict(Held())}) == digest(BASE)
    configs = [BASE, *(held(BASE, Held(**{group: 3})) for group in GROUPS), held(BASE, Held(init=4)), held(BASE, HELD)]
    assert len({digest(config) for config in configs}) == len(configs)


def test_what_is_held_is_set_by_its_path_and_read_back() -> None:
    config = assign_config(BASE, assignments(["held.init=3", "held.noise=0"], "--set"))
    assert config.held == Held(init=3, noise=0)
    assert config_from(to_dict(config)) == config
    assert assign_config(config, {"held.init": None, "held.noise": None}) == BASE
    coded = assign_config(made_autoencoders.BASE, {"held.data": 5})
    assert (coded.held, config_from(to_dict(coded))) == (Held(data=5), coded)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"held.init": -1}, "held: held.init must be a seed >= 0, got -1"),
        ({"held.data": 1.5}, "held.data: .*, got 1.5"),
        ({"held.data": True}, "held.data must not be a truth value, got true"),
        ({"held.latent": 3}, "held.latent is no field: held has init, data, noise"),
    ],
    ids=str,
)
def test_a_user_s_mistake_is_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        assign_config(BASE, changes)


def test_a_population_holds_nothing() -> None:
    population = Population(members=4, every=2)
    with pytest.raises(ValueError, match=r"^held must be empty with a population, .*, got init 3, noise 0$"):
        changed(population=population, held=Held(init=3, noise=0))
    assert changed(population=population).held == Held()


def test_an_explanation_says_in_one_line_what_is_held() -> None:
    told = {fact.name: fact.text for fact in statements(held(BASE, only("data"))) if fact.section == "Run"}
    assert told["held"] == "the same for all replicas: first weights of seed 101, noise of seed 103"
    assert not [fact for fact in statements(BASE) if fact.section == "Run" and fact.name == "held"]


def test_a_methods_section_says_what_is_held() -> None:
    said = " ".join(training([BASE, held(BASE, only("data"))]))
    assert "In 1 of 2 configurations all replicas shared initial weights" in said
    assert "each of one seed: init 101 and noise 103." in said
    assert "shared" not in " ".join(training([BASE]))
