"""From arrays of numbers to images of bytes: which axis is which, and which number is white."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from trainables.data.pixels import Fit, Pixels, fitted
from trainables.data.stored import Numbers

CHANNELS = (1, 3, 4)
"""Gray, RGB, and RGB with transparency."""
SLACK = 1e-4
"""What floats may exceed their range by, as they do after scaling."""
Order = Literal["HW", "HWC", "CHW"]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which axis of an array of images is which.

    Attributes:
        order: of the axes of one image.
        height, width, channels: their sizes.
    """

    order: Order
    height: int
    width: int
    channels: int

    def hwc(self, image: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return one image as ``[H, W, C]``."""
        if self.order == "HW":
            return image[..., None]
        return image if self.order == "HWC" else image.transpose(1, 2, 0)

    def chw(self, images: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return many as ``[N, C, H, W]``, without a copy."""
        if self.order == "HW":
            return images[:, None]
        return images if self.order == "CHW" else images.transpose(0, 3, 1, 2)


def layout(shape: tuple[int, ...]) -> Layout:
    """Return the layout of an array of images.

    Raises:
        ValueError: if it has none, or two.
    """
    said = f"got the shape {list(shape)}"
    rule = "images must be an array [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1, 3 or 4"
    if len(shape) == 3:
        return Layout("HW", shape[1], shape[2], 1)
    if len(shape) != 4:
        raise ValueError(f"{rule}, {said}")
    last, first = shape[3] in CHANNELS, shape[1] in CHANNELS
    if last == first:
        raise ValueError(f"{rule}, {said}{', which may be either' if last else ''}")
    return Layout("HWC", *shape[1:]) if last else Layout("CHW", shape[2], shape[3], shape[1])


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers become bytes.

    Attributes:
        black, white: the numbers that become 0 and 255.
        words: what is said of it; empty for bytes.
    """

    black: float
    white: float
    words: str = ""

    def to_bytes(self, values: npt.NDArray[Any]) -> Pixels:
        """Return the nearest bytes; ties go to the even one."""
        if values.dtype == np.uint8:
            return values
        scaled = (values.astype(np.float64) - self.black) * (255 / (self.white - self.black))
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


BYTES = Scale(0, 255)


def check_type(dtype: np.dtype[Any]) -> None:
    """Raise ValueError if images cannot have this type."""
    if not (dtype == np.uint8 or _is_deep(dtype) or dtype.kind == "f"):
        raise ValueError(
            "images must be uint8, uint16, or floats in [0, 1] or [-1, 1], got"
            f" {dtype}: save them with .astype(np.uint8) if they are 0 to 255"
        )


def _is_deep(dtype: np.dtype[Any]) -> bool:
    """Return whether numbers have 16 bits, in either order of their bytes."""
    return dtype.kind == "u" and dtype.itemsize == 2


def scale(numbers: Numbers) -> Scale:
    """Say how the numbers of images become bytes, which for all but bytes reads them once.

    Raises:
        ValueError: if it cannot be said.
    """
    check_type(numbers.dtype)
    return BYTES if numbers.dtype == np.uint8 else scale_of(numbers.dtype, numbers.parts())


def scale_of(dtype: np.dtype[Any], parts: Iterator[npt.NDArray[Any]]) -> Scale:
    """Say how numbers that are no bytes become bytes, from all of them.

    Raises:
        ValueError: if floats are not finite, or lie in neither [0, 1] nor [-1, 1].
    """
    low, high = np.inf, -np.inf
    for part in parts:
        ends = float(part.min()), float(part.max())  # NaN, if one is
        if not np.isfinite(ends).all():
            raise ValueError("images must be finite, got NaN or infinity")
        low, high = min(low, ends[0]), max(high, ends[1])
    if _is_deep(dtype):
        return Scale(0, 65_535, f"from {low:,.0f} to {high:,.0f}, scaled to 8 bits: 65,535 is white")
    if low < -1 - SLACK or high > 1 + SLACK:
        raise ValueError(
            f"images of floats must lie in [0, 1] or [-1, 1], got {low:.4g} to {high:.4g}: save bytes 0 to 255 as uint8"
        )
    black = -1.0 if low < -SLACK else 0.0
    return Scale(black, 1.0, f"from {low:.4g} to {high:.4g}, scaled to 8 bits: {black:g} is black and 1 white")


def image(values: npt.NDArray[Any], how: Layout, by: Scale, channels: int, side: int, fit: Fit) -> Pixels:
    """Return one image as bytes ``[channels, side, side]``; transparent ones are laid on white."""
    pixels = np.ascontiguousarray(by.to_bytes(how.hwc(values)))
    if how.channels == channels and how.height == how.width == side:
        return pixels.transpose(2, 0, 1)
    from PIL import Image

    if how.channels == 1:
        drawn = Image.fromarray(pixels[..., 0])
    else:
        drawn = Image.fromarray(pixels)
        if how.channels == 4:
            drawn = Image.alpha_composite(Image.new("RGBA", drawn.size, "white"), drawn)
    return fitted(drawn.convert("L" if channels == 1 else "RGB"), side, fit)


def readings(how: Layout, by: Scale, channels: int, side: int, fit: Fit) -> Iterator[str]:
    """Yield how images are read otherwise than they are stored, a clause for each way."""
    if by.words:
        yield by.words
    if (how.height, how.width) != (side, side):
        cut = ", their central square" if fit == "crop" and how.height != how.width else ""
        yield f"{how.height}x{how.width} pixels, scaled to {side}x{side}{cut}"
    if how.channels == 4:
        yield "with transparency, laid on white"
    if (how.channels == 1) != (channels == 1):
        yield "in color, turned gray" if channels == 1 else "gray, repeated in three channels"
