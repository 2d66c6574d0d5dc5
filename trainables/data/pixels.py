"""From image files and arrays to bytes of one size. Scaling is bilinear, over all pixels covered when it shrinks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from trainables.later import functional, torch

if TYPE_CHECKING:
    from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]
Fit = Literal["crop", "squeeze"]
"""``crop`` cuts the central square and scales it; ``squeeze`` scales the whole image whatever its proportions."""

MODES = {1: "L", 3: "RGB"}
DEEP = ("F", "I")
CHUNK = 2_048


def decoded(file: Path | BinaryIO, channels: int) -> Image:
    """Decode an image of one (luma) or three channels (RGB) of 8 bits, to its last pixel; transparency is dropped.

    Stored orientation (EXIF) is not applied, as torchvision's loader does not.

    Raises:
        OSError, SyntaxError, ValueError: if the file is cut short, damaged, no image, or has more than 8 bits per
            channel, which PIL would clip to white.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        opened = Image.open(file)
    except UnidentifiedImageError:
        raise ValueError("no image of a known format") from None
    # Decoding finds what verify() does not, and all damage to pixels that verify() finds (PNG checksums).
    with opened as image:
        if image.mode.partition(";")[0] in DEEP:
            raise ValueError(f"more than 8 bits per channel, mode {image.mode}")
        return image.convert(MODES[channels])


def fitted(image: Image, side: int, fit: Fit) -> Pixels:
    """Fit an image into a square: ``[channels, side, side]``."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    size = (side, side)
    crop = fit == "crop"
    small = ImageOps.fit(image, size, Resampling.BILINEAR) if crop else image.resize(size, Resampling.BILINEAR)
    array = np.asarray(small)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def resized(images: Tensor, side: int) -> Tensor:
    """Resize ``[N, C, h, h] -> [N, C, side, side]``, uint8; the same tensor if it has that size."""
    if images.shape[-1] == side:
        return images
    return torch.cat(list(resized_chunks(images, side)))


def resized_chunks(images: Tensor, side: int) -> Iterator[Tensor]:
    """Resize in parts, in order, for arrays whose float copy would not fit."""
    for chunk in images.split(CHUNK):
        floats = chunk.to(torch.float32)
        scaled = functional.interpolate(
            floats, size=(side, side), mode="bilinear", align_corners=False, antialias=side < images.shape[-1]
        )
        yield scaled.round_().clamp_(0, 255).to(torch.uint8)
