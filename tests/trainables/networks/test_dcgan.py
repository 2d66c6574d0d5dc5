"""The convolutional nets: the paper's sizes, places of batch norm, shapes and ranges."""

from math import nan

import pytest
import torch
from torch import nn

from trainables.networks.activations import Activation
from trainables.networks.dcgan import STAGES, Dcgan
from trainables.networks.layers import BatchNorm
from trainables.networks.norm import Norm

CHANNELS = {16: (3, 4), 28: (3, 4, 5), 32: (3, 4, 5), 64: (3, 4, 5, 6), 112: (3, 4, 5, 6), 128: (3, 4, 5, 6, 7)}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module.children()]


@pytest.mark.parametrize(("norm", "g", "d"), [("none", 12_702_851, 4_314_753), ("batch", 12_704_771, 4_316_545)])
def test_the_64_pixel_nets_have_the_papers_number_of_parameters(norm: Norm, g: int, d: int) -> None:
    net = Dcgan(norm=norm)
    with torch.device("meta"):
        assert count(net.generator(1_024, (3, 64, 64))) == g
        assert count(net.discriminator((3, 64, 64))) == d


def test_batch_norm_follows_all_but_the_output_of_g_and_the_first_and_last_layer_of_d() -> None:
    net = Dcgan(channels=(3, 4, 5, 6))
    up = ["BatchNorm", "ReLU", "ConvTranspose2d"]
    assert kinds(net.generator(7, (3, 64, 64))) == ["Linear", "Unflatten", *up, *up, *up, *up, "Tanh"]
    down = ["Conv2d", "BatchNorm", "LeakyReLU"]
    expected = ["Conv2d", "LeakyReLU", *down, *down, *down, "Flatten", "Linear", "Flatten"]
    assert kinds(net.discriminator((3, 64, 64))) == expected


def test_without_batch_norm_the_rest_is_the_same() -> None:
    net, plain = Dcgan(channels=(3, 4)), Dcgan(channels=(3, 4), norm="none")
    for full, bare in (
        (net.generator(7, (1, 16, 16)), plain.generator(7, (1, 16, 16))),
        (net.discriminator((1, 16, 16)), plain.discriminator((1, 16, 16))),
    ):
        assert kinds(bare) == [kind for kind in kinds(full) if kind != "BatchNorm"]
        assert all(layer.bias is not None for layer in full if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d))


def test_batch_norm_is_per_channel_and_made_as_the_fields_say() -> None:
    net = Dcgan(channels=(3, 4), norm_eps=0.125)
    norms = [layer for layer in net.generator(7, (1, 16, 16)) if isinstance(layer, BatchNorm)]
    assert [(norm.eps, tuple(norm.weight.shape)) for norm in norms] == [(0.125, (4,)), (0.125, (3,))]
    bare = Dcgan(channels=(3, 4), norm_affine=False).generator(7, (1, 16, 16))
    assert all(layer.weight is None for layer in bare if isinstance(layer, BatchNorm))


@pytest.mark.parametrize("side", STAGES)
@pytest.mark.parametrize("colors", [1, 3])
def test_images_lie_in_minus_one_to_one_and_scores_are_one_per_image(side: int, colors: int) -> None:
    net, shape = Dcgan(channels=CHANNELS[side], norm_affine=False), (colors, side, side)
    images = net.generator(7, shape)(50 * torch.randn(5, 7))
    assert images.shape == (5, *shape)
    assert images.abs().max() <= 1
    scores = net.discriminator(shape)(images)
    assert scores.shape == (5,)


def test_scores_are_raw() -> None:
    module = Dcgan(channels=(3, 4), norm="none").discriminator((1, 16, 16))
    with torch.no_grad():
        module[-2].bias.fill_(1e3)
    assert (module(torch.randn(4, 1, 16, 16)) > 500).all()


@pytest.mark.parametrize("side", STAGES)
def test_maps_have_the_stages_sides(side: int) -> None:
    maps = []
    module = Dcgan(channels=CHANNELS[side], norm_affine=False).generator(7, (1, side, side))
    x = torch.randn(2, 7)
    for layer in module:
        x = layer(x)
        if isinstance(layer, nn.ConvTranspose2d | nn.Unflatten):
            maps.append(x.shape[-1])
    assert tuple(maps) == STAGES[side]


@pytest.mark.parametrize("shape", [(2,), (1, 16, 28), (1, 20, 20), (16, 16)], ids=str)
@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_other_shapes_are_refused(shape: tuple[int, ...], network: str) -> None:
    net = Dcgan(channels=(3, 4))
    with pytest.raises(ValueError, match="dcgan needs square images of 16, 28, 32, 64, 112, 128 pixels, got shape"):
        net.generator(7, shape) if network == "generator" else net.discriminator(shape)


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_channels_must_fit_the_image(network: str) -> None:
    net, shape = Dcgan(channels=(3, 4)), (1, 28, 28)
    with pytest.raises(ValueError, match=r"channels must have 3 entries for 28x28 images, got \(3, 4\)"):
        net.generator(7, shape) if network == "generator" else net.discriminator(shape)


@pytest.mark.parametrize("channels", [(), (0,), (8, -1)], ids=str)
def test_layers_without_maps_are_refused(channels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="channels must name at least one layer of at least one map, got"):
        Dcgan(channels=channels)


@pytest.mark.parametrize("eps", [0.0, -1e-5, nan])
def test_norm_eps_must_be_positive(eps: float) -> None:
    with pytest.raises(ValueError, match=f"norm_eps must be > 0, got {eps}"):
        Dcgan(norm_eps=eps)


def test_the_rectifier_leaks_in_the_discriminator_alone() -> None:
    net = Dcgan(channels=(3, 4))
    assert "LeakyReLU" not in kinds(net.generator(7, (1, 16, 16)))
    assert "ReLU" not in kinds(net.discriminator((1, 16, 16)))


@pytest.mark.parametrize(
    ("activation", "layer"), [("tanh", "Tanh"), ("leaky_relu", "LeakyReLU"), ("softplus", "ShiftedSoftplus")]
)
def test_other_nonlinearities_replace_every_hidden_one(activation: Activation, layer: str) -> None:
    net = Dcgan(channels=(3, 4), activation=activation)
    for module, name in ((net.generator(7, (1, 16, 16)), "ReLU"), (net.discriminator((1, 16, 16)), "LeakyReLU")):
        plain = Dcgan(channels=(3, 4))
        same = plain.generator(7, (1, 16, 16)) if name == "ReLU" else plain.discriminator((1, 16, 16))
        assert kinds(module) == [layer if kind == name else kind for kind in kinds(same)]


def test_gates_read_twice_the_maps_after_the_norm() -> None:
    net = Dcgan(channels=(3, 4), activation="gated")
    generator, discriminator = net.generator(7, (1, 16, 16)), net.discriminator((1, 16, 16))
    up = ["BatchNorm", "Gate", "ConvTranspose2d"]
    assert kinds(generator) == ["Linear", "Unflatten", *up, *up, "Tanh"]
    assert kinds(discriminator)[:5] == ["Conv2d", "Gate", "Conv2d", "BatchNorm", "Gate"]
    assert [tuple(layer.weight.shape[:2]) for layer in generator if isinstance(layer, nn.ConvTranspose2d)] == [
        (4, 6),
        (3, 1),
    ]
    maps = [(layer.in_channels, layer.out_channels) for layer in discriminator if isinstance(layer, nn.Conv2d)]
    assert maps == [(1, 6), (3, 8)]
