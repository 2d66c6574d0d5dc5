"""Normalisation for stacked replicas: batch, layer and spectral norm, and none.

Published GAN code disagrees on the statistics of batch norm when samples are drawn. Those of the batch at hand, as in
training: Gulrajani et al. 2017 (authors' code) and Arjovsky et al. 2017 (authors' code, which never leaves training
mode). Running means over training: Mao et al. 2017 and 2019 (authors' code wherever G has batch norm: vgg, mcgan and
the digits of small variance), Lin et al. 2018 (PacGAN) and compare_gan. ``evaluation.batch_norm`` chooses, every trace
states it (``sampling_statistics``), and training always uses the batch at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from trainables.later import nn
from trainables.networks.later import convolutions, layers

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


def track(module: nn.Module, statistics: SamplingStatistics) -> nn.Module:
    """Let every batch norm of a network keep what its samples will be normalised by; return the network.

    torch's own layers, which plugins may have, keep running statistics only where samples are normalised by them.
    """
    for layer in module.modules():
        if isinstance(layer, layers.BatchNorm) and isinstance(statistics, RunningStatistics):
            layer.track(statistics.momentum)
        elif isinstance(layer, nn.modules.batchnorm._BatchNorm):
            if isinstance(statistics, RunningStatistics):
                layer.momentum = statistics.momentum
            else:
                layer.track_running_stats = False
                layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return module


def linear(inputs: int, outputs: int, norm: Norm) -> nn.Linear:
    """Return a linear map, under spectral norm if that is the network's."""
    return layers.SpectralLinear(inputs, outputs) if norm == "spectral" else nn.Linear(inputs, outputs)


def conv(inputs: int, outputs: int, kernel: int, norm: Norm, *, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """Return a convolution, under spectral norm if that is the network's."""
    kind = layers.SpectralConv2d if norm == "spectral" else convolutions.Conv2d
    return kind(inputs, outputs, kernel, stride=stride, padding=padding)


def after(channels: int, norm: Norm, *, eps: float, affine: bool) -> list[nn.Module]:
    """Return the normalisation layer behind a linear map or convolution with so many channels: one, or none."""
    if norm == "batch":
        return [layers.BatchNorm(channels, eps=eps, affine=affine)]
    if norm == "layer":
        return [layers.LayerNorm(channels, eps=eps, affine=affine)]
    return []


def check(eps: float) -> None:
    """Raise ValueError unless a network's ``norm_eps`` can be one."""
    if not (isfinite(eps) and eps > 0):
        raise ValueError(f"norm_eps must be > 0, got {eps}")
