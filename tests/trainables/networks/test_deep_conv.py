"""The nets of any depth: number of layers, where the further ones stand, what depth 4 is."""

import numpy as np
import pytest
import torch
from torch import nn

from trainables.networks.dcgan import Dcgan
from trainables.networks.deep_conv import DeepConv
from trainables.networks.init import He, Init, Normal

MAPS = nn.Linear | nn.Conv2d | nn.ConvTranspose2d


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def strides(module: nn.Module) -> list[int]:
    return [layer.stride[0] for layer in module if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]


@pytest.mark.parametrize("depth", [4, 8, 12, 20])
@pytest.mark.parametrize("side", [16, 28, 32])
def test_depth_counts_the_layers_with_weights(depth: int, side: int) -> None:
    net, shape = DeepConv(depth=depth, filters=2), (1, side, side)
    for module in (net.generator(5, shape), net.discriminator(shape)):
        assert sum(isinstance(layer, MAPS) for layer in module) == depth


def test_depth_four_at_32_pixels_is_a_dcgan() -> None:
    net, same, shape = DeepConv(filters=4), Dcgan(channels=(4, 8, 16)), (3, 32, 32)
    assert count(net.generator(7, shape)) == count(same.generator(7, shape))
    assert count(net.discriminator(shape)) == count(same.discriminator(shape))


@pytest.mark.parametrize(("depth", "extra"), [(4, (0, 0, 0)), (8, (2, 1, 1)), (12, (3, 3, 2)), (20, (6, 5, 5))])
def test_further_layers_are_shared_out_evenly_with_more_at_small_maps(depth: int, extra: tuple[int, int, int]) -> None:
    net, shape = DeepConv(depth=depth, filters=2), (1, 32, 32)
    first, second, third = extra
    assert strides(net.generator(5, shape)) == [*[1] * first, 2, *[1] * second, 2, *[1] * third, 2]
    assert strides(net.discriminator(shape)) == [2, *[1] * third, 2, *[1] * second, 2, *[1] * first]


def test_the_nonlinearity_is_the_same_in_both_networks_and_after_every_hidden_layer() -> None:
    net, shape = DeepConv(depth=6, filters=2, activation="relu"), (1, 32, 32)
    for module in (net.generator(5, shape), net.discriminator(shape)):
        assert sum(isinstance(layer, nn.ReLU) for layer in module) == 5
        assert not any(isinstance(layer, nn.LeakyReLU) for layer in module)


def test_the_norm_follows_all_layers_but_the_last_and_ds_first() -> None:
    net, shape = DeepConv(depth=4, filters=2, norm="layer"), (1, 32, 32)
    up = ["LayerNorm", "ReLU", "ConvTranspose2d"]
    kinds = [type(layer).__name__ for layer in net.generator(5, shape)]
    assert kinds == ["Linear", "Unflatten", *up, *up, *up, "Tanh"]
    down = ["Conv2d", "LayerNorm", "ReLU"]
    kinds = [type(layer).__name__ for layer in net.discriminator(shape)]
    assert kinds == ["Conv2d", "ReLU", *down, *down, "Flatten", "Linear", "Flatten"]


@pytest.mark.parametrize(("init", "least", "most"), [(He(), 0.03, 10.0), (Normal(), 0.0, 1e-6)], ids=["he", "normal"])
def test_signals_reach_the_end_of_the_deepest_net_from_hes_start_alone(init: Init, least: float, most: float) -> None:
    """Weights N(0, 0.02^2) leave nothing after 20 layers of 8 filters and more without a norm."""
    module = DeepConv(depth=20, filters=8, norm="none", init=init).discriminator((1, 32, 32))
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for layer in module:
            for name, parameter in layer.named_parameters():
                parameter.copy_(torch.from_numpy(init.value(layer, name, tuple(parameter.shape), rng)))
        scores = module(torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert least <= float(scores.square().mean().sqrt()) <= most
