"""Batch normalisation for stacked replicas.

torch's own layer updates running statistics in place, which is impossible for unbatched buffers under ``vmap``, and
GAN code disagrees on which statistics samples are drawn with. This layer has no running statistics: it always uses
those of the batch it is given, when training and when sampling, as the LSGAN authors' code does. Every record states
it (``sampling_statistics = "batch"``); evaluation therefore samples in chunks of the training batch size.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLING_STATISTICS = "batch"


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
