"""LSUN: photographs of scenes, the data of the LSGAN and WGAN stability comparisons. Read from the user's copy."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from trainables.data import cache
from trainables.data.pixels import Fit, Pixels, check_side, decoded, fitted
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES, folder_of
from trainables.later import torch

Category = Literal[
    "bedroom",
    "bridge",
    "church_outdoor",
    "classroom",
    "conference_room",
    "dining_room",
    "kitchen",
    "living_room",
    "restaurant",
    "tower",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lsun:
    """One category of LSUN (photographs, shorter edge 256), unlabelled, as ``side`` x ``side`` RGB in [-1, 1].

    The training split alone. The first ``load`` decodes the database once into a file of bytes in the user's cache
    (37 GB for all bedrooms at side 64, about a millisecond of one core per image); every later one maps that file.

    Attributes:
        category: Mao et al. 2017 show bedroom, church, dining room, kitchen and conference room.
        root: the folder that holds ``<category>_train_lmdb``; relative to the working folder.
        limit: only the first so many images, in the order of their keys, which are hashes; absent for all.
        fit: ``crop`` cuts the central square and scales it; ``squeeze`` scales the whole image whatever its
            proportions, as the conversion script in the LSGAN authors' code does.

    Yu et al. 2015, "LSUN: Construction of a Large-scale Image Dataset using Deep Learning with Humans in the Loop".
    """

    kind: Literal["lsun"] = "lsun"
    category: Category = "church_outdoor"
    root: str = "data/lsun"
    side: int = 64
    limit: int | None = None
    fit: Fit = "crop"
    source: ClassVar[str] = "Yu et al. 2015, LSUN training set"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be >= 1, got {self.limit}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def cache(self) -> Path:
        """The converted images: an ``.npy`` file, ``[N, 3, side, side]`` uint8."""
        part = "all" if self.limit is None else f"first{self.limit}"
        return cache.place(folder_of(self.root), f"{self.category}_train_{self.side}_{self.fit}_{part}.npy")

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    @property
    def advice(self) -> str:
        size = " (about 43 GB)" if self.category == "bedroom" else ""
        place = "from the LSUN project (github.com/fyu/lsun)"
        return f"download {self._database}.zip{size} {place} and unpack it in {self.root}"

    @property
    def _database(self) -> str:
        return f"{self.category}_train_lmdb"

    def check(self) -> None:
        """Look for the data without reading them.

        Raises:
            ValueError: if neither the database nor the converted file is there; says what to download and where to.
        """
        folder = folder_of(self.root)
        if not (self.cache.is_file() or (folder / self._database / "data.mdb").is_file()):
            raise ValueError(
                f"root must hold the LSUN {self.category.replace('_', ' ')} training set, got {folder} without "
                f"{self._database}/data.mdb: {self.advice}"
            )

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Map the converted images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if the database is empty, or images in it cannot be read (by their keys);
                or if the cache is full or not writable.
        """
        self.check()
        images = cache.images(self.cache, self.shape, self._opened, folder_of(self.root))
        truth = ImageTruth(images=images, labels=None, classes=0)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[_Photographs]:
        with _database(folder_of(self.root), f"{self.category}_train") as database:
            if not len(database):
                raise ValueError(f"root must hold images, got an empty database in {folder_of(self.root)}")
            yield _Photographs(database, self.limit, self.side, self.fit)


@dataclass(frozen=True, slots=True, kw_only=True)
class LsunBedroom:
    """3,033,042 photographs of bedrooms (shorter edge 256), unlabelled, as ``side`` x ``side`` RGB in [-1, 1].

    The category ``bedroom`` of :class:`Lsun`, which says the rest, under a name of its own: the 43 GB that the LSGAN
    and WGAN stability comparisons are about.

    Yu et al. 2015, "LSUN: Construction of a Large-scale Image Dataset using Deep Learning with Humans in the Loop".
    """

    kind: Literal["lsun_bedroom"] = "lsun_bedroom"
    root: str = "data/lsun"
    side: int = 64
    limit: int | None = None
    fit: Fit = "crop"
    source: ClassVar[str] = "Yu et al. 2015, LSUN bedroom training set"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        self._category()

    @property
    def shape(self) -> tuple[int, ...]:
        return self._category().shape

    @property
    def cache(self) -> Path:
        """The converted images: an ``.npy`` file, ``[N, 3, side, side]`` uint8."""
        return self._category().cache

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    @property
    def advice(self) -> str:
        return self._category().advice

    def check(self) -> None:
        """Check as :meth:`Lsun.check` does."""
        self._category().check()

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load as :meth:`Lsun.load` does."""
        return self._category().load(device=device, dtype=dtype)

    def _category(self) -> Lsun:
        return Lsun(category="bedroom", root=self.root, side=self.side, limit=self.limit, fit=self.fit)


@dataclass(frozen=True, slots=True)
class _Photographs:
    """The listing of a database: named by their keys."""

    database: Any
    limit: int | None
    side: int
    fit: Fit

    def __len__(self) -> int:
        count: int = len(self.database)
        return count if self.limit is None else min(self.limit, count)

    def __iter__(self) -> Iterator[cache.Named]:
        keys = self.database.keys
        with self.database.env.begin(write=False) as transaction:
            for number in range(len(self)):
                yield keys[number].decode(), partial(self._pixels, transaction.get(keys[number]))

    def _pixels(self, encoded: bytes) -> Pixels:
        return fitted(decoded(io.BytesIO(encoded), 3), self.side, self.fit)


@contextlib.contextmanager
def _database(root: Path, name: str) -> Iterator[Any]:
    """Open torchvision's reader of one category, which has ``keys`` and the open LMDB environment ``env``.

    It keeps the database's keys in a pickle in the *working folder*, named by the letters of the root's path alone, so
    that ``data1`` and ``data2`` would share one: it is built in an empty folder. It also leaves that file to the
    garbage collector, hence the filter.
    """
    import lmdb
    from torchvision.datasets import LSUN

    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            databases = LSUN(str(root), classes=[name]).dbs
        except lmdb.Error as error:
            raise ValueError(
                f"root must hold LSUN undamaged, got {root}/{name}_lmdb: {error}; unpack it again"
            ) from None
    try:
        yield databases[0]
    finally:
        databases[0].env.close()
