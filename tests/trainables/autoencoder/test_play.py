"""What is measured and drawn of an autoencoder, and that stacks, resumed runs and reports change no training."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from tests.trainables.made_autoencoders import SEEDS, config, every_kind, loop_of, source, weights
from tests.trainables.rounding import assert_same, damped, largest
from trainables.autoencoder.draws import prior_draws
from trainables.autoencoder.play import mmd
from trainables.autoencoder.split import Split
from trainables.autoencoding import (
    Adversarial,
    DecoderLabels,
    SemiSupervised,
    SupervisedOnly,
    Variational,
)
from trainables.phases import Images, Points
from trainables.streams import Streams

# Stacks and resumption


@every_kind
def test_a_stack_equals_its_solo_runs(kind: str) -> None:
    own = damped(config(kind))
    stacked = loop_of(own, steps=4)
    for replica, seed in enumerate(SEEDS):
        solo = weights(loop_of(own, (seed,), steps=4), 0)
        for name, value in weights(stacked, replica).items():
            assert_same(value, solo[name], largest(*solo.values()), name=f"{name} of seed {seed}")


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
    held = Split(own, source(own), SEEDS).held_out()
    assert held.labels is not None
    players = loop._nets
    out = players.run("encoder", held.samples.expand(3, -1, -1, -1, -1))
    y = out[..., -10:].softmax(-1)
    made = players.run("decoder", torch.cat([y, out[..., :3]], -1))
    assert row["reconstruction_error"] == pytest.approx((made[1] - held.samples[0]).square().mean().item(), rel=1e-9)
    wrong = (y[1].argmax(-1) != held.labels[0]).double().mean().item()
    assert row["classification_error"] == pytest.approx(wrong, abs=1e-12)
    spread = (wrong * (1 - wrong) / len(held.labels[0])) ** 0.5
    assert row["classification_standard_error"] == pytest.approx(spread, abs=1e-12)
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
        wanted |= {"class_loss", "classification_error", "classification_standard_error"}
    if isinstance(own.regularizer, Variational):
        wanted |= {"kl_loss", "kl"}
    if isinstance(own.regularizer, Adversarial):
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
    z = prior_draws(own, Streams(SEEDS), "evaluation", 0, 16, None)
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
    held = Split(own, source(own), SEEDS).held_out().samples[0]
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
    z = prior_draws(own, Streams(SEEDS), "evaluation/prior", 0, 6, None)
    y = functional.one_hot(torch.tensor(4), 10).double().expand(3, 6, 10)
    expected = loop._nets.run("decoder", torch.cat([y, z], -1))
    torch.testing.assert_close(figure.images[:, 4::10], expected)
