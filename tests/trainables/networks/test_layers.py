"""Layer by layer: the nets of the papers, where their norms stand, and which layers see the label."""

import pytest
import torch
from torch import nn

from trainables.networks import Characters, Infogan, LowVariability, Resnet, Sndcgan, UnrolledMnist, Vgg
from trainables.networks.layers import BatchNorm
from trainables.networks.wiring import Condition

DIGIT = (1, 28, 28)


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module.children()]


def norms(module: nn.Module) -> list[int]:
    return [len(layer.weight) for layer in module.modules() if isinstance(layer, BatchNorm)]


def geometry(module: nn.Module) -> list[tuple[int, int, int, int]]:
    """Inputs, outputs, kernel and stride of the convolutions in order."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    return [(layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in layers]


def test_the_chinese_nets_are_the_papers() -> None:
    with torch.device("meta"):
        generator, discriminator = Characters().generator(1_280, DIGIT), Characters().discriminator(DIGIT)
    up = ["ConvTranspose2d", "BatchNorm", "ReLU", "ConvTranspose2d", "Tanh"]
    assert kinds(generator) == ["Linear", "BatchNorm", "ReLU", "Unflatten", *up]
    assert norms(generator) == [6_272, 128]
    assert geometry(generator) == [(128, 128, 5, 2), (128, 1, 5, 2)]
    down = ["Conv2d", "LeakyReLU", "Conv2d", "BatchNorm", "LeakyReLU", "Flatten"]
    assert kinds(discriminator) == [*down, "Linear", "BatchNorm", "LeakyReLU", "Linear", "Flatten"]
    assert norms(discriminator) == [320, 1_024]
    assert geometry(discriminator) == [(1, 257, 5, 2), (257, 320, 5, 2)]


def test_the_label_enters_all_layers_of_the_chinese_discriminator_but_the_first() -> None:
    with torch.device("meta"):
        module = Characters().discriminator(DIGIT, Condition(classes=3_740, embedding=256))
    assert geometry(module) == [(1, 257, 5, 2), (513, 320, 5, 2)]
    linear = [(layer.in_features, layer.out_features) for layer in module.modules() if isinstance(layer, nn.Linear)]
    assert linear == [(15_680 + 256, 1_024), (1_024 + 256, 1)]


def test_the_low_variability_nets_are_the_papers() -> None:
    with torch.device("meta"):
        generator, discriminator = LowVariability().generator(100, DIGIT), LowVariability().discriminator(DIGIT)
    assert norms(generator) == [8_192, 256, 128]
    assert geometry(generator) == [(512, 256, 5, 2), (256, 128, 5, 2), (128, 1, 5, 2)]
    assert norms(discriminator) == [50, 500]
    assert geometry(discriminator) == [(1, 20, 5, 2), (20, 50, 5, 2)]


def test_the_vgg_generator_inserts_two_layers_of_stride_one() -> None:
    with torch.device("meta"):
        module = Vgg().generator(1_024, (3, 112, 112))
    wide = [(256, 256, 3, 2), (256, 256, 3, 1)]
    assert geometry(module) == [*wide, *wide, (256, 128, 3, 2), (128, 64, 3, 2), (64, 3, 3, 1)]
    assert norms(module) == [256] * 5 + [128, 64]


def test_the_infogan_nets_are_the_studys() -> None:
    with torch.device("meta"):
        generator, discriminator = Infogan().generator(64, DIGIT), Infogan().discriminator(DIGIT)
    assert norms(generator) == [1_024, 6_272, 64]
    assert geometry(generator) == [(128, 64, 4, 2), (64, 1, 4, 2)]
    assert norms(discriminator) == [128, 1_024]
    assert geometry(discriminator) == [(1, 64, 4, 2), (64, 128, 4, 2)]
    assert {layer.eps for layer in generator if isinstance(layer, BatchNorm)} == {1e-3}


def test_the_spectral_discriminator_alternates_strides() -> None:
    with torch.device("meta"):
        module = Sndcgan(norm="spectral").discriminator((3, 32, 32))
    assert geometry(module) == [
        (3, 64, 3, 1),
        *[(64, 128, 4, 2), (128, 128, 3, 1)],
        *[(128, 256, 4, 2), (256, 256, 3, 1)],
        *[(256, 512, 4, 2), (512, 512, 3, 1)],
    ]
    assert {layer.negative_slope for layer in module if isinstance(layer, nn.LeakyReLU)} == {0.1}


def test_the_unrolled_discriminator_normalizes_its_first_layer_too() -> None:
    module = UnrolledMnist().discriminator((3, 28, 28))
    assert kinds(module)[:3] == ["Conv2d", "BatchNorm", "LeakyReLU"]
    assert norms(module) == [2, 4, 8]
    assert {layer.negative_slope for layer in module if isinstance(layer, nn.LeakyReLU)} == {0.3}


def test_a_resnet_discriminator_halves_twice_and_takes_the_mean_over_space() -> None:
    module = Resnet(width=3, norm="none").discriminator((1, 16, 16))
    with torch.no_grad():
        trunk = nn.Sequential(*list(module)[:4])
        maps = trunk(torch.randn(2, 1, 16, 16))
        assert maps.shape == (2, 3, 4, 4)
        mean = nn.Sequential(*list(module)[4:7])(maps)
    torch.testing.assert_close(mean, maps.relu().mean((2, 3)))


def test_only_the_first_block_of_a_resnet_discriminator_starts_bare() -> None:
    blocks = [kinds(block.branch) for block in list(Resnet(width=3, norm="layer").discriminator((1, 16, 16)))[:4]]
    body = ["LayerNorm", "ReLU", "Conv2d", "LayerNorm", "ReLU", "Conv2d"]
    assert blocks == [["Conv2d", "ReLU", "Conv2d", "AvgPool2d"], [*body, "AvgPool2d"], body, body]


@pytest.mark.parametrize("side", [12, 20, 28, 32])
def test_the_chinese_nets_also_fit_other_sides(side: int) -> None:
    net = Characters(features=(2, 2), channels=(2, 2), units=3, norm="none")
    images = net.generator(4, (1, side, side))(torch.randn(2, 4))
    assert images.shape == (2, 1, side, side)
    assert net.discriminator((1, side, side))(images).shape == (2,)
