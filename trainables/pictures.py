"""Pictures of a replica: a sheet of images, a cloud of points over the true modes, and what else a game shows."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables import modeless
from trainables.data.source import MixtureTruth, Source
from trainables.phases import Figure, Images

_COLUMNS, _ROWS, _GAP = 10, 6, 1
_CLOUD_SIDE, _CLOUD_SPAN = 240, 2.0
_PLANE_SIDE = 320
_GROUND, _DOT = (214, 214, 210), (33, 64, 154)
_CLASSES = np.array(
    # Ten hues that differ in lightness too; further classes begin again.
    [
        (31, 119, 180),
        (232, 119, 20),
        (44, 140, 60),
        (200, 36, 48),
        (138, 96, 190),
        (120, 72, 60),
        (226, 110, 190),
        (60, 60, 60),
        (170, 170, 20),
        (20, 180, 200),
    ],
    dtype=np.uint8,
)
SHEET = _COLUMNS * _ROWS
"""Images on a sheet."""
CLOUD = 2_048
"""Points in a cloud."""


def samples_needed(source: Source) -> int:
    """Return how many samples a picture of this data set shows."""
    return CLOUD if isinstance(source.truth, MixtureTruth) else SHEET


def labels_shown(source: Source) -> Tensor | None:
    """Return the classes that a sheet of a conditioned generator shows: in order, from the first again if few.

    Ten classes are the ten columns.
    """
    truth = source.truth
    if isinstance(truth, MixtureTruth):
        return torch.arange(CLOUD) % len(truth.centers)
    return torch.arange(SHEET) % truth.classes if truth.classes else None


def picture(samples: Tensor, source: Source) -> npt.NDArray[np.uint8]:
    """Draw one replica's samples ``[N, *shape]`` as a gray or RGB picture, ``[H, W]`` or ``[H, W, 3]``."""
    values = samples.detach().to("cpu").float().numpy()
    return _cloud(values, source.truth) if isinstance(source.truth, MixtureTruth) else _sheet(values)


def sheet(images: Tensor, columns: int) -> npt.NDArray[np.uint8]:
    """Draw images ``[N, C, H, W]`` in [-1, 1] in rows of so many, ``[H, W]`` if gray or ``[H, W, 3]``."""
    return _sheet(images.detach().to("cpu").float().numpy(), columns, -(-len(images) // columns))


def draw(figure: Figure, replica: int) -> npt.NDArray[np.uint8]:
    """Draw one replica's part of what a game shows: a sheet, or points in the plane."""
    if isinstance(figure, Images):
        return sheet(figure.images[replica], figure.columns)
    points = figure.points[replica].detach().to("cpu").float().numpy()
    labels = None if figure.labels is None else figure.labels.cpu().numpy()
    return _scatter(points, labels, figure.ground.cpu().float().numpy(), figure.span)


def save(pixels: npt.NDArray[np.uint8], path: Path) -> None:
    """Write a PNG; the folder is made if it is missing."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, optimize=True)


def _sheet(images: npt.NDArray[np.float32], columns: int = _COLUMNS, rows: int = _ROWS) -> npt.NDArray[np.uint8]:
    """Draw rows of images, [-1, 1] to [0, 255]; small ones enlarged by whole factors. Non-finite pixels are black."""
    black = np.where(np.isfinite(images), np.clip(images, -1, 1), -1)
    bytes_ = ((black + 1) * 127.5).round().astype(np.uint8)
    bytes_ = bytes_.repeat(factor := max(1, 48 // images.shape[-1]), axis=2).repeat(factor, axis=3)
    _, channels, side, _ = bytes_.shape
    pitch = side + _GAP * factor
    sheet = np.full((channels, rows * pitch - _GAP * factor, columns * pitch - _GAP * factor), 128, dtype=np.uint8)
    for i, image in enumerate(bytes_[: rows * columns]):
        row, column = divmod(i, columns)
        sheet[:, row * pitch : row * pitch + side, column * pitch : column * pitch + side] = image
    return sheet[0] if channels == 1 else sheet.transpose(1, 2, 0)


def _scatter(
    points: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64] | None,
    ground: npt.NDArray[np.float32],
    span: float,
) -> npt.NDArray[np.uint8]:
    """Draw the first two coordinates as dots of 3x3 pixels, coloured by class, over the ground's in grey.

    Dots outside the square lie on its border, so that they are not missed. Of a single coordinate, the line.
    """
    canvas = np.full((_PLANE_SIDE, _PLANE_SIDE, 3), 255, dtype=np.uint8)
    colors = np.broadcast_to(np.array(_DOT, dtype=np.uint8), (len(points), 3))
    if labels is not None:
        colors = _CLASSES[labels % len(_CLASSES)]
    finite = np.isfinite(points).all(1)
    _dots(canvas, ground, np.broadcast_to(np.array(_GROUND, dtype=np.uint8), (len(ground), 3)), span)
    _dots(canvas, points[finite], colors[finite], span)
    return canvas


def _dots(
    canvas: npt.NDArray[np.uint8], points: npt.NDArray[np.float32], colors: npt.NDArray[np.uint8], span: float
) -> None:
    plane = np.clip(_plane(points), -span, span)
    places = np.floor((plane / span + 1) / 2 * _PLANE_SIDE).clip(1, _PLANE_SIDE - 2).astype(int)
    for across in (-1, 0, 1):
        for down in (-1, 0, 1):
            canvas[_PLANE_SIDE - 1 - places[:, 1] + down, places[:, 0] + across] = colors


def _cloud(points: npt.NDArray[np.float32], truth: MixtureTruth) -> npt.NDArray[np.uint8]:
    """Draw the first two coordinates: true centres pale discs, points dark dots, over a square twice the data's.

    A disc reaches an eighth of the way to the closest centre, which is what outcome rules count as near a mode; where
    there is no room for it, 3 standard deviations, but at least a dot that can be seen. One-dimensional data lie on the
    horizontal axis. A single centre at 0 gives no scale: the square is then [-2, 2]^2.
    """
    centers, points = _plane(truth.centers), _plane(points)
    span = _CLOUD_SPAN * (float(np.abs(centers).max()) or 1.0)
    ticks = (np.arange(_CLOUD_SIDE) + 0.5) / _CLOUD_SIDE * 2 * span - span
    x, y = np.meshgrid(ticks, -ticks)
    nearest = np.min([np.hypot(x - cx, y - cy) for cx, cy in centers], axis=0)
    canvas = np.full((_CLOUD_SIDE, _CLOUD_SIDE, 3), 255, dtype=np.uint8)
    radius = modeless.spacing(truth) / 8 if modeless.resolved(truth) else max(3 * truth.std, span / 30)
    canvas[nearest < radius] = (253, 205, 172)
    finite = points[np.isfinite(points).all(1)]
    places = np.floor((finite / span + 1) / 2 * _CLOUD_SIDE)
    inside = places[((places >= 0) & (places < _CLOUD_SIDE)).all(1)].astype(np.int64)
    canvas[_CLOUD_SIDE - 1 - inside[:, 1], inside[:, 0]] = (33, 64, 154)
    return canvas


def _plane(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the first two coordinates of ``[N, dim]``, ``[N, 2]``; a missing second one is 0."""
    return np.pad(points, ((0, 0), (0, 1)))[:, :2]
