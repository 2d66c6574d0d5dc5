"""Kept networks make the samples that were measured: as a stack of one, and as plain modules."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables import made_autoencoders, made_gans, made_populations
from trainables import games, sampling, weights
from trainables.conditioning import AuxiliaryClassifier, ByLabel
from trainables.config import Config
from trainables.data import Digits
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.networks.norm import RunningStatistics
from trainables.probes import probes_for

_RUNNING = dataclasses.replace(made_gans.BASE.evaluation, batch_norm=RunningStatistics())
_MLP = Mlp(hidden=(6, 5), norm="batch")
_CONV = Dcgan(channels=(3, 4))
_IMAGES: dict[str, Any] = {"data": Digits(), "generator": _CONV, "discriminator": Dcgan(channels=(3, 4), norm="none")}
GANS: dict[str, dict[str, Any]] = {
    "points": {},
    "batch statistics": {"generator": _MLP},
    "running statistics": {"generator": _MLP, "evaluation": _RUNNING},
    "spectral norm": {"generator": Mlp(hidden=(6,), norm="spectral")},
    "images": _IMAGES,
    "images, running statistics": {**_IMAGES, "evaluation": _RUNNING},
    "conditioned": {"conditioning": ByLabel(embedding=2), "generator": _MLP},
    "classified": {"conditioning": AuxiliaryClassifier()},
    "packed": {"packing": 2, "generator": _MLP},
}
TRAINED = 3


def kept(loop: Loop, place: int, network: str) -> dict[str, Tensor]:
    return weights.replica(loop.weights(), place)[network]


def check(loop: Loop, config: Config, count: int = 20) -> None:
    """Compare what is made of a replica's values with what the stack makes, in double precision."""
    measured, labels = loop.draw(count)
    network = games.sampling_network(config)
    for place, stream in enumerate(loop.sampling_seeds):
        values = kept(loop, place, network)
        torch.testing.assert_close(sampling.samples(config, stream, values, count), measured[place])
        module = sampling.module(config, network, values)
        batches = [sampling.inputs(config, stream, -(-count // config.batch_size) * config.batch_size)]
        chunks = zip(*(own.split(config.batch_size) for own in batches[0]), strict=True)
        with torch.no_grad():
            made = torch.cat([module(*chunk) for chunk in chunks])[:count]
        torch.testing.assert_close(made, measured[place], rtol=1e-6, atol=1e-6)  # tanh is torch's own
    assert not torch.allclose(measured[0], measured[1])
    if labels is not None and isinstance(config, type(made_gans.BASE)):
        assert torch.equal(sampling.inputs(config, loop.sampling_seeds[0], count)[1], labels[0])


@pytest.mark.parametrize("kind", GANS)
def test_a_generator_makes_the_samples_that_were_measured(kind: str) -> None:
    config = made_gans.changed(**GANS[kind])
    check(made_gans.loop_of(config, steps=TRAINED), config)


@pytest.mark.parametrize("kind", ["basic", "supervised", "prior labels", "semi-supervised", "swiss roll"])
def test_a_decoder_makes_the_samples_that_were_measured(kind: str) -> None:
    config = made_autoencoders.config(kind)
    check(made_autoencoders.loop_of(config, steps=TRAINED), config)


def test_of_a_population_it_is_the_member_that_is_measured() -> None:
    config = made_populations.ring()
    source = made_populations.source(config.data)
    probes = probes_for(config, source, None, device=torch.device("cpu"))
    loop = Loop(config, made_populations.SEEDS, source, probes, device=torch.device("cpu"))
    for _ in range(2 * TRAINED):
        loop.advance()
    loop.report()
    assert any(seed not in made_populations.SEEDS for seed in loop.sampling_seeds)
    check(loop, config)


def test_convolutions_are_the_measured_ones_to_the_bit() -> None:
    config = made_gans.changed(**_IMAGES, dtype="float32")
    source = config.data.load(device=torch.device("cpu"), dtype=torch.float32)
    loop = Loop(config, made_gans.SEEDS, source, [], device=torch.device("cpu"))
    loop.advance()
    again = sampling.samples(config, made_gans.SEEDS[1], kept(loop, 1, "generator"), 20)
    assert torch.equal(again, loop.sample(20)[1])


def test_wanted_classes_are_made_over_and_over() -> None:
    config = made_gans.changed(conditioning=ByLabel())
    loop = made_gans.loop_of(config, steps=TRAINED)
    wanted = torch.tensor([5, 1])
    again = sampling.samples(config, made_gans.SEEDS[0], kept(loop, 0, "generator"), 5, wanted)
    torch.testing.assert_close(again, loop.sample(5, wanted)[0])
    assert sampling.inputs(config, 3, 5, wanted)[1].tolist() == [5, 1, 5, 1, 5]


def test_a_discriminator_gives_the_scores_of_the_stack() -> None:
    config = made_gans.changed(discriminator=Mlp(hidden=(6,), norm="spectral"))
    loop = made_gans.loop_of(config, steps=TRAINED)
    samples = loop.sample(8)
    module = sampling.module(config, "discriminator", kept(loop, 1, "discriminator"))
    scores = loop._nets.run("discriminator", samples)
    torch.testing.assert_close(module(samples[1]), scores[1], rtol=1e-6, atol=1e-6)
    assert module(samples[1]).requires_grad  # as any module: it can be trained on


def test_what_is_no_network_of_the_configuration_is_named() -> None:
    loop = made_gans.loop_of(made_gans.BASE)
    with pytest.raises(ValueError, match="network must be one of generator, discriminator, got 'encoder'"):
        sampling.module(made_gans.BASE, "encoder", {})
    with pytest.raises(ValueError, match=r"the kept values are not those of the discriminator: .*Missing key"):
        sampling.module(made_gans.BASE, "discriminator", {**kept(loop, 0, "generator"), "9.weight": torch.ones(1)})
