"""MNIST and its relatives: Fashion-MNIST, and stacked MNIST with its thousand modes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from trainables.data.pixels import resized
from trainables.data.source import ImageSource, ImageTruth
from trainables.later import torch
from trainables.streams import generator

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 28
DIGITS = 10
STACKED = 3
FILES = tuple(f"{part}-{what}" for part in ("train", "t10k") for what in ("images-idx3-ubyte", "labels-idx1-ubyte"))
"""Those of the test set are not read, but torchvision insists on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mnist:
    """60,000 handwritten digits in 10 classes, 28x28 grey, scaled to ``side``; white on black in [-1, 1].

    The training set alone; nothing of it is held out. At another side than 28 the images are scaled bilinearly (many
    implementations do so for 32; others pad with black).

    Attributes:
        root: the folder that holds ``MNIST/raw``; relative to the working folder.

    LeCun et al. 1998, "Gradient-based learning applied to document recognition".
    """

    kind: Literal["mnist"] = "mnist"
    root: str = "data/mnist"
    side: int = SIDE
    source: ClassVar[str] = "LeCun et al. 1998, MNIST training set"

    def __post_init__(self) -> None:
        _check_side(self.side)

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
        _look_for(self.root, "MNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load the training set.

        Raises:
            ValueError: as ``check``, or if the files are damaged.
        """
        self.check()
        images, labels = _read(self.root, "MNIST")
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
        root: the folder that holds ``FashionMNIST/raw``; relative to the working folder.

    Xiao et al. 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
    """

    kind: Literal["fashion_mnist"] = "fashion_mnist"
    root: str = "data/fashion_mnist"
    side: int = SIDE
    source: ClassVar[str] = "Xiao et al. 2017, Fashion-MNIST training set"

    def __post_init__(self) -> None:
        _check_side(self.side)

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.side, self.side)

    @property
    def classes(self) -> int:
        """One class per kind of clothes."""
        return DIGITS

    def check(self) -> None:
        """Check as :meth:`Mnist.check` does."""
        _look_for(self.root, "FashionMNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load as :meth:`Mnist.load` does."""
        self.check()
        images, labels = _read(self.root, "FashionMNIST")
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
        root: the folder that holds ``MNIST/raw``, the same as that of :class:`Mnist`.
    """

    kind: Literal["stacked_mnist"] = "stacked_mnist"
    root: str = "data/mnist"
    side: int = SIDE
    count: int = 128_000
    source: ClassVar[str] = "Metz et al. 2017; Srivastava et al. 2017: stacked MNIST from the training set"

    def __post_init__(self) -> None:
        _check_side(self.side)
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
        _look_for(self.root, "MNIST")

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        """Load as :meth:`Mnist.load` does."""
        self.check()
        digits, names = _read(self.root, "MNIST")
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


def _check_side(side: int) -> None:
    if side < 8:
        raise ValueError(f"side must be >= 8, got {side}")


def _look_for(root: str, name: str) -> None:
    folder = Path(root).absolute()
    for file in FILES:
        path = Path(name) / "raw" / file
        if not (folder / path).is_file():
            raise ValueError(
                f"root must hold {name}, got {folder} without {path}: fetch it with "
                f"torchvision.datasets.{name}({root!r}, download=True)"
            )


def _read(root: str, name: str) -> tuple[Tensor, Tensor]:
    """Read images ``[N, 1, 28, 28]`` and labels ``[N]`` of the training set."""
    try:
        reader = _reader(name)(root, train=True)
    except (RuntimeError, ValueError, AssertionError, OSError) as error:  # what a damaged file looks like
        reason = str(error) or "not the files' format"
        raise _damaged(root, name, reason) from None
    images, labels = reader.data, reader.targets
    if not len(images) or len(images) != len(labels) or images.shape[1:] != (SIDE, SIDE):
        raise _damaged(root, name, f"{tuple(images.shape)} images for {len(labels)} labels")
    return images[:, None], labels


def _damaged(root: str, name: str, reason: str) -> ValueError:
    place = Path(root).absolute() / name / "raw"
    return ValueError(
        f"root must hold {name} undamaged, got {place} with {reason}: delete that folder and fetch it again"
    )


def _reader(name: str) -> Any:
    from torchvision import datasets

    return getattr(datasets, name)
