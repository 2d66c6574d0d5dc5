"""How a process is set up that does nothing but train: threads, memory, garbage, and numbers next to zero."""

import ctypes
import gc
import sys
from functools import cache

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_LARGEST = 2**31 - 1


def prepare(threads: int) -> None:
    """Set up this process for training with so many threads of torch.

    * Memory that was given back is kept for the next tensor of its size. glibc returns large blocks to the kernel, so
      that every step of a loop touches fresh pages: a tenth to a fifth of a step of stacked MLPs.
    * Denormal numbers, below 1.2e-38 in float32, are taken for zero. Saturated games make them, and a product with one
      takes several times as long as any other.
    * What exists by now is left out of garbage collection: Ray and torch alone are a million objects, which every full
      collection would visit.
    """
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    _prepare_once()


@cache
def _prepare_once() -> None:
    gc.collect()
    gc.freeze()
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc's alone
        # Some versions of glibc refuse more than 32 MiB, and a threshold that is not set stays at 128 KiB from here on.
        library.mallopt(_M_MMAP_THRESHOLD, 2**30) or library.mallopt(_M_MMAP_THRESHOLD, 2**25)
        library.mallopt(_M_TRIM_THRESHOLD, _LARGEST)
        library.mallopt(_M_TOP_PAD, 2**26)
