"""Files with one flipped bit, at seeded places."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def read_with_a_flipped_bit(path: Path, read: Callable[[Path], T], count: int = 100) -> tuple[list[str], list[T]]:
    """Read a file ``count`` times, each with another bit flipped: the sentences of refusals, and what else was read."""
    content = path.read_bytes()
    rng = np.random.default_rng(20260102)
    refused, found = [], []
    for place, bit in zip(rng.integers(len(content), size=count), rng.integers(8, size=count), strict=True):
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            found.append(read(path))
        except ValueError as error:
            refused.append(str(error))
    path.write_bytes(content)
    return refused, found
