"""Strided convolutions from and onto few maps, which the library's kernels for a CPU are slow at.

The image side of a network has one to three maps. There the gradient of a strided convolution for its input, and the
transposed convolution, which is the same map, take oneDNN three to five times as long as :func:`up`: a convolution of
stride 1 that makes all ``s^2`` pixels beneath one entry of the smaller side as maps of their own, and a shuffle (the
sub-pixel convolution of Shi et al. 2016, section 3.2). The sums are the same, in another order.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

FEW = 4
"""Maps on the larger side up to which the sub-pixel form is used; beyond, it gains nothing over the library."""


class Conv2d(nn.Conv2d):
    """torch's, but that the gradient for an input of few maps is computed by :func:`up`."""

    def forward(self, x: Tensor) -> Tensor:
        return down(x, self.weight, self.bias, self.stride[0], _of(self.padding))


class ConvTranspose2d(nn.ConvTranspose2d):
    """torch's, but computed by :func:`up` where it makes few maps."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        assert output_size is None
        stride, padding, rest = self.stride[0], _of(self.padding), self.output_padding[0]
        side = (x.shape[-1] - 1) * stride - 2 * padding + self.weight.shape[-1] + rest
        if not _pays(x, self.weight, stride):
            return functional.conv_transpose2d(x, self.weight, self.bias, stride, padding, rest)
        result: Tensor = _Up.apply(x, self.weight, self.bias, stride, padding, side)
        return result


def down(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """Convolve ``[B, C, s, s]`` with ``[O, C, k, k]``."""
    if not _pays(x, weight, stride):
        return functional.conv2d(x, weight, bias, stride, padding)
    result: Tensor = _Down.apply(x, weight, bias, stride, padding)
    return result


def up(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, side: int) -> Tensor:
    """Do the transposed convolution of square maps in its sub-pixel form.

    ``y[n] = sum_j x[j] w[n + p - s j]`` per axis. With ``n = s m + a`` and ``j = m - d`` the pixels ``a`` in 0..s-1 of
    place ``m`` are ``sum_d x[m - d] w[s d + a + p]``: a convolution of stride 1 for each a.

    Args:
        x: ``[B, O, h, h]``.
        weight: ``[O, C, k, k]``, as torch's ``conv_transpose2d`` has it.
        bias: ``[C]``.
        stride: s.
        padding: p.
        side: of the result ``[B, C, side, side]``.
    """
    most = (weight.shape[-1] - 1 - padding) // stride  # the largest d, of a = 0
    least = -((stride - 1 + padding) // stride)  # the smallest, of a = s - 1
    width, places = most - least + 1, -(-side // stride)
    kernel = _sub_pixel(weight, stride, padding + stride * most, width)
    own = None if bias is None else bias.repeat_interleave(stride**2)
    behind = places - x.shape[-1] + width - 1 - most
    if most == behind:
        made = functional.conv2d(x, kernel, own, padding=most)
    else:
        made = functional.conv2d(functional.pad(x, (most, behind, most, behind)), kernel, own)
    return functional.pixel_shuffle(made, stride)[..., :side, :side]


def _sub_pixel(weight: Tensor, stride: int, last: int, width: int) -> Tensor:
    """Return ``[C s^2, O, width, width]``: entry u of pixel a is ``w[last + a - s u]``, or 0 beyond the kernel."""
    inputs, outputs, size, _ = weight.shape
    # Turned, entry r is w[last + s - 1 - r]: r = s u + (s - 1 - a).
    before = last + stride - size
    after = stride * width - size - before
    turned = functional.pad(weight.flip(2, 3), (before, after, before, after))
    split = turned.view(inputs, outputs, width, stride, width, stride).flip(3, 5)
    return split.permute(1, 3, 5, 0, 2, 4).reshape(outputs * stride**2, inputs, width, width)


class _Down(torch.autograd.Function):
    """A convolution; backward is made of operations that have gradients of their own."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        return functional.conv2d(x, weight, bias, stride, padding)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        x, weight, bias, stride, padding = inputs
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, bias is not None

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (gradient,), (x, weight), (stride, padding, biased) = gradients, ctx.saved_tensors, ctx.geometry
        for_x = None
        if ctx.needs_input_grad[0]:
            for_x = _Up.apply(gradient, weight, None, stride, padding, x.shape[-1])
        for_weight = for_bias = None
        if any(ctx.needs_input_grad[1:3]):
            for_weight, for_bias = _of_weights(gradient, x, weight, biased, stride, padding, rest=None)
        return for_x, for_weight, for_bias, None, None


class _Up(torch.autograd.Function):
    """A transposed convolution in its sub-pixel form, with the library's gradients: those are convolutions."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int, side: int) -> Tensor:
        return up(x, weight, bias, stride, padding, side)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Tensor) -> None:
        x, weight, bias, stride, padding, side = inputs
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, side, bias is not None

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (gradient,), (x, weight), (stride, padding, side, biased) = gradients, ctx.saved_tensors, ctx.geometry
        rest = side - ((x.shape[-1] - 1) * stride - 2 * padding + weight.shape[-1])
        for_x = down(gradient, weight, None, stride, padding) if ctx.needs_input_grad[0] else None
        for_weight = for_bias = None
        if any(ctx.needs_input_grad[1:3]):
            for_weight, for_bias = _of_weights(gradient, x, weight, biased, stride, padding, rest=rest)
        return for_x, for_weight, for_bias, None, None, None


def _of_weights(
    gradient: Tensor, x: Tensor, weight: Tensor, biased: bool, stride: int, padding: int, *, rest: int | None
) -> tuple[Tensor, Tensor | None]:
    """Return the gradients for weight and bias; ``rest`` is the output padding of a transposed convolution."""
    geometry = [stride] * 2, [padding] * 2, [1, 1], rest is not None, [rest or 0] * 2, 1
    biases = [weight.shape[0 if rest is None else 1]] if biased else None
    _, own, bias = torch.ops.aten.convolution_backward(gradient, x, weight, biases, *geometry, [False, True, biased])
    return own, bias


def _pays(x: Tensor, weight: Tensor, stride: int) -> bool:
    return x.device.type == "cpu" and stride > 1 and weight.shape[1] <= FEW


def _of(padding: Any) -> int:
    own: int = padding[0]
    return own
