"""Arrays from outside: whatever a user's framework makes, as the numbers that the probes measure."""

from collections.abc import Mapping
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from study.formatting import quoted

Range = tuple[float, float]
"""The values that are black and white."""
USUAL: Range = (-1.0, 1.0)
_FLOAT, _BYTES = np.dtype(np.float32), np.dtype(np.uint8)


def as_array(name: str, value: object) -> npt.NDArray[Any]:
    """Return a tensor or array of any framework as a NumPy array.

    Raises:
        ValueError: if it holds anything but numbers.
    """
    if isinstance(value, Tensor):
        tensor = value.detach().cpu()
        array = (tensor.float() if tensor.dtype is torch.bfloat16 else tensor).numpy()
    else:
        array = _other(name, value)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name} must be an array of numbers, got {_kind(value, array)}")
    return array


def _other(name: str, value: object) -> npt.NDArray[Any]:
    try:
        return np.asarray(value)
    except (ValueError, TypeError, RuntimeError):
        raise ValueError(f"{name} must be an array of numbers, got {type(value).__name__}") from None


def _kind(value: object, array: npt.NDArray[Any]) -> str:
    return type(value).__name__ if array.dtype.kind == "O" else f"values of type {array.dtype}"


def as_range(value: object) -> Range | None:
    """Return the values that are black and white.

    Raises:
        ValueError: if they are not two finite numbers, the smaller one first.
    """
    if value is None:
        return None
    if isinstance(value, tuple | list) and len(value) == 2 and all(isinstance(own, Real) for own in value):
        low, high = float(value[0]), float(value[1])
        if isfinite(low) and isfinite(high) and low < high:
            return low, high
    raise ValueError(f"value_range must be two numbers (black, white), the smaller first, got {quoted(value)}")


def as_images(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return images ``[N, C, H, W]``, gray ones also from ``[N, H, W]``.

    Raises:
        ValueError: if they are none, or not square, or have neither one nor three channels.
    """
    images = array[:, None] if array.ndim == 3 else array
    if images.ndim != 4 or not len(images) or images.shape[1] not in (1, 3) or images.shape[2] != images.shape[3]:
        last = images.ndim == 4 and images.shape[3] in (1, 3) and images.shape[1] == images.shape[2]
        raise ValueError(
            f"{name} must be square images [N, C, H, W] with C 1 or 3, got {list(array.shape)}"
            + (": move the channels to the second place" if last else "")
        )
    return images


def as_bytes(name: str, images: npt.NDArray[Any], value_range: Range | None) -> npt.NDArray[np.uint8]:
    """Return real images as bytes; floats lie in ``value_range``, by default [-1, 1].

    Raises:
        ValueError: if a value is not finite or out of its range.
    """
    if images.dtype == _BYTES:
        return np.ascontiguousarray(images)
    floats = _in_usual(name, images, value_range, first=True).astype(np.float64)
    if not np.isfinite(floats).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")
    if np.abs(floats).max() > 1 + 1e-3:
        low, high = value_range or USUAL
        raise ValueError(
            f"{name} must lie in [{low:g}, {high:g}], got {images.min():g} to {images.max():g}: give value_range"
        )
    return ((floats.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def as_samples(value: object, shape: tuple[int, ...], count: int, value_range: Range | None, *, first: bool) -> Tensor:
    """Return ``[count, *shape]`` float32 samples on the CPU, images in [-1, 1]; of more samples the first.

    Args:
        value: a tensor or array of any framework; bytes, or floats in ``value_range``, by default [-1, 1].
        shape: of a real sample.
        count: samples that are measured.
        value_range: the values that are black and white.
        first: whether these are the first samples of a loop, where a mistaken range shows.

    Raises:
        ValueError: if they are too few, of another shape, or whole numbers whose range is not known.
    """
    array = as_array("samples", value)
    if len(shape) == 3 and array.ndim == 3 and shape[0] == 1:
        array = array[:, None]
    if array.shape[1:] != shape:
        due = ", ".join(map(str, shape))
        raise ValueError(f"samples must be [N, {due}], as the real ones, got {list(array.shape)}")
    if len(array) < count:
        raise ValueError(f"samples must be {count} or more at each report, got {len(array)}: set samples to fewer")
    array = array[:count]
    if len(shape) == 3:
        array = _in_usual("samples", array, value_range, first=first)
    elif array.dtype.kind != "f":
        raise ValueError(f"samples must be floats to be points, got {array.dtype}")
    with np.errstate(over="ignore"):
        return torch.from_numpy(np.array(array, dtype=_FLOAT))


def as_labels(value: object, classes: int, count: int) -> Tensor:
    """Return the classes ``[count]`` that samples were made for; of more the first.

    Raises:
        ValueError: if they are too few, or no whole numbers in [0, classes); or the data have no classes.
    """
    if not classes:
        raise ValueError("labels must be left out: data have no classes to compare them with")
    array = as_array("labels", value)
    if array.ndim != 1 or len(array) < count:
        raise ValueError(f"labels must be [N], one for each of the {count} samples or more, got {list(array.shape)}")
    array = array[:count]
    if array.dtype.kind == "f" or not ((array >= 0) & (array < classes)).all():
        raise ValueError(f"labels must be whole numbers in [0, {classes - 1}], got {array.min():g} to {array.max():g}")
    return torch.from_numpy(array.astype(np.int64))


def _in_usual(name: str, images: npt.NDArray[Any], value_range: Range | None, *, first: bool) -> npt.NDArray[Any]:
    """Scale images to [-1, 1]."""
    if images.dtype == _BYTES:
        return images.astype(_FLOAT) / _FLOAT.type(127.5) - _FLOAT.type(1)
    if images.dtype.kind != "f" and value_range is None:
        raise ValueError(f"{name} must be floats or uint8, got {images.dtype}: give value_range=(black, white)")
    if value_range is None:
        if first and np.isfinite(images).all() and images.min() >= 0:
            raise ValueError(
                f"{name} must lie in [-1, 1], got {images.min():g} to {images.max():g}: give value_range=(black, white)"
            )
        return images
    low, high = value_range
    if (low, high) == USUAL:
        return images
    scaled: npt.NDArray[Any] = (images.astype(np.float64) - low) / (high - low) * 2 - 1
    return scaled


def as_numbers(values: Mapping[str, object]) -> dict[str, float]:
    """Return the further numbers of a report: Python's, NumPy's, or tensors of one entry.

    Raises:
        ValueError: if one is no number.
    """
    return {name: _number(name, value) for name, value in values.items()}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool | str) or value is None:
        raise ValueError(f"{name} must be a number, got {quoted(value)}")
    array = as_array(name, value)
    if array.size != 1:
        raise ValueError(f"{name} must be one number, got {list(array.shape)}")
    return float(array.reshape(()))
