"""Convolutions onto and from few maps give the library's numbers, with all gradients, in another order of sums."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks import convolutions
from trainables.networks.convolutions import Conv2d, ConvTranspose2d

GEOMETRIES = [
    # maps, small maps, side, kernel, stride, padding
    (1, 4, 16, 5, 2, 2),
    (3, 4, 8, 4, 2, 1),
    (3, 5, 7, 5, 2, 2),
    (2, 3, 9, 3, 2, 1),
    (2, 3, 8, 3, 2, 0),
    (1, 2, 12, 5, 3, 1),
    (1, 2, 8, 2, 4, 0),
]


def values(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


def small_side(side: int, kernel: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - kernel) // stride + 1


@pytest.mark.parametrize(("maps", "small", "side", "kernel", "stride", "padding"), GEOMETRIES)
def test_the_sub_pixel_form_is_the_transposed_convolution(
    maps: int, small: int, side: int, kernel: int, stride: int, padding: int
) -> None:
    x = values(2, small, *[small_side(side, kernel, stride, padding)] * 2)
    weight, bias = values(small, maps, kernel, kernel), values(maps)
    rest = side - ((x.shape[-1] - 1) * stride - 2 * padding + kernel)
    expected = functional.conv_transpose2d(x, weight, bias, stride, padding, rest)
    torch.testing.assert_close(convolutions.up(x, weight, bias, stride, padding, side), expected)


def gradients(run: Callable[[], Tensor], leaves: list[Tensor]) -> list[Tensor]:
    """First gradients, and those of their squared norm, as a penalty takes them."""
    first = torch.autograd.grad(run().square().sum(), leaves, create_graph=True)
    penalty = torch.stack([own.square().sum() for own in first]).sum()
    return [*first, *torch.autograd.grad(penalty, leaves)]


@pytest.mark.parametrize(("maps", "small", "side", "kernel", "stride", "padding"), GEOMETRIES)
def test_both_layers_have_the_librarys_gradients_twice(
    maps: int, small: int, side: int, kernel: int, stride: int, padding: int
) -> None:
    places = small_side(side, kernel, stride, padding)
    rest = side - ((places - 1) * stride - 2 * padding + kernel)
    pairs: list[tuple[nn.Module, nn.Module, Tensor]] = [
        (
            Conv2d(maps, small, kernel, stride=stride, padding=padding),
            nn.Conv2d(maps, small, kernel, stride=stride, padding=padding),
            values(2, maps, side, side),
        )
    ]
    if rest < stride:  # the library's transposed convolution has no other output padding
        pairs.append(
            (
                ConvTranspose2d(small, maps, kernel, stride=stride, padding=padding, output_padding=rest),
                nn.ConvTranspose2d(small, maps, kernel, stride=stride, padding=padding, output_padding=rest),
                values(2, small, places, places),
            )
        )
    for ours, plain, x in pairs:
        plain.load_state_dict(ours.state_dict())
        found = []
        for module in (ours.double(), plain.double()):
            own = x.clone().requires_grad_()
            found.append(gradients(lambda module=module, own=own: module(own), [own, *module.parameters()]))  # type: ignore[misc]
        torch.testing.assert_close(*found)


def test_the_weights_alone_cost_no_gradient_for_the_image() -> None:
    layer, x = Conv2d(1, 2, 5, stride=2, padding=2).double(), values(2, 1, 8, 8)
    (gradient,) = torch.autograd.grad(layer(x).sum(), [layer.weight])
    plain = functional.conv2d(x, layer.weight, layer.bias, 2, 2)
    torch.testing.assert_close(gradient, torch.autograd.grad(plain.sum(), [layer.weight])[0])


@pytest.mark.parametrize(
    ("maps", "stride", "expected"), [(convolutions.FEW, 2, True), (convolutions.FEW + 1, 2, False), (3, 1, False)]
)
def test_the_sub_pixel_form_is_for_strides_and_few_maps(maps: int, stride: int, expected: bool) -> None:
    made = Conv2d(maps, 2, 3, stride=stride, padding=1)(torch.zeros(1, maps, 8, 8))
    assert (type(made.grad_fn).__name__ == "_DownBackward") is expected
    back = ConvTranspose2d(2, maps, 3, stride=stride, padding=1, output_padding=stride - 1)
    assert (type(back(made).grad_fn).__name__ == "_UpBackward") is expected
