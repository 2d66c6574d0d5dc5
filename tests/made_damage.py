"""Damaged files: with one flipped bit at seeded places, and with whatever Hypothesis chooses."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

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


Step = tuple[str, float, bytes]
"""What happens to the bytes, where as a share of all, and which bytes it takes."""
KINDS = ("flip", "overwrite", "head", "tail", "insert", "remove", "cut", "twice")
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.tuples(st.sampled_from(KINDS), st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=3,
)


def damaged(content: bytes, damage: list[Step]) -> bytes:
    """Return the bytes after some steps; headers and footers are hit as often as all that lies between them."""
    for kind, share, new in damage:
        place = {"head": int(share * 64), "tail": max(0, len(content) - 1 - int(share * 64))}.get(
            kind, int(share * len(content))
        )
        match kind:
            case "flip":
                turned = bytes(byte ^ 1 << new[0] % 8 for byte in content[place : place + 1])
                content = content[:place] + turned + content[place + 1 :]
            case "insert":
                content = content[:place] + new + content[place:]
            case "remove":
                content = content[:place] + content[place + len(new) :]
            case "cut":
                content = content[:place]
            case "twice":
                content += content
            case _:
                content = content[:place] + new + content[place + len(new) :]
    return content
