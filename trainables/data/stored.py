"""Arrays in files, described before they are read, and read in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.text import printable

FORMATS = ".npy, .npz, .parquet, or a folder that `save_to_disk` of Hugging Face's datasets wrote"
NAMED = 8
"""Fields that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """An array of numbers ``[N, ...]`` in a file.

    Attributes:
        shape, dtype: of the whole array.
        parts: reads it in parts ``[n, ...]``, in order.
        mapped: maps the whole array for reading here and there, where the file has it as it is.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    parts: Callable[[], Iterator[npt.NDArray[Any]]]
    mapped: Callable[[], npt.NDArray[Any]] | None = None

    @property
    def count(self) -> int:
        """N."""
        return self.shape[0]

    def whole(self) -> npt.NDArray[Any]:
        """Return the array, in memory unless it is mapped."""
        return self.mapped() if self.mapped is not None else np.concatenate([*self.parts()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Images as the bytes of files such as PNG, in a column.

    Attributes:
        count: number of images.
        parts: reads them in parts, in order; None where a row has no bytes.
    """

    count: int
    parts: Callable[[], Iterator[list[bytes | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classes:
    """The class of each image as it is stored.

    Attributes:
        values: ``[N]``, numbers or names.
        names: of the numbers 0, 1, ..., where the file knows them.
    """

    values: npt.NDArray[Any]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file, or the files of a folder, with arrays by name.

    Attributes:
        path: of the file or folder.
        fields: names of its arrays; of an ``.npy`` file, which has one, that is "".
        array: opens an array by name.
        classes: reads an array of classes by name.
    """

    path: Path
    fields: tuple[str, ...]
    array: Callable[[str], Numbers | Encoded]
    classes: Callable[[str], Classes]

    def field(self, wanted: str, usual: Sequence[str], *, option: str) -> str | None:
        """Return the name of an array: the one that is wanted, or else the first usual one, or else the only one.

        Raises:
            ValueError: if there is none of the wanted name.
        """
        if wanted:
            if wanted not in self.fields:
                raise ValueError(f"{option} must be {self._listed()}, got {printable(wanted)}")
            return wanted
        known = {name.lower(): name for name in reversed(self.fields)}
        return next((known[name] for name in usual if name in known), None)

    def chosen(self, wanted: str, usual: Sequence[str], *, option: str) -> str:
        """Return the name as :meth:`field` does, or else the only one.

        Raises:
            ValueError: if it cannot be said which one is meant.
        """
        found = self.field(wanted, usual, option=option)
        if found is not None:
            return found
        if len(self.fields) == 1:
            return self.fields[0]
        raise ValueError(f"{option} must be set to {self._listed()}, as none is called {' or '.join(usual[:2])}")

    def _listed(self) -> str:
        if self.fields == ("",):
            return "left out for an .npy file, which has no fields"
        names = [printable(name) for name in self.fields[:NAMED]]
        more = f" and {len(self.fields) - NAMED} more" if len(self.fields) > NAMED else ""
        return f"a field of {printable(str(self.path))} ({', '.join(names)}{more})"


def damaged(path: Path, error: BaseException) -> ValueError:
    """Return the error of a file that cannot be read."""
    said = " ".join(str(error).split())[:200] or type(error).__name__
    return ValueError(f"path must hold readable arrays, got {printable(str(path))}: {printable(said)}")
