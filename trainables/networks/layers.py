"""The layers that torch lacks, as modules for one replica; the values of a configuration name and build them.

Of a stack of replicas they are run by ``replicas``.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks.convolutions import down
from trainables.networks.norm import RUNNING


class ShiftedSoftplus(nn.Module):
    """``softplus(2x + 2) / 2 - 1``, > -1, a smooth rectifier. Gulrajani et al. 2017, table 1."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.softplus(2 * x + 2) / 2 - 1


class Gate(nn.Module):
    """``s(a) tanh(b)``, in (-1, 1), of the even and the odd places of axis 1: ``[B, 2 C, ...] -> [B, C, ...]``.

    Van den Oord et al. 2016, eq. 2; Gulrajani et al. 2017, figure 2 (authors' code).
    """

    def forward(self, x: Tensor) -> Tensor:
        return x[:, ::2].sigmoid() * x[:, 1::2].tanh()


class Maxout(nn.Module):
    """The largest of each ``pieces`` neighbors of the last axis: ``[..., pieces n] -> [..., n]``.

    Goodfellow et al. 2013, eq. 1.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Tensor) -> Tensor:
        largest: Tensor = x.unflatten(-1, (-1, self.pieces)).max(-1).values
        return largest


class Scale(nn.Module):
    """``factor * x``."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


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
        return down(x, weight, self.bias, self.stride[0], int(self.padding[0]))


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


class Same(nn.Module):
    """The same sample for every latent."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.empty(shape))

    def forward(self, z: Tensor) -> Tensor:
        return self.theta.expand(len(z), *self.theta.shape)
