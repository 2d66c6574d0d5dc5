"""STL-10."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from trainables.data import cache
from trainables.data.pixels import CHUNK, Pixels, check_side, resized
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, fetching, folder_of
from trainables.later import torch

FOLDER = "stl10_binary"
FILES = ("train_X.bin", "train_y.bin", "unlabeled_X.bin", "test_X.bin", "test_y.bin")
"""Those of the test set are not used, but torchvision insists on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stl10:
    """100,000 unlabelled photographs, or 5,000 in 10 classes; 96x96, scaled bilinearly to ``side``; RGB in [-1, 1].

    The first ``load`` of a side checks all files (3 GB) and scales the part once into a file of bytes in the user's
    cache; that of the unlabelled part needs 3 GB of memory. Later ones map that file. The literature on GANs takes the
    unlabelled part at 48 pixels; the nets here fit 64.

    Attributes:
        part: ``unlabeled``, or the ``train`` set with its labels; nothing of either is held out.
        root: the folder that holds ``stl10_binary``; relative to the working folder.

    Coates et al. 2011, "An Analysis of Single-Layer Networks in Unsupervised Feature Learning".
    """

    kind: Literal["stl10"] = "stl10"
    part: Literal["unlabeled", "train"] = "unlabeled"
    root: str = "data/stl10"
    side: int = 64
    source: ClassVar[str] = "Coates et al. 2011, STL-10"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        if self.part not in ("unlabeled", "train"):
            raise ValueError(f"part must be unlabeled or train, got {self.part}")
        check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def classes(self) -> int:
        """Airplane, bird, car, cat, deer, dog, horse, monkey, ship, truck; none in the unlabelled part."""
        return 10 if self.part == "train" else 0

    def check(self) -> None:
        """Look for the files without reading them.

        Raises:
            ValueError: if one is not there; says how to fetch them.
        """
        for file in FILES:
            if not (self._folder / file).is_file():
                raise ValueError(
                    f"root must hold STL-10, got {self._folder.parent} without {FOLDER}/{file}: fetch it with "
                    f"{fetching(self.kind, self.root)} (2.6 GB)"
                )

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the scaled images, scaling them first if need be.

        Raises:
            ValueError: as ``check``, or if the files' checksums are not those of the original, or the cache is
                full or not writable.
        """
        self.check()
        labels = None
        if self.part == "train":
            labels = torch.from_numpy(np.fromfile(self._folder / "train_y.bin", dtype=np.uint8).astype(np.int64) - 1)
        images = cache.images(self._cache, self.shape, self._opened, self._folder)
        truth = ImageTruth(images=images, labels=labels, classes=self.classes)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def download(self) -> None:
        """Fetch the files through torchvision (2.6 GB)."""
        from torchvision.datasets import STL10

        STL10(self.root, download=True)

    @property
    def _folder(self) -> Path:
        return folder_of(self.root) / FOLDER

    @property
    def _cache(self) -> Path:
        state = (self._folder / f"{self.part}_X.bin").stat()
        digest = blake2b(f"{state.st_size} {state.st_mtime_ns}".encode(), digest_size=8).hexdigest()
        return cache.place(self._folder, f"{self.part}_{self.side}_{digest}.npy")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[_Array]:
        from torchvision.datasets import STL10

        try:
            reader = STL10(self.root, split=self.part)
        except RuntimeError:
            raise ValueError(
                f"root must hold STL-10 undamaged, got other checksums in {self._folder}: delete that folder and fetch "
                "it again"
            ) from None
        yield _Array(reader.data, self.side)


@dataclass(frozen=True, slots=True)
class _Array:
    """The listing of an array ``[N, 3, 96, 96]``: named by number, scaled part by part."""

    images: Any
    side: int

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[cache.Named]:
        for start in range(0, len(self), CHUNK):
            part = torch.from_numpy(np.ascontiguousarray(self.images[start : start + CHUNK]))
            for place, image in enumerate(resized(part, self.side).numpy()):
                yield str(start + place), partial(_itself, image)


def _itself(image: Pixels) -> Pixels:
    return image
