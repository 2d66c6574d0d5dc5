"""Which images are held out, which are trained on, and which carry a label."""

import pytest
import torch

from tests.trainables.made_autoencoders import BASE, SEEDS, config, source
from trainables.autoencoder.split import Split
from trainables.autoencoding import (
    SemiSupervised,
)
from trainables.config import AaeConfig


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
    assert not held & set(own._labeled.flatten().tolist())


@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_what_the_source_keeps_back_is_not_trained_on_whatever_is_held_out(share: float) -> None:
    own = config("prior labels", held_out=share)
    kept, parts = set(source(own).kept_back.tolist()), split(own)
    held, train = set(parts._held.tolist()), set(parts._train.tolist())
    assert len(held) == round(share * 1797)
    assert train.isdisjoint(kept | held)
    assert train | kept | held == set(range(1797))
    assert kept <= held or held <= kept
    assert parts.told(parts._train.expand(len(SEEDS), -1)).shape == (3, len(train))


def test_a_batch_must_fit_what_neither_holds_out() -> None:
    own = config("semi-supervised", held_out=0.01, batch_size=1500)
    with pytest.raises(ValueError, match=r"held_out must .* batch_size \(1500\) to train on, got 0.01 of 1797 images"):
        split(own)


def test_labeled_images_are_balanced_fixed_and_the_seeds_own() -> None:
    data = source(BASE)
    own = split(config("semi-supervised", labels=SemiSupervised(labeled=23)))
    assert data.truth.labels is not None
    for row in own._labeled:
        counts = torch.bincount(data.truth.labels[row], minlength=10)
        assert counts.tolist() == [3, 3, 3, *[2] * 7]
    assert not torch.equal(own._labeled[0], own._labeled[1])
    assert torch.equal(
        own._labeled[1:2], split(config("semi-supervised", labels=SemiSupervised(labeled=23)), (5,))._labeled
    )


def test_a_pass_over_the_labeled_images_sees_each_once() -> None:
    own = split(config("semi-supervised", batch_size=10))
    batches = [own.labeled(step) for step in range(2)]
    seen = torch.cat([batch.samples.flatten(2) for batch in batches], 1)[0]
    everything = source(BASE).at(own._labeled[:1]).samples.flatten(2)[0]
    assert torch.equal(torch.unique(seen, dim=0), torch.unique(everything, dim=0))
    assert split(config("semi-supervised", batch_size=50)).labeled(7).samples.shape[1] == 20


def test_the_prior_is_told_the_labels_of_the_share_alone() -> None:
    own = split(config("prior labels"))
    truth = source(BASE).truth.labels
    assert truth is not None
    told = own.told(own._train.expand(len(SEEDS), -1))
    known = told < 10
    assert known.double().mean(1).tolist() == [pytest.approx(0.5, abs=1e-3)] * 3
    assert torch.equal(told[0][known[0]], truth[own._train][known[0]])
    assert not torch.equal(known[0], known[1])
