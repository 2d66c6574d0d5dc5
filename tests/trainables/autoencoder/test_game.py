"""Phases of an autoencoder's step: who is moved by what, what is real, and every loss by hand."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.trainables.made_autoencoders import BASE, CPU, SEEDS, config, draws, every_kind, loop_of, weights
from tests.trainables.rounding import assert_same, largest
from trainables import replicas
from trainables.autoencoder import coding
from trainables.autoencoder.draws import Draws
from trainables.autoencoder.split import Split
from trainables.autoencoding import (
    Adversarial,
    DecoderLabels,
    NormalPrior,
    PriorLabels,
    SemiSupervised,
    Variational,
)
from trainables.config import AaeConfig
from trainables.games import build
from trainables.objectives import NonSaturating
from trainables.optim import Sgd
from trainables.phases import Nets, Phase
from trainables.streams import Streams


def nets(own: AaeConfig) -> Nets:
    players = build(own).players
    params = {
        name: replicas.initialize(p.module, p.init, Streams(SEEDS), name, device=CPU, dtype=torch.float64)
        for name, p in players.items()
    }
    return Nets({name: p.module for name, p in players.items()}, params)


def phases(own: AaeConfig) -> dict[str, Phase]:
    return {phase.name: phase for group in build(own).rounds(0) for phase in group}


# The order of phases, and who is moved by what


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("basic", ["reconstruction", "d", "g"]),
        ("supervised", ["reconstruction", "d", "g"]),
        ("prior labels", ["reconstruction", "d", "g"]),
        ("semi-supervised", ["reconstruction", "d", "g", "class"]),
        ("supervised only", ["class"]),
        ("plain", ["reconstruction"]),
        ("plain with labels", ["reconstruction", "class"]),
        ("variational", ["reconstruction"]),
    ],
)
def test_the_phases_of_a_step(kind: str, order: list[str]) -> None:
    assert [[phase.name for phase in group] for group in build(config(kind)).rounds(3)] == [[name] for name in order]


MOVED = {
    "reconstruction": {"encoder", "decoder"},
    "d": {"discriminator", "label_discriminator"},
    "g": {"encoder"},
    "class": {"encoder"},
}


@every_kind
def test_a_phase_differentiates_only_what_it_updates(kind: str) -> None:
    own = config(kind)
    for name, phase in phases(own).items():
        players = nets(own)
        sum(loss.sum() for loss in phase.loss(players, draws(own)).values()).backward()  # type: ignore[union-attr]
        moved = {net for net, params in players.params.items() if any(v.grad is not None for v in params.values())}
        assert moved == MOVED[name] & players.params.keys() == set(phase.updates)
        for net in moved:
            assert sum(float(v.grad.abs().sum()) for v in players.params[net].values()) > 0  # type: ignore[union-attr]


@every_kind
def test_the_terms_of_a_phase_are_those_that_it_names(kind: str) -> None:
    own = config(kind)
    for phase in phases(own).values():
        losses = phase.loss(nets(own), draws(own))
        assert set(losses) == set(phase.terms)
        assert all(loss.shape == (len(SEEDS),) for loss in losses.values())


def test_every_phase_has_the_optimizer_of_its_name() -> None:
    rules = {name: phase.optimizer for name, phase in phases(config("semi-supervised")).items()}
    assert rules == {
        "reconstruction": BASE.optimizer,
        "d": BASE.d_optimizer,
        "g": BASE.g_optimizer,
        "class": BASE.class_optimizer,
    }


def test_the_baseline_starts_as_the_semi_supervised_encoder_and_sees_the_same_labels() -> None:
    semi, baseline = config("semi-supervised"), config("supervised only")
    assert all(torch.equal(v, nets(baseline).params["encoder"][n]) for n, v in nets(semi).params["encoder"].items())
    for step in range(3):
        assert torch.equal(draws(semi, step).labeled.samples, draws(baseline, step).labeled.samples)


def test_the_baseline_moves_nothing_but_its_encoder() -> None:
    before, after = loop_of(config("supervised only")), loop_of(config("supervised only"), steps=3)
    for name, value in weights(before, 0).items():
        assert torch.equal(value, weights(after, 0)[name]) is (not name.startswith("encoder")), name


# Losses by hand: draws of the prior are real, codes are fake

Losses = Mapping[str, Tensor]


def by_hand(own: AaeConfig) -> dict[str, Losses]:
    """Every loss from the networks' outputs, without the game."""
    players, d, dim, classes = nets(own), draws(own), own.prior.dim, own.data.classes
    images, labels = d.batch.samples, d.batch.labels
    assert labels is not None
    out = players.run("encoder", images)
    z, y = out[..., :dim], out[..., -classes:].softmax(-1)
    told = None
    if isinstance(own.labels, PriorLabels):
        known = d._split.told(d._picks)
        told = functional.one_hot(known, classes + 1).double()
    reads: dict[type, list[Tensor]] = {
        DecoderLabels: [functional.one_hot(labels, classes).double(), z],
        SemiSupervised: [y, z],
    }
    made = players.run("decoder", torch.cat(reads.get(type(own.labels), [z]), -1))
    found: dict[str, Losses] = {"reconstruction": {"reconstruction_loss": ((made - images) ** 2).mean((1, 2, 3, 4))}}
    real, fake = (x if told is None else torch.cat([x, told], -1) for x in (d.prior(), z))
    high, low = players.run("discriminator", real), players.run("discriminator", fake)
    found["d"] = {"d_loss": -high.sigmoid().log().mean(1) - (1 - low.sigmoid()).log().mean(1)}
    found["g"] = {"g_loss": -low.sigmoid().log().mean(1)}
    if isinstance(own.labels, SemiSupervised):
        high, low = players.run("label_discriminator", d.classes()), players.run("label_discriminator", y)
        found["d"] |= {"d_cat_loss": -high.sigmoid().log().mean(1) - (1 - low.sigmoid()).log().mean(1)}
        found["g"] |= {"g_cat_loss": -low.sigmoid().log().mean(1)}
        batch = d.labeled
        assert batch.labels is not None
        chances = players.run("encoder", batch.samples)[..., -classes:].log_softmax(-1)
        found["class"] = {"class_loss": -chances.gather(-1, batch.labels[..., None]).mean((1, 2))}
    return found


HANDED = ("basic", "supervised", "prior labels", "semi-supervised", "swiss roll")


def check_losses(own: AaeConfig) -> None:
    expected, phases_ = by_hand(own), phases(own)
    assert expected.keys() == phases_.keys()
    for name, phase in phases_.items():
        for term, loss in phase.loss(nets(own), draws(own)).items():
            assert_same(loss, expected[name][term], name=term)


@pytest.mark.parametrize("kind", HANDED)
def test_losses_are_those_by_hand(kind: str) -> None:
    check_losses(config(kind))


class SwappedRoles(NonSaturating):
    """What comes of calling codes real."""

    def d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().d_loss(fake, real)

    def g_loss(self, fake: Tensor) -> Tensor:
        return super().g_loss(-fake)


def _wrong_labels(self: Draws) -> Tensor:
    return functional.one_hot((self.batch.labels + 1) % 10, 10)  # type: ignore[operator]


MUTANTS: dict[str, tuple[str, Callable[[pytest.MonkeyPatch], AaeConfig | None]]] = {
    "roles swapped": ("basic", lambda patch: config(regularizer=Adversarial(objective=SwappedRoles()))),
    "prior without its scale": (
        "basic",
        lambda patch: patch.setattr(NormalPrior, "points", lambda self, noise, modes: noise),
    ),
    "label swap in the decoder": ("supervised", lambda patch: patch.setattr(Draws, "labels", _wrong_labels)),
    "any mode for every class": (
        "prior labels",
        lambda patch: patch.setattr(Split, "told", lambda self, picks: torch.full_like(picks, 10)),
    ),
    "the code before y": ("semi-supervised", lambda patch: patch.setattr(coding, "joined", _code_first)),
    "the sum over pixels": (
        "basic",
        lambda patch: config(reconstruction_weight=64.0),
    ),
}


def _code_first(z: Tensor, y: Tensor | None) -> Tensor:
    return z if y is None else torch.cat([z, y], -1)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_caught(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, break_it = MUTANTS[mutant]
    own = config(kind)
    expected = by_hand(own)
    if mutant == "prior without its scale":
        assert own.prior.deviation != 1
    own = break_it(monkeypatch) or own
    found = {t: v for phase in phases(own).values() for t, v in phase.loss(nets(own), draws(own)).items()}
    by_term = {t: v for losses in expected.values() for t, v in losses.items()}
    assert any(not torch.allclose(value, by_term[term], rtol=1e-6) for term, value in found.items())


def test_the_reconstruction_weight_multiplies_the_loss_and_not_the_error() -> None:
    plain, heavy = config("plain"), config("plain", reconstruction_weight=7.0)
    losses = [
        phases(own)["reconstruction"].loss(nets(own), draws(own))["reconstruction_loss"] for own in (plain, heavy)
    ]
    torch.testing.assert_close(losses[1], 7 * losses[0], rtol=1e-12, atol=0)
    rows = [loop_of(own).report()[0] for own in (plain, heavy)]
    assert rows[0]["reconstruction_error"] == rows[1]["reconstruction_error"]


def test_the_code_of_a_step_is_that_of_the_encoder_after_its_reconstruction() -> None:
    """D and the encoder's own step share one pass, made after the first phase has moved the encoder."""
    own = config(g_optimizer=Sgd(lr=0.5), d_optimizer=Sgd(lr=1e-300), optimizer=Sgd(lr=0.1))
    loop, players, d = loop_of(own, steps=1), nets(own), draws(own)
    for name, moved, rate in (("reconstruction", ("encoder", "decoder"), 0.1), ("g", ("encoder",), 0.5)):
        leaves = {(net, key): value for net in moved for key, value in players.params[net].items()}
        loss = sum(x.sum() for x in phases(own)[name].loss(players, draws(own)).values())
        slopes = torch.autograd.grad(loss, list(leaves.values()))  # type: ignore[arg-type]
        for ((net, key), leaf), slope in zip(leaves.items(), slopes, strict=True):
            players.params[net][key] = (leaf - rate * slope).detach().requires_grad_()  # type: ignore[index]
    assert d.batch.labels is not None
    for key, value in players.params["encoder"].items():
        trained = loop.state_dict()["params"]["encoder"][key]
        assert_same(trained, value.detach(), largest(*players.params["encoder"].values()), name=key)


def test_a_variational_step_draws_its_codes_and_adds_its_kl() -> None:
    own = config("variational")
    players, d = nets(own), draws(own)
    out = players.run("encoder", d.batch.samples)
    mean, log_variance = out[..., :3], out[..., 3:6]
    made = players.run("decoder", mean + (log_variance / 2).exp() * d.posterior())
    losses = phases(own)["reconstruction"].loss(players, d)
    torch.testing.assert_close(losses["reconstruction_loss"], (made - d.batch.samples).square().mean((1, 2, 3, 4)))
    torch.testing.assert_close(losses["kl_loss"], 0.01 * Variational(beta=1.0).kl(mean, log_variance, 2.0))
