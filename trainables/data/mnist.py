"""MNIST and its relatives: Fashion-MNIST, and stacked MNIST with its thousand modes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from trainables.data import idx
from trainables.data.pixels import check_memory, check_side, resized
from trainables.data.source import ImageSource, ImageTruth
from trainables.data.walking import NUMBERS_ARE_NAMES
from trainables.later import torch
from trainables.streams import generator

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 28
DIGITS = 10
PUBLISHED = 60_000
"""Images of the published training sets."""
STACKED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Mnist:
    """60,000 handwritten digits in 10 classes, 28x28 grey, scaled to ``side``; white on black in [-1, 1].

    The training set alone; nothing of it is held out. At another side than 28 the images are scaled bilinearly (many
    implementations do so for 32; others pad with black).

    Attributes:
        root: the folder that holds the files, packed or not, also in folders inside it such as ``MNIST/raw``;
            relative to the working folder.

    LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    kind: Literal["mnist"] = "mnist"
    root: str = "data/mnist"
    side: int = SIDE
    source: ClassVar[str] = "LeCun et al. 1998, MNIST training set"
    published: ClassVar[int] = PUBLISHED
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.side, self.side)

    @property
    def classes(self) -> int:
        """One class per digit."""
        return DIGITS

    def check(self) -> None:
        """Look for the files without reading them.

        Raises:
            ValueError: if one is not there; says how to fetch them.
        """
        idx.find(self.root, "MNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load the training set.

        Raises:
            ValueError: as ``check``, or if the files are damaged.
        """
        images, labels = _read(self.root, "MNIST")
        check_memory(len(images), self.shape)
        truth = ImageTruth(images=resized(images, self.side), labels=labels, classes=DIGITS)
        return ImageSource(truth, device=device, dtype=dtype)

    def download(self) -> None:
        """Fetch the files through torchvision (12 MB)."""
        _reader("MNIST")(self.root, download=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FashionMnist:
    """60,000 photographs of clothes in 10 classes, 28x28 grey, scaled to ``side``; on black in [-1, 1].

    The training set alone; nothing of it is held out. At another side than 28 the images are scaled bilinearly.

    Attributes:
        root: the folder that holds the files, packed or not, also in folders inside it such as ``FashionMNIST/raw``;
            relative to the working folder.

    Xiao et al. 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
    """

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    root: str = "data/fashion_mnist"
    side: int = SIDE
    source: ClassVar[str] = "Xiao et al. 2017, Fashion-MNIST training set"
    published: ClassVar[int] = PUBLISHED
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.side, self.side)

    @property
    def classes(self) -> int:
        """One class per kind of clothes."""
        return DIGITS

    def check(self) -> None:
        """Check as :meth:`Mnist.check` does."""
        idx.find(self.root, "FashionMNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load as :meth:`Mnist.load` does."""
        images, labels = _read(self.root, "FashionMNIST")
        check_memory(len(images), self.shape)
        truth = ImageTruth(images=resized(images, self.side), labels=labels, classes=DIGITS)
        return ImageSource(truth, device=device, dtype=dtype)

    def download(self) -> None:
        """Fetch the files through torchvision (31 MB)."""
        _reader("FashionMNIST")(self.root, download=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedMnist:
    """Three random MNIST digits as red, green and blue: 1,000 classes, ``100 r + 10 g + b``; 28x28 in [-1, 1].

    The three digits of each of ``count`` images are drawn independently and uniformly from MNIST's training set by
    fixed random numbers: the set is always the same, whatever the replica. Nothing is stored; ``load`` stacks the set
    in memory, 301 MB for the default.

    ``count`` 128,000 is the setup of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN), whose evaluation
    looks at 26,000 generated images. PacGAN's code leaves the images in [0, 1] while its generator ends in tanh; here
    both are in [-1, 1]. Metz et al. 2017 (unrolled GAN) introduced the set.

    A thousand classes need thousands of generated images to be seen: at the default ``evaluation.samples`` of 512 no
    generator can cover more than 40 % of them.

    Attributes:
        root: as that of :class:`Mnist`.
    """

    kind: Literal["stacked_mnist"] = "stacked_mnist"
    root: str = "data/mnist"
    side: int = SIDE
    count: int = 128_000
    source: ClassVar[str] = "Metz et al. 2017; Srivastava et al. 2017: stacked MNIST from the training set"
    __pydantic_config__: ClassVar = NUMBERS_ARE_NAMES

    def __post_init__(self) -> None:
        check_side(self.side)
        if self.count < 1:
            raise ValueError(f"count must be >= 1, got {self.count}")

    @property
    def shape(self) -> tuple[int, ...]:
        return (STACKED, self.side, self.side)

    @property
    def classes(self) -> int:
        """One class per number of three digits."""
        return int(DIGITS**STACKED)

    def check(self) -> None:
        """Check as :meth:`Mnist.check` does."""
        idx.find(self.root, "MNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load as :meth:`Mnist.load` does."""
        digits, names = _read(self.root, "MNIST")
        check_memory(self.count, self.shape, field="side or count")
        rng = generator(0, "stacked_mnist")
        picks = torch.from_numpy(rng.integers(len(digits), size=(self.count, STACKED)))
        places = torch.tensor([DIGITS**place for place in reversed(range(STACKED))])
        truth = ImageTruth(
            images=resized(digits, self.side)[picks, 0],
            labels=(names[picks] * places).sum(1),
            classes=self.classes,
            channel_classes=DIGITS,
        )
        return ImageSource(truth, device=device, dtype=dtype)

    def download(self) -> None:
        """Fetch as :meth:`Mnist.download` does."""
        _reader("MNIST")(self.root, download=True)


def _read(root: str, name: str) -> tuple[Tensor, Tensor]:
    """Read images ``[N, 1, 28, 28]`` and labels ``[N]`` of the training set."""
    places = idx.find(root, name)
    try:
        images, labels = (
            torch.from_numpy(idx.read(place, axes).copy()) for place, axes in zip(places, (3, 1), strict=True)
        )
    except ValueError as error:
        raise _damaged(places.images.parent, name, str(error)) from None
    if not len(images) or images.shape != (len(labels), SIDE, SIDE):
        raise _damaged(places.images.parent, name, f"{tuple(images.shape)} images for {len(labels)} labels")
    if labels.max() >= DIGITS:
        raise _damaged(places.images.parent, name, f"{places.labels.name}: a label of {labels.max()}")
    return images[:, None], labels.to(torch.int64)


def _damaged(folder: Path, name: str, reason: str) -> ValueError:
    return ValueError(f"root must hold {name} undamaged, got {folder} with {reason}: fetch those files again")


def _reader(name: str) -> Any:
    from torchvision import datasets

    return getattr(datasets, name)
