"""Data sets of PyTorch and others that are asked for one item after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trainables.data import values
from trainables.data.cache import UNREADABLE, UnreadableImages
from trainables.data.labels import coded
from trainables.data.pixels import Fit, Pixels, check_memory, check_side, of_pil
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.stored import Classes
from trainables.later import torch

ASKED_TWICE = 8
"""Items that are asked for a second time, to see whether they are the same."""


class MapStyle(Protocol):
    """What ``torch.utils.data.Dataset`` calls map-style: items by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def from_dataset(
    dataset: MapStyle,
    *,
    side: int,
    channels: int,
    device: torch.device,
    dtype: torch.dtype,
    fit: Fit = "crop",
    names: Sequence[str] = (),
) -> ImageSource:
    """Return the images of a data set such as torchvision's, all read into memory: a byte per pixel and channel.

    Every block that trains at a time holds them. An ``.npy`` file of bytes is mapped instead (see ``array``).

    Items are images or pairs ``(image, label)``. An image is of PIL, or a tensor or array ``[H, W]``, ``[C, H, W]`` or
    ``[H, W, C]`` of bytes, 16 bits, or floats of which all lie in [0, 1] or all in [-1, 1]. Labels are whole numbers.
    Transforms must not be random: a data set that returns another item the second time is refused.

    Args:
        dataset: has ``len(dataset)`` and ``dataset[i]``.
        side: of the images.
        channels: 1 or 3.
        device: where batches are to be, as ``load`` of a data set is told.
        dtype: of batches.
        fit: how images get their side (see ``array``).
        names: of the labels 0, 1, ...

    Raises:
        ValueError: if there are no items, all of them exceed the machine's memory, or one is none, or cannot be read,
            or differs the second time.
    """
    check_side(side)
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 or 3, got {channels}")
    count = len(dataset)
    if not count:
        raise ValueError("dataset must hold images, got none")
    shape = (channels, side, side)
    check_memory(count, shape)
    _check_fixed(dataset, count)
    how = _How(channels, side, fit)
    read = _read(dataset, how, black=0.0) or _read(dataset, how, black=-1.0)
    assert read is not None
    images, labels = read
    found = coded(Classes(values=np.array(labels), names=tuple(names)), count, "labels") if labels else None
    truth = ImageTruth(
        images=torch.from_numpy(images),
        labels=None if found is None else torch.from_numpy(found.values),
        classes=0 if found is None else len(found.names),
        names=() if found is None else found.names,
    )
    return ImageSource(truth, device=device, dtype=dtype)


@dataclass(frozen=True, slots=True)
class _How:
    channels: int
    side: int
    fit: Fit


def _read(dataset: MapStyle, how: _How, *, black: float) -> tuple[Pixels, list[int]] | None:
    """Return all images ``[N, channels, side, side]`` and labels, of which there may be none.

    Args:
        dataset: the items.
        how: what images become.
        black: the number of black in images of floats.

    Returns:
        None if black is 0 and a float is negative, so that it must be -1.

    Raises:
        ValueError: if an item is none or cannot be read, or only some have a label.
    """
    count = len(dataset)
    images = np.empty((count, how.channels, how.side, how.side), dtype=np.uint8)
    labels: list[int] = []
    unreadable: dict[str, str] = {}
    for number in range(count):
        try:
            image, label = _item(dataset[number])
            if black == 0 and _is_signed(image):
                return None
            images[number] = _pixels(image, how, black)
        except UNREADABLE as error:
            unreadable[f"item {number}"] = str(error) or type(error).__name__
            continue
        if label is not None:
            labels.append(label)
    if unreadable:
        raise UnreadableImages(unreadable, count, Path(type(dataset).__name__), "dataset")
    if labels and len(labels) < count:
        raise ValueError(f"dataset must have labels for all images or for none, got {len(labels):,} of {count:,}")
    return images, labels


def _item(item: Any) -> tuple[Any, int | None]:
    """Return the image of an item, of PIL or an array, and its label."""
    image, label = item if isinstance(item, tuple | list) and len(item) == 2 else (item, None)
    if isinstance(image, torch.Tensor):
        image = image.detach().cpu().numpy()
    if not (isinstance(image, np.ndarray) or hasattr(image, "getexif")):
        raise ValueError(f"no image, nor a pair of an image and a label, but {type(image).__name__}")
    if label is None:
        return image, None
    number = np.asarray(label)
    if number.ndim or number.dtype.kind not in "iub":
        raise ValueError(f"a label must be a whole number, got {type(label).__name__}")
    return image, int(number)


def _pixels(image: Any, how: _How, black: float) -> Pixels:
    if not isinstance(image, np.ndarray):
        return of_pil(image, how.channels, how.side, how.fit)
    laid_out = values.layout((1, *image.shape))
    values.check_type(image.dtype)
    by = values.scale_of(image.dtype, iter([image])) if image.dtype != np.uint8 else values.BYTES
    if image.dtype.kind == "f":
        by = values.Scale(black, 1.0)
    return values.image(image, laid_out, by, how.channels, how.side, how.fit)


def _is_signed(image: Any) -> bool:
    return isinstance(image, np.ndarray) and image.dtype.kind == "f" and bool(image.min(initial=0) < -values.SLACK)


def _check_fixed(dataset: MapStyle, count: int) -> None:
    """Raise ValueError if items that are asked for again are others."""
    for number in range(min(ASKED_TWICE, count)):
        first, second = _item(dataset[number]), _item(dataset[number])
        if first[1] != second[1] or not np.array_equal(np.asarray(first[0]), np.asarray(second[0])):
            raise ValueError(
                f"dataset must return the same item every time, got two for item {number}: leave random transforms out"
            )
