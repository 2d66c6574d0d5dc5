"""Autoencoders: who is moved by what, what is real, whose labels are seen, and what is measured of the codes."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache
from math import log
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal as NormalDistribution
from torch.distributions import kl_divergence
from torch.nn import functional

from trainables import coding, replicas
from trainables.aae_play import mmd
from trainables.autoencoding import (
    LABEL_USES,
    PRIORS,
    REGULARISERS,
    Adversarial,
    DecoderLabels,
    LabelUse,
    NoRegulariser,
    NormalPrior,
    Petals,
    PriorLabels,
    Regulariser,
    SemiSupervised,
    SupervisedOnly,
    SwissRoll,
    Unlabelled,
    Variational,
    lattice,
)
from trainables.coding import Draws
from trainables.config import AaeConfig, Evaluation, digest
from trainables.data import Digits, ImageSource, ImageTruth, LsunBedroom, Ring
from trainables.draws import Streams
from trainables.games import build
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares, Minimax, NonSaturating, Wasserstein
from trainables.optim import Adam, Sgd
from trainables.phases import Images, Nets, Phase, Points
from trainables.split import Split

CPU = torch.device("cpu")
SEEDS = (11, 5, 902)
NET = Mlp(hidden=(9, 8), activation="relu", init=He())
BASE = AaeConfig(
    data=Digits(side=8),
    encoder=NET,
    decoder=dataclasses.replace(NET, output="tanh"),
    discriminator=NET,
    prior=NormalPrior(dim=3, std=2.0),
    optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=2e-3),
    g_optimizer=Sgd(lr=0.01),
    class_optimizer=Adam(lr=1e-3),
    batch_size=16,
    steps=6,
    evaluation=Evaluation(every=2, samples=24),
    dtype="float64",
)
KINDS: dict[str, Mapping[str, Any]] = {
    "basic": {},
    "supervised": {"labels": DecoderLabels()},
    "prior labels": {"labels": PriorLabels(labelled_share=0.5), "prior": Petals()},
    "semi-supervised": {"labels": SemiSupervised(labelled=20)},
    "supervised only": {"labels": SupervisedOnly(labelled=20), "regulariser": NoRegulariser()},
    "plain": {"regulariser": NoRegulariser()},
    "plain with labels": {"labels": SemiSupervised(labelled=20), "regulariser": NoRegulariser()},
    "variational": {"regulariser": Variational(beta=0.01)},
    "variational supervised": {"regulariser": Variational(beta=0.01), "labels": DecoderLabels()},
    "least squares": {"regulariser": Adversarial(objective=LeastSquares()), "labels": SemiSupervised(labelled=20)},
    "clipped": {"regulariser": Adversarial(objective=Wasserstein(), clip=0.05)},
    "batch norm": {"encoder": dataclasses.replace(NET, norm="batch")},
    "swiss roll": {"labels": PriorLabels(), "prior": SwissRoll()},
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def config(kind: str = "basic", **fields: Any) -> AaeConfig:
    return dataclasses.replace(BASE, **{**KINDS[kind], **fields})


def source(own: AaeConfig) -> ImageSource:
    return _loaded(own.data)


@cache
def _loaded(data: Digits) -> ImageSource:
    return data.load(device=CPU, dtype=torch.float64)


def loop_of(own: AaeConfig, seeds: tuple[int, ...] = SEEDS, steps: int = 0) -> Loop:
    loop = Loop(own, seeds, source(own), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


def weights(loop: Loop, replica: int) -> dict[str, Tensor]:
    params = loop.state_dict()["params"]
    return {f"{net}.{name}": value[replica].clone() for net, own in params.items() for name, value in own.items()}


def nets(own: AaeConfig) -> Nets:
    players = build(own).players
    params = {
        name: replicas.initialise(p.module, p.init, Streams(SEEDS), name, device=CPU, dtype=torch.float64)
        for name, p in players.items()
    }
    return Nets({name: p.module for name, p in players.items()}, params)


def phases(own: AaeConfig) -> dict[str, Phase]:
    return {phase.name: phase for group in build(own).rounds(0) for phase in group}


def draws(own: AaeConfig, step: int = 0, seeds: tuple[int, ...] = SEEDS) -> Draws:
    return Draws(own, Split(own, source(own), seeds), Streams(seeds), step, device=CPU)


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


def test_every_phase_has_the_optimiser_of_its_name() -> None:
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
        assert torch.equal(draws(semi, step).labelled.samples, draws(baseline, step).labelled.samples)


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
        batch = d.labelled
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
            torch.testing.assert_close(loss, expected[name][term], rtol=1e-10, atol=1e-12, msg=term)


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
    "roles swapped": ("basic", lambda patch: config(regulariser=Adversarial(objective=SwappedRoles()))),
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
    own = config(g_optimizer=Sgd(lr=0.5), d_optimizer=Sgd(lr=1e-12), optimizer=Sgd(lr=0.1))
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
        torch.testing.assert_close(trained, value.detach(), rtol=1e-9, atol=1e-11, msg=key)


# The divergence of a variational autoencoder


@pytest.mark.parametrize("std", [1.0, 2.5])
def test_the_kl_is_that_of_the_distributions(std: float) -> None:
    mean, log_variance = torch.randn(2, 5, 3, generator=torch.manual_seed(1)).double(), torch.randn(2, 5, 3).double()
    expected = kl_divergence(
        NormalDistribution(mean, (log_variance / 2).exp()), NormalDistribution(torch.zeros_like(mean), std)
    )
    found = Variational(beta=1.0).kl(mean, log_variance, std)
    torch.testing.assert_close(found, expected.sum(-1).mean(-1), rtol=1e-10, atol=1e-12)


def test_the_kl_by_hand() -> None:
    """Mean 3, variance 4 against N(0, 1): (9 + 4 - 1 - log 4) / 2 per entry."""
    found = Variational(beta=1.0).kl(torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), 4.0).log(), 1.0)
    assert found.item() == pytest.approx(12 - log(4), rel=1e-6)


def test_a_variational_step_draws_its_codes_and_adds_its_kl() -> None:
    own = config("variational")
    players, d = nets(own), draws(own)
    out = players.run("encoder", d.batch.samples)
    mean, log_variance = out[..., :3], out[..., 3:6]
    made = players.run("decoder", mean + (log_variance / 2).exp() * d.posterior())
    losses = phases(own)["reconstruction"].loss(players, d)
    torch.testing.assert_close(losses["reconstruction_loss"], (made - d.batch.samples).square().mean((1, 2, 3, 4)))
    torch.testing.assert_close(losses["kl_loss"], 0.01 * Variational(beta=1.0).kl(mean, log_variance, 2.0))


# Stacks and resumption


@every_kind
def test_a_stack_equals_its_solo_runs(kind: str) -> None:
    stacked = loop_of(config(kind), steps=4)
    for replica, seed in enumerate(SEEDS):
        solo = weights(loop_of(config(kind), (seed,), steps=4), 0)
        for name, value in weights(stacked, replica).items():
            torch.testing.assert_close(value, solo[name], rtol=1e-9, atol=1e-9, msg=f"{name} of seed {seed}")


@pytest.mark.parametrize("kind", ["semi-supervised", "prior labels", "variational"])
def test_a_resumed_run_equals_the_uninterrupted_one(kind: str, tmp_path: Any) -> None:
    whole = loop_of(config(kind), steps=2)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    resumed = loop_of(config(kind))
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for loop in (whole, resumed):
        loop.advance()
        loop.advance()
    assert all(torch.equal(value, weights(resumed, 1)[name]) for name, value in weights(whole, 1).items())
    assert whole.report() == resumed.report()


@pytest.mark.parametrize("kind", ["semi-supervised", "prior labels", "variational"])
def test_a_poisoned_replica_leaves_the_bits_of_the_others(kind: str) -> None:
    clean, poisoned = loop_of(config(kind)), loop_of(config(kind))
    poisoned.state_dict()["params"]["encoder"]["1.weight"][1] = torch.nan
    for loop in (clean, poisoned):
        for _ in range(3):
            loop.advance()
    rows, marked = clean.report(), poisoned.report()
    assert [row["finite"] for row in marked] == [True, False, True]
    for replica in (0, 2):
        assert rows[replica] == marked[replica]
    for name in ("reconstruction_error", "latent_mmd", "latent_std"):
        assert marked[1][name] != marked[1][name]


# Which images, which labels


def split(own: AaeConfig, seeds: tuple[int, ...] = SEEDS) -> Split:
    return Split(own, source(own), seeds)


def test_held_out_images_are_the_same_for_all_and_never_trained_on() -> None:
    own = split(config("semi-supervised"))
    held = set(own._held.tolist())
    assert len(held) == round(0.2 * 1797)
    assert torch.equal(own._held, split(config("basic"), (77,))._held)
    seen = torch.cat([own.picks(step) for step in range(90)], 1)
    assert all(not held & set(row.tolist()) for row in seen)
    assert all(len(set(row.tolist())) == 89 * 16 for row in seen[:, : 89 * 16])
    assert not held & set(own._labelled.flatten().tolist())


def test_labelled_images_are_balanced_fixed_and_the_seeds_own() -> None:
    data = source(BASE)
    own = split(config("semi-supervised", labels=SemiSupervised(labelled=23)))
    assert data.truth.labels is not None
    for row in own._labelled:
        counts = torch.bincount(data.truth.labels[row], minlength=10)
        assert counts.tolist() == [3, 3, 3, *[2] * 7]
    assert not torch.equal(own._labelled[0], own._labelled[1])
    assert torch.equal(
        own._labelled[1:2], split(config("semi-supervised", labels=SemiSupervised(labelled=23)), (5,))._labelled
    )


def test_a_pass_over_the_labelled_images_sees_each_once() -> None:
    own = split(config("semi-supervised", batch_size=10))
    batches = [own.labelled(step) for step in range(2)]
    seen = torch.cat([batch.samples.flatten(2) for batch in batches], 1)[0]
    everything = source(BASE).at(own._labelled[:1]).samples.flatten(2)[0]
    assert torch.equal(torch.unique(seen, dim=0), torch.unique(everything, dim=0))
    assert split(config("semi-supervised", batch_size=50)).labelled(7).samples.shape[1] == 20


def test_the_prior_is_told_the_labels_of_the_share_alone() -> None:
    own = split(config("prior labels"))
    truth = source(BASE).truth.labels
    assert truth is not None
    told = own.told(own._train.expand(len(SEEDS), -1))
    known = told < 10
    assert known.double().mean(1).tolist() == [pytest.approx(0.5, abs=1e-3)] * 3
    assert torch.equal(told[0][known[0]], truth[own._train][known[0]])
    assert not torch.equal(known[0], known[1])


def test_draws_of_the_prior_come_from_the_mode_of_the_class() -> None:
    own = config("prior labels", labels=PriorLabels(labelled_share=0.5), batch_size=200)
    d = draws(own)
    told, z = d._split.told(d._picks), d.prior()
    angle = torch.atan2(z[..., 1], z[..., 0]) / (2 * torch.pi) * 10
    far = z.norm(dim=-1) > 0.6
    mode = angle.round().long() % 10
    known = (told < 10) & far
    assert torch.equal(mode[known], told[known])
    assert len(mode[(told == 10) & far].unique()) == 10


# Priors


@pytest.mark.parametrize("prior", [NormalPrior(dim=2, std=3.0), Petals(), SwissRoll()], ids=lambda p: p.kind)
def test_the_deviation_is_the_root_mean_square(prior: Any) -> None:
    z = coding.prior_draws(config(prior=prior), Streams((1,)), "prior", 0, 40_000, None)
    assert z.square().mean().sqrt().item() == pytest.approx(prior.deviation, rel=0.02)
    assert z.shape == (1, 40_000, 2)


def test_a_petal_by_hand() -> None:
    """Mode 5 of 10 lies on the negative first axis; its long axis is radial."""
    z = Petals().points(torch.tensor([2.0, 1.0]), torch.tensor(5))
    assert z.tolist() == [pytest.approx(-2.4, rel=1e-6), pytest.approx(-0.05, rel=1e-4)]


def test_a_swiss_roll_by_hand() -> None:
    """The middle of the last of two pieces: t = sqrt(3/4)."""
    z = SwissRoll(modes=2, size=2.0, turns=1.0).points(torch.tensor([0.0, 0.3]), torch.tensor(1)).double()
    assert z.norm().item() == pytest.approx(3**0.5, rel=1e-6)
    assert torch.atan2(z[1], z[0]).item() % (2 * torch.pi) == pytest.approx(2 * torch.pi * 0.75**0.5, rel=1e-6)


def test_a_lattice_of_a_normal_prior_holds_its_quantiles() -> None:
    z = lattice(NormalPrior(dim=3, std=2.0), 10)
    assert z.shape == (100, 3)
    assert (z[:, 2] == 0).all()
    inside = NormalDistribution(0.0, 2.0).cdf(z[:10, 0])
    torch.testing.assert_close(inside, (torch.arange(10) + 0.5) / 10)
    assert (z[:10, 1] == z[0, 1]).all()
    assert z[0, 1] > z[99, 1]


@pytest.mark.parametrize("prior", [Petals(), SwissRoll()], ids=lambda p: p.kind)
def test_a_lattice_of_modes_has_a_row_for_each(prior: Any) -> None:
    rows = lattice(prior, 4).view(prior.modes, 4, 2)
    for mode, row in enumerate(rows):
        noise = torch.zeros(4, 2)
        noise[:, 0] = (
            torch.special.ndtri((torch.arange(4) + 0.5) / 4)
            if prior.noise == "normal"
            else torch.tensor([-0.75, -0.25, 0.25, 0.75])
        )
        torch.testing.assert_close(row, prior.points(noise, torch.full((4,), mode)))


# What is measured


def test_the_discrepancy_of_two_distributions_is_seen_and_of_one_is_not() -> None:
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.randn(20, 150, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    same = mmd(a, b, 1.0)
    assert abs(same.mean().item()) < 3 * same.std().item() / 20**0.5
    assert (mmd(a, b + 1, 1.0) > 10 * same.std()).all()
    assert (mmd(a, 2 * b, 1.0) > 5 * same.std()).all()


def test_the_discrepancy_by_hand() -> None:
    """Two points each, at distance sqrt(2 dim) deviation within and infinitely far between: 2 k(1) ."""
    a = torch.tensor([[[0.0], [2**0.5]]], dtype=torch.float64)
    k = sum(torch.exp(torch.tensor(-0.5 / s**2, dtype=torch.float64)).item() for s in (0.25, 0.5, 1, 2, 4)) / 5
    assert mmd(a, a + 1e9, 1.0).item() == pytest.approx(2 * k, rel=1e-6)
    assert mmd(3 * a, 3 * a + 1e9, 3.0).item() == pytest.approx(2 * k, rel=1e-6)


def test_columns_of_the_held_out_images() -> None:
    own = config("semi-supervised")
    loop = loop_of(own, steps=2)
    row = loop.report()[1]
    held = split(own).held_out()
    assert held.labels is not None
    players = loop._nets
    out = players.run("encoder", held.samples.expand(3, -1, -1, -1, -1))
    y = out[..., -10:].softmax(-1)
    made = players.run("decoder", torch.cat([y, out[..., :3]], -1))
    assert row["reconstruction_error"] == pytest.approx((made[1] - held.samples[0]).square().mean().item(), rel=1e-9)
    wrong = (y[1].argmax(-1) != held.labels[0]).double().mean().item()
    assert row["classification_error"] == pytest.approx(wrong, abs=1e-12)
    z = out[1, :, :3]
    assert row["latent_mean"] == pytest.approx(z.mean(0).norm().item() / 2, rel=1e-9)
    assert row["latent_std"] == pytest.approx(z.var(0).mean().sqrt().item() / 2, rel=1e-9)


@every_kind
def test_a_report_has_the_columns_of_its_kind(kind: str) -> None:
    own = config(kind)
    row = loop_of(own, steps=1).report()[0]
    alone = isinstance(own.labels, SupervisedOnly)
    wanted = (
        set() if alone else {"reconstruction_loss", "reconstruction_error", "latent_mmd", "latent_mean", "latent_std"}
    )
    if isinstance(own.labels, SemiSupervised | SupervisedOnly):
        wanted |= {"class_loss", "classification_error"}
    if isinstance(own.regulariser, Variational):
        wanted |= {"kl_loss", "kl"}
    if isinstance(own.regulariser, Adversarial):
        wanted |= {"d_loss", "g_loss"}
        wanted |= {"d_cat_loss", "g_cat_loss"} if isinstance(own.labels, SemiSupervised) else set()
    measured = {name for name in row if not name.endswith(("_norm", "seed", "step", "replica", "finite"))}
    assert measured == wanted
    assert all(torch.tensor(row[name]).isfinite() for name in row)


def test_reports_change_no_training() -> None:
    asked, unasked = loop_of(config("semi-supervised")), loop_of(config("semi-supervised"), steps=3)
    for _ in range(3):
        asked.report()
        asked.figures()
        asked.advance()
    assert all(torch.equal(v, weights(unasked, 0)[n]) for n, v in weights(asked, 0).items())


# Samples and figures


def test_samples_are_decoded_draws_of_the_prior() -> None:
    own = config("basic")
    loop = loop_of(own)
    z = coding.prior_draws(own, Streams(SEEDS), "evaluation", 0, 16, None)
    torch.testing.assert_close(loop.sample(10), loop._nets.run("decoder", z)[:, :10])


@pytest.mark.parametrize("kind", ["supervised", "semi-supervised", "prior labels"])
def test_samples_are_made_for_the_classes_asked_for(kind: str) -> None:
    loop = loop_of(config(kind))
    view = loop._play.view(loop._nets, 12)
    assert view.labels is not None
    assert view.labels.shape == (3, 12)
    threes, fours = (loop.sample(6, torch.tensor([k])) for k in (3, 4))
    assert not torch.allclose(threes, fours)
    assert loop._play.sample(loop._nets, 5, torch.tensor([7, 8]))[1].tolist() == [[7, 8, 7, 8, 7]] * 3  # type: ignore[union-attr]


def test_without_labels_there_are_no_classes() -> None:
    loop = loop_of(config("basic"))
    assert loop._play.view(loop._nets, 12).labels is None


@every_kind
def test_figures(kind: str) -> None:
    own = config(kind)
    loop = loop_of(own)
    figures = loop.figures()
    if isinstance(own.labels, SupervisedOnly):
        assert not figures
        return
    originals, codes, manifold = (figures[name] for name in ("reconstruction", "latent", "manifold"))
    assert isinstance(originals, Images)
    assert originals.images.shape == (3, 60, 1, 8, 8)
    held = split(own).held_out().samples[0]
    for row in range(3):
        assert torch.equal(originals.images[0, 20 * row : 20 * row + 10], held[10 * row : 10 * row + 10])
    error = (originals.images[:, 10:20] - held[:10]).abs().flatten(1).max(1).values
    assert (error > 0.01).all()
    assert isinstance(codes, Points)
    assert codes.points.shape == (3, round(0.2 * 1797), own.prior.dim)
    assert codes.labels is not None
    assert isinstance(manifold, Images)
    styles = isinstance(own.labels, DecoderLabels | SemiSupervised)
    assert manifold.images.shape[1] == (60 if styles else 100)


def test_a_manifold_of_styles_has_a_class_per_column() -> None:
    own = config("supervised")
    loop = loop_of(own)
    figure = loop.figures()["manifold"]
    assert isinstance(figure, Images)
    z = coding.prior_draws(own, Streams(SEEDS), "evaluation/prior", 0, 6, None)
    y = functional.one_hot(torch.tensor(4), 10).double().expand(3, 6, 10)
    expected = loop._nets.run("decoder", torch.cat([y, z], -1))
    torch.testing.assert_close(figure.images[:, 4::10], expected)


# What is refused

PLAIN = {"regulariser": NoRegulariser()}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"data": Ring()}, "data must be images for an autoencoder, got ring"),
    ({"held_out": 0.0}, "held_out must be in (0, 1), got 0.0"),
    ({"held_out": 1.0}, "held_out must be in (0, 1), got 1.0"),
    ({"reconstruction_weight": 0.0}, "reconstruction_weight must be > 0, got 0.0"),
    ({"batch_size": 1}, "batch_size must be >= 2, got 1"),
    ({"steps": 0}, "steps must be >= 1, got 0"),
    (
        {"data": LsunBedroom(), "labels": DecoderLabels()},
        "labels must be unlabelled for unlabelled data, got decoder_labels on lsun_bedroom",
    ),
    (
        {"labels": PriorLabels()},
        "prior must have 10 modes, one per class, with prior_labels, got 0 (normal)",
    ),
    (
        {"labels": PriorLabels(), "prior": Petals(modes=8)},
        "prior must have 10 modes, one per class, with prior_labels, got 8 (petals)",
    ),
    (
        {"labels": PriorLabels(), "prior": Petals(), **PLAIN},
        "regulariser must be adversarial with prior_labels, got none",
    ),
    ({"labels": SupervisedOnly()}, "regulariser must be none with supervised_only, got adversarial"),
    (
        {"labels": SemiSupervised(), "regulariser": Variational(beta=1.0)},
        "regulariser must be adversarial or none with semi_supervised, got variational",
    ),
    ({"labels": SemiSupervised(labelled=9)}, "labelled must be >= 10, one image per class, got 9"),
    ({"labels": SupervisedOnly(labelled=9), **PLAIN}, "labelled must be >= 10, one image per class, got 9"),
    (
        {"prior": Petals(), "regulariser": Variational(beta=1.0)},
        "prior must be normal with a variational regulariser, got petals",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED, ids=[sentence[:50] for _, sentence in REFUSED])
def test_a_configuration_that_makes_no_sense_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        dataclasses.replace(BASE, **fields)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: NormalPrior(dim=0), "dim must be >= 1, got 0"),
        (lambda: NormalPrior(dim=2, std=0.0), "std must be > 0, got 0.0"),
        (lambda: Petals(dim=3), "dim must be 2 for a prior in the plane, got 3"),
        (lambda: SwissRoll(dim=8), "dim must be 2 for a prior in the plane, got 8"),
        (lambda: Petals(modes=1), "modes must be >= 2, got 1"),
        (lambda: Petals(radial=-1.0), "radial must be > 0, got -1.0"),
        (lambda: SwissRoll(turns=float("nan")), "turns must be > 0, got nan"),
        (lambda: PriorLabels(labelled_share=0.0), "labelled_share must be in (0, 1], got 0.0"),
        (lambda: SemiSupervised(labelled=1), "labelled must be >= 2, got 1"),
        (lambda: Variational(beta=0.0), "beta must be > 0, got 0.0"),
        (lambda: Adversarial(clip=-1.0), "clip must be > 0, got -1.0"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_value_out_of_range_is_refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == sentence


def test_more_labels_than_the_data_have_are_refused() -> None:
    own = config("semi-supervised", labels=SemiSupervised(labelled=1_500))
    with pytest.raises(ValueError, match=r"^labelled must be <= 13\d0, the data's balanced images, got 1500$"):
        build(own).check(source(own))


def test_a_held_out_share_that_leaves_nothing_is_refused() -> None:
    tiny = ImageSource(
        ImageTruth(images=torch.zeros(20, 1, 8, 8, dtype=torch.uint8), labels=None, classes=0),
        device=CPU,
        dtype=torch.float64,
    )
    with pytest.raises(
        ValueError,
        match=r"^held_out must leave 2 images aside and batch_size \(16\) to train on, got 0.3 of 20 images$",
    ):
        build(config(held_out=0.3)).check(tiny)
    build(config()).check(tiny)


@pytest.mark.parametrize("values", [PRIORS, LABEL_USES, REGULARISERS], ids=["priors", "labels", "regularisers"])
def test_every_value_names_its_kind_and_source(values: tuple[Any, ...]) -> None:
    kinds = [next(f.default for f in dataclasses.fields(value) if f.name == "kind") for value in values]
    assert len(set(kinds)) == len(values)
    assert all(value.source for value in values)


def test_every_field_reaches_the_digest() -> None:
    changed = [config(kind) for kind in KINDS] + [
        config(held_out=0.3),
        config(reconstruction_weight=2.0),
        config(prior=NormalPrior(dim=3)),
        config(regulariser=Adversarial(objective=Minimax())),
    ]
    assert len({digest(own) for own in changed}) == len(changed)


def test_label_uses_and_regularisers_are_all_tried_here() -> None:
    tried: set[type[LabelUse] | type[Regulariser]] = {type(config(k).labels) for k in KINDS}
    assert tried == {*LABEL_USES} | {Unlabelled}
    assert {type(config(k).regulariser) for k in KINDS} == {*REGULARISERS}
