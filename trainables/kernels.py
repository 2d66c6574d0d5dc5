"""The fused kernels of ``kernels.c``, where there is a C compiler (``compiling``) and torch's BLAS can be called.

Without them, or with ``STUDY_KERNELS=torch``, networks run layer by layer through torch: the same formulas, rounded in
another order, so that a run and its repetition agree as far as those on two types of processor do. Records say which
it was, beside the device.
"""

import ctypes
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables import compiling

WIDEST = 4_096
"""Channels that a kernel has room for."""
NONE, TANH, LEAKY, RELU = 0, 1, 2, 3
LINEAR, DOWN, UP, TURN = 0, 1, 2, 3
SOURCE = Path(__file__).with_suffix(".c")
_LANES = 16
"""Numbers to a multiple of which the kernels round up the room for each value that they keep."""
_GEOMETRY, _POINTERS, _WORDS = 9, 18, 26
"""Where a ``Link`` of ``kernels.c`` has its geometry and its pointers, and what it has in all, in words of 8 bytes."""
_size, _array = ctypes.c_int64, ctypes.c_void_p
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A map of the numbers of a sample and what follows it, as the kernels name it.

    Images are channels-last. A linear map has weights ``[outputs, inputs]``; a convolution, plain (``DOWN``) or
    transposed (``UP``), joins a small and a large image by weights ``[small, large, k, k]``; a turn of ``[a, b]`` to
    ``[b, a]`` has none.

    Attributes:
        kind: one of ``LINEAR``, ``DOWN``, ``UP`` and ``TURN``.
        inputs, outputs: numbers of a sample.
        channels: of the outputs, each with a bias, scale and offset of its own.
        weights: numbers of them.
        geometry: of a convolution channels of the small and the large image, height and width of the small one, then
            of the large one, kernel, stride and padding; of a turn a and b.
        biased: whether it has a bias.
        eps: of the batch norm; None if there is none.
        affine: whether the norm has scale and offset.
        activation: one of ``NONE``, ``TANH``, ``RELU`` and ``LEAKY``, which alone has a slope.
    """

    kind: int = LINEAR
    inputs: int
    outputs: int
    channels: int
    weights: int
    geometry: tuple[int, ...] = ()
    biased: bool = False
    eps: float | None = None
    affine: bool = False
    activation: int = NONE
    slope: float = 0.0


class Layout:
    """Links in a row as the kernels read them; their parameters are filled in for each call.

    Parameters come link by link: weight ``[R, ...]``, then bias, then scale and offset ``[R, channels]`` of a norm,
    where a link has them.

    Args:
        links: in order.
        shape: of a sample of the result, whose numbers lie as the last link leaves them.
    """

    def __init__(self, links: Sequence[Link], shape: tuple[int, ...]) -> None:
        self.links, self.shape = tuple(links), shape
        self.widest = max(link.outputs for link in links)
        self._empty = np.zeros((len(links), _WORDS), dtype=np.int64)
        given: list[int] = []
        for place, link in enumerate(links):
            sizes = link.inputs, link.outputs, link.channels, link.weights
            self._empty[place, :7] = link.kind, *sizes, link.eps is not None, link.activation
            self._empty[place, 7:_GEOMETRY] = np.array([link.eps or 0.0, link.slope]).view(np.int64)
            self._empty[place, _GEOMETRY : _GEOMETRY + len(link.geometry)] = link.geometry
            has = (link.weights > 0, link.biased, link.affine, link.affine)
            given += [place * _WORDS + _POINTERS + number for number, own in enumerate(has) if own]
        self._given = np.array(given, dtype=np.int64)

    def kept(self, rows: int) -> int:
        """Return how many numbers a replica's forward pass keeps; the last result is its caller's."""
        sizes: list[int] = []
        for place, link in enumerate(self.links):
            sizes += [rows * link.outputs, link.channels, link.channels] if link.eps is not None else []
            sizes += [rows * link.outputs] if place + 1 < len(self.links) else []
        return sum(map(_rounded, sizes))

    def filled(self, given: Sequence[Tensor], found: Sequence[Tensor | None] | None = None) -> npt.NDArray[np.int64]:
        """Return the links with their parameters and, where wanted, with the places of their gradients."""
        own = self._empty.copy()
        own.ravel()[self._given] = [_at(value) or 0 for value in given]
        if found is not None:
            own.ravel()[self._given + 4] = [_at(value) or 0 for value in found]
        return own


def _rounded(size: int) -> int:
    return -(-size // _LANES) * _LANES


class Kernels:
    """The compiled functions, on contiguous float32 tensors on a CPU, values ``[R, B, ...]``."""

    def __init__(self, library: ctypes.CDLL, gemm: int) -> None:
        self._gemm = gemm
        shape = [_size] * 3
        self._forward = library.chain_forward
        self._forward.argtypes = [*shape, _array, _array, _array, _size, *[_array] * 3]
        self._backward = library.chain_backward
        self._backward.argtypes = [*shape, _array, _array, _array, _size, *[_array] * 4, _size, _array]
        for function in (self._forward, self._backward):
            function.restype = None
        self._room = library.chain_room
        self._room.argtypes, self._room.restype = [_size, _array], _size

    def forward(self, layout: Layout, x: Tensor, given: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the result ``[R, B, *shape]`` of links in a row, and what :meth:`backward` needs to have kept."""
        replicas, rows = x.shape[:2]
        links, size = layout.filled(given), layout.kept(rows)
        kept, result = x.new_empty(replicas, size), x.new_empty(replicas, rows, *layout.shape)
        room = x.new_empty(self._room(len(links), links.ctypes.data))
        places = _at(x), kept.data_ptr(), size, result.data_ptr(), room.data_ptr()
        self._forward(replicas, rows, len(links), links.ctypes.data, *places, self._gemm)
        return result, kept

    def backward(
        self,
        layout: Layout,
        x: Tensor,
        given: Sequence[Tensor],
        left: tuple[Tensor, Tensor],
        g: Tensor,
        found: Sequence[Tensor | None],
        onwards: Tensor | None,
    ) -> None:
        """Write gradients.

        Args:
            layout: as in the forward pass.
            x: as there.
            given: as there.
            left: what that returned.
            g: the gradient of its result.
            found: where those of the parameters go; None where nobody needs one.
            onwards: where that of x goes, if anybody needs it.
        """
        replicas, rows = x.shape[:2]
        result, kept = left
        links = layout.filled(given, found)
        scratch = x.new_empty(2 * _rounded(rows * layout.widest) + self._room(len(links), links.ctypes.data))
        places = _at(x), _at(kept), kept.shape[1], _at(result), _at(g), _at(onwards), scratch.data_ptr(), layout.widest
        self._backward(replicas, rows, len(links), links.ctypes.data, *places, self._gemm)


def _at(value: Tensor | None) -> int | None:
    """Return an address; what lies there must be what the kernels, which do not look, take it for."""
    if value is None:
        return None
    if value.dtype != torch.float32 or not value.is_contiguous() or not value.is_cpu:
        raise TypeError(f"the kernels need contiguous float32 on a CPU, got {value.dtype} of strides {value.stride()}")
    return value.data_ptr()


@cache
def load() -> Kernels | None:
    """Return the kernels, or None where they are turned off, cannot be compiled, or lack a BLAS; the log says why."""
    library = compiling.library(SOURCE, "-ffp-contract=fast")
    if library is None:
        return None
    gemm = _sgemm()
    if gemm is None:
        logger.info("torch shows no sgemm here: networks run layer by layer")
        return None
    return Kernels(library, gemm)


def _sgemm() -> int | None:
    """Return the address of the matrix product that torch itself uses, if it can be called from outside."""
    own = sorted((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*"))
    places = [*own, None]  # last, what else the process has loaded, where torch is linked against a BLAS of the system
    for place in places:
        try:
            found = ctypes.CDLL(None if place is None else str(place)).sgemm_
        except (AttributeError, OSError):
            continue
        return ctypes.cast(found, ctypes.c_void_p).value
    return None
