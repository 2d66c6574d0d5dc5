"""Arrays in NumPy's files: ``.npy``, which is mapped, and ``.npz``, which is unpacked while it is read."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from trainables.data import mapping
from trainables.data.stored import Classes, Numbers, Stored, damaged
from trainables.text import printable

PART_BYTES = 16 * 2**20
"""About so much of an array is in memory at once."""
_DAMAGED = (EOFError, OSError, OverflowError, TokenError, ValueError, zipfile.BadZipFile, zlib.error)
"""What is raised for files that are cut short, damaged, or something else; NumPy reads headers as Python's tokens."""


def npy(path: Path) -> Stored:
    """Open a file of one array.

    Raises:
        ValueError: if it is damaged, or holds no numbers.
    """
    numbers = _npy(path)
    return Stored(path=path, fields=("",), array=lambda _: numbers, classes=lambda _: Classes(values=numbers.whole()))


def npz(path: Path) -> Stored:
    """Open a file of arrays by name.

    Raises:
        ValueError: if it is damaged, or empty.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            fields = tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))
    except _DAMAGED as error:
        raise damaged(path, error) from None
    if not fields:
        raise ValueError(f"path must hold arrays, got none in {printable(str(path))}")

    def classes(name: str) -> Classes:
        return Classes(values=_member(path, name).whole())

    return Stored(path=path, fields=fields, array=lambda name: _member(path, name), classes=classes)


def _member(path: Path, name: str) -> Numbers:
    """Describe an array of an ``.npz`` file, which is unpacked while it is read."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            shape, by_columns, dtype = _header(file)
            _check_kind(dtype, path)
    except _DAMAGED as error:
        raise _told(error, path) from None
    _check_rows(shape, path)

    def parts() -> Iterator[npt.NDArray[Any]]:
        try:
            with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
                _header(file)
                if by_columns:
                    values = np.frombuffer(file.read(), dtype)
                    yield from _split(values.reshape(shape, order="F"))
                else:
                    yield from _unpacked(file, shape, dtype)
        except _DAMAGED as error:
            raise damaged(path, error) from None

    return Numbers(shape=shape, dtype=dtype, parts=parts)


def _unpacked(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[npt.NDArray[Any]]:
    row = prod(shape[1:]) * dtype.itemsize
    step = _rows_at_once(row)
    for start in range(0, shape[0], step):
        count = min(step, shape[0] - start)
        content = file.read(count * row)
        yield np.frombuffer(content, dtype).reshape(count, *shape[1:])
    if file.read(1):  # reading to the end also compares the checksum
        raise ValueError("more values than its header says")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether columns come first, and type of an ``.npy`` file that stands at its start."""
    version = np.lib.format.read_magic(file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(file)
        if version == (2, 0):
            return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"version {version} of the format is for names of fields that are no ASCII")


def _split(array: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    step = _rows_at_once(prod(array.shape[1:]) * array.dtype.itemsize)
    return (array[start : start + step] for start in range(0, len(array), step))


def _rows_at_once(row: int) -> int:
    return max(1, PART_BYTES // max(1, row))


def _check_rows(shape: tuple[int, ...], path: Path) -> None:
    if not shape or not prod(shape):
        raise ValueError(f"path must hold an array with values, got {printable(str(path))} with shape {list(shape)}")


def _told(error: BaseException, path: Path) -> ValueError:
    """Return an error of ours as it is, and any other one as damage."""
    if isinstance(error, ValueError) and str(error).startswith("path must"):
        return error
    return damaged(path, error)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def _npy(path: Path) -> Numbers:
    try:
        with path.open("rb") as file:
            shape, by_columns, dtype = _header(file)
            start = file.tell()
        _check_kind(dtype, path)
        _check_rows(shape, path)
        size = path.stat().st_size
        order: Literal["C", "F"] = "F" if by_columns else "C"
        if size < start + prod(shape) * dtype.itemsize:
            raise ValueError(f"cut short: {size:,} bytes for an array of {_by(shape)} {dtype}")
        array = mapping.mapped(path, shape, dtype, start=start, order=order)
    except _DAMAGED as error:
        raise _told(error, path) from None

    def scattered() -> npt.NDArray[Any]:
        return mapping.mapped(path, shape, dtype, start=start, order=order, scattered=True)

    return Numbers(shape=shape, dtype=dtype, parts=lambda: _split(array), mapped=scattered)


def _check_kind(dtype: np.dtype[Any], path: Path) -> None:
    """Raise ValueError if an array holds anything but numbers or text."""
    if dtype.hasobject or dtype.kind == "V":
        raise ValueError(
            f"path must hold arrays of numbers, got {printable(str(path))} with {dtype}: pickled objects are"
            " programs and are not read"
        )
