"""scikit-learn's bundled handwritten digits: real data that needs no download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from trainables.data.pixels import check_memory, check_side
from trainables.data.source import ImageSource, ImageTruth
from trainables.later import functional, torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """1,797 handwritten digits in 10 classes, 8x8 with 17 grey levels, enlarged bilinearly to ``side`` pixels.

    A GAN on 8x8 images has no room for the paper's strided stages; the enlargement gives the nets their shape and adds
    no information. White on black, in [-1, 1]. UCI "Optical Recognition of Handwritten Digits", test half.
    """

    kind: Literal["digits"] = "digits"
    side: int = 16
    source: ClassVar[str] = "Alpaydin & Kaynak 1998, UCI optical recognition of handwritten digits"

    def __post_init__(self) -> None:
        check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.side, self.side)

    @property
    def classes(self) -> int:
        """One class per digit."""
        return 10

    def check(self) -> None:
        """Do nothing: no file can be missing."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        check_memory(len(bunch.images), self.shape)
        small = torch.from_numpy(np.asarray(bunch.images, dtype=np.float32) / 16 * 255)[:, None]
        large = functional.interpolate(small, size=(self.side, self.side), mode="bilinear", align_corners=False)
        truth = ImageTruth(
            images=large.round().to(torch.uint8), labels=torch.from_numpy(np.asarray(bunch.target)), classes=10
        )
        return ImageSource(truth, device=device, dtype=dtype)
