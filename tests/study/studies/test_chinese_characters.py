"""Chinese characters: the declared protocol, and that a conditioned least-squares GAN draws what it is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from study.studies import find
from trainables.conditioning import ByLabel, Unconditional
from trainables.config import GanConfig
from trainables.data import Characters
from trainables.features import as_floats
from trainables.loop import Loop
from trainables.networks import Characters as CharacterNets
from trainables.objectives import LeastSquares

CPU = torch.device("cpu")
STUDY = find("chinese-characters")


@pytest.mark.parametrize("name", STUDY.profiles)
def test_every_profile_compares_labels_with_none_under_least_squares(name: str) -> None:
    profile = STUDY.profiles[name]
    (factor,) = profile.factors
    assert [level.label for level in factor.levels] == ["none", "by_label"]
    assert profile.base.objective == LeastSquares(a=0, b=1, c=1)
    assert profile.rule.label_accuracy_min == 0.8
    assert profile.base.evaluation.samples >= 5 * profile.base.data.classes


def test_the_paper_profile_has_the_papers_nets() -> None:
    profile = STUDY.profiles["paper"]
    base, (factor,) = profile.base, profile.factors
    assert base.data.classes == 3_740
    assert base.generator == base.discriminator == CharacterNets()
    assert (base.latent.dim, base.batch_size, base.g_optimizer.lr, base.d_optimizer.lr) == (1_024, 64, 2e-4, 2e-4)
    assert factor.levels[1].assign["conditioning"] == {"kind": "by_label", "embedding": 256}


def reader(images: Tensor, labels: Tensor, classes: int) -> nn.Module:
    """A net of its own for characters, trained for 600 updates with shifted images."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(32 * 49, classes),
        )
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        for _ in range(600):
            picks = torch.randint(len(images), (64,))
            dy, dx = torch.randint(-1, 2, (2,)).tolist()
            loss = functional.cross_entropy(net(as_floats(images[picks]).roll((dy, dx), (2, 3))), labels[picks])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return net.requires_grad_(False)


def read(net: nn.Module, images: Tensor, wanted: Tensor) -> float:
    return (net(images).argmax(1) == wanted).double().mean().item()


@pytest.mark.slow
def test_a_conditioned_generator_draws_the_character_that_it_is_asked_for(tmp_path: Path) -> None:
    """Six characters; a net that learned from other images of them reads at least 80 % of the samples as intended."""
    data = Characters(classes=6, fonts=2, variations=20, root=str(tmp_path))
    try:
        data.check()
    except ValueError as error:
        pytest.skip(str(error))
    truth = replace(data, variations=30).load(device=CPU, dtype=torch.float32).truth
    variation = torch.arange(len(truth.images)) % 30
    fresh = variation >= 20
    judge = reader(truth.images[fresh], truth.labels[fresh], 6)
    assert read(judge, as_floats(truth.images[~fresh]), truth.labels[~fresh]) > 0.95
    base = STUDY.profiles["quick"].base
    assert isinstance(base, GanConfig)
    net = CharacterNets(features=(32, 16), channels=(16, 32), units=64)
    config = replace(base, data=data, generator=net, discriminator=net, conditioning=ByLabel(embedding=8), steps=300)
    loop = Loop(config, [0], data.load(device=CPU, dtype=torch.float32), [], device=CPU)
    for _ in range(config.steps):
        loop.advance()
    wanted = torch.arange(6).repeat(32)
    samples = loop.sample(len(wanted), wanted)[0]
    assert read(judge, samples, wanted) >= 0.8
    assert read(judge, samples, wanted.roll(1)) < 0.2


def test_the_unconditional_cell_has_no_labels() -> None:
    assert STUDY.profiles["quick"].base.conditioning == Unconditional()
