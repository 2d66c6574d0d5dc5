"""Parameters of the published nets: those of the papers and their code, layer by layer from their tables."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from trainables.networks import (
    BottleneckResnet,
    Characters,
    Dcgan,
    Infogan,
    LowVariability,
    Maxout,
    Mlp,
    Resnet,
    Sndcgan,
    UnrolledMnist,
    Vgg,
)
from trainables.networks.wiring import Condition, ConditionedGenerator

CHINESE = Condition(classes=3_740, embedding=256)
SCENE, DIGIT, STACKED = (3, 64, 64), (1, 28, 28), (3, 28, 28)


def chinese_generator() -> nn.Module:
    return ConditionedGenerator(CHINESE, Characters().generator(1_024 + 256, DIGIT))


COUNTS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "LSGAN 112, G": (lambda: Vgg().generator(1_024, (3, 112, 112)), 15_591_427),
    "LSGAN 112, D": (lambda: Vgg().discriminator((3, 112, 112)), 4_333_441),
    "Chinese characters, G with its label map": (chinese_generator, 9_417_857),
    "Chinese characters, D with its label map": (lambda: Characters().discriminator(DIGIT, CHINESE), 21_392_155),
    "low-variability digits, G": (lambda: LowVariability().generator(100, DIGIT), 4_944_129),
    "low-variability digits, D": (lambda: LowVariability().discriminator(DIGIT), 1_252_671),
    "difficult 1, G": (lambda: Dcgan().generator(128, SCENE), 5_364_739),
    "difficult 2, G": (lambda: Dcgan(channels=(64,) * 4, norm="none").generator(128, SCENE), 444_291),
    "difficult 3, G": (
        lambda: Mlp(hidden=(512,) * 4, activation="relu", output="tanh").generator(128, SCENE),
        7_157_760,
    ),
    "difficult, D with batch norm": (lambda: Dcgan().discriminator(SCENE), 4_316_545),
    "difficult, D with layer norm": (lambda: Dcgan(norm="layer").discriminator(SCENE), 4_316_545),
    "mixture, G": (lambda: Mlp().generator(256, (2,)), 49_666),
    "mixture, D": (lambda: Mlp().discriminator((2,)), 17_025),
    # Not published: these pin our nets (Infogan's and the unrolled ones are worked out by hand from their layers).
    "WGAN-GP toy, G": (lambda: Mlp(hidden=(512,) * 3, activation="relu").generator(2, (2,)), 527_874),
    "WGAN-GP toy, D": (lambda: Mlp(hidden=(512,) * 3, activation="relu").discriminator((2,)), 527_361),
    "PacGAN mixture, G": (
        lambda: Mlp(hidden=(400,) * 4, activation="relu", norm="batch").generator(2, (2,)),
        486_402,
    ),
    "PacGAN mixture, D": (lambda: Maxout().discriminator((2,)), 405_201),
    "PacGAN mixture, D of two points": (lambda: Maxout().discriminator((4,)), 407_201),
    "Infogan, G": (lambda: Infogan().generator(64, DIGIT), 6_642_241),
    "Infogan, D": (lambda: Infogan().discriminator(DIGIT), 6_559_169),
    "unrolled stacked digits, G": (lambda: UnrolledMnist().generator(256, STACKED), 287_875),
    "unrolled stacked digits, D of a quarter": (lambda: UnrolledMnist().discriminator(STACKED), 585),
    "unrolled stacked digits, D of a half": (
        lambda: UnrolledMnist(channels=(4, 8, 16)).discriminator(STACKED),
        1_889,
    ),
    "Sndcgan 32, D": (lambda: Sndcgan(norm="spectral").discriminator((3, 32, 32)), 5_860_865),
    "WGAN-GP CIFAR, G": (lambda: Resnet().generator(128, (3, 32, 32)), 1_204_483),
    "WGAN-GP CIFAR, D": (lambda: Resnet(norm="none").discriminator((3, 32, 32)), 1_053_825),
    "difficult 7, G": (lambda: BottleneckResnet().generator(128, SCENE), 9_189_587),
    "difficult 7, D": (lambda: BottleneckResnet(norm="layer").discriminator(SCENE), 7_618_801),
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameters_of(name: str) -> None:
    build, expected = COUNTS[name]
    with torch.device("meta"):
        module = build()
    assert sum(parameter.numel() for parameter in module.parameters()) == expected
