"""Normalisation for stacked replicas: batch, layer and spectral norm, and none.

torch's own batch norm updates running statistics in place, which is impossible for unbatched buffers under ``vmap``,
and GAN code disagrees on which statistics samples are drawn with. This layer has no running statistics: it always uses
those of the batch it is given, when training and when sampling, as the LSGAN authors' code does. Every record states
it (``sampling_statistics = "batch"``); evaluation therefore samples in chunks of the training batch size.
"""

from math import isfinite
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLING_STATISTICS = "batch"

Norm = Literal["none", "batch", "layer", "spectral"]
"""``batch`` and ``layer`` follow the layers that the network's docstring names; ``spectral`` divides the weights of
*every* linear map and convolution by their largest singular value (Miyato et al. 2018)."""


class BatchNorm(nn.Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel, over batch and space (biased variance).

    Args:
        channels: size of axis 1 of the input, ``[B, channels, ...]``.
        eps: added to the variance; ``0.8`` in much copied code is a momentum in the wrong place.
        affine: whether scale and offset are learned.

    Ioffe & Szegedy 2015, algorithm 1.
    """

    def __init__(self, channels: int, *, eps: float, affine: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(channels)) if affine else None
        self.bias = nn.Parameter(torch.empty(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return functional.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=self.eps)


class LayerNorm(nn.Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias``, statistics per sample over channels and space.

    Scale and offset are per *channel*, as in the WGAN-GP authors' code; torch's own layer has one per entry.

    Args:
        channels: size of axis 1 of the input, ``[B, channels, ...]``.
        eps: added to the (biased) variance.
        affine: whether scale and offset are learned.

    Ba et al. 2016, section 3; Gulrajani et al. 2017, section 4 (in place of batch norm under a gradient penalty).
    """

    def __init__(self, channels: int, *, eps: float, affine: bool) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.empty(channels)) if affine else None
        self.bias = nn.Parameter(torch.empty(channels)) if affine else None

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, self.weight, self.bias, self.eps, leading=1)


def layer_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, *, leading: int) -> Tensor:
    """Apply layer norm to ``x`` with ``leading`` axes before the channels; scale and offset are ``[..., channels]``."""
    normed = functional.layer_norm(x, x.shape[leading:], eps=eps)
    if weight is None or bias is None:
        return normed
    # [R, channels] -> [R, 1 (batch), channels, 1, ...], or [channels, 1, ...] for one replica.
    shape = (*weight.shape[:-1], *[1] * (leading - weight.ndim + 1), weight.shape[-1], *[1] * (x.ndim - leading - 1))
    return normed * weight.view(shape) + bias.view(shape)


class SpectralLinear(nn.Linear):
    """A linear map with its weights divided by :func:`largest_singular_value`."""

    u: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.register_buffer("u", torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight / largest_singular_value(self.weight, self.u), self.bias)


class SpectralConv2d(nn.Conv2d):
    """A convolution whose weights, as ``[out, in * height * width]``, are divided by their largest singular value.

    That matrix is not the convolution's operator; neither is Miyato et al.'s.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding)
        self.register_buffer("u", torch.empty(outputs))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / largest_singular_value(self.weight, self.u)
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)


def largest_singular_value(weight: Tensor, u: Tensor) -> Tensor:
    """Return ``u1^T W v`` with ``v`` along ``W^T u`` and ``u1`` along ``W v``: one power iteration from ``u``.

    ``weight`` is ``[R..., out, ...]``, ``u`` ``[R..., out]``; the result ``[R..., 1, ...]`` divides the weight. The
    gradient passes through ``W`` alone, not through ``u1`` and ``v``. Miyato et al. 2018, algorithm 1; the persistent
    ``u`` is moved by ``replicas.refresh`` once per update of the network, as there, and by nothing else: evaluation,
    sampling and penalties leave it alone.
    """
    matrix = weight.flatten(u.ndim)
    with torch.no_grad():
        left, right = power_iteration(matrix, u)
    value = (left * (matrix @ right[..., None])[..., 0]).sum(-1)
    return value.view(*value.shape, *[1] * (weight.ndim - value.ndim))


def power_iteration(matrix: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return left and right unit vectors, one iteration from ``u``: ``[..., out, in], [..., out]``."""
    right = functional.normalize((matrix.mT @ u[..., None])[..., 0], dim=-1)
    left = functional.normalize((matrix @ right[..., None])[..., 0], dim=-1)
    return left, right


def linear(inputs: int, outputs: int, norm: Norm) -> nn.Linear:
    """Return a linear map, under spectral norm if that is the network's."""
    return SpectralLinear(inputs, outputs) if norm == "spectral" else nn.Linear(inputs, outputs)


def conv(inputs: int, outputs: int, kernel: int, norm: Norm, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Return a convolution, under spectral norm if that is the network's."""
    kind = SpectralConv2d if norm == "spectral" else nn.Conv2d
    return kind(inputs, outputs, kernel, stride=stride, padding=padding)


def after(channels: int, norm: Norm, *, eps: float, affine: bool) -> list[nn.Module]:
    """Return the normalisation layer behind a linear map or convolution with so many channels: one, or none."""
    if norm == "batch":
        return [BatchNorm(channels, eps=eps, affine=affine)]
    if norm == "layer":
        return [LayerNorm(channels, eps=eps, affine=affine)]
    return []


def check(eps: float) -> None:
    """Raise ValueError unless a network's ``norm_eps`` can be one."""
    if not (isfinite(eps) and eps > 0):
        raise ValueError(f"norm_eps must be > 0, got {eps}")
