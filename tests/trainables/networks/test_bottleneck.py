"""The 101-layer residual nets: number of layers, order in a block, scales."""

import pytest
import torch
from torch import nn

from trainables.networks.bottleneck import BottleneckResnet
from trainables.networks.layers import BatchNorm
from trainables.networks.wiring import Residual

SMALL = BottleneckResnet(widths=(8, 4, 2), blocks=(1, 2, 1))
MAPS = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module.children()]


def layers_on_the_way(module: nn.Module) -> int:
    """Layers with weights from input to output, not counting those of shortcuts."""
    return sum(isinstance(layer, MAPS) and "shortcut" not in name for name, layer in module.named_modules())


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_the_default_has_101_layers(network: str) -> None:
    net, shape = BottleneckResnet(), (3, 64, 64)
    with torch.device("meta"):
        module = net.generator(128, shape) if network == "generator" else net.discriminator(shape)
    assert layers_on_the_way(module) == 101
    assert sum(isinstance(layer, Residual) for layer in module.modules()) == 33


def test_a_branch_rectifies_before_each_convolution_and_normalizes_once_at_its_end() -> None:
    block = SMALL.generator(3, (1, 8, 8))[2]
    assert kinds(block.branch) == ["ReLU", "Conv2d", "ReLU", "Conv2d", "ReLU", "Conv2d", "BatchNorm"]
    narrow, middle, wide = (layer for layer in block.branch if isinstance(layer, nn.Conv2d))
    assert [tuple(layer.weight.shape) for layer in (narrow, middle, wide)] == [(4, 8, 1, 1), (4, 4, 3, 3), (8, 4, 1, 1)]
    assert narrow.bias is not None
    assert middle.bias is not None
    assert wide.bias is None
    assert isinstance(block.shortcut, nn.Identity)


def test_resizing_blocks_go_through_half_the_old_and_half_the_new_width() -> None:
    up = SMALL.generator(3, (1, 8, 8))[3]
    assert tuple(up.branch[3].weight.shape) == (4, 2, 3, 3)
    assert kinds(up.shortcut) == ["Conv2d", "PixelShuffle"]
    assert tuple(up.shortcut[0].weight.shape) == (16, 8, 1, 1)
    down = SMALL.discriminator((1, 8, 8))[2]
    assert tuple(down.branch[3].weight.shape) == (2, 1, 3, 3)
    assert down.branch[3].stride == down.shortcut.stride == (2, 2)
    assert tuple(down.shortcut.weight.shape) == (4, 2, 1, 1)


def test_a_block_is_its_shortcut_plus_three_tenths_of_its_branch() -> None:
    block = BottleneckResnet(widths=(8, 4), blocks=(1, 1), norm="none").generator(3, (1, 4, 4))[2]
    x = torch.randn(2, 8, 2, 2)
    torch.testing.assert_close(block(x), x + 0.3 * block.branch(x))


def test_without_a_norm_there_is_none() -> None:
    module = BottleneckResnet(widths=(8, 4), blocks=(1, 1), norm="none").generator(3, (1, 4, 4))
    assert not any(isinstance(layer, BatchNorm) for layer in module.modules())


def test_the_image_is_the_tanh_of_a_fifth() -> None:
    module = SMALL.generator(3, (1, 8, 8))
    with torch.no_grad():
        module[-3].weight.zero_()
        module[-3].bias.fill_(2.0)
        for layer in module.modules():
            if isinstance(layer, BatchNorm):
                layer.weight.fill_(1.0)
                layer.bias.zero_()
    assert module(torch.randn(2, 3)).flatten().tolist() == pytest.approx([0.3799489623] * 128, rel=1e-5)


@pytest.mark.parametrize(("divisor", "expected"), [(5.0, 2.0), (1.0, 10.0), (4.0, 2.5)])
def test_scores_are_divided_by_the_field(divisor: float, expected: float) -> None:
    module = BottleneckResnet(widths=(2,), blocks=(0,), norm="none", score_divisor=divisor).discriminator((1, 4, 4))
    linear = next(layer for layer in module if isinstance(layer, nn.Linear))
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.fill_(10.0)
    assert module(torch.randn(2, 1, 4, 4)).tolist() == pytest.approx([expected] * 2)
