"""Images of the user's own arrays: NumPy, Parquet, and Hugging Face's ``datasets``."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from trainables.data import cache, formats, mapping, values
from trainables.data.labels import Labels, coded
from trainables.data.pixels import Fit, Pixels, check_side, decoded, fitted, traits
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.stored import Encoded, Numbers, Stored
from trainables.data.walking import NUMBERS_ARE_NAMES, folder_of
from trainables.later import torch
from trainables.text import printable

IMAGES = ("images", "image", "img", "x")
LABELS = ("labels", "label", "y")
"""Usual names, in lower case; the first that is there counts."""
UNLABELED = "none"
EDITION = 1
"""Raise when arrays are converted otherwise; what was converted by another edition is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayFile:
    """An array of images in a file, each as ``side`` x ``side`` RGB (or gray, with ``channels`` 1) in [-1, 1].

    ``path`` is an ``.npy`` or ``.npz`` file of NumPy, a Parquet file, a folder of Parquet files, or a folder that
    ``save_to_disk`` of Hugging Face's ``datasets`` wrote, which is read without that library. Images are ``[N, H, W]``,
    ``[N, H, W, C]`` or ``[N, C, H, W]``, or a column of encoded ones (PNG, JPEG, ...).

    Numbers are bytes, 16 bits (65,535 is white), or floats in [0, 1] or [-1, 1]. Bytes of the right size in an ``.npy``
    file are mapped as they are; all others are converted once into a file of bytes in the user's cache. Either way data
    may exceed the memory.

    A fifth of the images, at most 5,000, is held out.

    Attributes:
        path: the file or folder; relative to the working folder.
        key: the array of images, where there are several; by default images, image, img, or x.
        label_key: the array of classes; by default labels, label, or y, if there is one; ``none`` for no
            labels.
        labels: an ``.npy`` file of classes, for images in an ``.npy`` file of their own.
        fit: ``crop`` cuts the central square and scales it; ``squeeze`` scales the whole image whatever its
            proportions.
    """

    kind: Literal["array"] = "array"
    path: str = "data/images.npy"
    key: str = ""
    label_key: str = ""
    labels: str = ""
    side: int = 64
    channels: Literal[1, 3] = 3
    fit: Fit = "crop"
    source: ClassVar[str] = "the user's own images"
    paths: ClassVar[tuple[str, ...]] = ("path", "labels")
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}")
        if self.labels and self.label_key:
            raise ValueError(f"label_key must be left out beside labels, got {self.label_key} and {self.labels}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.side, self.side)

    @property
    def classes(self) -> int:
        """Number of classes that images have, from two on, read from the file; 0 if unlabelled or not readable."""
        return self.counted_classes() or 0

    def counted_classes(self) -> int | None:
        """Return the number of classes, which is read once; None if they cannot be read, for which ``check`` has words.

        Who reads a launch does not need the data, nor sound ones.
        """
        try:
            places = [folder_of(own, field) for own, field in ((self.path, "path"), (self.labels, "labels")) if own]
            return _classes(self, tuple(state for place in places for state in formats.states(place)))
        except (OSError, ValueError):
            return None

    @property
    def advice(self) -> str:
        return "name an array of images: study data check array --set path=FILE"

    def check(self) -> None:
        """Look for the images and their classes, without reading an image.

        Raises:
            ValueError: if they are not there, are no images, or have classes of other images.
        """
        found = self._opened()
        self._labels(found, self._images(found).count)

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if images cannot be converted: their number and the names of the first five; or
                if the cache is full or not writable.
        """
        found = self._opened()
        array = self._images(found)
        labels = self._labels(found, array.count)
        truth = ImageTruth(
            images=self._bytes(array),
            labels=None if labels is None else torch.from_numpy(labels.values),
            classes=0 if labels is None else len(labels.names),
            names=() if labels is None else labels.names,
        )
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def remarks(self) -> tuple[str, ...]:
        """Return which arrays of the file are not used, and which classes have no images."""
        found = self._opened()
        labels = self._labels(found, None)
        used = {found.chosen(self.key, IMAGES, option="key"), self._label_field(found)}
        said = []
        if left := [printable(name) for name in found.fields if name not in used]:
            said.append(f"the fields {', '.join(left)} not used")
        if labels is not None and labels.empty:
            said.append(f"no images of the classes {', '.join(labels.empty)}")
        return tuple(said)

    def readings(self) -> tuple[str, ...]:
        """Return how images are stored, and how they are read otherwise; reads floats and the headers of all others."""
        array = self._images(self._opened())
        if isinstance(array, Encoded):
            found = Counter(
                trait for part in array.parts() for each in part for trait in traits(io.BytesIO(each or b""))
            )
            return ("as encoded images, decoded", *(f"{count:,} {trait}" for trait, count in found.items()))
        how = values.layout(array.shape)
        stored = f"as {array.dtype.name} {list(array.shape)}"
        return (stored, *values.readings(how, values.scale(array), self.channels, self.side, self.fit))

    def _opened(self) -> Stored:
        return formats.opened(folder_of(self.path, "path"))

    def _images(self, found: Stored) -> Numbers | Encoded:
        """Describe the images.

        Raises:
            ValueError: if they are none.
        """
        array = found.array(found.chosen(self.key, IMAGES, option="key"))
        if isinstance(array, Numbers):
            try:
                values.layout(array.shape)
                values.check_type(array.dtype)
            except ValueError as error:
                raise ValueError(f"{error} (in {printable(str(found.path))})") from None
        return array

    def _label_field(self, found: Stored) -> str | None:
        if self.labels or self.label_key == UNLABELED or found.fields == ("",):
            return None
        return found.field(self.label_key, LABELS, option="label_key")

    def _labels(self, found: Stored, count: int | None) -> Labels | None:
        """Read the classes.

        Args:
            found: what the path names.
            count: number of images; if absent, the classes are counted on their own.
        """
        if self.labels:
            beside = formats.opened(folder_of(self.labels, "labels"))
            classes = beside.classes(beside.chosen("", LABELS, option="labels"))
            return coded(classes, len(classes.values) if count is None else count, "labels")
        name = self._label_field(found)
        if name is None:
            return None
        classes = found.classes(name)
        return coded(classes, len(classes.values) if count is None else count, "label_key")

    def _bytes(self, array: Numbers | Encoded) -> torch.Tensor:
        if isinstance(array, Numbers) and (mapped := _as_they_are(array, self.shape)) is not None:
            return mapped
        path = folder_of(self.path, "path")
        converted = cache.place(path, f"array_{self.side}_{self._digest(path)}.npy")
        listing = _Listing(array, self.channels, self.side, self.fit)
        return cache.images(converted, self.shape, lambda: contextlib.nullcontext(listing), path, field="path")

    def _digest(self, path: Path) -> str:
        """Name what is converted and how. A file that is written to gives another name."""
        how = (EDITION, self.key, self.channels, self.side, self.fit)
        return blake2b(repr((how, formats.states(path))).encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=64)
def _classes(data: ArrayFile, states: tuple[formats.State, ...]) -> int:
    """Count the classes of files in these states."""
    labels = data._labels(data._opened(), None)
    return 0 if labels is None else len(labels.names)


@dataclass(frozen=True, slots=True)
class _Listing:
    """The images of an array, named by their numbers from 0 on."""

    array: Numbers | Encoded
    channels: int
    side: int
    fit: Fit

    def __len__(self) -> int:
        return self.array.count

    def __iter__(self) -> Iterator[cache.Named]:
        decode = self._encoded if isinstance(self.array, Encoded) else self._converter(self.array)
        number = 0
        for part in self.array.parts():
            for each in part:
                yield f"image {number}", partial(decode, each)
                number += 1

    def _converter(self, array: Numbers) -> Any:
        how, by = values.layout(array.shape), values.scale(array)
        return lambda each: values.image(each, how, by, self.channels, self.side, self.fit)

    def _encoded(self, content: bytes | None) -> Pixels:
        if content is None:
            raise ValueError("no bytes, at most the name of a file: embed the images")
        return fitted(decoded(io.BytesIO(content), self.channels), self.side, self.fit)


def _as_they_are(array: Numbers, shape: tuple[int, ...]) -> torch.Tensor | None:
    """Return bytes of the right size as a map of the user's file; None of others."""
    how = values.layout(array.shape)
    if array.mapped is None or array.dtype != np.uint8 or (how.channels, how.height, how.width) != shape:
        return None
    return mapping.as_tensor(how.chw(array.mapped()))
