"""The layers without parameters, by hand, alone and in a stack."""

from math import exp, log, tanh
from typing import get_args

import pytest
import torch
from torch import nn

from tests.trainables.rounding import assert_same
from trainables import replicas
from trainables.networks.activations import Activation, activation, reads
from trainables.networks.layers import Gate, Maxout, Scale, ShiftedSoftplus


def test_the_shifted_softplus_is_the_papers() -> None:
    found = ShiftedSoftplus()(torch.tensor([-30.0, -1.0, 0.0, 30.0], dtype=torch.float64)).tolist()
    expected = [-1.0, log(2) / 2 - 1, log(1 + exp(2)) / 2 - 1, 30.0]
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_gate_is_the_sigmoid_of_even_times_the_tanh_of_odd_places() -> None:
    a, b = [0.3, -2.0], [1.5, -0.25]
    x = torch.tensor([[a[0], b[0], a[1], b[1]]], dtype=torch.float64)
    expected = [tanh(odd) / (1 + exp(-even)) for even, odd in zip(a, b, strict=True)]
    assert Gate()(x)[0].tolist() == pytest.approx(expected, rel=1e-12)
    maps = x[:, :, None, None].expand(1, 4, 2, 3)
    assert Gate()(maps)[0, :, 1, 2].tolist() == pytest.approx(expected, rel=1e-12)


def test_maxout_takes_the_largest_of_neighbors() -> None:
    x = torch.tensor([[1.0, 5.0, -2.0, -7.0, -3.0, -4.0]])
    assert Maxout(3)(x).tolist() == [[5.0, -3.0]]
    assert Maxout(2)(x).tolist() == [[5.0, -2.0, -3.0]]


def test_scale_multiplies() -> None:
    assert Scale(0.25)(torch.tensor([4.0, -2.0])).tolist() == [1.0, -0.5]


@pytest.mark.parametrize("name", get_args(Activation))
def test_a_layer_makes_one_map_of_those_that_it_reads(name: Activation) -> None:
    assert activation(name)(torch.randn(5, 6 * reads(name), 2, 2)).shape == (5, 6, 2, 2)


def test_the_leaky_rectifier_has_the_slope_that_is_asked_for() -> None:
    x = torch.tensor(-5.0)
    assert activation("leaky_relu")(x).item() == pytest.approx(-1.0)
    assert activation("leaky_relu", slope=0.1)(x).item() == pytest.approx(-0.5)


@pytest.mark.parametrize("layer", [ShiftedSoftplus(), Gate(), Maxout(2), Scale(0.3)], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("space", [(), (3, 3)], ids=str)
def test_a_stack_is_each_one_alone(layer: nn.Module, space: tuple[int, ...]) -> None:
    x = torch.randn(2, 5, 4, *(4 if isinstance(layer, Maxout) else size for size in space), dtype=torch.float64)
    together = replicas.apply(layer, {}, x)
    for i in range(2):
        assert_same(together[i], layer(x[i]))
