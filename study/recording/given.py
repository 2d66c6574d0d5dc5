"""Real data as a user hands them over: a name, a configuration, a folder or an array."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from study.formatting import did_you_mean, quoted
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.recording.arrays import Range, as_array, as_bytes, as_images
from trainables.data import (
    DATASETS,
    DataConfig,
    ImageArray,
    ImageFolder,
    ImageSource,
    ImageTruth,
    MixtureTruth,
    PointArray,
    Source,
)
from trainables.data.handed import PointSource, as_modes, digest_of

_CPU = torch.device("cpu")
_CLASSES = {kind.__name__: kind for kind in DATASETS}
_WHAT = "a name such as ring, a data configuration, a folder of images, or an array of real samples"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Real data, loaded.

    Attributes:
        config: what a launch keeps of them.
        source: the samples, on the CPU.
        rule: the rule that judges samples of their kind.
    """

    config: DataConfig
    source: Source
    rule: OutcomeRule


def given(data: object, *, modes: object, labels: object, value_range: Range | None) -> Given:
    """Load what a user gives as real data.

    Args:
        data: a name, a configuration, a folder, or an array.
        modes: centers of the modes of an array of points.
        labels: classes of an array of images.
        value_range: the values of an array of images that are black and white.

    Raises:
        ValueError: if there are none, or they cannot be read or judged.
    """
    if isinstance(data, Given):
        return data
    array = None if isinstance(data, str | Path | DataConfig) else _array(data)
    if array is not None and array.ndim == 2:
        return _points(array, modes, labels)
    if modes is not None:
        raise ValueError(f"modes must be left out unless data are points [N, D], got {quoted(modes)}")
    if array is not None:
        return _images(array, labels, value_range)
    if labels is not None:
        raise ValueError(f"labels must be left out unless data are an array of images, got {quoted(labels)}")
    config = data if isinstance(data, DataConfig) else named(str(data))
    config.check()
    source = config.load(device=_CPU, dtype=torch.float32)
    return Given(config=config, source=source, rule=_rule(source))


def _rule(source: Source) -> OutcomeRule:
    return MIXTURE_RULE if isinstance(source.truth, MixtureTruth) else IMAGE_RULE


def named(name: str) -> DataConfig:
    """Return the data set of a name, or the images of a folder.

    Raises:
        ValueError: if there is neither.
    """
    known = {kind().kind: kind for kind in DATASETS}
    if (kind := name.replace("-", "_")) in known and not os.path.isdir(name):
        return known[kind]()
    if not os.path.isdir(os.path.expanduser(name)):
        raise ValueError(f"data must be {_WHAT}, got {quoted(name)}{did_you_mean(name, known)}")
    return folder(name)


def folder(name: str) -> ImageFolder:
    """Return a folder of images of the size and colors of its first image.

    Raises:
        ValueError: if it holds no image, or the first one is not square.
    """
    from PIL import Image

    listed = ImageFolder(root=name)
    listed.check()
    first = listed.first()
    with Image.open(first) as image:
        width, height, gray = *image.size, image.mode in ("1", "L", "I;16", "I", "F")
    if width != height:
        raise ValueError(
            f"data must be square images, got {width} x {height} of {first}: give an ImageFolder with root and side,"
            " which cuts and scales them"
        )
    return ImageFolder(root=name, side=width, channels=1 if gray else 3)


def _array(data: object) -> npt.NDArray[Any]:
    if data is None:
        raise ValueError(f"data must be {_WHAT}, got none")
    array = as_array("data", data)
    if array.ndim not in (2, 3, 4):
        raise ValueError(f"data must be points [N, D] or images [N, C, H, W], got {list(array.shape)}")
    return array


def _points(array: npt.NDArray[Any], modes: object, labels: object) -> Given:
    if labels is not None:
        raise ValueError("labels must be left out for points, whose classes are their modes")
    if modes is None:
        raise ValueError(
            "modes must be given for points that are handed over, [M, D] centers: no rule can judge points whose modes"
            " are not known"
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"data must be floats to be points, got {array.dtype}")
    centers = as_array("modes", modes).astype(np.float64)
    if centers.ndim != 2 or centers.shape[1] != array.shape[1] or not len(centers):
        raise ValueError(f"modes must be [M, {array.shape[1]}] centers, as data have, got {list(centers.shape)}")
    if not np.isfinite(array).all() or not np.isfinite(centers).all():
        raise ValueError("data and modes must be finite, got NaN or infinity")
    if not len(array):
        raise ValueError("data must be real points, got none")
    points = np.ascontiguousarray(array, dtype=np.float32)
    source = PointSource(points, centers)
    if not source.truth.std:
        raise ValueError("data must vary around modes, got points that all lie on them")
    config = PointArray(
        digest=source.digest,
        count=len(points),
        dim=points.shape[1],
        modes=as_modes(centers),
        std=source.truth.std,
    )
    return Given(config=config, source=source, rule=MIXTURE_RULE)


def _images(array: npt.NDArray[Any], labels: object, value_range: Range | None) -> Given:
    images = as_bytes("data", as_images("data", array), value_range)
    classes, told = 0, None
    if labels is not None:
        found = as_array("labels", labels)
        if found.shape != (len(images),) or not np.issubdtype(found.dtype, np.integer) or found.min() < 0:
            raise ValueError(f"labels must be {len(images)} classes 0, 1, ..., one for each image of data")
        told, classes = torch.from_numpy(found.astype(np.int64)), int(found.max()) + 1
    truth = ImageTruth(images=torch.from_numpy(images), labels=told, classes=classes)
    source = ImageSource(truth, device=_CPU, dtype=torch.float32)
    parts = (images,) if told is None else (images, told.numpy())
    config = ImageArray(
        digest=digest_of(*parts), count=len(images), channels=images.shape[1], side=images.shape[2], classes=classes
    )
    return Given(config=config, source=source, rule=IMAGE_RULE)
