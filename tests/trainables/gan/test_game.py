"""The game of a GAN: its phases, which labels and points an update sees, and what is left alone."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.trainables.made_gans import (
    BASE,
    changed,
    draws,
    labeled,
    loop_of,
    nets,
    params,
    phases,
)
from tests.trainables.rounding import assert_same
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning, cross_entropy
from trainables.config import BurnIn, GanConfig, Updates
from trainables.data import Digits
from trainables.gan.game import Gan
from trainables.loop import Loop
from trainables.networks import Dcgan
from trainables.networks.layers import power_iteration
from trainables.objectives import Wasserstein
from trainables.optim import Sgd
from trainables.penalties import RealAndFake, WganGp, ZeroCentered


def test_a_burn_in_adds_phases_to_its_steps_alone() -> None:
    game = Gan(changed(updates=Updates(d_steps=2, burn_in=BurnIn(d_steps=5, first=1, every=3))))
    counts = [[group[0].name for group in game.rounds(step)].count("d") for step in range(5)]
    assert counts == [5, 2, 2, 5, 2]
    assert all([phase.name for phase in game.rounds(step)[-1]] == ["g"] for step in range(5))


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


@labeled
@pytest.mark.parametrize("order", ["d_first", "g_first", "simultaneous"])
def test_rows_have_a_column_for_every_term(conditioning: Conditioning, order: Any) -> None:
    config = changed(conditioning=conditioning, penalty=ZeroCentered(), updates=Updates(order=order))
    (row, _) = loop_of(config, 2).report()
    assert row["d_penalty"] > 0
    heads = {"d_class_loss", "g_class_loss"}
    assert (heads <= row.keys()) is isinstance(conditioning, AuxiliaryClassifier)
    assert all(row[name] > 0 for name in heads & row.keys())


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
    first = params(with_it)["1.weight"]
    assert not torch.allclose(first, params(without)["1.weight"], rtol=1e-3)
    config = changed(penalty=WganGp())
    all_nets = nets(config)
    terms = phases(config)["d"].loss(all_nets, draws(config))
    weights = list(all_nets.params["generator"].values())
    gradients = torch.autograd.grad(terms["d_penalty"].sum(), weights, allow_unused=True)
    assert all(gradient is None for gradient in gradients)


# Spectral norm


def spectral(**fields: Any) -> GanConfig:
    net = dataclasses.replace(BASE.discriminator, norm="spectral")
    return changed(discriminator=net, objective=Wasserstein(), penalty=WganGp(), **fields)


def vectors(loop: Loop) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in params(loop).items() if name.endswith("u")}


@pytest.mark.parametrize("order", ["d_first", "simultaneous"])
def test_one_update_of_the_discriminator_is_one_power_iteration(order: Any) -> None:
    loop = loop_of(spectral(updates=Updates(order=order)), 2)
    before = vectors(loop)
    loop.advance()
    assert len(before) == 3
    for name, u in before.items():
        weight = params(loop)[f"{name.removesuffix('u')}weight"].flatten(2)
        assert_same(params(loop)[name], power_iteration(weight, u)[0])


def test_so_many_updates_are_so_many_iterations() -> None:
    """With steps too small to move a weight."""
    loop = loop_of(spectral(updates=Updates(d_steps=3), d_optimizer=Sgd(lr=1e-300)))
    expected = vectors(loop)
    loop.advance()
    for name in expected:
        for _ in range(3):
            expected[name] = power_iteration(
                params(loop)[f"{name.removesuffix('u')}weight"].flatten(2), expected[name]
            )[0]
        assert_same(params(loop)[name], expected[name])


@pytest.mark.parametrize("watch", [lambda loop: loop.report(), lambda loop: loop.sample(9)], ids=["report", "sample"])
def test_watching_moves_no_vector(watch: Any) -> None:
    loop = loop_of(spectral(), 1)
    before = vectors(loop)
    watch(loop)
    assert all(torch.equal(value, params(loop)[name]) for name, value in before.items())


def test_losses_and_penalties_move_no_vector() -> None:
    config = spectral()
    all_nets = nets(config)
    before = {name: value.clone() for name, value in all_nets.params["discriminator"].items()}
    for phase in phases(config).values():
        phase.loss(all_nets, draws(config))
    assert all(torch.equal(value, all_nets.params["discriminator"][name]) for name, value in before.items())


@pytest.mark.parametrize("packing", [2, 3])
@pytest.mark.parametrize("net", ["mlp", "dcgan"])
def test_a_batch_holds_so_many_packs(packing: int, net: str) -> None:
    images = {"data": Digits(), "generator": Dcgan(channels=(2, 3)), "discriminator": Dcgan(channels=(2, 3))}
    config = changed(packing=packing, **(images if net == "dcgan" else {}))
    here = draws(config)
    assert here.real(0).shape[1] == here.generator_latents().shape[1] == 8 * packing
    first = params(loop_of(config))["0.weight" if net == "dcgan" else "1.weight"]
    assert first.shape[2] == packing * config.data.shape[0]
    rows = loop_of(config, 1).report()
    assert all(row["finite"] and row["score_fake"] == row["score_fake"] for row in rows)


# Clipping


def largest(loop: Loop) -> float:
    return max(float(value.abs().max()) for value in params(loop).values())


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


def test_instance_noise_is_added_to_all_that_the_discriminator_trains_on() -> None:
    quiet, loud = BASE, changed(instance_noise=0.5)
    all_nets = nets(BASE)
    for phase, term in (("d", "d_loss"), ("g", "g_loss")):
        losses = [phases(config)[phase].loss(all_nets, draws(config))[term] for config in (quiet, loud)]
        assert not torch.allclose(*losses, rtol=1e-3)


@pytest.mark.parametrize("reuse", [True, False])
def test_batch_norm_in_g_sees_one_member_of_each_pack_at_a_time(reuse: bool) -> None:
    """Its batches are those of evaluation and of the unpacked game, with the same samples side by side."""
    normed = dataclasses.replace(BASE.generator, norm="batch")
    config = changed(packing=3, generator=normed, updates=Updates(reuse_latents=reuse))
    here, own = draws(config), nets(config)
    for samples, latents in (
        (here.fake_for_discriminator(own, 0), here.discriminator_latents(0)),
        (here.fake_for_generator(own), here.generator_latents()),
    ):
        assert samples.shape[1] == latents.shape[1] == 3 * config.batch_size
        for member in range(3):
            assert_same(samples[:, member::3].detach(), own.run("generator", latents[:, member::3]).detach())
        assert not torch.allclose(samples.detach(), own.run("generator", latents).detach())
