"""Images decoded once into a file of bytes in the user's cache; every later load maps that file.

Neither memory nor start-up grows with the set, and nothing is written beside the user's images, which may be read-only.
Several processes may ask at once: one writes, the others wait. A file appears under its name only when it is whole, and
only if every image could be read.

Each file ends with its own SHA-256. Comparing takes about a second per gigabyte, so that a launch does it once, before
it starts (:func:`verified`); a damaged file is made anew.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from hashlib import blake2b
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from trainables.data import mapping
from trainables.files import BLANK, CACHE, cache_folder, is_whole, seal, written_whole
from trainables.later import torch
from trainables.text import printable

Pixels = npt.NDArray[np.uint8]
Named = tuple[str, Callable[[], Pixels]]
"""An image by its name, and how to decode it: ``[channels, side, side]``."""


class Listing(Protocol):
    """The images of a set in their order."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Named]: ...


UNREADABLE = (OSError, ValueError)
"""What is raised for files that are cut short, damaged, or no images at all."""
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What file systems without locks say, such as some of NFS."""
NAMED_FILES = 5
REPORT_EVERY = 100_000
_SEAL = f"\n{BLANK}\n".encode()
_verifying: ContextVar[bool] = ContextVar("verifying", default=False)
logger = logging.getLogger(__name__)


class UnreadableImages(ValueError):
    """Some images of a set cannot be decoded. Nothing was left out instead.

    Attributes:
        files: why, for the name of each.
    """

    def __init__(self, files: Mapping[str, str], count: int, place: Path, field: str = "root") -> None:
        self.files = {printable(name): printable(reason) for name, reason in files.items()}
        names = [f"{name} ({reason})" for name, reason in list(self.files.items())[:NAMED_FILES]]
        more = f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else ""
        super().__init__(
            f"{field} must hold readable images, got {len(files)} unreadable of {count} in {printable(str(place))}: "
            f"{', '.join(names)}{more}; repair or remove them"
        )


def place(data: Path, name: str) -> Path:
    """Return where the converted file of a folder of data lies.

    Versions up to 0.6 wrote it beside the data; one that lies there is used.

    Args:
        data: the folder, which is not written to.
        name: the file's name, of which its content must be a function.
    """
    beside = data / name
    if beside.is_file():
        return beside
    real = os.path.realpath(data)
    digest = blake2b(os.fsencode(real), digest_size=8).hexdigest()
    return cache_folder() / f"{printable(os.path.basename(real))}-{digest}" / name


@contextlib.contextmanager
def verified() -> Iterator[None]:
    """Compare the SHA-256 of every converted file that is mapped meanwhile, and convert anew what is damaged."""
    before = _verifying.set(True)
    try:
        yield
    finally:
        _verifying.reset(before)


def images(
    cache: Path,
    shape: tuple[int, ...],
    opened: Callable[[], AbstractContextManager[Listing]],
    data: Path,
    *,
    field: str = "root",
) -> torch.Tensor:
    """Return the images ``[N, *shape]`` uint8 of a cache file, made from the listing if it is not there.

    Args:
        cache: the ``.npy`` file; what it holds must be a function of its name.
        shape: one image's, ``(channels, side, side)``.
        opened: the listing, open while it is read; called only if it is needed.
        data: the folder of the images, for errors.
        field: the data set's field that names it, for errors.

    Raises:
        UnreadableImages: if any cannot be decoded; all are tried, so that all are named.
        ValueError: if the folder of the cache file is full or not writable; no unfinished file is left behind.
    """
    if not _usable(cache, shape):
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            with _lock(cache.with_suffix(".lock")) as alone:
                if not _usable(cache, shape):
                    if cache.is_file():
                        logger.warning("%s is damaged: the images are converted again", cache)
                    with opened() as listing:
                        _check_room(cache.parent, len(listing), shape)
                        _convert(cache, shape, listing, data, field, by_many=not alone)
        except OSError as error:
            raise ValueError(
                f"{CACHE} must name a folder with room for converted images, got {error.filename or cache.parent}: "
                f"{error.strerror or error}"
            ) from None
    return _mapped(cache, shape)


def _usable(cache: Path, shape: tuple[int, ...]) -> bool:
    """Return whether there is a converted file; if that is to be verified, one that is as it was written."""
    if not (cache.is_file() and _verifying.get()):
        return cache.is_file()
    return _holds(cache, shape) and is_whole(cache) is not False


def _check_room(place: Path, count: int, shape: tuple[int, ...]) -> None:
    """Raise ValueError if the converted images do not fit on the disk, before any is decoded."""
    needed, free = count * prod(shape), shutil.disk_usage(place).free
    if needed > free:
        size = "x".join(map(str, shape))
        raise ValueError(
            f"side must leave room for the converted images, got {count:,} of {size}, which need {needed / 1e9:,.1f} GB"
            f" of {free / 1e9:,.1f} GB free in {place}: take a smaller side, or name another folder in {CACHE}"
        )


def _convert(cache: Path, shape: tuple[int, ...], listing: Listing, data: Path, field: str, *, by_many: bool) -> None:
    with written_whole(cache, by_many=by_many) as unfinished:
        with unfinished.open("wb") as file:
            _write(file, shape, listing, data, field)
        seal(unfinished)


def _write(file: BinaryIO, shape: tuple[int, ...], listing: Listing, data: Path, field: str) -> None:
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
            logger.info("%d of %d images of %s converted", number, len(listing), printable(str(data)))
    if unreadable:
        raise UnreadableImages(unreadable, len(listing), data, field)
    file.write(_SEAL)


def _mapped(path: Path, shape: tuple[int, ...]) -> torch.Tensor:
    """Map the array of an ``.npy`` file.

    Raises:
        ValueError: if the file holds anything but images of this shape.
    """
    found, start = _header(path)
    if not _holds(path, shape):
        raise ValueError(
            f"{path} cannot be read: it must hold images of shape {shape} and nothing else, got the shape {found} in"
            f" {path.stat().st_size:,} bytes; remove it, and the images are converted again"
        )
    return mapping.as_tensor(mapping.mapped(path, found, np.uint8, start=start, scattered=True))


def _holds(path: Path, shape: tuple[int, ...]) -> bool:
    """Return whether a file has the length of its images, with a seal or without."""
    found, start = _header(path)
    size = path.stat().st_size - start - prod(found)
    return any(found[:1]) and found[1:] == shape and size in (0, len(_SEAL))


def _header(path: Path) -> tuple[tuple[int, ...], int]:
    """Return the shape of an ``.npy`` file of bytes and where they begin; no shape if it is none."""
    with path.open("rb") as file:
        try:
            np.lib.format.read_magic(file)
            shape, by_columns, kind = np.lib.format.read_array_header_1_0(file)
        except (TokenError, ValueError):  # NumPy reads the header as Python's tokens
            return (), 0
        return (() if by_columns or kind != np.uint8 else shape), file.tell()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Wait until no other process holds the lock; yield whether that could be had, which some file systems cannot give.

    The system frees it when its holder dies.
    """
    import fcntl

    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            yield False
        else:
            yield True
