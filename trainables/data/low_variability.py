"""White serif digits on black whose only variation is where they stand: data of very small variance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from trainables.data.pixels import check_memory
from trainables.data.source import ImageSource, ImageTruth
from trainables.later import torch
from trainables.streams import generator

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 28
CLASSES = 10
FONT_PIXELS = 160  # a digit is then about 108 px high: 4 x 4 samples for a pixel of the image
MOST_DEGREES = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LowVariabilityDigits:
    """Digits 0-9, 28x28, white on black in [-1, 1], every glyph 28 pixels high, ``count / 10`` images per digit.

    Shift only (``rotate=False``, the published ``times.shift``): a digit stands at every horizontal offset that keeps
    it whole, each as often as the others (within one image). The set has only as many distinct images as offsets: 122
    from ``count`` 180 on (11, 17, 10, 13, 10, 13, 12, 11, 13, 12 for the digits 0 to 9).

    With ``rotate`` (the published ``times.shift.rotate``) the first half of a digit's images is shift only; those of
    the other half are rotated by an angle uniform in [-10, 10] degrees, and shifted by a uniform offset: 5,117
    distinct images. A rotated glyph is scaled to 28 pixels of height again, so that no corner of it is cut off.

    Rendered from matplotlib's STIX General, which is Times-like; the published sets are PNG files made with another
    Times and have 124 and 5,075 distinct images. No random number of a replica enters: the set is always the same
    (with the same version of FreeType, to the bit).

    Mao et al. 2019, "On the Effectiveness of Least Squares Generative Adversarial Networks" (data sets with small
    variance).
    """

    kind: Literal["low_variability"] = "low_variability"
    rotate: bool = False
    count: int = 10_000
    source: ClassVar[str] = "Mao et al. 2019 (TPAMI), data sets with small variance; rendered here in STIX General"

    def __post_init__(self) -> None:
        if self.count < 2 * CLASSES or self.count % (2 * CLASSES):
            raise ValueError(f"count must be a positive multiple of {2 * CLASSES}, got {self.count}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, SIDE, SIDE)

    @property
    def classes(self) -> int:
        """One class per digit."""
        return CLASSES

    def check(self) -> None:
        """Do nothing: the font comes with matplotlib, which is installed with this package."""

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        check_memory(self.count, self.shape, field="count")
        each = self.count // CLASSES
        images = np.zeros((CLASSES, each, 1, SIDE, SIDE), dtype=np.uint8)
        for digit, own in enumerate(images[:, :, 0]):
            large = _large_glyph(str(digit))
            upright = each // 2 if self.rotate else each
            _place_everywhere(_fit_height(large), own[:upright])
            _place_rotated(large, own[upright:], generator(digit, "low_variability"))
        truth = ImageTruth(
            images=torch.from_numpy(images).flatten(0, 1),
            labels=torch.arange(CLASSES).repeat_interleave(each),
            classes=CLASSES,
        )
        return ImageSource(truth, device=device, dtype=dtype)


def _large_glyph(character: str) -> Image:
    """Return the glyph in grey levels, several times too large, cut to its ink."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "STIXGeneral.ttf"
    # The basic layout engine: the other one is an optional library of the machine.
    font = ImageFont.truetype(str(path), FONT_PIXELS, layout_engine=ImageFont.Layout.BASIC)
    canvas = Image.new("L", (2 * FONT_PIXELS, 2 * FONT_PIXELS))
    ImageDraw.Draw(canvas).text((FONT_PIXELS // 2, FONT_PIXELS // 2), character, fill=255, font=font)
    return canvas.crop(canvas.getbbox())


def _fit_height(glyph: Image) -> npt.NDArray[np.uint8]:
    """Scale the glyph to 28 pixels of height, ``[28, width]``, each pixel the mean of what it covers."""
    from PIL.Image import Resampling

    width = round(glyph.width * SIDE / glyph.height)
    return np.asarray(glyph.resize((width, SIDE), Resampling.BOX))


def _place_everywhere(glyph: npt.NDArray[np.uint8], images: npt.NDArray[np.uint8]) -> None:
    width = glyph.shape[1]
    for number, image in enumerate(images):
        offset = number % (SIDE - width + 1)
        image[:, offset : offset + width] = glyph


def _place_rotated(large: Image, images: npt.NDArray[np.uint8], rng: np.random.Generator) -> None:
    from PIL.Image import Resampling

    for image in images:
        angle = rng.uniform(-MOST_DEGREES, MOST_DEGREES)
        turned = large.rotate(angle, Resampling.BILINEAR, expand=True)
        glyph = _fit_height(turned.crop(turned.getbbox()))
        offset = rng.integers(SIDE - glyph.shape[1] + 1)
        image[:, offset : offset + glyph.shape[1]] = glyph
