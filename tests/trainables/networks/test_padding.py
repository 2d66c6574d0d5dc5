"""TensorFlow's "SAME" padding is ours after a turn by 180 degrees: of images, kernels and maps."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.trainables.rounding import assert_same
from trainables.networks import Characters, Dcgan, Infogan, LowVariability, Network, Vgg, stages


def turned(x: Tensor) -> Tensor:
    return x.flip(-1, -2)


def same_padded(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """TensorFlow's convolution: ceil(side / stride) windows, and of an odd padding the larger half at the end."""
    side, kernel = x.shape[-1], weight.shape[-1]
    padding = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before, after = padding // 2, padding - padding // 2
    return functional.conv2d(functional.pad(x, (before, after, before, after)), weight, stride=stride)


def same_transposed(x: Tensor, weight: Tensor, stride: int, side: int) -> Tensor:
    """TensorFlow's transposed convolution: the gradient of its convolution of a larger image."""
    image = torch.zeros(len(x), weight.shape[1], side, side, dtype=x.dtype, requires_grad=True)
    (result,) = torch.autograd.grad(same_padded(image, weight, stride), image, x)
    return result


FAMILIES: dict[str, tuple[Network, tuple[int, ...]]] = {
    "dcgan": (Dcgan(channels=(4, 5, 6, 7)), (3, 64, 64)),
    "dcgan of odd maps": (Dcgan(channels=(4, 5, 6)), (1, 28, 28)),
    "vgg": (Vgg(features=(4, 4, 3, 3), channels=(3, 4, 5, 6)), (3, 112, 112)),
    "characters": (Characters(features=(4, 4), channels=(5, 6), units=7), (1, 28, 28)),
    "low variability": (LowVariability(features=(6, 5, 4), channels=(4, 5), units=7), (1, 28, 28)),
    "infogan": (Infogan(), (1, 28, 28)),
}


def layers(name: str) -> list[nn.Module]:
    net, shape = FAMILIES[name]
    with torch.device("meta"):
        return [*net.generator(5, shape).modules(), *net.discriminator(shape).modules()]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_convolution_is_tensorflows_turned(name: str) -> None:
    side = FAMILIES[name][1][1]
    found = [layer for layer in layers(name) if isinstance(layer, nn.Conv2d)]
    assert found
    for layer in found:
        x = torch.randn(2, layer.in_channels, side, side, dtype=torch.float64)
        weight = torch.randn(layer.weight.shape, dtype=torch.float64)
        ours = functional.conv2d(x, weight, stride=layer.stride, padding=layer.padding)
        assert_same(ours, turned(same_padded(turned(x), turned(weight), layer.stride[0])))
        side = ours.shape[-1]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_transposed_convolution_is_tensorflows_turned(name: str) -> None:
    found = [layer for layer in layers(name) if isinstance(layer, nn.ConvTranspose2d)]
    assert found
    for layer in found:
        for before in (4, 7):
            x = torch.randn(2, layer.in_channels, before, before, dtype=torch.float64)
            weight = torch.randn(layer.weight.shape, dtype=torch.float64)
            ours = functional.conv_transpose2d(
                x, weight, stride=layer.stride, padding=layer.padding, output_padding=layer.output_padding
            )
            theirs = same_transposed(turned(x), turned(weight), layer.stride[0], ours.shape[-1])
            assert_same(ours, turned(theirs))


def test_without_the_turn_they_differ() -> None:
    layer = stages.up(1, 1, 5, 4, 8)
    x, weight = torch.randn(1, 1, 4, 4), torch.randn(layer.weight.shape)
    ours = functional.conv_transpose2d(x, weight, stride=2, padding=2, output_padding=1)
    assert not torch.allclose(ours, same_transposed(x, weight, 2, 8), atol=1e-3)
