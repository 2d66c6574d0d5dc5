"""Files mapped into memory: read from the disk only where they are touched."""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainables.data.pixels import memory
from trainables.later import torch


def mapped(
    path: Path,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    *,
    start: int,
    order: Literal["C", "F"] = "C",
    scattered: bool = False,
) -> npt.NDArray[Any]:
    """Return an array that lies in a file; it cannot be written to.

    Args:
        path: the file.
        shape: the array's.
        dtype: its type.
        start: the byte that it begins with.
        order: C if the last axis lies closest together.
        scattered: whether it is read here and there. Of files larger than half of the memory the system then reads
            what is asked for, and not megabytes around it: 200 times as fast where it reads 8 MB ahead.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is empty.
        TypeError: if it is too short.
    """
    with path.open("rb") as file:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if scattered and len(content) > memory() // 2:
        content.madvise(mmap.MADV_RANDOM)
    return np.ndarray(shape, dtype, content, start, order=order)


def as_tensor(array: npt.NDArray[Any]) -> torch.Tensor:
    """Return a mapped array as a tensor without a copy. Writing to it would end the process.

    A copy-on-write map would be writable, but the system reserves memory for all of one and refuses it when the set
    exceeds the memory; torch has no read-only tensors and warns.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(array)
