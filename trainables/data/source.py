"""What a data set is to the loop: batches of real samples, and what evaluation compares against.

Data sets are in memory and on the device, or memory-mapped if they exceed it; there is no loader process. A batch is
a pure function of the replica's seed and the batch counter, so the data cursor of a checkpoint is the step counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from trainables.later import torch
from trainables.streams import Streams, generator

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.shapes import Labels, Samples

HASHED_WHOLE_BYTES = 64 * 2**20
HASHED_SPREAD = 4_096
HELD_OUT_SHARE = 0.2
MOST_HELD_OUT = 5_000
MOST_MODES = 4_096
"""Components of a mixture: their distances to each other are kept at once, in 270 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureTruth:
    """The known density of a Gaussian mixture with *distinct* centres.

    Attributes:
        centers: ``[M, dim]`` distinct centres.
        weights: ``[M]`` true probabilities, sum 1 (a doubled mode has double weight, not two entries).
        std: the standard deviation of every component, per coordinate.
    """

    centers: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTruth:
    """Labelled images that evaluation learns its feature space from.

    Attributes:
        images: ``[N, channels, side, side]`` uint8.
        labels: ``[N]`` class of each image; for unlabelled sets, none.
        classes: number of classes; 0 for unlabelled sets.
        channel_classes: K, if every channel shows something of one of K classes and the label of the image is the
            number that they spell, ``sum_c k_c K^(C-1-c)`` (stacked MNIST: ``100 r + 10 g + b``); 0 for all other sets.
        names: name of each class, where the data set knows them.
    """

    images: Tensor
    labels: Tensor | None
    classes: int
    channel_classes: int = 0
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.images.dtype != torch.uint8 or self.images.ndim != 4 or not len(self.images):
            got = f"{self.images.dtype} {tuple(self.images.shape)}"
            raise ValueError(f"images must be uint8 [N, channels, side, side] with N >= 1, got {got}")
        if self.channel_classes and self.classes != self.channel_classes ** self.images.shape[1]:
            spelled = f"{self.channel_classes} classes in each of {self.images.shape[1]} channels"
            raise ValueError(f"classes must be all combinations of {spelled}, got {self.classes}")
        if self.labels is None:
            if self.classes != 0:
                raise ValueError(f"classes must be 0 without labels, got {self.classes}")
        elif self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"labels must be [{len(self.images)}] for as many images, got {tuple(self.labels.shape)}")
        elif not (self.labels.min() >= 0 and self.labels.max() < self.classes):
            raise ValueError(f"labels must lie in 0..{self.classes - 1}, got {self.labels.min()}..{self.labels.max()}")


@dataclass(frozen=True, slots=True)
class Batch:
    """Real samples and their classes.

    Attributes:
        samples: ``[R, B, *shape]``.
        labels: ``[R, B]`` int64; of a mixture, the number of the mode; absent for unlabelled images.
    """

    samples: Samples
    labels: Labels | None


class Source(Protocol):
    """Real samples of one data set on one device."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample; images are ``(channels, side, side)`` in [-1, 1]."""

    @property
    def truth(self) -> MixtureTruth | ImageTruth: ...

    @property
    def digest(self) -> str:
        """Hash of the data: equal digests mean equal samples."""

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        """Return the ``counter``-th batch of every replica, a pure function of its seed among ``streams.seeds``.

        Those are equal where data are held.
        """

    def reference(self, size: int) -> Tensor:
        """Return ``[size, *shape]``: a fixed real sample for evaluation, the same for every replica and launch."""


@runtime_checkable
class Downloadable(Protocol):
    """A data set that can fetch its files into its ``root``."""

    @property
    def root(self) -> str: ...

    def download(self) -> None:
        """Fetch what is not there yet.

        Raises:
            OSError, RuntimeError: if a server cannot be reached, or sends something else.
        """


@runtime_checkable
class Provided(Protocol):
    """A data set whose files the user provides."""

    @property
    def advice(self) -> str:
        """How to provide them, as a command to the user: ``download ... and unpack it in ...``."""


@runtime_checkable
class Remarked(Protocol):
    """A data set of the user's own files, not all of which are used, or not as they lie on the disk."""

    def remarks(self) -> tuple[str, ...]:
        """Return which files and folders are not used, without opening any, a clause for each reason.

        Raises:
            ValueError: as the data set's ``check``.
        """

    def readings(self) -> tuple[str, ...]:
        """Return how many images are read otherwise than they lie on the disk, a clause for each way; opens all."""


class MixtureSource:
    """Fresh samples of a Gaussian mixture at every step: ``center[k] + std * N(0, I)``, k uniform over ``drawn``.

    Args:
        truth: the density, for evaluation.
        drawn: ``[K, dim]`` the list that batches choose from uniformly; repeats make a mode heavier.
    """

    def __init__(
        self, truth: MixtureTruth, drawn: npt.NDArray[np.float64], *, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.truth = truth
        self.shape = (drawn.shape[1],)
        self.digest = blake2b(f"{drawn.shape} {truth.std!r}".encode() + drawn.tobytes(), digest_size=8).hexdigest()
        distances = np.linalg.norm(drawn[:, None] - truth.centers[None], axis=2)
        self._drawn = torch.from_numpy(drawn.astype(np.float32)).to(device)
        self._mode_of = torch.from_numpy(distances.argmin(axis=1)).to(device)
        self._device, self._dtype = device, dtype

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        return self._drawn_from(streams, "data", counter, size)

    def reference(self, size: int) -> Tensor:
        return self._drawn_from(Streams([0], self._device), "reference", 0, size).samples[0]

    def _drawn_from(self, streams: Streams, stream: str, counter: int, size: int) -> Batch:
        noise = streams.normal(stream, counter, (size, *self.shape)).to(self._device)
        picks = streams.picks(f"{stream}/mode", counter, size, len(self._drawn)).to(self._device)
        samples = noise * self.truth.std + self._drawn[picks]
        return Batch(samples.to(self._dtype), self._mode_of[picks])


class Walk:
    """The order in which replicas are shown a finite set: a fresh permutation of it each epoch.

    An incomplete last batch of an epoch is dropped. An epoch's permutations are one copy to the device.

    Args:
        items: ``[N]`` numbers of what is shown, on the device where they are needed.
        stream: that of the permutations.
    """

    def __init__(self, items: Tensor, stream: str = "data") -> None:
        self._items, self._stream = items, stream
        self._latest: tuple[tuple[tuple[int, ...], int], Tensor] | None = None

    def batch(self, seeds: tuple[int, ...], counter: int, size: int) -> Tensor:
        """Return the items ``[R, size]`` of every replica's ``counter``-th batch, as int32."""
        epoch, place = divmod(counter, len(self._items) // size)
        return self._orders(seeds, epoch)[:, place * size : (place + 1) * size]

    def _orders(self, seeds: tuple[int, ...], epoch: int) -> Tensor:
        """Return the walk ``[R, N]`` of every replica.

        Only the latest is kept: for millions of images each is megabytes.
        """
        if self._latest is None or self._latest[0] != (seeds, epoch):
            count = len(self._items)
            rows = [generator(seed, self._stream, epoch).permutation(count).astype(np.int32) for seed in seeds]
            orders = torch.from_numpy(np.stack(rows)).to(self._items.device)
            self._latest = (seeds, epoch), self._items[orders.to(torch.int64)].to(torch.int32)
        return self._latest[1]


class ImageSource:
    """A finite set of uint8 images, kept as bytes; batches walk through it (:class:`Walk`).

    A fifth of the images, at most 5,000, is held out: no batch shows it, so that a generator that repeats what it was
    trained on can be told from one that makes new images. It is the start of a permutation that all seeds share.

    Bytes ``v`` in 0..255 become floats ``v / 127.5 - 1`` in [-1, 1],
    rounded once to float32 and then cast, so that devices and precisions see the same values.

    Args:
        truth: images and labels; the images may be a memory map for sets that exceed the memory.
        on_device: the bytes are moved to ``device``; otherwise they stay where they are and only batches move.
        held_out: the share that is held out.
    """

    def __init__(
        self,
        truth: ImageTruth,
        *,
        device: torch.device,
        dtype: torch.dtype,
        on_device: bool = True,
        held_out: float = HELD_OUT_SHARE,
    ) -> None:
        self.truth = truth
        self.shape = tuple(truth.images.shape[1:])
        self.digest = _digest(truth)
        self._images = truth.images.to(device) if on_device else truth.images
        self._labels = None if truth.labels is None else truth.labels.to(device=self._images.device, dtype=torch.int64)
        self._device, self._dtype = device, dtype
        # As a tensor: CUDA multiplies by the rounded reciprocal of a scalar divisor, which a CPU does not.
        self._divisor = torch.tensor(255.0, device=device)
        order = torch.from_numpy(generator(0, "held_out").permutation(len(truth.images))).to(self._images.device)
        self._held = order[: min(MOST_HELD_OUT, int(held_out * len(order)))]
        self._train = order[len(self._held) :]
        self._walk = Walk(self._train)

    def check_batch(self, size: int, packing: int = 1) -> None:
        """Raise ValueError if the images to train on do not fill one batch of so many packs of images."""
        count = len(self._train)
        if 1 <= size * packing <= count:
            return
        most, packs = count // packing, f" and packing takes {packing} for each" if packing > 1 else ""
        raise ValueError(
            f"batch_size must be between 1 and {most}, as {count} of the {len(self._images)} images are not held"
            f" out{packs}, got {size}: {'set a smaller one, or ' if most > 1 else ''}add images"
        )

    def batch(self, streams: Streams, counter: int, size: int) -> Batch:
        self.check_batch(size)
        return self.at(self._walk.batch(streams.seeds, counter, size))

    def at(self, picks: Tensor) -> Batch:
        """Return the images with these numbers, ``[R, B]``, which lie where the bytes are."""
        return Batch(self._floats(picks), None if self._labels is None else self._labels[picks].to(self._device))

    def reference(self, size: int) -> Tensor:
        """Return the first ``size`` images of a fixed permutation of those to train on (all, if there are fewer)."""
        return self._floats(self._train[self._permutation("reference")[:size]])

    def held_out(self, size: int) -> Tensor:
        """Return the first ``size`` held-out images (all, if there are fewer; none of fewer than five images)."""
        return self._floats(self._held[:size])

    @property
    def trained_on(self) -> Tensor:
        """Numbers of the images that batches show, ``[N]``, where the bytes lie."""
        return self._train

    @property
    def kept_back(self) -> Tensor:
        """Numbers of the held-out images."""
        return self._held

    def _permutation(self, stream: str) -> Tensor:
        return torch.from_numpy(generator(0, stream).permutation(len(self._train))).to(self._train.device)

    def _floats(self, picks: Tensor) -> Tensor:
        chosen = self._images.index_select(0, picks.flatten()).to(self._device)
        floats = chosen.to(torch.float32).mul_(2.0).sub_(255.0).div_(self._divisor)
        return floats.to(self._dtype).view(*picks.shape, *self.shape)


def _digest(truth: ImageTruth) -> str:
    """Hash shape, labels and pixels; of sets over 64 MiB, the pixels of 4,096 images spread over the set."""
    every = 1
    if truth.images.nbytes > HASHED_WHOLE_BYTES:
        every = max(1, len(truth.images) // HASHED_SPREAD)
    digest = blake2b(str(tuple(truth.images.shape)).encode(), digest_size=8)
    digest.update(truth.images[::every].contiguous().numpy().data)
    if truth.labels is not None:
        digest.update(truth.labels.to(torch.int64).contiguous().numpy().data)
    return digest.hexdigest()
