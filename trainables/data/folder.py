"""Any folder of image files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from trainables.data.listing import Files
from trainables.data.pixels import Fit, check_side, traits
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, Found, files_below, files_in, folder_of, folders_in
from trainables.later import torch
from trainables.text import printable

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm"),
)
"""Those of torchvision's ImageFolder and others that PIL reads without a program or package of their own."""
UNREAD = (*(".heic", ".heif", ".jxl", ".svg", ".psd", ".raw"), *(".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf"))
"""Endings of images that are not read: a class of these alone is no class without images."""
PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"})
"""Names of the parts of a data set, which are no classes, in lower case."""
NAMED = 3
"""Files or folders that a sentence names."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a folder holds.

    Attributes:
        images: files of each class by its name, in order; of an unlabelled set, all files under the name "".
        empty: folders without an image.
        left_out: number of files by ending that are no images, or not read.
        special: number of pipes, sockets and devices.
    """

    images: Mapping[str, tuple[str, ...]]
    empty: tuple[str, ...]
    left_out: Mapping[str, int]
    special: int

    @property
    def files(self) -> list[str]:
        """All images, class by class."""
        return [name for own in self.images.values() for name in own]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, as they can be printed; none of an unlabelled set."""
        return tuple(map(printable, self.images)) if len(self.images) > 1 else ()

    @property
    def deeper(self) -> tuple[str, ...]:
        """Names of folders that would be classes if the single folder that they lie in were the root."""
        if len(self.images) != 1 or "" in self.images:
            return ()
        parts = [Path(name).parts for own in self.images.values() for name in own]
        found = dict.fromkeys(own[1] if len(own) > 2 else "" for own in parts)
        return () if "" in found or len(found) < 2 else tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolder:
    """A folder of image files, each as ``side`` x ``side`` RGB (or gray, with ``channels`` 1) in [-1, 1].

    With two or more sub-folders that hold images, each is a class and their names in order are the labels 0, 1, ...
    (the layout of torchvision's ImageFolder; files may lie deeper). A folder of files alone, or with a single
    sub-folder, is unlabelled. Hidden files and folders, those that file servers and systems make (``@eaDir``,
    ``__MACOSX``), and files without the extension of an image do not count. Links are followed, and each folder is
    visited once.

    Images are turned as their EXIF orientation says, transparent pixels show white, 16 bits of gray are scaled to 8,
    and of several frames the first is taken.

    A fifth of the images, at most 5,000, is held out. The first ``load`` decodes all files once into a file of bytes in
    the user's cache, about a millisecond of one core per image; later ones map that file as long as names, sizes and
    times of the files stay what they are. Nothing is written to the folder. A file that cannot be decoded to its last
    pixel is an error that names it.

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
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)
        if self.channels not in (1, 3):
            raise ValueError(f"channels must be 1 or 3, got {self.channels}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, self.side, self.side)

    @property
    def classes(self) -> int:
        """Number of sub-folders with images from two on, read from the disk; 0 if unlabelled or not there."""
        folder = folder_of(self.root)
        if not folder.is_dir():
            return 0
        count = sum(any(map(_is_image, files_below(folder, name))) for name in folders_in(folder))
        return count if count > 1 else 0

    @property
    def advice(self) -> str:
        return (
            f"put your images in {self.root}, or in one folder per class in it, or name another folder:"
            " study data check image_folder --set root=FOLDER"
        )

    def check(self) -> None:
        """Look for images in the folder, without reading any.

        Raises:
            ValueError: if there are none, or it cannot be said which classes they have, or a link leads to nothing.
        """
        self._contents()

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the converted images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if files cannot be decoded: their number and the names of the first five; or if
                the cache is full or not writable.
        """
        contents = self._contents()
        files = Files(
            root=folder_of(self.root), names=contents.files, channels=self.channels, side=self.side, fit=self.fit
        )
        names = contents.classes
        counts = torch.tensor([len(own) for own in contents.images.values()])
        labels = torch.arange(len(counts)).repeat_interleave(counts) if names else None
        truth = ImageTruth(images=files.images(), labels=labels, classes=len(names), names=names)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def first(self) -> Path:
        """Return the path of the first image.

        Raises:
            ValueError: as ``check``.
        """
        return folder_of(self.root) / self._contents().files[0]

    def remarks(self) -> tuple[str, ...]:
        """Return which files and folders are not used, without opening any."""
        contents = self._contents()
        found = []
        if contents.left_out:
            found.append(f"{_counted(contents.left_out)} left out")
        if contents.special:
            found.append(f"{contents.special} left out that are no files but pipes, sockets or devices")
        if contents.empty:
            found.append(f"no images in {_listed(contents.empty)}")
        if deeper := contents.deeper:
            (outer,) = contents.images
            here = printable(str(folder_of(self.root) / outer))
            found.append(
                f"the folders in {printable(outer)}/ are no classes ({_listed(deeper)}): to have them, set root={here}"
            )
        return tuple(found)

    def readings(self) -> tuple[str, ...]:
        """Return how many images are read otherwise than they lie on the disk, by their headers."""
        folder = folder_of(self.root)
        found = Counter(trait for name in self._contents().files for trait in traits(folder / name))
        return tuple(f"{count:,} {trait}" for trait, count in found.items())

    def _contents(self) -> Contents:
        """Walk the folder.

        Raises:
            ValueError: as ``check``.
        """
        folder = folder_of(self.root)
        if not folder.is_dir():
            raise ValueError(f"root must be a folder of images, got {printable(str(folder))}, which is none")
        top, below = list(files_in(folder)), {name: list(files_below(folder, name)) for name in folders_in(folder)}
        every = [*top, *(found for own in below.values() for found in own)]
        images = {name: tuple(each.name for each in own if _is_image(each)) for name, own in {"": top, **below}.items()}
        with_images = {name: own for name, own in images.items() if own}
        _check(folder, with_images, below, every)
        return Contents(
            images=with_images,
            empty=tuple(name for name in below if name not in with_images),
            left_out=Counter(_ending(each.name) for each in every if each.kind == "file" and not _is_image(each)),
            special=sum(each.kind == "special" for each in every),
        )


def _check(
    folder: Path,
    images: Mapping[str, tuple[str, ...]],
    below: Mapping[str, list[Found]],
    every: list[Found],
) -> None:
    """Raise ValueError if there are no images, or it cannot be said which classes they have, or some are lost."""
    here = printable(str(folder))
    if lost := [each.name for each in every if each.kind == "lost" and _has_ending(each.name, EXTENSIONS)]:
        raise ValueError(
            f"root must hold readable images, got links that lead to nothing in {here}: {_listed(lost)}; repair or"
            " remove them"
        )
    if not images:
        others = Counter(_ending(each.name) for each in every if each.kind == "file")
        there = f", but {_counted(others)}" if others else ""
        raise ValueError(f"root must hold images ({', '.join(EXTENSIONS)}), got none in {here}{there}")
    classes = [name for name in images if name]
    if "" in images and classes:
        raise ValueError(
            f"root must hold images or class folders, got both in {here}: {printable(images[''][0])} and"
            f" {printable(classes[0])}/"
        )
    if len(parts := [name for name in classes if name.lower() in PARTS]) > 1:
        raise ValueError(
            f"root must be one set of images, got the parts {_listed(parts)} of a data set, which are no classes, in"
            f" {here}: point it at one of them, such as {here}/{printable(_training(parts))}"
        )
    for name, own in below.items():
        if name not in images and (unread := [each for each in own if _has_ending(each.name, UNREAD)]):
            raise ValueError(
                f"root must hold images that can be read in every folder, got {_counted(_endings(unread))} alone in"
                f" {here}/{printable(name)}: convert them to .jpg or .png, or remove the folder"
            )


def _training(parts: list[str]) -> str:
    return next((name for name in parts if name.lower().startswith("train")), parts[0])


def _is_image(found: Found) -> bool:
    return found.kind == "file" and _has_ending(found.name, EXTENSIONS)


def _has_ending(name: str, endings: tuple[str, ...]) -> bool:
    return name.lower().endswith(endings)


def _ending(name: str) -> str:
    return Path(name).suffix.lower() or "without an ending"


def _endings(files: list[Found]) -> Counter[str]:
    return Counter(_ending(each.name) for each in files)


def _counted(endings: Mapping[str, int]) -> str:
    """Return e.g. ``3 files (2 .heic, 1 .txt)``, the most frequent first."""
    ordered = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    each = ", ".join(f"{count:,} {printable(ending)}" for ending, count in ordered)
    total = sum(endings.values())
    return f"{total:,} {'file' if total == 1 else 'files'} ({each})"


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(printable(name) for name in names[:NAMED])}{more}"
