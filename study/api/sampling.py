"""Write samples of a trained generator to a file."""

from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from study.design.plan import Plan
from study.launch import Launch
from trainables.config import Config, located
from trainables.data import is_images
from trainables.files import written_whole

if TYPE_CHECKING:
    import numpy.typing as npt

_PICTURE, _NUMBERS = ".png", ".npy"
_MOST_SHOWN = 10_000
"""Samples in one picture."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: how many samples are not finite, and the step after which their networks were kept."""

    broken: int
    step: int


def checked(path: Path) -> Path:
    """Return the path of a file of samples.

    Raises:
        ValueError: if it ends in neither ``.png`` nor ``.npy``.
    """
    if path.suffix not in (_PICTURE, _NUMBERS):
        raise ValueError(f"--out must end in {_PICTURE} or {_NUMBERS}, got {path}")
    return path


def save(launch: Launch, path: Path, cell: int, seed: int, n: int, which: str, label: int | None) -> Written:
    """Write samples of one replica: a picture of them (``.png``), or their numbers (``.npy``).

    A conditioned generator makes the classes in order, over and over, or ``label`` alone.

    Args:
        launch: has kept the weights.
        path: where to.
        cell: index of the cell.
        seed: the replica's seed.
        n: samples.
        which: ``last`` or ``best``.
        label: the class to make; absent for all.

    Raises:
        ValueError: if a value is out of its range, the weights were not kept, or the file cannot be written.
    """
    if checked(path).suffix == _PICTURE and n > _MOST_SHOWN:
        raise ValueError(f"n must be in [1, {_MOST_SHOWN}] for a picture, got {n}; write them to a {_NUMBERS} file")
    trained = launch.trained(cell, seed, which)
    labels = [label] if label is not None else [*range(trained.classes)] or None
    samples = trained.samples(n, labels)
    content = BytesIO()
    if path.suffix == _NUMBERS:
        np.save(content, samples)
    else:
        _draw(samples, _config(launch.plan, cell), content)
    try:
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content.getvalue())
    except OSError as error:
        raise ValueError(f"--out must be a file that can be written, got {path}: {error.strerror}") from None
    broken = int((~np.isfinite(samples.reshape(n, -1)).all(1)).sum())
    return Written(broken=broken, step=trained.about["step"])


def _config(plan: Plan, cell: int) -> Config:
    """Return a cell's configuration, with the data where they lie."""
    return next(located(own.config, plan.folder) for own in plan.cells if own.index == cell)


def _draw(samples: "npt.NDArray[np.floating[Any]]", config: Config, to: BytesIO) -> None:
    import torch
    from PIL import Image

    from trainables import pictures

    shown = torch.from_numpy(samples)
    if is_images(config.data):
        pixels = pictures.sheet(shown, ceil(sqrt(len(samples))))
    else:
        pixels = pictures.picture(shown, config.data.load(device=torch.device("cpu"), dtype=torch.float32))
    Image.fromarray(pixels).save(to, format="png")
