"""What a report sees of a GAN: samples, the classes they were made for, and scores."""

import pytest
import torch

from tests.trainables.made_gans import BASE, changed, labeled, loop_of, nets, params, play
from tests.trainables.rounding import assert_same
from trainables.conditioning import Conditioning
from trainables.data import Ring


@labeled
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


@labeled
def test_wanted_classes_are_made_in_turn(conditioning: Conditioning) -> None:
    """A generator that no longer sees its noise makes one sample per class."""
    loop = loop_of(changed(conditioning=conditioning))
    with torch.no_grad():
        params(loop, "generator")["body.0.weight"][:, :, :3] = 0
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


def test_evaluation_has_no_instance_noise() -> None:
    quiet, loud = (play(config).view(nets(config), 20) for config in (BASE, changed(instance_noise=0.5)))
    assert torch.equal(quiet.samples, loud.samples)
    assert all(torch.equal(value, loud.columns[name]) for name, value in quiet.columns.items())
