"""Any folder of image files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from trainables.data.listing import Files
from trainables.data.pixels import Fit
from trainables.data.source import ImageSource, ImageTruth
from trainables.later import torch

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Those of torchvision's ImageFolder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """A folder of image files, each as ``side`` x ``side`` RGB (or gray, with ``channels`` 1) in [-1, 1].

    With two or more sub-folders, each is a class and their names in order are the labels 0, 1, ... (the layout of
    torchvision's ImageFolder; files may lie deeper). A folder of files alone, or with a single sub-folder, is
    unlabelled. Hidden files and folders, and files without the extension of an image, do not count.

    Every image is trained on: nothing is held out. The first ``load`` decodes all files once into a file of bytes in
    the root, about a millisecond of one core per image; later ones map that file as long as names, sizes and times of
    the files stay what they are. A file that cannot be decoded to its last pixel is an error that names it.

    Attributes:
        root: the folder; relative to the working folder.
        fit: ``crop`` cuts the central square and scales it; ``squeeze`` scales the whole image whatever its
            proportions.
    """

    kind: Literal["image_folder"] = "image_folder"
    root: str = "data/image_folder"
    side: int = 64
    channels: Literal[1, 3] = 3
    fit: Fit = "crop"
    source: ClassVar[str] = "the user's own images"

    def __post_init__(self) -> None:
        if self.side < 8:
            raise ValueError(f"side must be >= 8, got {self.side}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.side, self.side)

    @property
    def classes(self) -> int:
        """Number of sub-folders from two on, read from the disk; 0 if the folder is unlabelled or not there."""
        if not Path(self.root).is_dir():
            return 0
        count = len(self._folders())
        return count if count > 1 else 0

    def check(self) -> None:
        """Look for one image in each class, without reading any.

        Raises:
            ValueError: if there are none, or a class is empty, or images lie beside the classes.
        """
        folder = Path(self.root).absolute()
        if not folder.is_dir():
            raise ValueError(f"root must be a folder of images, got {folder}, which is none")
        folders = self._folders()
        loose = next(_images_in(folder), None)
        if folders and loose:
            raise ValueError(f"root must hold images or class folders, got both in {folder}: {loose} and {folders[0]}/")
        empty = [name for name in folders or [""] if next(_images_below(folder, name), None) is None]
        if empty:
            place = " and ".join(str(folder / name) for name in empty[:3])
            raise ValueError(f"root must hold images ({', '.join(EXTENSIONS)}), got none in {place}")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the converted images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if files cannot be decoded: their number and the names of the first five.
            OSError: if the disk is full or the folder not writable; no unfinished file is left behind.
        """
        self.check()
        folder, folders = Path(self.root).absolute(), self._folders()
        names, labels = [], []
        for label, name in enumerate(folders or [""]):
            own = list(_images_below(folder, name))
            names += own
            labels += [label] * len(own)
        files = Files(root=folder, names=names, channels=self.channels, side=self.side, fit=self.fit)
        classes = len(folders) if len(folders) > 1 else 0
        truth = ImageTruth(images=files.images(), labels=torch.tensor(labels) if classes else None, classes=classes)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def _folders(self) -> list[str]:
        with os.scandir(self.root) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _images_in(folder: Path) -> Iterator[str]:
    """Return the names of the images directly in a folder, in no order."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_image(entry.name) and entry.is_file():
                yield entry.name


def _images_below(root: Path, name: str) -> Iterator[str]:
    """Return images in ``root / name`` and all folders in it, relative to the root, in torchvision's order."""
    for place, folders, files in os.walk(root / name, followlinks=True):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        for file in sorted(files):
            if _is_image(file):
                yield os.path.relpath(os.path.join(place, file), root)


def _is_image(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS) and not name.startswith(".")
