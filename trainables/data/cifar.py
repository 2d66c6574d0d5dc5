"""CIFAR-10."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from trainables.data.pixels import check_memory, check_side, resized
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, fetching, folder_of
from trainables.later import torch

FILES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
"""The test batch is not used, but torchvision insists on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cifar10:
    """50,000 photographs in 10 classes, 32x32, scaled bilinearly to ``side``; RGB in [-1, 1].

    The training set alone; nothing of it is held out.

    Attributes:
        root: the folder that holds ``cifar-10-batches-py``; relative to the working folder.

    Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images".
    """

    kind: Literal["cifar10"] = "cifar10"
    root: str = "data/cifar10"
    side: int = 32
    source: ClassVar[str] = "Krizhevsky 2009, CIFAR-10 training set"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def classes(self) -> int:
        """Airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck."""
        return 10

    def check(self) -> None:
        """Look for the files without reading them.

        Raises:
            ValueError: if one is not there; says how to fetch them.
        """
        folder = folder_of(self.root)
        for file in FILES:
            if not (folder / "cifar-10-batches-py" / file).is_file():
                raise ValueError(
                    f"root must hold CIFAR-10, got {folder} without cifar-10-batches-py/{file}: fetch it with "
                    f"{fetching(self.kind, self.root)}"
                )

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load the training set.

        Raises:
            ValueError: as ``check``, or if the files' checksums are not those of the original.
        """
        from torchvision.datasets import CIFAR10

        self.check()
        try:
            reader = CIFAR10(self.root, train=True)
        except RuntimeError:  # a checksum; nothing of the file has been unpickled then
            raise ValueError(
                f"root must hold CIFAR-10 undamaged, got other checksums in {folder_of(self.root)}: delete "
                "cifar-10-batches-py in that folder and fetch it again"
            ) from None
        check_memory(len(reader.data), self.shape)
        images = torch.from_numpy(np.ascontiguousarray(reader.data.transpose(0, 3, 1, 2)))
        truth = ImageTruth(images=resized(images, self.side), labels=torch.tensor(reader.targets), classes=self.classes)
        return ImageSource(truth, device=device, dtype=dtype)

    def download(self) -> None:
        """Fetch the files through torchvision (170 MB)."""
        from torchvision.datasets import CIFAR10

        CIFAR10(self.root, download=True)
