"""Images decoded once into a file of bytes beside the data; every later load maps that file.

Neither memory nor start-up grows with the set. Several processes may ask at once: one writes, the others wait. A file
appears under its name only when it is whole, and only if every image could be read.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from trainables.files import written_whole
from trainables.later import torch

Pixels = npt.NDArray[np.uint8]
Named = tuple[str, Callable[[], Pixels]]
"""An image by its name, and how to decode it: ``[channels, side, side]``."""


class Listing(Protocol):
    """The images of a set in their order."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Named]: ...


UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error)
"""What PIL raises for files that are cut short, damaged, or no images at all."""
NAMED_FILES = 5
REPORT_EVERY = 100_000
logger = logging.getLogger(__name__)


class UnreadableImages(ValueError):
    """Some images of a set cannot be decoded. Nothing was left out instead.

    Attributes:
        files: why, for the name of each.
    """

    def __init__(self, files: Mapping[str, str], count: int, place: Path) -> None:
        self.files = dict(files)
        names = [f"{name} ({files[name]})" for name in list(files)[:NAMED_FILES]]
        more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
        super().__init__(
            f"root must hold readable images, got {len(files)} unreadable of {count} in {place}: "
            f"{', '.join(names)}{more}; repair or remove them"
        )


def images(cache: Path, shape: tuple[int, ...], opened: Callable[[], AbstractContextManager[Listing]]) -> torch.Tensor:
    """Return the images ``[N, *shape]`` uint8 of a cache file, made from the listing if it is not there.

    Args:
        cache: the ``.npy`` file; what it holds must be a function of its name.
        shape: one image's, ``(channels, side, side)``.
        opened: the listing, open while it is read; called only if it is needed.

    Raises:
        UnreadableImages: if any cannot be decoded; all are tried, so that all are named.
        OSError: if the disk is full or the folder not writable; no unfinished file is left behind.
    """
    if not cache.is_file():
        with _alone(cache.with_suffix(".lock")):
            if not cache.is_file():
                with opened() as listing:
                    _convert(cache, shape, listing)
    return _mapped(cache)


def _convert(cache: Path, shape: tuple[int, ...], listing: Listing) -> None:
    with written_whole(cache) as unfinished, unfinished.open("wb") as file:
        _write(file, shape, listing, cache)
        file.flush()
        os.fsync(file.fileno())


def _write(file: BinaryIO, shape: tuple[int, ...], listing: Listing, cache: Path) -> None:
    # Plain writes, not a writable memory map: on a full disk they raise, where the map kills the process.
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(listing), *shape)}
    np.lib.format.write_array_header_1_0(file, header)
    unreadable: dict[str, str] = {}
    for number, (name, decode) in enumerate(listing, start=1):
        try:
            pixels = decode()
        except UNREADABLE as error:
            unreadable[name] = str(error) or type(error).__name__
            continue
        if not unreadable:
            file.write(pixels.tobytes())
        if number % REPORT_EVERY == 0:
            logger.info("%d of %d images converted to %s", number, len(listing), cache)
    if unreadable:
        raise UnreadableImages(unreadable, len(listing), cache.parent)


def _mapped(path: Path) -> torch.Tensor:
    """Map the array of an ``.npy`` file, read from disk only where it is touched. Writing to it would end the process.

    A copy-on-write map would be writable, but the system reserves memory for all of one and refuses it when the set
    exceeds the memory; torch has no read-only tensors and warns.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(np.load(path, mmap_mode="r"))


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock; the system frees it when its holder dies."""
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
