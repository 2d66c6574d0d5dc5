"""The game of a GAN: which labels, noise and points an update sees, and what is left alone."""

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.rounding import assert_same
from trainables import replicas
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning, cross_entropy
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import DataConfig, Digits, Ring, Source
from trainables.draws import Streams
from trainables.gan import Draws, Gan, Play, pack
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He
from trainables.networks.norm import power_iteration
from trainables.objectives import LeastSquares, Wasserstein
from trainables.optim import Sgd
from trainables.penalties import RealAndFake, WganGp, ZeroCentered
from trainables.phases import Nets, Phase

CPU = torch.device("cpu")
SEEDS = (3, 14)
BASE = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(6, 5), activation="relu", init=He()),
    discriminator=Mlp(hidden=(6, 5), activation="leaky_relu", init=He()),
    objective=LeastSquares(),
    latent=Latent(dim=3),
    g_optimizer=Sgd(lr=0.05),
    d_optimizer=Sgd(lr=0.1),
    batch_size=8,
    steps=10,
    evaluation=Evaluation(every=5, samples=20),
    dtype="float64",
)
LABELLED = (ByLabel(), ByLabel(embedding=2), AuxiliaryClassifier(), AuxiliaryClassifier(fake_labels="batch"))
labelled = pytest.mark.parametrize("conditioning", LABELLED, ids=str)


def changed(**fields: Any) -> GanConfig:
    return dataclasses.replace(BASE, **fields)


@cache
def source(data: DataConfig) -> Source:
    return data.load(device=CPU, dtype=torch.float64)


def draws(config: GanConfig, step: int = 0, seeds: Sequence[int] = SEEDS) -> Draws:
    return Draws(config, source(config.data), Streams(seeds), step, device=CPU)


def loop_of(config: GanConfig, steps: int = 0) -> Loop:
    loop = Loop(config, SEEDS, source(config.data), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def nets(config: GanConfig) -> Nets:
    players = Gan(config).players
    params = {
        name: replicas.initialise(p.module, p.init, Streams(SEEDS), name, device=CPU, dtype=torch.float64)
        for name, p in players.items()
    }
    return Nets({name: p.module for name, p in players.items()}, params)


def phases(config: GanConfig) -> dict[str, Phase]:
    return {phase.name: phase for group in Gan(config).rounds(0) for phase in group}


def play(config: GanConfig) -> Play:
    return Play(config, source(config.data), Streams(SEEDS), CPU)


def own(loop: Loop, network: str = "discriminator") -> dict[str, Tensor]:
    params: dict[str, Tensor] = loop.state_dict()["params"][network]
    return params


# Burn-in

BURN_INS = (
    BurnIn(d_steps=4, first=2, every=3),
    BurnIn(d_steps=3, first=0, every=4),
    BurnIn(d_steps=5, first=3, every=None),
)


@pytest.mark.parametrize("data", [Ring(), Digits()], ids=lambda data: data.kind)
@pytest.mark.parametrize("burn_in", BURN_INS, ids=str)
def test_a_burn_in_walks_through_the_data_without_gap_or_repeat(data: Any, burn_in: BurnIn) -> None:
    config = changed(data=data, updates=Updates(d_steps=2, burn_in=burn_in))
    single, number = changed(data=data), 0
    for step in range(8):
        here = draws(config, step)
        for visit in range(here.d_steps):
            assert torch.equal(here.real(visit), draws(single, number).real(0)), (step, visit)
            assert torch.equal(here.discriminator_latents(visit), draws(single, number).discriminator_latents(0))
            number += 1


def test_a_burn_in_adds_phases_to_its_steps_alone() -> None:
    game = Gan(changed(updates=Updates(d_steps=2, burn_in=BurnIn(d_steps=5, first=1, every=3))))
    counts = [[group[0].name for group in game.rounds(step)].count("d") for step in range(5)]
    assert counts == [5, 2, 2, 5, 2]
    assert all([phase.name for phase in game.rounds(step)[-1]] == ["g"] for step in range(5))


def test_the_generator_reuses_the_noise_of_a_burn_ins_last_update() -> None:
    here = draws(changed(updates=Updates(burn_in=BurnIn(d_steps=4, first=1, every=None))))
    assert torch.equal(here.generator_latents(), here.discriminator_latents(3))


# Labels


@labelled
def test_real_samples_keep_their_own_labels(conditioning: Conditioning) -> None:
    """On the ring the label is the number of the nearest centre."""
    config = changed(conditioning=conditioning)
    here = draws(config)
    centres = torch.from_numpy(source(Ring()).truth.centres)
    nearest = torch.cdist(here.real(0), centres[None].expand(2, -1, -1)).argmin(2)
    assert torch.equal(here.labels(0), nearest)


@pytest.mark.parametrize("kind", [ByLabel, AuxiliaryClassifier], ids=lambda kind: kind.__name__)
def test_fake_labels_are_those_of_the_batch_if_so_configured(kind: Any) -> None:
    here = draws(changed(conditioning=kind(fake_labels="batch"), updates=Updates(d_steps=2, reuse_latents=False)))
    assert all(torch.equal(here.discriminator_labels(visit), here.labels(visit)) for visit in range(2))
    assert torch.equal(here.generator_labels(), here.labels(1))


@pytest.mark.parametrize("kind", [ByLabel, AuxiliaryClassifier], ids=lambda kind: kind.__name__)
def test_else_they_are_uniform_and_independent_of_it(kind: Any) -> None:
    config = changed(conditioning=kind(fake_labels="uniform"), data=Ring(doubled=True), batch_size=8_000)
    here = draws(config, seeds=(5,))
    made, real = here.discriminator_labels(0), here.labels(0)
    share = torch.bincount(made[0], minlength=8) / 8_000
    assert share.tolist() == pytest.approx([1 / 8] * 8, abs=0.015)
    assert (torch.bincount(real[0], minlength=8) / 8_000)[0].item() == pytest.approx(2 / 9, abs=0.02)
    assert (made == real).double().mean().item() == pytest.approx(1 / 8, abs=0.015)
    assert not torch.equal(draws(config, 1, seeds=(5,)).discriminator_labels(0), made)


def test_the_generator_reuses_labels_with_the_noise() -> None:
    uniform = ByLabel(fake_labels="uniform")
    reused = draws(changed(conditioning=uniform, updates=Updates(d_steps=2)))
    assert torch.equal(reused.generator_labels(), reused.discriminator_labels(1))
    fresh = draws(changed(conditioning=uniform, updates=Updates(d_steps=2, reuse_latents=False), batch_size=100))
    assert not torch.equal(fresh.generator_labels(), fresh.discriminator_labels(1))
    assert 0 < len(fresh.generator_labels().unique()) <= 8


def test_a_conditioned_discriminator_judges_samples_with_the_labels_they_were_made_from() -> None:
    config = changed(conditioning=ByLabel(fake_labels="uniform"))
    here, all_nets = draws(config), nets(config)
    made = here.discriminator_labels(0)
    fake = all_nets.run("generator", here.discriminator_latents(0), made)
    scores = all_nets.run("discriminator", here.real(0), here.labels(0)), all_nets.run("discriminator", fake, made)
    found = phases(config)["d"].loss(all_nets, draws(config))
    assert list(found) == ["d_loss"]
    torch.testing.assert_close(found["d_loss"], config.objective.d_loss(*scores), rtol=1e-12, atol=0)
    found = phases(config)["g"].loss(all_nets, draws(config))
    torch.testing.assert_close(found["g_loss"], config.objective.g_loss(scores[1]), rtol=1e-12, atol=0)
    swapped = all_nets.run("discriminator", here.real(0), made), all_nets.run("discriminator", fake, here.labels(0))
    assert not torch.allclose(config.objective.d_loss(*swapped), config.objective.d_loss(*scores), rtol=1e-4)


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_an_auxiliary_classifier_names_real_and_generated_classes(weight: float) -> None:
    config = changed(conditioning=AuxiliaryClassifier(weight=weight))
    here, all_nets = draws(config), nets(config)
    made = here.discriminator_labels(0)
    real, real_logits = all_nets.run("discriminator", here.real(0))
    fake, logits = all_nets.run("discriminator", all_nets.run("generator", here.discriminator_latents(0), made))
    found = phases(config)["d"].loss(all_nets, draws(config))
    classes = weight * (cross_entropy(real_logits, here.labels(0)) + cross_entropy(logits, made))
    torch.testing.assert_close(found["d_class_loss"], classes, rtol=1e-12, atol=0)
    torch.testing.assert_close(found["d_loss"], config.objective.d_loss(real, fake), rtol=1e-12, atol=0)
    found = phases(config)["g"].loss(all_nets, draws(config))
    torch.testing.assert_close(found["g_class_loss"], weight * cross_entropy(logits, made), rtol=1e-12, atol=0)


@labelled
@pytest.mark.parametrize("order", ["d_first", "g_first", "simultaneous"])
def test_rows_have_a_column_for_every_term(conditioning: Conditioning, order: Any) -> None:
    config = changed(conditioning=conditioning, penalty=ZeroCentered(), updates=Updates(order=order))
    (row, _) = loop_of(config, 2).report()
    assert row["d_penalty"] > 0
    heads = {"d_class_loss", "g_class_loss"}
    assert (heads <= row.keys()) is isinstance(conditioning, AuxiliaryClassifier)
    assert all(row[name] > 0 for name in heads & row.keys())


# Evaluation


@labelled
def test_evaluated_classes_are_uniform_and_the_same_at_every_step(conditioning: Conditioning) -> None:
    config = changed(conditioning=conditioning, data=Ring(doubled=True))
    all_nets = nets(config)
    samples, classes = play(config).sample(all_nets, 4_000)
    assert classes is not None
    assert samples.shape == (2, 4_000, 2)
    assert classes.shape == (2, 4_000)
    share = torch.bincount(classes[0], minlength=8) / 4_000
    assert share.tolist() == pytest.approx([1 / 8] * 8, abs=0.025)
    again = play(config).sample(all_nets, 4_000)
    assert again[1] is not None
    assert torch.equal(again[0], samples)
    assert torch.equal(again[1], classes)


@labelled
def test_wanted_classes_are_made_in_turn(conditioning: Conditioning) -> None:
    """A generator that no longer sees its noise makes one sample per class."""
    loop = loop_of(changed(conditioning=conditioning))
    with torch.no_grad():
        own(loop, "generator")["body.0.weight"][:, :, :3] = 0
    made = loop.sample(11, labels=torch.tensor([2, 5, 0]))
    assert made.shape == (2, 11, 2)
    for place in range(11):
        assert_same(made[:, place], made[:, place % 3])
    one, two, three = made[:, 0], made[:, 1], made[:, 2]
    assert not torch.allclose(one, two)
    assert not torch.allclose(two, three)
    assert_same(loop.sample(1, labels=torch.tensor([0]))[:, 0], three)


def test_a_game_without_labels_reports_none() -> None:
    assert play(BASE).sample(nets(BASE), 4)[1] is None
    assert play(BASE).view(nets(BASE), 4).labels is None


# Penalties


def test_a_conditioned_penalty_goes_with_the_real_labels() -> None:
    """Twice over where the points are the real and the generated samples."""
    config = changed(conditioning=ByLabel(fake_labels="uniform"), penalty=ZeroCentered(weight=1, points=RealAndFake()))
    here, all_nets = draws(config), nets(config)
    real = here.real(0)
    fake = all_nets.run("generator", here.discriminator_latents(0), here.discriminator_labels(0)).detach()
    points = torch.cat([real, fake], 1).requires_grad_()
    scores = all_nets.run("discriminator", points, torch.cat([here.labels(0)] * 2, 1))
    (slopes,) = torch.autograd.grad(scores.sum(), points)
    found = phases(config)["d"].loss(all_nets, draws(config))["d_penalty"]
    torch.testing.assert_close(found, slopes.square().sum(2).mean(1), rtol=1e-12, atol=0)


def test_a_penalty_moves_the_discriminator_and_not_the_generator() -> None:
    with_it, without = loop_of(changed(penalty=WganGp()), 1), loop_of(BASE, 1)
    first = own(with_it)["1.weight"]
    assert not torch.allclose(first, own(without)["1.weight"], rtol=1e-3)
    config = changed(penalty=WganGp())
    all_nets = nets(config)
    terms = phases(config)["d"].loss(all_nets, draws(config))
    weights = list(all_nets.params["generator"].values())
    gradients = torch.autograd.grad(terms["d_penalty"].sum(), weights, allow_unused=True)
    assert all(gradient is None for gradient in gradients)


def test_penalties_draw_from_streams_of_their_own() -> None:
    noise = draws(BASE).penalty_noise(0)
    assert torch.equal(noise.uniform("mix", (4,)), draws(BASE).penalty_noise(0).uniform("mix", (4,)))
    for other in (draws(BASE).penalty_noise(1), draws(BASE, 1).penalty_noise(0)):
        assert not torch.equal(noise.uniform("mix", (4,)), other.uniform("mix", (4,)))
    assert not torch.equal(noise.uniform("mix", (4,)), noise.uniform("other", (4,)))
    assert not torch.equal(noise.normal("mix", (4,))[0], noise.normal("mix", (4,))[1])


# Spectral norm


def spectral(**fields: Any) -> GanConfig:
    net = dataclasses.replace(BASE.discriminator, norm="spectral")
    return changed(discriminator=net, objective=Wasserstein(), penalty=WganGp(), **fields)


def vectors(loop: Loop) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in own(loop).items() if name.endswith("u")}


@pytest.mark.parametrize("order", ["d_first", "simultaneous"])
def test_one_update_of_the_discriminator_is_one_power_iteration(order: Any) -> None:
    loop = loop_of(spectral(updates=Updates(order=order)), 2)
    before = vectors(loop)
    loop.advance()
    assert len(before) == 3
    for name, u in before.items():
        weight = own(loop)[f"{name.removesuffix('u')}weight"].flatten(2)
        assert_same(own(loop)[name], power_iteration(weight, u)[0])


def test_so_many_updates_are_so_many_iterations() -> None:
    """With steps too small to move a weight."""
    loop = loop_of(spectral(updates=Updates(d_steps=3), d_optimizer=Sgd(lr=1e-300)))
    expected = vectors(loop)
    loop.advance()
    for name in expected:
        for _ in range(3):
            expected[name] = power_iteration(own(loop)[f"{name.removesuffix('u')}weight"].flatten(2), expected[name])[0]
        assert_same(own(loop)[name], expected[name])


@pytest.mark.parametrize("watch", [lambda loop: loop.report(), lambda loop: loop.sample(9)], ids=["report", "sample"])
def test_watching_moves_no_vector(watch: Any) -> None:
    loop = loop_of(spectral(), 1)
    before = vectors(loop)
    watch(loop)
    assert all(torch.equal(value, own(loop)[name]) for name, value in before.items())


def test_losses_and_penalties_move_no_vector() -> None:
    config = spectral()
    all_nets = nets(config)
    before = {name: value.clone() for name, value in all_nets.params["discriminator"].items()}
    for phase in phases(config).values():
        phase.loss(all_nets, draws(config))
    assert all(torch.equal(value, all_nets.params["discriminator"][name]) for name, value in before.items())


# Packing


def test_packing_puts_neighbours_side_by_side() -> None:
    samples = torch.arange(2 * 6 * 2).view(2, 6, 2)
    packed = pack(samples, 3)
    assert packed.shape == (2, 2, 6)
    assert packed[1, 0].tolist() == samples[1, :3].flatten().tolist()
    images = torch.arange(1 * 4 * 2 * 3 * 3).view(1, 4, 2, 3, 3)
    assert torch.equal(pack(images, 2)[0, 1], torch.cat([images[0, 2], images[0, 3]]))
    assert pack(samples, 1) is samples


@pytest.mark.parametrize("packing", [2, 3])
@pytest.mark.parametrize("net", ["mlp", "dcgan"])
def test_a_batch_holds_so_many_packs(packing: int, net: str) -> None:
    images = {"data": Digits(), "generator": Dcgan(channels=(2, 3)), "discriminator": Dcgan(channels=(2, 3))}
    config = changed(packing=packing, **(images if net == "dcgan" else {}))
    here = draws(config)
    assert here.real(0).shape[1] == here.generator_latents().shape[1] == 8 * packing
    first = own(loop_of(config))["0.weight" if net == "dcgan" else "1.weight"]
    assert first.shape[2] == packing * config.data.shape[0]
    rows = loop_of(config, 1).report()
    assert all(row["finite"] and row["score_fake"] == row["score_fake"] for row in rows)


# Clipping


def largest(loop: Loop) -> float:
    return max(float(value.abs().max()) for value in own(loop).values())


def test_clipping_before_leaves_the_last_step_unclipped() -> None:
    fields: dict[str, Any] = {"objective": Wasserstein(), "clip": 0.05, "updates": Updates(d_steps=2)}
    before, after = (loop_of(changed(clip_when=when, **fields), 3) for when in ("before", "after"))
    assert largest(after) == pytest.approx(0.05, rel=1e-12)
    assert 0.05 < largest(before) < 0.5


def test_clipping_before_makes_the_first_losses_those_of_clipped_weights() -> None:
    config = changed(objective=Wasserstein(), clip=0.05, clip_when="before")
    all_nets = nets(config)
    with torch.no_grad():
        for weight in all_nets.params["discriminator"].values():
            weight.clamp_(-0.05, 0.05)
    expected = phases(config)["d"].loss(all_nets, draws(config))["d_loss"]
    rows = loop_of(config, 1).report()
    assert [row["d_loss"] for row in rows] == pytest.approx(expected.tolist(), rel=1e-12)


# Instance noise


def test_each_use_of_instance_noise_has_a_stream_of_its_own() -> None:
    here, zero = draws(changed(instance_noise=0.5, batch_size=2_000)), torch.zeros(2, 2_000, 2, dtype=torch.float64)
    noises = [here.noisy(zero, "real", 0), here.noisy(zero, "fake", 0), here.noisy(zero, "g", 0)]
    noises += [here.noisy(zero, "real", 1), draws(changed(instance_noise=0.5), 5).noisy(zero, "real", 0)]
    for i, noise in enumerate(noises):
        assert noise.std().item() == pytest.approx(0.5, rel=0.03)
        assert noise.mean().item() == pytest.approx(0, abs=0.02)
        assert all(abs(torch.corrcoef(torch.stack([noise.flatten(), o.flatten()]))[0, 1]) < 0.05 for o in noises[:i])
    assert torch.equal(here.noisy(zero, "real", 0), noises[0])


def test_instance_noise_is_added_to_all_that_the_discriminator_trains_on() -> None:
    quiet, loud = BASE, changed(instance_noise=0.5)
    all_nets = nets(BASE)
    for phase, term in (("d", "d_loss"), ("g", "g_loss")):
        losses = [phases(config)[phase].loss(all_nets, draws(config))[term] for config in (quiet, loud)]
        assert not torch.allclose(*losses, rtol=1e-3)


def test_evaluation_has_no_instance_noise() -> None:
    quiet, loud = (play(config).view(nets(config), 20) for config in (BASE, changed(instance_noise=0.5)))
    assert torch.equal(quiet.samples, loud.samples)
    assert all(torch.equal(value, loud.columns[name]) for name, value in quiet.columns.items())
