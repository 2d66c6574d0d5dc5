"""Labels as users store them, numbers or names, to the classes 0, 1, ... of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data.stored import Classes
from trainables.text import printable


@dataclass(frozen=True, slots=True)
class Labels:
    """Classes by number.

    Attributes:
        values: ``[N]`` int64, in 0..len(names) - 1.
        names: of the classes.
        empty: names that no image has.
    """

    values: npt.NDArray[np.int64]
    names: tuple[str, ...]
    empty: tuple[str, ...] = ()


def coded(found: Classes, count: int, field: str) -> Labels | None:
    """Return the classes of images, in the order of their numbers or names; None if all images have one class.

    Args:
        found: as stored.
        count: number of the images.
        field: the data set's field that names them, in errors.

    Raises:
        ValueError: if they are no classes, or of other images.
    """
    values = found.values
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (count,):
        raise ValueError(
            f"{field} must name a class for each of the {count:,} images, got an array of the shape"
            f" {list(values.shape)}"
        )
    if values.dtype.kind not in "iubUS":
        raise ValueError(f"{field} must name whole numbers or names as classes, got {values.dtype}")
    distinct, codes = np.unique(values, return_inverse=True)
    if values.dtype.kind in "iu" and distinct[0] < 0:
        unlabeled = int((values < 0).sum())
        raise ValueError(
            f"{field} must name classes from 0 on, got {distinct[0]}, and {unlabeled:,} of {count:,} images with a"
            " negative one, which often means none"
        )
    if found.names and distinct[-1] >= len(found.names):
        raise ValueError(
            f"{field} must name one of {len(found.names)} classes for each image, got number {distinct[-1]}"
        )
    if len(distinct) < 2:
        return None
    names = tuple(_name(each, found.names) for each in distinct)
    empty = tuple(printable(name) for name in found.names if printable(name) not in names)
    return Labels(values=codes.astype(np.int64), names=names, empty=empty)


def _name(value: Any, names: tuple[str, ...]) -> str:
    if names:
        return printable(names[int(value)])
    return printable(value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value))
