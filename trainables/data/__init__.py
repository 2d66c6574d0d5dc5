"""Data sets as values: each has the ``shape`` of a sample and loads itself as a ``Source``.

To add a data set, write a module here and name its class below.
"""

from pathlib import Path
from typing import get_args

from trainables.data.array import ArrayFile
from trainables.data.celeba import CelebA
from trainables.data.characters import Characters
from trainables.data.cifar import Cifar10
from trainables.data.dataset import from_dataset
from trainables.data.digits import Digits
from trainables.data.folder import ImageFolder
from trainables.data.grid import Grid
from trainables.data.handed import ImageArray, PointArray
from trainables.data.low_variability import LowVariabilityDigits
from trainables.data.lsun import Lsun, LsunBedroom
from trainables.data.mnist import FashionMnist, Mnist, StackedMnist
from trainables.data.point import Point
from trainables.data.points import PointFile, PointSource
from trainables.data.ring import Ring
from trainables.data.source import (
    Batch,
    Downloadable,
    ImageSource,
    ImageTruth,
    MixtureSource,
    MixtureTruth,
    Provided,
    Remarked,
    Source,
)
from trainables.data.stl import Stl10
from trainables.data.swiss_roll import SwissRoll
from trainables.families import Family

NamedData = (
    Ring
    | Digits
    | LowVariabilityDigits
    | LsunBedroom
    | Grid
    | SwissRoll
    | Point
    | Mnist
    | FashionMnist
    | StackedMnist
    | Cifar10
    | Stl10
    | CelebA
    | Lsun
    | ImageFolder
    | Characters
    | ArrayFile
    | PointFile
)
"""Data sets that can be loaded from what their configuration says."""
DATASETS: tuple[type[NamedData], ...] = get_args(NamedData)
DataConfig = NamedData | PointArray | ImageArray
"""All data, those that a caller hands over among them: their configuration says which they were."""
FAMILY = Family(
    name="data set",
    built_in=DATASETS,
    methods=("shape", "load"),
    usual={"source": lambda member: "-", "classes": lambda member: 0, "check": lambda member: lambda self: None},
)
"""All data sets that can be loaded, with those of plugins."""

__all__ = [
    "DATASETS",
    "FAMILY",
    "ArrayFile",
    "Batch",
    "CelebA",
    "Characters",
    "Cifar10",
    "DataConfig",
    "Digits",
    "Downloadable",
    "FashionMnist",
    "Grid",
    "ImageArray",
    "ImageFolder",
    "ImageSource",
    "ImageTruth",
    "LowVariabilityDigits",
    "Lsun",
    "LsunBedroom",
    "MixtureSource",
    "MixtureTruth",
    "Mnist",
    "NamedData",
    "Point",
    "PointArray",
    "PointFile",
    "PointSource",
    "Provided",
    "Remarked",
    "Ring",
    "Source",
    "StackedMnist",
    "Stl10",
    "SwissRoll",
    "from_dataset",
    "in_files",
    "is_images",
    "known_classes",
]


def is_images(data: DataConfig) -> bool:
    """Return whether samples are images rather than points."""
    return len(data.shape) == 3


def in_files(data: DataConfig) -> bool:
    """Return whether samples lie in files, as all images do, rather than being computed from the configuration."""
    return is_images(data) or isinstance(data, PointFile)


def known_classes(data: DataConfig) -> int | None:
    """Return the number of classes, 0 for unlabeled data; None for own files that are not on this machine."""
    if isinstance(data, ImageFolder) and not Path(data.root).is_dir():
        return None
    if isinstance(data, ArrayFile | PointFile):
        return data.counted_classes()
    return data.classes
