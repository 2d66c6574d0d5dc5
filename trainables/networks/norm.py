"""Normalisation for stacked replicas: batch, layer and spectral norm, and none.

Published GAN code disagrees on the statistics of batch norm when samples are drawn. Those of the batch at hand, as in
training: Gulrajani et al. 2017 (authors' code) and Arjovsky et al. 2017 (authors' code, which never leaves training
mode). Running means over training: Mao et al. 2017 and 2019 (authors' code wherever G has batch norm: vgg, mcgan and
the digits of small variance), Lin et al. 2018 (PacGAN) and compare_gan. ``evaluation.batch_norm`` chooses, every trace
states it (``sampling_statistics``), and training always uses the batch at hand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

RUNNING = {"running_mean": 0.0, "running_var": 1.0}
"""Names of the running statistics, which are torch's, and where they start."""

Norm = Literal["none", "batch", "layer", "spectral"]
"""``batch`` and ``layer`` follow the layers that the network's docstring names; ``spectral`` divides the weights of
*every* linear map and convolution by their largest singular value (Miyato et al. 2018)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatistics:
    """Samples are normalised by the statistics of their batch, as in training; it has the training batch's size."""

    kind: Literal["batch"] = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStatistics:
    """Samples are normalised by running statistics: torch's ``eval()``, TensorFlow's ``is_training=False``.

    From mean 0 and variance 1 they move with every pass in training mode, in D's updates too, as both libraries do:
    ``r <- (1 - momentum) r + momentum x``, with x the batch's mean and *unbiased* variance (torch; TensorFlow's fused
    layer, whose other one takes the biased variance). A pass that the updates of D and G share moves them once, where
    code that computes it twice moves them twice.

    ``momentum`` is torch's, one minus TensorFlow's decay: 0.1 in the LSGAN authors' code, 0.05 in PacGAN's, 0.001 in
    compare_gan.
    """

    kind: Literal["running"] = "running"
    momentum: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise ValueError(f"momentum must be in (0, 1], got {self.momentum}")


SamplingStatistics = BatchStatistics | RunningStatistics


class BatchNorm(nn.Module):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` per channel, over batch and space (biased variance).

    The statistics are those of the batch; but in evaluation mode, after :meth:`track`, the running ones.

    Args:
        channels: size of axis 1 of the input, ``[B, channels, ...]``.
        eps: added to the variance; ``0.8`` in much copied code is a momentum in the wrong place.
        affine: whether scale and offset are learned.

    Ioffe & Szegedy 2015, algorithm 1.
    """

    running_mean: Tensor | None
    running_var: Tensor | None

    def __init__(self, channels: int, *, eps: float, affine: bool) -> None:
        super().__init__()
        self.channels, self.eps, self.momentum = channels, eps, 0.0
        self.weight = nn.Parameter(torch.empty(channels)) if affine else None
        self.bias = nn.Parameter(torch.empty(channels)) if affine else None
        for name in RUNNING:
            self.register_buffer(name, None)

    def track(self, momentum: float) -> None:
        """Keep running statistics from here on."""
        self.momentum = momentum
        for name, start in RUNNING.items():
            self.register_buffer(name, torch.full((self.channels,), start))

    def normalized(self, x: Tensor, own: Callable[[str], Tensor | None]) -> Tensor:
        """Normalise by the statistics of ``x``, which move the running ones in place, or in evaluation mode by those.

        Args:
            x: ``[B, channels, ...]``.
            own: parameters and running statistics ``[channels]`` by name, where there are any.
        """
        mean, var = own("running_mean"), own("running_var")
        batch = self.training or mean is None
        return functional.batch_norm(x, mean, var, own("weight"), own("bias"), batch, self.momentum, self.eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.normalized(x, lambda name: getattr(self, name))


def track(module: nn.Module, statistics: SamplingStatistics) -> nn.Module:
    """Let every batch norm of a network keep what its samples will be normalised by; return the network."""
    if isinstance(statistics, RunningStatistics):
        for layer in module.modules():
            if isinstance(layer, BatchNorm):
                layer.track(statistics.momentum)
    return module


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
