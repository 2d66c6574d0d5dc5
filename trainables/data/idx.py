"""The files of MNIST and its relatives, packed or not, in whichever of the usual folders they lie."""

import gzip
import re
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.data.walking import fetching, files_in, folder_of, folders_in
from trainables.text import printable

LEVELS = 3
"""Folders inside each other that are looked into below the root."""
KINDS = {"mnist": "mnist", "fashionmnist": "fashion_mnist"}
"""The kinds of the sets that can be had, by the letters of their names."""
RELATIVES = frozenset({*KINDS, "kmnist", "emnist", "qmnist"})
"""Sets whose files have the same names, by the letters of the folders that hold them."""
_NAMES = tuple(re.compile(rf"train-{what}[-.]idx{axes}-ubyte(\.gz)?") for what, axes in (("images", 3), ("labels", 1)))
_UNSIGNED_BYTES = 8


class Places(NamedTuple):
    """Where the images and the labels of a training set are."""

    images: Path
    labels: Path


def find(root: str, name: str) -> Places:
    """Return the files of a training set: those of one folder, the nearest to the root, or the only ones.

    Args:
        root: the folder to look into.
        name: the set's name; folders named after a relative of it are left out.

    Raises:
        ValueError: if the files are not there; says what was looked for and how to fetch it.
    """
    top = folder_of(root)
    found: tuple[list[Path], list[Path]] = ([], [])
    if top.is_dir():
        for folder in _folders(top, RELATIVES - {name.lower()}, LEVELS):
            own = [_matching(top / folder, pattern) for pattern in _NAMES]
            if own[0] and own[1]:
                return Places(own[0][0], own[1][0])
            for every, here in zip(found, own, strict=True):
                every += here
    if all(len(every) == 1 for every in found):
        return Places(found[0][0], found[1][0])
    lacking = " and ".join(
        f"train-{what}-ubyte" for what, every in zip(("images-idx3", "labels-idx1"), found, strict=True) if not every
    )
    others = {kind for letters, kind in KINDS.items() if letters != name.lower() and _is_in(top, letters)}
    other = next(iter(others), "")
    advice = f"fetch it with {fetching(KINDS[name.lower()], root)}"
    raise ValueError(
        f"root must hold {name}, got {printable(str(top))} without {lacking or 'images and labels in one folder'},"
        f" packed (.gz) or not, looked for there and in {LEVELS} levels of folders below: "
        + (f"{other} is there, not {name}; " if other else "")
        + advice
    )


def _is_in(top: Path, letters: str) -> bool:
    """Return whether the files of a set lie below a folder, in one that is named after it."""
    folders = _folders(top, RELATIVES - {letters}, LEVELS) if top.is_dir() else ()
    return any(
        letters in map(_letters, folder.parts) and all(_matching(top / folder, pattern) for pattern in _NAMES)
        for folder in folders
    )


def read(path: Path, axes: int) -> npt.NDArray[np.uint8]:
    """Read an array of bytes: magic number, big-endian sizes, values; unpacked on the way if need be.

    Args:
        path: the file.
        axes: number of sizes that the array has.

    Raises:
        ValueError: if the file is damaged.
    """
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path.name}: {error}") from None
    start = 4 + 4 * axes
    if content[:4] != bytes((0, 0, _UNSIGNED_BYTES, axes)) or len(content) < start:
        raise ValueError(f"{path.name}: not the files' format")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    values = np.frombuffer(content, dtype=np.uint8, offset=start)
    if len(values) != prod(shape):
        raise ValueError(f"{path.name}: {len(values):,} values for a shape of {shape}")
    return values.reshape(shape)


def _folders(root: Path, foreign: frozenset[str], levels: int) -> Iterator[Path]:
    """Yield the root, the folders in it, the folders in these, and so on: relative to the root."""
    waiting = [Path()]
    for _ in range(levels + 1):
        yield from waiting
        waiting = [
            folder / name for folder in waiting for name in folders_in(root / folder) if _letters(name) not in foreign
        ]


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _matching(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """Return the files of a name, the unpacked one first."""
    names = [found.name for found in files_in(folder) if found.kind == "file" and pattern.fullmatch(found.name)]
    return [folder / name for name in sorted(names, key=lambda name: name.endswith(".gz"))]
