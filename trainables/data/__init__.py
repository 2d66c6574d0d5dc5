"""Data sets as values: each has the ``shape`` of a sample and loads itself as a ``Source``.

To add a data set, write a module here and name its class below.
"""

from typing import get_args

from trainables.data.digits import Digits
from trainables.data.low_variability import LowVariabilityDigits
from trainables.data.lsun import LsunBedroom
from trainables.data.ring import Ring
from trainables.data.source import Batch, ImageSource, ImageTruth, MixtureSource, MixtureTruth, Source

DataConfig = Ring | Digits | LowVariabilityDigits | LsunBedroom
DATASETS: tuple[type[DataConfig], ...] = get_args(DataConfig)

__all__ = [
    "DATASETS",
    "Batch",
    "DataConfig",
    "Digits",
    "ImageSource",
    "ImageTruth",
    "LowVariabilityDigits",
    "LsunBedroom",
    "MixtureSource",
    "MixtureTruth",
    "Ring",
    "Source",
]
