"""LSUN bedrooms: the data of the LSGAN and WGAN stability comparisons. Read from the user's copy, 43 GB."""

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch

from trainables.data.source import ImageSource, ImageTruth

if TYPE_CHECKING:
    from PIL.Image import Image

CATEGORY = "bedroom_train"
REPORT_EVERY = 100_000
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LsunBedroom:
    """3,033,042 photographs of bedrooms (shorter edge 256), unlabelled, as ``side`` x ``side`` RGB in [-1, 1].

    The first ``load`` decodes the database once into a file of bytes beside it (37 GB for all images at side 64, about
    a millisecond of one core per image); every later one maps that file, so neither memory nor start-up
    grows with the set. Several processes may load at once: one writes, the others wait.

    Attributes:
        root: the folder that holds ``bedroom_train_lmdb``; relative to the working folder.
        limit: only the first so many images, in the order of their keys, which are hashes; absent for all.
        fit: ``crop`` cuts the central square and scales it; ``squeeze`` scales the whole image whatever its
            proportions, as the conversion script in the LSGAN authors' code does.

    Yu et al. 2015, "LSUN: Construction of a Large-scale Image Dataset using Deep Learning with Humans in the Loop".
    """

    kind: Literal["lsun_bedroom"] = "lsun_bedroom"
    root: str = "data/lsun"
    side: int = 64
    limit: int | None = None
    fit: Literal["crop", "squeeze"] = "crop"
    source: ClassVar[str] = "Yu et al. 2015, LSUN bedroom training set"

    def __post_init__(self) -> None:
        if self.side < 8:
            raise ValueError(f"side must be >= 8, got {self.side}")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit must be >= 1, got {self.limit}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (3, self.side, self.side)

    @property
    def cache(self) -> Path:
        """The converted images: an ``.npy`` file, ``[N, 3, side, side]`` uint8."""
        part = "all" if self.limit is None else f"first{self.limit}"
        return Path(self.root).absolute() / f"{CATEGORY}_{self.side}_{self.fit}_{part}.npy"

    @property
    def classes(self) -> int:
        """Unlabelled."""
        return 0

    def check(self) -> None:
        """Looks for the data without reading them.

        Raises:
            ValueError: if neither the database nor the converted file is there; says what to download and where to.
        """
        folder = Path(self.root).absolute()
        if not (self.cache.is_file() or (folder / f"{CATEGORY}_lmdb" / "data.mdb").is_file()):
            raise ValueError(
                f"root must hold the LSUN bedroom training set, got {folder} without {CATEGORY}_lmdb/data.mdb: "
                f"download {CATEGORY}_lmdb.zip (about 43 GB) from the LSUN project (github.com/fyu/lsun) and unpack "
                "it in that folder"
            )

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Maps the converted images, converting them first if need be.

        Raises:
            ValueError: as ``check``, or if the database is empty.
            OSError: if the disk is full or the folder not writable; no unfinished file is left behind.
        """
        self.check()
        if not self.cache.is_file():
            with _alone(self.cache.with_suffix(".lock")):
                if not self.cache.is_file():
                    self._convert()
        truth = ImageTruth(images=_mapped(self.cache), labels=None, classes=0)
        return ImageSource(truth, device=device, dtype=dtype, on_device=False)

    def _convert(self) -> None:
        unfinished = self.cache.with_suffix(".part")
        try:
            with _database(Path(self.root)) as images, unfinished.open("wb") as file:
                if not len(images):
                    raise ValueError(f"root must hold images, got an empty database in {Path(self.root).absolute()}")
                count = len(images) if self.limit is None else min(self.limit, len(images))
                self._write(file, images, count)
            os.replace(unfinished, self.cache)
        finally:
            unfinished.unlink(missing_ok=True)

    def _write(self, file: BinaryIO, images: Any, count: int) -> None:
        # Plain writes, not a writable memory map: on a full disk they raise, where the map kills the process.
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for number in range(count):
            file.write(self._pixels(images[number][0]).tobytes())
            if (number + 1) % REPORT_EVERY == 0:
                logger.info("LSUN: %d of %d images converted to %s", number + 1, count, self.cache)
        file.flush()
        os.fsync(file.fileno())

    def _pixels(self, image: "Image") -> npt.NDArray[np.uint8]:
        """``[3, side, side]``."""
        from PIL.Image import Resampling
        from PIL.ImageOps import fit

        size = (self.side, self.side)
        if self.fit == "crop":
            small = fit(image, size, Resampling.BILINEAR)
        else:
            small = image.resize(size, Resampling.BILINEAR)
        return np.asarray(small).transpose(2, 0, 1)


def _mapped(path: Path) -> torch.Tensor:
    """The array of an ``.npy`` file, read from disk only where it is touched. Writing to it would end the process.

    A copy-on-write map would be writable, but the system reserves memory for all of one and refuses it when the set
    exceeds the memory; torch has no read-only tensors and warns.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(np.load(path, mmap_mode="r"))


@contextlib.contextmanager
def _database(root: Path) -> Iterator[Any]:
    """torchvision's reader of the category; indexing gives ``(RGB image, category)``.

    It keeps the database's keys in a pickle in the *working folder*, named by the letters of the root's path alone, so
    that ``data1`` and ``data2`` would share one: it is built in an empty folder. It also leaves that file to the
    garbage collector, hence the filter.
    """
    from torchvision.datasets import LSUN

    root = root.absolute()
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        images = LSUN(str(root), classes=[CATEGORY])
    try:
        yield images
    finally:
        for database in images.dbs:
            database.env.close()


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Waits until no other process holds the lock; the system frees it when its holder dies."""
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
