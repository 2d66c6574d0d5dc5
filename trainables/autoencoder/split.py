"""Which images an autoencoder trains on, which are held out, and which of the others carry a label."""

from functools import cached_property

import torch
from torch import Tensor

from trainables.autoencoding import PriorLabels, SemiSupervised, SupervisedOnly
from trainables.config import AaeConfig
from trainables.data import Batch, ImageSource
from trainables.data.source import Walk
from trainables.shapes import Labels
from trainables.streams import generator

_MOST_HELD_OUT = 10_000
_LABELED = "labelled"
"""Name of a random stream; another spelling would be another stream, with other images."""


class Split:
    """Which images are held out, and which of the others carry a label, for a stack of seeds.

    The held-out ones are the first of a permutation that all seeds and configurations share, and that the source's
    held-out images are also the first of: what the source keeps back is not trained on either. Of the held-out images,
    at most 10,000 are measured.
    """

    def __init__(self, config: AaeConfig, source: ImageSource, seeds: tuple[int, ...]) -> None:
        self._config, self._source, self._seeds = config, source, seeds
        truth = source.truth
        order = torch.from_numpy(generator(0, "held_out").permutation(len(truth.images)))
        held = round(config.held_out * len(order))
        aside = max(held, len(source.kept_back))
        if held < 2 or len(order) - aside < config.batch_size:
            rule = f"leave 2 images aside and batch_size ({config.batch_size}) to train on"
            raise ValueError(f"held_out must {rule}, got {config.held_out} of {len(order)} images")
        self._held, self._train = order[:held], order[aside:]
        self._labels = None if truth.labels is None else truth.labels.to(torch.int64).cpu()
        self._device = source.trained_on.device  # where the images are: what a step reads of the rest is there, too
        self._walk = Walk(self._train.to(self._device))

    def held_out(self) -> Batch:
        """Return the held-out images ``[1, n, ...]``, the same for every replica."""
        return self._source.at(self._held[None, :_MOST_HELD_OUT].to(self._device))

    def picks(self, counter: int) -> Tensor:
        """Return the numbers ``[R, B]`` of the ``counter``-th batch's images; each epoch is a fresh permutation."""
        return self._walk.batch(self._seeds, counter, self._config.batch_size).to(torch.int64)

    def at(self, picks: Tensor) -> Batch:
        return self._source.at(picks)

    def told(self, picks: Tensor) -> Labels:
        """Return the classes ``[R, B]`` of images, or the number of classes for those without a label (PriorLabels)."""
        told, labels = self._told
        return torch.where(told.gather(1, picks), labels[picks], self._config.data.classes)

    def labeled(self, counter: int) -> Batch:
        """Return the ``counter``-th batch of the images whose label is used (SemiSupervised, SupervisedOnly)."""
        own = self._labeled
        size = min(self._config.batch_size, own.shape[1])
        return self._source.at(own.gather(1, self._labeled_walk.batch(self._seeds, counter, size).to(torch.int64)))

    @cached_property
    def _told(self) -> tuple[Tensor, Labels]:
        """Of which images each replica is told the class, ``[R, N]``, and the classes ``[N]``."""
        assert isinstance(self._config.labels, PriorLabels)
        assert self._labels is not None
        count = round(self._config.labels.labeled_share * len(self._train))
        told = torch.zeros(len(self._seeds), len(self._source.truth.images), dtype=torch.bool)
        for row, seed in zip(told, self._seeds, strict=True):
            row[self._train[_order(seed, _LABELED, 0, self._train)[:count]]] = True
        return told.to(self._device), self._labels.to(self._device)

    @cached_property
    def _labeled(self) -> Tensor:
        """``[R, labeled]``: as many of each class, the first of a permutation of the seed's own."""
        labels, classes = self._config.labels, self._config.data.classes
        assert isinstance(labels, SemiSupervised | SupervisedOnly)
        assert self._labels is not None
        each, more = divmod(labels.labeled, classes)
        rows = []
        for seed in self._seeds:
            order = self._train[_order(seed, _LABELED, 0, self._train)]
            of = self._labels[order]
            rows.append(torch.cat([order[of == k][: each + (k < more)] for k in range(classes)]))
            if len(rows[-1]) < labels.labeled:
                most = int(torch.bincount(of, minlength=classes).min()) * classes
                raise ValueError(f"labeled must be <= {most}, the data's balanced images, got {labels.labeled}")
        return torch.stack(rows).to(self._device)

    @cached_property
    def _labeled_walk(self) -> Walk:
        return Walk(torch.arange(self._labeled.shape[1], device=self._device), f"{_LABELED}/order")

    def check(self) -> None:
        """Raise ValueError if the data lack labelled images."""
        if isinstance(self._config.labels, SemiSupervised | SupervisedOnly):
            assert len(self._labeled)


def _order(seed: int, stream: str, counter: int, items: Tensor) -> Tensor:
    return torch.from_numpy(generator(seed, stream, counter).permutation(len(items)))
