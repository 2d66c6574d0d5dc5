"""From configuration to game: who is updated, in which order, and that nothing fits which should not."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning
from trainables.config import GanConfig, Latent, Updates
from trainables.data import DATASETS, Digits, ImageFolder, Ring
from trainables.games import build
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He, Normal
from trainables.optim import Adam, Sgd

BASE = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(4,), init=He()),
    discriminator=Mlp(hidden=(5,), init=Normal(std=0.5)),
    latent=Latent(dim=3),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Sgd(lr=1e-2),
    steps=10,
)


def rounds(**fields: Any) -> list[list[str]]:
    config = dataclasses.replace(BASE, updates=Updates(**fields))
    return [[phase.updates[0] for phase in group] for group in build(config).rounds(0)]


def test_d_first() -> None:
    assert rounds(order="d_first") == [["discriminator"], ["generator"]]
    assert rounds(order="d_first", d_steps=3) == [
        ["discriminator"],
        ["discriminator"],
        ["discriminator"],
        ["generator"],
    ]


def test_g_first() -> None:
    assert rounds(order="g_first", d_steps=2) == [["generator"], ["discriminator"], ["discriminator"]]


def test_simultaneous_updates_share_a_round() -> None:
    assert rounds(order="simultaneous") == [["discriminator", "generator"]]


def test_players_start_and_step_as_configured() -> None:
    game = build(BASE)
    assert game.players["generator"].init == He()
    assert game.players["discriminator"].init == Normal(std=0.5)
    rules = {phase.updates: phase.optimizer for group in game.rounds(0) for phase in group}
    assert rules == {("generator",): Adam(lr=1e-3), ("discriminator",): Sgd(lr=1e-2)}


def test_modules_hold_no_values_and_draw_no_random_number() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    players = build(BASE).players
    assert torch.equal(torch.rand(2), expected)
    assert all(p.device.type == "meta" for player in players.values() for p in player.module.parameters())


def test_only_the_discriminator_is_clipped() -> None:
    clips = {p.updates[0]: p.clip for group in build(dataclasses.replace(BASE, clip=0.02)).rounds(0) for p in group}
    assert clips == {"discriminator": 0.02, "generator": None}


@pytest.mark.parametrize("kind", DATASETS)
def test_a_fitting_game_needs_no_data(kind: Any) -> None:
    data = kind()
    side = data.shape[-1]
    channels = {1: None, 2: None, 16: (4, 8), 28: (4, 8, 8), 32: (4, 8, 8), 64: (4, 8, 8, 8)}[side]
    net = Mlp() if channels is None else Dcgan(channels=channels)
    game = build(dataclasses.replace(BASE, data=data, generator=net, discriminator=net))
    assert set(game.players) == {"generator", "discriminator"}


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_network_that_does_not_fit_is_refused(player: str) -> None:
    with pytest.raises(ValueError, match="dcgan needs square images"):
        build(dataclasses.replace(BASE, **{player: Dcgan()}))
    images = dataclasses.replace(BASE, data=Digits(), **{player: Dcgan(channels=(4, 8, 8))})
    with pytest.raises(ValueError, match="channels must have 2 entries for 16x16 images"):
        build(images)


def test_spectral_norm_is_for_discriminators() -> None:
    net = Dcgan(channels=(4, 8), norm="spectral")
    plain = dataclasses.replace(net, norm="none")
    build(dataclasses.replace(BASE, data=Digits(), generator=plain, discriminator=net))
    with pytest.raises(ValueError, match="norm must be none, batch or layer for a dcgan generator, got spectral"):
        build(dataclasses.replace(BASE, data=Digits(), generator=net, discriminator=plain))


@pytest.mark.parametrize(("conditioning", "width"), [(ByLabel(), 8), (AuxiliaryClassifier(embedding=2), 2)], ids=str)
def test_the_generator_takes_noise_and_label(conditioning: Conditioning, width: int) -> None:
    game = build(dataclasses.replace(BASE, conditioning=conditioning))
    first = game.players["generator"].module.get_parameter("body.0.weight")
    assert first.shape[1] == BASE.latent.dim + width


def test_labels_of_a_folder_that_is_not_there_are_asked_for_at_the_latest_before_training(tmp_path: Path) -> None:
    absent = ImageFolder(root=str(tmp_path / "images"), side=16)
    config = dataclasses.replace(BASE, data=absent, conditioning=ByLabel())  # as a launch from elsewhere is read
    with pytest.raises(ValueError, match=r"^root must be a folder of images, got .*images, which is none$"):
        build(config)
    (tmp_path / "images").mkdir()
    with pytest.raises(ValueError, match="conditioning must be unconditional for unlabelled data"):
        dataclasses.replace(config, steps=11)
