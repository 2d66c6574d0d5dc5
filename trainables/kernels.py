"""The fused kernels of ``kernels.c``, compiled once per machine where there is a C compiler.

Without one, or with ``STUDY_KERNELS=torch``, networks run layer by layer through torch: the same formulas, rounded in
another order, so that a run and its repetition agree as far as those on two types of processor do. Records say which
it was, beside the device.
"""

import ctypes
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import torch
from torch import Tensor

from trainables.data.cache import folder

VARIABLE = "STUDY_KERNELS"
"""The environment variable that turns the kernels off: ``torch``."""
WIDEST = 4_096
"""Channels that a kernel has room for."""
NONE, TANH, LEAKY, RELU = 0, 1, 2, 3
SOURCE = Path(__file__).with_suffix(".c")
_COMMAND = ("-O3", "-std=c11", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast", "-shared", "-fPIC")
_TIMEOUT = 120
logger = logging.getLogger(__name__)
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
    """Return the kernels, or None where they are turned off or cannot be compiled, which is logged once."""
    if os.environ.get(VARIABLE) == "torch":
        return None
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        logger.info("no C compiler: networks run layer by layer")
        return None
    try:
        return Kernels(ctypes.CDLL(str(_compiled(compiler))))
    except (OSError, subprocess.SubprocessError) as error:
        logger.info("the fused kernels could not be compiled, networks run layer by layer: %s", error)
        return None


def _compiled(compiler: str) -> Path:
    """Return the shared library for this processor, which is compiled if it is not in the cache.

    It lies in a temporary folder if the cache cannot be written.
    """
    # By the processor too: a home folder is often shared by machines of several types.
    made_of = (SOURCE.read_bytes(), " ".join(_COMMAND).encode(), _processor().encode(), os.fsencode(compiler))
    name = f"kernels-{blake2b(b'|'.join(made_of), digest_size=8).hexdigest()}.so"
    place = folder() / "kernels" / name
    if place.is_file():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent))
    except OSError:
        unfinished = Path(tempfile.mkdtemp())
        place = unfinished / name
    made = unfinished / f"new-{name}"
    command = [compiler, *_COMMAND, "-march=native", str(SOURCE), "-o", str(made), "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT, text=True)
        made.replace(place)  # whole or not at all: several workers may compile at once
    finally:
        if place.parent != unfinished:
            shutil.rmtree(unfinished, ignore_errors=True)
    return place


@cache
def _processor() -> str:
    """Name what ``-march=native`` depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(dict.fromkeys(line for line in lines if line.startswith(("flags", "Features", "model name"))))
