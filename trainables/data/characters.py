"""Chinese characters drawn from the fonts of the machine: thousands of classes without a licence to ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from trainables import states
from trainables.data.pixels import check_memory, check_side
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, folder_of
from trainables.later import torch
from trainables.streams import generator

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Pixels = npt.NDArray[np.uint8]

VERSION = 1
"""Raise when anything below changes what is drawn; files of other versions are not used."""
LEVEL_ONE = 3_755
OVERSAMPLING = 4  # samples per pixel and axis
EM = 0.86  # of the side
MOST_DEGREES, MOST_SHEAR, MOST_SHIFT = 5.0, 0.12, 1.5
SCALES = (0.85, 1.05)
MISSING = "\uffff"
"""A code point that is no character in any version of Unicode: what a font draws for it stands for a missing glyph."""

FOLDERS = (
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/usr/local/share/fonts"),
    Path("/usr/share/fonts"),
)


@dataclass(frozen=True, slots=True)
class Face:
    """One design of simplified characters: a font file, its place in it, and the Debian package that has the file."""

    file: str
    index: int
    package: str


FACES = (
    Face("ukai.ttc", 0, "fonts-arphic-ukai"),
    Face("wqy-zenhei.ttc", 0, "fonts-wqy-zenhei"),
    Face("uming.ttc", 0, "fonts-arphic-uming"),
    Face("wqy-microhei.ttc", 0, "fonts-wqy-microhei"),
    Face("gkai00mp.ttf", 0, "fonts-arphic-gkai00mp"),
    Face("gbsn00lp.ttf", 0, "fonts-arphic-gbsn00lp"),
    Face("NotoSansCJK-Regular.ttc", 2, "fonts-noto-cjk"),
    Face("NotoSerifCJK-Regular.ttc", 2, "fonts-noto-cjk"),
    Face("NotoSansCJK-Bold.ttc", 2, "fonts-noto-cjk"),
    Face("NotoSerifCJK-Bold.ttc", 2, "fonts-noto-cjk"),
)
"""The writers, in the order in which ``fonts`` counts them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Characters:
    """The first ``classes`` of the 3,755 characters of GB 2312 level 1 in a fixed shuffled order, ``side`` x ``side``.

    The order is shuffled because GB 2312's own is by pronunciation: its first characters would share their phonetic
    parts. White strokes on black in [-1, 1], the ink centred, the em square 0.86 of the side.

    Rendered fonts, not handwriting: Mao et al. 2017, sections 3.3 and 4.5, use HWDB 1.0 (3,740 classes by hundreds of
    writers, under a licence of CASIA). A font stands for a writer. ``variations`` images are drawn per character and
    font, all but the first deformed by fixed draws: rotation within 5 degrees, shear within 0.12, each axis scaled by
    0.85 to 1.05, shifted within 1.5 of 28 pixels, and in half of them the stroke half a pixel wider.

    A font is left out for a character that it does not have. The images are drawn once and kept in ``root``, in a file
    whose name depends on the fonts' bytes and all fields; several processes may load at once. With the same fonts and
    the same version of FreeType the set is the same to the bit.

    Attributes:
        fonts: at most so many of the fonts of ``FACES`` that are installed; absent for all of them.
        root: the folder of the drawn sets; relative to the working folder.
    """

    kind: Literal["characters"] = "characters"
    classes: int = 100
    side: int = 28
    fonts: int | None = None
    variations: int = 10
    root: str = "data/characters"
    source: ClassVar[str] = "GB 2312-1980, level 1, in installed fonts; instead of Liu et al. 2011, CASIA HWDB 1.0"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        if not 1 <= self.classes <= LEVEL_ONE:
            raise ValueError(f"classes must be in 1..{LEVEL_ONE}, got {self.classes}")
        check_side(self.side, least=12)
        if self.fonts is not None and self.fonts < 1:
            raise ValueError(f"fonts must be >= 1, got {self.fonts}")
        if self.variations < 1:
            raise ValueError(f"variations must be >= 1, got {self.variations}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.side, self.side)

    @property
    def characters(self) -> str:
        """The character of every class."""
        order = generator(0, "characters/order").permutation(LEVEL_ONE)[: self.classes]
        return "".join(level_one()[place] for place in order)

    @property
    def advice(self) -> str:
        return f"apt-get install {' '.join(dict.fromkeys(face.package for face in FACES))} (or one of them)"

    def check(self) -> None:
        """Look for the fonts.

        Raises:
            ValueError: if none is found; says what to install.
        """
        self._faces()

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Read the drawn images, drawing them first if need be: about 1 ms each.

        Raises:
            ValueError: as ``check``, or if no font has one of the characters, a font cannot be read, or the folder not
                be written.
        """
        faces = self._faces()
        path = folder_of(self.root) / f"characters-{self._key(faces)}.pt"
        stored = states.load(path) if path.is_file() else None
        if stored is None:
            images, labels = self._draw(faces)
            try:
                states.save({"images": images, "labels": labels}, path, by_many=True)
            except OSError as error:
                raise ValueError(f"root must be a writable folder, got {path.parent}: {error.strerror}") from None
            stored = {"images": images, "labels": labels}
        truth = ImageTruth(images=stored["images"], labels=stored["labels"], classes=self.classes)
        return ImageSource(truth, device=device, dtype=dtype)

    def _faces(self) -> list[tuple[Path, int]]:
        """Return file and index of the faces to draw with."""
        installed = {path.name: path for folder in reversed(FOLDERS) for path in folder.rglob("*.tt[cf]")}
        faces = [(installed[face.file], face.index) for face in FACES if face.file in installed]
        if not faces:
            raise ValueError(
                f"fonts of Chinese characters must be installed, got none of {', '.join(face.file for face in FACES)}"
                f" in {', '.join(map(str, FOLDERS))}: {self.advice}"
            )
        return faces[: self.fonts]

    def _key(self, faces: list[tuple[Path, int]]) -> str:
        from PIL import features

        fonts = [(_digest(path), index) for path, index in faces]
        drawn = (VERSION, features.version("freetype2"), fonts, self.characters, self.side, self.variations)
        return blake2b(repr(drawn).encode(), digest_size=8).hexdigest()

    def _draw(self, faces: list[tuple[Path, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw images ``[N, 1, side, side]`` and their classes ``[N]``, ordered by class, font and variation."""
        check_memory(self.classes * len(faces) * self.variations, self.shape)
        pens = [_Pen(path, index, self.side) for path, index in faces]
        images: list[Pixels] = []
        counts = []
        for character in self.characters:
            before = len(images)
            for pen in pens:
                images += pen.draw(character, self.variations)
            counts.append(len(images) - before)
        if 0 in counts:
            missing = [character for character, count in zip(self.characters, counts, strict=True) if not count]
            raise ValueError(f"fonts must have every character, got none that has {' '.join(missing[:10])}")
        labels = torch.arange(self.classes).repeat_interleave(torch.tensor(counts))
        return torch.from_numpy(np.stack(images))[:, None], labels


@cache
def level_one() -> str:
    """Return the 3,755 characters of GB 2312 level 1 in their order: rows 16 to 55 of 94, the last with 89."""
    cells = (bytes((0xA0 + row, 0xA0 + cell)) for row in range(16, 56) for cell in range(1, 95))
    return "".join(cell.decode("gb2312") for cell in cells if cell <= b"\xd7\xf9")


class _Pen:
    """Draws with one face at several samples per pixel."""

    def __init__(self, path: Path, index: int, side: int) -> None:
        from PIL import ImageFont

        self._path = path
        self._name = f"{path.name}:{index}"
        self._canvas = OVERSAMPLING * side
        # The basic layout engine: the other one is an optional library of the machine.
        layout = ImageFont.Layout.BASIC
        size = round(EM * self._canvas)
        try:
            self._font = ImageFont.truetype(str(path), size, index=index, layout_engine=layout)
        except OSError as error:
            raise self._unreadable(error) from None
        self._missing = self._ink(MISSING)

    def draw(self, character: str, variations: int) -> Iterator[Pixels]:
        """Draw images ``[side, side]``, the first undeformed; none if the face does not have the character."""
        from PIL import Image
        from PIL.Image import Resampling, Transform

        ink = self._ink(character)
        if ink is None or (self._missing is not None and np.array_equal(ink, self._missing)):
            return
        large = Image.fromarray(_centered(ink, self._canvas))
        for number in range(variations):
            rng = generator(number, f"characters/{self._name}/{character}")
            image = large
            if number:
                image = large.transform(large.size, Transform.AFFINE, _affine(rng, self._canvas), Resampling.BILINEAR)
                if rng.random() < 0.5:
                    image = Image.fromarray(_thicker(np.asarray(image)))
            yield np.asarray(image.reduce(OVERSAMPLING))

    def _ink(self, character: str) -> Pixels | None:
        """Return what :func:`_ink` does; raise ValueError if the glyph is damaged."""
        try:
            return _ink(self._font, character)
        except OSError as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: OSError) -> ValueError:
        return ValueError(f"fonts must be readable, got {self._path}: {error}; install or remove it")


def _ink(font: FreeTypeFont, character: str) -> Pixels | None:
    """Return ``[height, width]`` in grey levels, cut to what is drawn; None if nothing is."""
    from PIL import Image

    mask = font.getmask(character, mode="L")
    image = Image.frombytes("L", mask.size, bytes(mask)) if min(mask.size) else None
    box = image.getbbox() if image is not None else None
    return None if image is None or box is None else np.asarray(image.crop(box))


def _centered(ink: Pixels, canvas: int) -> Pixels:
    """Put the glyph in the middle of a square; what stands out of it is cut off."""
    out = np.zeros((3 * canvas, 3 * canvas), dtype=np.uint8)
    top, left = ((3 * canvas - size) // 2 for size in ink.shape)
    out[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return np.ascontiguousarray(out[canvas : 2 * canvas, canvas : 2 * canvas])


def _affine(rng: np.random.Generator, canvas: int) -> tuple[float, ...]:
    """Draw a small deformation about the middle, as PIL takes it: ``a b c d e f``, from output to input."""
    angle = np.radians(rng.uniform(-MOST_DEGREES, MOST_DEGREES))
    shear = rng.uniform(-MOST_SHEAR, MOST_SHEAR)
    scale = np.diag(1 / rng.uniform(*SCALES, size=2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[1.0, shear], [0.0, 1.0]]) @ scale
    shift = rng.uniform(-MOST_SHIFT, MOST_SHIFT, size=2) * canvas / 28
    middle = np.full(2, canvas / 2)
    offset = middle - matrix @ (middle + shift)
    return (*map(float, (*matrix[0], offset[0], *matrix[1], offset[1])),)


def _thicker(image: Pixels) -> Pixels:
    """Make every pixel the brightest of its 3x3 neighbourhood."""
    for axis in (0, 1):
        padded = np.pad(image, [(1, 1) if axis == own else (0, 0) for own in (0, 1)])
        size = image.shape[axis]
        image = np.maximum.reduce([padded.take(range(place, place + size), axis) for place in range(3)])
    return image


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        digest = blake2b(digest_size=8)
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
