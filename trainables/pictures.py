"""Pictures of a replica's samples: a sheet of images, or a cloud of points over the true modes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.data.source import MixtureTruth, Source

_COLUMNS, _ROWS, _GAP = 10, 6, 1
_CLOUD_SIDE, _CLOUD_SPAN = 240, 2.0
SHEET = _COLUMNS * _ROWS
"""Images on a sheet."""
CLOUD = 2_048
"""Points in a cloud."""


def samples_needed(source: Source) -> int:
    """How many samples a picture of this data set shows."""
    return CLOUD if isinstance(source.truth, MixtureTruth) else SHEET


def labels_shown(source: Source) -> Tensor | None:
    """The classes that a sheet of a conditioned generator shows: in order, row by row, from the first again if few.

    Ten classes are the ten columns.
    """
    truth = source.truth
    if isinstance(truth, MixtureTruth):
        return torch.arange(CLOUD) % len(truth.centres)
    return torch.arange(SHEET) % truth.classes if truth.classes else None


def picture(samples: Tensor, source: Source) -> npt.NDArray[np.uint8]:
    """One replica's samples ``[N, *shape]`` as a grey or RGB picture, ``[H, W]`` or ``[H, W, 3]``."""
    values = samples.detach().to("cpu").float().numpy()
    return _cloud(values, source.truth) if isinstance(source.truth, MixtureTruth) else _sheet(values)


def save(pixels: npt.NDArray[np.uint8], path: Path) -> None:
    """Writes a PNG; the folder is made if it is missing."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def _sheet(images: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Rows of images, [-1, 1] to [0, 255]; small images are enlarged by whole factors. Non-finite pixels are black."""
    black = np.where(np.isfinite(images), np.clip(images, -1, 1), -1)
    bytes_ = ((black + 1) * 127.5).round().astype(np.uint8)
    bytes_ = bytes_.repeat(factor := max(1, 48 // images.shape[-1]), axis=2).repeat(factor, axis=3)
    _, channels, side, _ = bytes_.shape
    pitch = side + _GAP * factor
    sheet = np.full((channels, _ROWS * pitch - _GAP * factor, _COLUMNS * pitch - _GAP * factor), 128, dtype=np.uint8)
    for i, image in enumerate(bytes_[:SHEET]):
        row, column = divmod(i, _COLUMNS)
        sheet[:, row * pitch : row * pitch + side, column * pitch : column * pitch + side] = image
    return sheet[0] if channels == 1 else sheet.transpose(1, 2, 0)


def _cloud(points: npt.NDArray[np.float32], truth: MixtureTruth) -> npt.NDArray[np.uint8]:
    """The first two coordinates: true centres as pale discs, points as dark dots, over a square twice the data's."""
    span = _CLOUD_SPAN * float(np.abs(truth.centres).max())
    ticks = (np.arange(_CLOUD_SIDE) + 0.5) / _CLOUD_SIDE * 2 * span - span
    x, y = np.meshgrid(ticks, -ticks)
    nearest = np.min([np.hypot(x - cx, y - cy) for cx, cy in truth.centres[:, :2]], axis=0)
    canvas = np.full((_CLOUD_SIDE, _CLOUD_SIDE, 3), 255, dtype=np.uint8)
    canvas[nearest < max(10 * truth.std, span / 30)] = (253, 205, 172)
    finite = points[np.isfinite(points).all(1), :2]
    places = np.floor((finite / span + 1) / 2 * _CLOUD_SIDE)
    inside = places[((places >= 0) & (places < _CLOUD_SIDE)).all(1)].astype(np.int64)
    canvas[_CLOUD_SIDE - 1 - inside[:, 1], inside[:, 0]] = (33, 64, 154)
    return canvas
