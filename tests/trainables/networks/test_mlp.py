"""The fully connected nets: sizes, places of batch norm, shapes."""

from math import nan
from typing import get_args

import pytest
import torch
from torch import nn

from trainables.networks.activations import Activation, activation
from trainables.networks.layers import BatchNorm
from trainables.networks.mlp import Mlp
from trainables.networks.wiring import Condition


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def kinds(module: nn.Module) -> list[str]:
    return [type(layer).__name__ for layer in module.children()]


def test_the_defaults_have_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        assert count(Mlp().generator(256, (2,))) == 49_666
        assert count(Mlp().discriminator((2,))) == 17_025


def test_batch_norm_follows_every_hidden_map_of_g_and_all_but_the_first_of_d() -> None:
    net = Mlp(hidden=(5, 6, 7), activation="relu", norm="batch")
    block = ["Linear", "BatchNorm", "ReLU"]
    assert kinds(net.generator(3, (2,))) == [*block, *block, *block, "Linear"]
    assert kinds(net.discriminator((2,))) == ["Flatten", "Linear", "ReLU", *block, *block, "Linear", "Flatten"]


def test_without_batch_norm_there_is_none() -> None:
    for module in (Mlp().generator(3, (2,)), Mlp().discriminator((2,))):
        assert not any(isinstance(layer, BatchNorm) for layer in module.modules())


def test_batch_norm_is_made_as_the_fields_say() -> None:
    net = Mlp(norm="batch", norm_eps=0.125, norm_affine=False)
    norms = [layer for layer in net.generator(3, (2,)).modules() if isinstance(layer, BatchNorm)]
    assert [(norm.eps, norm.weight) for norm in norms] == [(0.125, None)] * 2


@pytest.mark.parametrize("activation", get_args(Activation))
@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)], ids=str)
def test_shapes(activation: str, shape: tuple[int, ...]) -> None:
    net = Mlp(hidden=(8, 6), activation=activation)
    assert net.generator(3, shape)(torch.randn(5, 3)).shape == (5, *shape)
    assert net.discriminator(shape)(torch.randn(5, *shape)).shape == (5,)


def test_the_output_is_unbounded_and_linear() -> None:
    module = Mlp(hidden=(4,)).generator(3, (2,))
    with torch.no_grad():
        module[-1].weight.fill_(50.0)
        module[-1].bias.fill_(1e3)
    assert (module(torch.randn(6, 3)) > 500).all()


def test_the_leaky_rectifier_has_slope_one_fifth() -> None:
    assert activation("leaky_relu")(torch.tensor(-5.0)).item() == pytest.approx(-1.0)


@pytest.mark.parametrize("hidden", [(), (0,), (8, -1)], ids=str)
def test_layers_without_units_are_refused(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="hidden must name at least one layer of at least one unit, got"):
        Mlp(hidden=hidden)


@pytest.mark.parametrize("eps", [0.0, -1e-5, nan])
def test_norm_eps_must_be_positive(eps: float) -> None:
    with pytest.raises(ValueError, match=f"norm_eps must be > 0, got {eps}"):
        Mlp(norm_eps=eps)


@pytest.mark.parametrize("labels", [None, Condition(classes=3)], ids=["alone", "with labels"])
def test_a_discriminator_reads_its_input_times_the_scale(labels: Condition | None) -> None:
    plain, scaled = Mlp(hidden=(6,)), Mlp(hidden=(6,), input_scale=0.25)
    x, rest = torch.randn(5, 2), () if labels is None else (torch.tensor([0, 1, 2, 1, 0]),)
    module, same = scaled.discriminator((2,), labels), plain.discriminator((2,), labels)
    for own, other in zip(module.parameters(), same.parameters(), strict=True):
        own.data.copy_(other.data)
    torch.testing.assert_close(module(4 * x, *rest), same(x, *rest))


def test_a_gated_layer_has_twice_the_linear_maps() -> None:
    module = Mlp(hidden=(5, 6), activation="gated").generator(3, (2,))
    maps = [tuple(layer.weight.shape) for layer in module if isinstance(layer, nn.Linear)]
    assert maps == [(10, 3), (12, 5), (2, 6)]
