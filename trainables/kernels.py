"""The fused kernels of ``kernels.c``, where there is a C compiler (``compiling``).

Without one, or with ``STUDY_KERNELS=torch``, networks run layer by layer through torch: the same formulas, rounded in
another order, so that a run and its repetition agree as far as those on two types of processor do. Records say which
it was, beside the device.
"""

import ctypes
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from trainables import compiling

WIDEST = 4_096
"""Channels that a kernel has room for."""
NONE, TANH, LEAKY, RELU = 0, 1, 2, 3
SOURCE = Path(__file__).with_suffix(".c")
_int, _float, _double, _size, _array = ctypes.c_int, ctypes.c_float, ctypes.c_double, ctypes.c_int64, ctypes.c_void_p


class Kernels:
    """The compiled functions, on contiguous float32 tensors ``[R, B, C]`` on a CPU and ``[R, C]`` for each channel.

    An activation is one of ``NONE``, ``TANH``, ``RELU`` and ``LEAKY``, which alone has a slope.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        shape = [_size] * 3
        self._plain_forward = library.plain_forward
        self._plain_forward.argtypes = [*shape, _array, _int, _float, _array]
        self._plain_backward = library.plain_backward
        self._plain_backward.argtypes = [*shape, _array, _array, _int, _float, _array, _array]
        self._norm_forward = library.norm_forward
        self._norm_forward.argtypes = [*shape, *[_array] * 3, _double, _int, _float, *[_array] * 3]
        self._norm_backward = library.norm_backward
        self._norm_backward.argtypes = [*shape, *[_array] * 6, _int, _float, *[_array] * 4]
        for function in (self._plain_forward, self._plain_backward, self._norm_forward, self._norm_backward):
            function.restype = None

    def plain_forward(self, x: Tensor, bias: Tensor | None, activation: int, slope: float) -> None:
        """Replace x by ``activation(x + bias)``."""
        self._plain_forward(*x.shape, _at(bias), activation, slope, _at(x))

    def plain_backward(
        self, g: Tensor, y: Tensor, activation: int, slope: float, out: Tensor, for_bias: Tensor | None
    ) -> None:
        """Write the gradient before the activation, from that behind it and the result ``y``, and that of the bias."""
        self._plain_backward(*g.shape, _at(g), _at(y), activation, slope, _at(out), _at(for_bias))

    def norm_forward(
        self,
        x: Tensor,
        scale: Tensor | None,
        offset: Tensor | None,
        eps: float,
        activation: int,
        slope: float,
        results: Sequence[Tensor],
    ) -> None:
        """Write ``activation(n scale + offset)`` for the normalised n, the means, and ``1 / sqrt(variance + eps)``."""
        own = _at(x), _at(scale), _at(offset), eps, activation, slope
        self._norm_forward(*x.shape, *own, *map(_at, results))

    def norm_backward(
        self,
        g: Tensor,
        y: Tensor,
        x: Tensor,
        scale: Tensor | None,
        moments: Sequence[Tensor],
        activation: int,
        slope: float,
        results: Sequence[Tensor | None],
    ) -> None:
        """Write the gradients for x, scale, offset and a bias that was added to x, the last three where wanted."""
        own = _at(g), _at(y), _at(x), _at(scale), *map(_at, moments), activation, slope
        self._norm_backward(*g.shape, *own, *map(_at, results))


def _at(value: Tensor | None) -> int | None:
    """Return an address; what lies there must be what the kernels, which do not look, take it for."""
    if value is None:
        return None
    if value.dtype != torch.float32 or not value.is_contiguous() or value.device.type != "cpu":
        raise TypeError(f"the kernels need contiguous float32 on a CPU, got {value.dtype} of strides {value.stride()}")
    return value.data_ptr()


@cache
def load() -> Kernels | None:
    """Return the kernels, or None where they are turned off or cannot be compiled."""
    library = compiling.library(SOURCE, "-ffp-contract=fast")
    return None if library is None else Kernels(library)
