"""Trainings that have only written folders of images: they are read as if a loop reported them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from study.design.parsing import value_of
from study.formatting import joined, plural, quoted
from study.recording.given import Given
from trainables.config import Setting
from trainables.data.folder import EXTENSIONS
from trainables.data.pixels import decoded

LAYOUT = "seed=3/step-001000/*.png, or a folder for each cell, such as lr=0.0001, with these in it"
_SEED, _STEP = re.compile(r"seed[=_-]?(\d{1,10})"), re.compile(r"step[=_-]?(\d{1,15})")
_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one training has written.

    Attributes:
        settings: of its cell, by the name of the folder.
        steps: step to the images of it, in order.
    """

    settings: Mapping[str, Setting]
    seed: int
    steps: Mapping[int, Sequence[Path]]

    @property
    def fewest(self) -> int:
        """The smallest number of images of a step."""
        return min(map(len, self.steps.values()))

    @property
    def last(self) -> int:
        return max(self.steps)


def written(folder: Path) -> tuple[Written, ...]:
    """Find the trainings in a folder: those of a single cell, or of one folder per cell.

    A cell is named by its settings, ``lr=0.0001,optimizer=adam``; a folder of another name is the value of ``cell``.

    Raises:
        ValueError: if there are none, or a step has no image, or two folders stand for one seed or step.
    """
    if not folder.is_dir():
        raise ValueError(f"FOLDER must be a folder of images, {LAYOUT}, got {quoted(str(folder))}, which is none")
    found = [*_seeds(folder, {})]
    for inner in _folders(folder):
        if not _SEED.fullmatch(inner.name):
            found += _seeds(inner, _settings(inner.name))
    if not found:
        raise ValueError(f"FOLDER must hold {LAYOUT}, got no such folder in {folder}")
    places = [(tuple(own.settings.items()), own.seed) for own in found]
    if twice := [own for own in places if places.count(own) > 1]:
        raise ValueError(
            f"FOLDER must hold a seed once in a cell, got several folders of seed {twice[0][1]} in {folder}"
        )
    return tuple(found)


def _seeds(folder: Path, settings: Mapping[str, Setting]) -> Iterator[Written]:
    for own in _folders(folder):
        if match := _SEED.fullmatch(own.name):
            yield Written(settings=settings, seed=int(match[1]), steps=_steps(own))


def _steps(folder: Path) -> Mapping[int, Sequence[Path]]:
    steps: dict[int, Sequence[Path]] = {}
    for own in _folders(folder):
        match = _STEP.fullmatch(own.name)
        if match is None:
            continue
        images = sorted(path for path in own.iterdir() if path.suffix.lower() in EXTENSIONS)
        if not images:
            raise ValueError(f"FOLDER must hold images for every step, got none in {own}")
        if int(match[1]) in steps:
            raise ValueError(f"FOLDER must hold a step once, got several folders of step {int(match[1])} in {folder}")
        steps[int(match[1])] = images
    if not steps:
        raise ValueError(f"FOLDER must hold {LAYOUT}, got no folder of a step in {folder}")
    return dict(sorted(steps.items()))


def _folders(folder: Path) -> list[Path]:
    return sorted(own for own in folder.iterdir() if own.is_dir() and not own.name.startswith("."))


def _settings(name: str) -> Mapping[str, Setting]:
    """Read ``lr=0.0001,optimizer=adam``."""
    parts = [part.partition("=") for part in name.split(",")]
    if not all(key.isidentifier() and sign and value for key, sign, value in parts):
        return {"cell": name}
    return {key: value_of(value, f"folder {name}") for key, _, value in parts}


def images(paths: Sequence[Path], real: Given) -> npt.NDArray[np.uint8]:
    """Read images as bytes ``[N, C, H, W]``, of the size and channels of the real ones.

    Raises:
        ValueError: if one cannot be read, or has another size.
    """
    channels, side, _ = real.source.shape
    return np.stack([_image(path, channels, side) for path in paths])


def _image(path: Path, channels: int, side: int) -> npt.NDArray[np.uint8]:
    try:
        image = decoded(path, channels)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as an image: {error}") from None
    if image.size != (side, side):
        width, height = image.size
        raise ValueError(f"{path} must be {side} x {side} pixels, as the real images, got {width} x {height}")
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def unfinished(found: Sequence[Written], steps: int) -> str:
    """Say which trainings have not written their last step; empty if all have."""
    short = [own for own in found if own.last < steps]
    if not short:
        return ""
    names = [f"seed {own.seed} at {own.last:,}" for own in short[:_NAMED]]
    more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
    return f"{plural(len(short), 'training')} without step {steps:,} left out ({joined(names)}{more})"
