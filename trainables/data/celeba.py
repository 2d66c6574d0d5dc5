"""CelebA: faces of celebrities, aligned by their eyes. Read from the user's copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from trainables.data.listing import Files
from trainables.data.pixels import check_side
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, fetching, folder_of
from trainables.later import torch

PARTITION = "list_eval_partition.txt"
IMAGES = "img_align_celeba"
_WIDTH = 178
"""Pixels in a row of an aligned photograph, which has 218 rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CelebA:
    """162,770 aligned photographs of faces (178x218), their central square of ``crop`` pixels scaled to ``side``.

    RGB in [-1, 1]; the training split alone. Unlabelled: the 40 attributes are no classes, they overlap. The official
    files in the layout that torchvision downloads. The first ``load`` decodes the images once into a file of bytes
    in the user's cache (2 GB at side 64), about a millisecond of one core each; later ones map it.

    Attributes:
        root: the folder that holds ``celeba/img_align_celeba`` and ``celeba/list_eval_partition.txt``; relative to the
            working folder.
        crop: side of the square in pixels of the photograph: 108 in the TensorFlow DCGAN that much of the literature
            builds on, 160 in later work on 64 and 128 pixels (more hair and background). The middle of the photograph,
            rounded towards the upper left.

    Liu et al. 2015, "Deep Learning Face Attributes in the Wild".
    """

    kind: Literal["celeba"] = "celeba"
    root: str = "data/celeba"
    side: int = 64
    crop: int = 108
    source: ClassVar[str] = "Liu et al. 2015, CelebA aligned and cropped, training set"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)
        if not 8 <= self.crop <= _WIDTH:
            raise ValueError(f"crop must be in 8..{_WIDTH}, got {self.crop}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    def check(self) -> None:
        """Look for the list and the first of its images.

        Raises:
            ValueError: if they are not there; says what to download and where to.
        """
        root = folder_of(self.root)
        for file in (f"celeba/{PARTITION}", f"celeba/{IMAGES}/000001.jpg"):
            if not (root / file).is_file():
                raise ValueError(
                    f"root must hold CelebA, got {root} without {file}: "
                    f"{fetching(self.kind, self.root)} fetches it (1.4 GB, needs the package "
                    f"gdown), or download {IMAGES}.zip and {PARTITION} from the CelebA project "
                    f"(mmlab.ie.cuhk.edu.hk/projects/CelebA.html) and unpack them in {root}/celeba"
                )

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the converted images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if images are absent or cannot be decoded: how many, and the first five; or
                if the cache is full or not writable.
        """
        self.check()
        folder = folder_of(self.root) / "celeba"
        names = _training(folder / PARTITION)
        absent = [name for name in names if not (folder / IMAGES / name).is_file()]
        if absent:
            raise ValueError(
                f"root must hold all {len(names)} training images, got {len(absent)} absent from {folder / IMAGES}: "
                f"{', '.join(absent[:5])}{' and more' if len(absent) > 5 else ''}"
            )
        files = Files(root=folder / IMAGES, names=names, channels=3, side=self.side, fit="squeeze", crop=self.crop)
        truth = ImageTruth(images=files.images(), labels=None, classes=0)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def download(self) -> None:
        """Fetch the files through torchvision, which needs the package gdown."""
        from torchvision.datasets import CelebA as Reader

        Reader(self.root, download=True)


def _training(partition: Path) -> list[str]:
    """Name the training images of lines such as ``000001.jpg 0``: 0 is training, 1 validation, 2 test."""
    try:
        rows = [line.split() for line in partition.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ValueError(f"root must hold CelebA's partition, got {partition}, which is no text: {error}") from None
    names = [row[0] for row in rows if row[1:] == ["0"]]
    if not names:
        raise ValueError(f"root must hold CelebA's partition, got no training images in {partition}")
    return names
