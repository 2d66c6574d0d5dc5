"""Sets of image files: which files they are, and the file of bytes that they are converted to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path

from trainables.data import cache
from trainables.data.cache import Named
from trainables.data.pixels import Fit, Pixels, decoded, fitted
from trainables.later import torch

EDITION = 3
"""Raise when files are decoded otherwise; what was converted by another edition is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Image files in their order, and what becomes of each.

    Attributes:
        root: the folder.
        names: the files, relative to the root.
        channels, side: of the converted images.
        fit: how they get that size.
        crop: side of the central square that is cut out first, in pixels of the file; absent for none.
    """

    root: Path
    names: Sequence[str]
    channels: int
    side: int
    fit: Fit
    crop: int | None = None

    @property
    def cache(self) -> Path:
        """The converted images. A file that is added, removed, renamed or written to gives another name."""
        how = (EDITION, self.channels, self.side, self.fit, self.crop)
        digest = blake2b(repr(how).encode(), digest_size=8)
        for name in self.names:
            state = (self.root / name).stat()
            digest.update(f"{name}\0{state.st_size}\0{state.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
        return cache.place(self.root, f"images_{self.side}_{digest.hexdigest()}.npy")

    def images(self) -> torch.Tensor:
        """Return ``[N, channels, side, side]`` uint8, mapped from the converted file, which is written if need be."""
        shape = (self.channels, self.side, self.side)
        return cache.images(self.cache, shape, lambda: contextlib.nullcontext(self), self.root)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Named]:
        for name in self.names:
            yield name, partial(self._pixels, self.root / name)

    def _pixels(self, file: Path) -> Pixels:
        image = decoded(file, self.channels)
        if self.crop is not None:
            left, top = (image.width - self.crop) // 2, (image.height - self.crop) // 2
            if left < 0 or top < 0:
                raise ValueError(f"{image.width}x{image.height} pixels, less than the crop of {self.crop}")
            image = image.crop((left, top, left + self.crop, top + self.crop))
        return fitted(image, self.side, self.fit)
