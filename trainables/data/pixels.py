"""From image files and arrays to bytes of one size. Scaling is bilinear, over all pixels covered when it shrinks."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, Literal

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
PROGRAMS = ("EPS", "WMF")
"""Formats that PIL gives to a program of the machine, which would execute what the file says."""
BITS, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0
"""Two tags of TIFF, and the value of the second one in negatives, which is what a missing one means to PIL."""
ORIENTATION = 0x0112
"""The EXIF tag of how the camera was held; 1 is upright."""
CHUNK = 2_048
LEAST_SIDE, MOST_SIDE = 8, 1_024
LIMIT = Path("/sys/fs/cgroup/memory.max")
"""The memory that a container may use, on Linux."""


def check_side(side: int, least: int = LEAST_SIDE) -> None:
    """Raise ValueError if images cannot have this side."""
    if not least <= side <= MOST_SIDE:
        raise ValueError(f"side must be in {least}..{MOST_SIDE}, got {side}")


def check_memory(count: int, shape: tuple[int, ...], *, field: str = "side") -> None:
    """Raise ValueError if images that are kept in memory exceed the machine's; none of that size has been made then.

    Args:
        count: number of images.
        shape: one image's.
        field: the data set's field to make smaller.
    """
    needed, there = count * prod(shape), memory()
    if needed > there:
        size = "x".join(map(str, shape))
        raise ValueError(
            f"{field} must leave room for the images in memory, got {count:,} of {size}, which need"
            f" {needed / 1e9:,.1f} GB of {there / 1e9:,.1f} GB: take a smaller {field}"
        )


def memory() -> int:
    """Return the bytes of memory that this process may use."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = LIMIT.read_text(encoding="ascii").strip()
    except OSError:
        return machine
    return min(machine, int(limit)) if limit.isdecimal() else machine


def decoded(file: Path | BinaryIO, channels: int) -> Image:
    """Decode an image of one (luma) or three channels (RGB) of 8 bits, to its last pixel.

    It is turned as its EXIF orientation says, transparency is laid on white, and of several frames the first is taken.
    12 and 16 bits of gray are scaled to 8.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged, cut short, no image, or too large, or has pixels whose white is not known.
    """
    with opened(file) as image:
        return _plain(image).convert(MODES[channels])


@contextmanager
def opened(file: Path | BinaryIO) -> Iterator[Image]:
    """Yield an image, decoded to its last pixel; whatever damage does here and in the body is one of two errors.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged, cut short, no image, or too large.
    """
    if isinstance(file, Path):  # by its name PIL would map it, and scramble a TIFF that lies on its side
        with file.open("rb") as stream, opened(stream) as image:
            yield image
        return
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a size near the limit and odd EXIF: the image is decoded, or refused below
        try:
            with Image.open(file) as image:
                if image.format in PROGRAMS:
                    raise UnidentifiedImageError
                if image.format == "PNG" and image.fp is not None:
                    _check_png(image.fp)
                image.load()
                yield image
        except UnidentifiedImageError:
            raise ValueError("no image of a known format") from None
        except Image.DecompressionBombError:
            limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
            raise ValueError(f"more than {limit:,} pixels: scale it down") from None
        except ValueError:
            raise
        except OSError as error:
            if error.errno is not None:
                raise
            raise ValueError(str(error)) from None  # which PIL raises of files that are cut short
        except Exception as error:  # decoders trip over damage in any way: IndexError, zlib.error, SyntaxError ...
            raise ValueError(f"damaged: {type(error).__name__}: {error}") from None


def stored(path: Path) -> Image:
    """Return the image in a file as it is.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is damaged or no image; names the file.
    """
    try:
        with opened(path) as image:
            return image.copy()
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _check_png(file: IO[bytes]) -> None:
    """Compare the checksums of a PNG's pixels, which decoding does not; those of its other parts it does.

    Raises:
        ValueError: if one does not match.
    """
    place = file.tell()
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        length = int.from_bytes(head[:4], "big")
        if head[4:] != b"IDAT":
            file.seek(length + 4, os.SEEK_CUR)
        elif zlib.crc32(head[4:] + file.read(length)) != int.from_bytes(file.read(4), "big"):
            raise ValueError("damaged: the checksum of its pixels does not match")
    file.seek(place)


def traits(file: Path | BinaryIO) -> tuple[str, ...]:
    """Return what is special about an image and how it is read, from its header; empty for damaged ones."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(file) as image:
                found = {
                    "transparent, laid on white": image.has_transparency_data,
                    "turned as their EXIF orientation says": _turned(image),
                    "of several frames, the first taken": _animated(image),
                    "of 16 bits, scaled to 8": image.mode.startswith(DEEP),
                    "CMYK, converted to RGB": image.mode == "CMYK",
                }
        except (OSError, SyntaxError, ValueError):  # ``decoded`` says what is damaged
            return ()
    return tuple(name for name, holds in found.items() if holds)


def _plain(image: Image) -> Image:
    """Return an image upright, of 8 bits, without transparency."""
    from PIL import Image, ImageOps

    if _turned(image):
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(DEEP):
        return _of_eight_bits(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return image


def _turned(image: Image) -> bool:
    """Return whether EXIF says that the camera was turned; EXIF that cannot be read says nothing."""
    try:
        return bool(image.getexif().get(ORIENTATION, 1) != 1)
    except (KeyError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return False


def _animated(image: Image) -> bool:
    """Return whether there are several frames; a second one that cannot be read is one."""
    try:
        return bool(getattr(image, "is_animated", False))
    except (IndexError, KeyError, OSError, SyntaxError, TypeError, ValueError, struct.error):
        return True


def _of_eight_bits(image: Image) -> Image:
    """Scale 12 or 16 bits of gray to 8: 65,535 becomes 255. PIL itself would clip them to white."""
    from PIL import Image

    tags = getattr(image, "tag_v2", {PHOTOMETRIC: 1})
    if image.mode.startswith("I;16"):
        white = 4_095 if tags.get(BITS) == (12,) else 65_535
    elif image.mode == "I" and image.format == "PPM":  # PIL scales a PGM's maximum to 65,535
        white = 65_535
    else:
        raise ValueError(f"pixels of mode {image.mode}, whose white is not known: save it with 8 or 16 bits")
    values = np.asarray(image).astype(np.uint32)
    gray = ((values * 255 + white // 2) // white).astype(np.uint8)
    if tags.get(PHOTOMETRIC, WHITE_IS_ZERO) == WHITE_IS_ZERO:
        gray = 255 - gray
    if isinstance(clear := image.info.get("transparency"), int):
        gray[values == clear] = 255
    return Image.fromarray(gray)


def fitted(image: Image, side: int, fit: Fit) -> Pixels:
    """Fit an image into a square: ``[channels, side, side]``."""
    from PIL import ImageOps
    from PIL.Image import Resampling

    size = (side, side)
    crop = fit == "crop"
    small = ImageOps.fit(image, size, Resampling.BILINEAR) if crop else image.resize(size, Resampling.BILINEAR)
    array = np.asarray(small)
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def of_pil(image: Image, channels: int, side: int, fit: Fit) -> Pixels:
    """Return an image that is open already as :func:`decoded` and :func:`fitted` return a file's.

    Raises:
        ValueError: if it has pixels whose white is not known.
    """
    image.load()
    return fitted(_plain(image.copy()).convert(MODES[channels]), side, fit)


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
