"""What an autoencoder is made of: priors, the divergence from them, and the configurations that are refused."""

import dataclasses
from collections.abc import Callable
from math import log
from typing import Any, get_args

import pytest
import torch
from torch.distributions import Normal as NormalDistribution
from torch.distributions import kl_divergence

from tests.trainables.made_autoencoders import BASE, CPU, KINDS, config, source
from tests.trainables.rounding import assert_same
from trainables.autoencoder import draws
from trainables.autoencoding import (
    Adversarial,
    DecoderLabels,
    LabelUse,
    NoRegularizer,
    NormalPrior,
    Petals,
    Prior,
    PriorLabels,
    Regularizer,
    SemiSupervised,
    SupervisedOnly,
    SwissRoll,
    Unlabeled,
    Variational,
    lattice,
)
from trainables.config import digest
from trainables.data import ImageSource, ImageTruth, LsunBedroom, Ring
from trainables.games import build
from trainables.objectives import Minimax
from trainables.streams import Streams

# The divergence of a variational autoencoder


@pytest.mark.parametrize("std", [1.0, 2.5])
def test_the_kl_is_that_of_the_distributions(std: float) -> None:
    mean, log_variance = torch.randn(2, 5, 3, generator=torch.manual_seed(1)).double(), torch.randn(2, 5, 3).double()
    expected = kl_divergence(
        NormalDistribution(mean, (log_variance / 2).exp()), NormalDistribution(torch.zeros_like(mean), std)
    )
    found = Variational(beta=1.0).kl(mean, log_variance, std)
    assert_same(found, expected.sum(-1).mean(-1))


def test_the_kl_by_hand() -> None:
    """Mean 3, variance 4 against N(0, 1): (9 + 4 - 1 - log 4) / 2 per entry."""
    found = Variational(beta=1.0).kl(torch.full((1, 2, 2), 3.0), torch.full((1, 2, 2), 4.0).log(), 1.0)
    assert found.item() == pytest.approx(12 - log(4), rel=1e-6)


# Priors


@pytest.mark.parametrize("prior", [NormalPrior(dim=2, std=3.0), Petals(), SwissRoll()], ids=lambda p: p.kind)
def test_the_deviation_is_the_root_mean_square(prior: Any) -> None:
    z = draws.prior_draws(config(prior=prior), Streams((1,)), "prior", 0, 40_000, None)
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


# What is refused

PLAIN = {"regularizer": NoRegularizer()}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"data": Ring()}, "data must be images for an autoencoder, got ring"),
    ({"held_out": 0.0}, "held_out must be in (0, 1), got 0.0"),
    ({"held_out": 1.0}, "held_out must be in (0, 1), got 1.0"),
    ({"reconstruction_weight": 0.0}, "reconstruction_weight must be > 0, got 0.0"),
    ({"batch_size": 1}, "batch_size must be >= 2, got 1"),
    ({"steps": 0}, "steps must be >= 1, got 0"),
    (
        {"data": LsunBedroom(), "labels": DecoderLabels()},
        "labels must be unlabeled for unlabeled data, got decoder_labels on lsun_bedroom",
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
        "regularizer must be adversarial with prior_labels, got none",
    ),
    ({"labels": SupervisedOnly()}, "regularizer must be none with supervised_only, got adversarial"),
    (
        {"labels": SemiSupervised(), "regularizer": Variational(beta=1.0)},
        "regularizer must be adversarial or none with semi_supervised, got variational",
    ),
    ({"labels": SemiSupervised(labeled=9)}, "labeled must be >= 10, one image per class, got 9"),
    ({"labels": SupervisedOnly(labeled=9), **PLAIN}, "labeled must be >= 10, one image per class, got 9"),
    (
        {"prior": Petals(), "regularizer": Variational(beta=1.0)},
        "prior must be normal with a variational regularizer, got petals",
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
        (lambda: PriorLabels(labeled_share=0.0), "labeled_share must be in (0, 1], got 0.0"),
        (lambda: SemiSupervised(labeled=1), "labeled must be >= 2, got 1"),
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
    own = config("semi-supervised", labels=SemiSupervised(labeled=1_500))
    with pytest.raises(ValueError, match=r"^labeled must be <= 13\d0, the data's balanced images, got 1500$"):
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


@pytest.mark.parametrize(
    "values", [get_args(Prior), get_args(LabelUse), get_args(Regularizer)], ids=["priors", "labels", "regularizers"]
)
def test_every_value_names_its_kind_and_source(values: tuple[Any, ...]) -> None:
    kinds = [next(f.default for f in dataclasses.fields(value) if f.name == "kind") for value in values]
    assert len(set(kinds)) == len(values)
    assert all(value.source for value in values)


def test_every_field_reaches_the_digest() -> None:
    changed = [config(kind) for kind in KINDS] + [
        config(held_out=0.3),
        config(reconstruction_weight=2.0),
        config(prior=NormalPrior(dim=3)),
        config(regularizer=Adversarial(objective=Minimax())),
    ]
    assert len({digest(own) for own in changed}) == len(changed)


def test_label_uses_and_regularizers_are_all_tried_here() -> None:
    tried: set[type[LabelUse] | type[Regularizer]] = {type(config(k).labels) for k in KINDS}
    assert tried == {*get_args(LabelUse)} | {Unlabeled}
    assert {type(config(k).regularizer) for k in KINDS} == {*get_args(Regularizer)}
