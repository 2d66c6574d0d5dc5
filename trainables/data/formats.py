"""Which reader opens a file or folder of arrays."""

from __future__ import annotations

import os
from pathlib import Path

from trainables.data import numpy_files
from trainables.data.stored import FORMATS, Stored
from trainables.text import printable


def files_of(path: Path) -> list[Path]:
    """Return the files that a stored array is in, in order.

    Raises:
        ValueError: if there is nothing at the path, or nothing that is read.
    """
    if path.is_file() and path.suffix.lower() in (".npy", ".npz", ".parquet"):
        return [path]
    if path.is_dir():
        from trainables.data import columns  # loads pyarrow

        return columns.files_in(path)
    got = "nothing" if not path.exists() else f"a {path.suffix or 'file without an ending'}"
    raise ValueError(f"path must be {FORMATS}, got {printable(str(path))}, where there is {got}")


State = tuple[str, int, int]
"""Path, size and time of a file, in nanoseconds: another one after it was written to."""


def states(path: Path) -> tuple[State, ...]:
    """Return the state of each file that a stored array is in.

    Raises:
        OSError: if one is gone.
        ValueError: as :func:`files_of`.
    """
    found = [(file, file.stat()) for file in files_of(path)]
    return tuple((os.fspath(file), state.st_size, state.st_mtime_ns) for file, state in found)


def opened(path: Path) -> Stored:
    """Open a file or folder without reading its arrays.

    Raises:
        ValueError: as :func:`files_of`, or if it is damaged.
    """
    files = files_of(path)
    suffix = files[0].suffix.lower()
    if suffix == ".npy":
        return numpy_files.npy(path)
    if suffix == ".npz":
        return numpy_files.npz(path)
    from trainables.data import columns

    return columns.opened(path, files)
