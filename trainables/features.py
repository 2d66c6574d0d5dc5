"""A small classifier per image data set: the feature space in which generated images are compared with real ones.

It is trained once per data set, offline, on the CPU, from fixed random streams, and cached under the data's hash. Its
held-out accuracy is part of every record, because a Fréchet distance is only as good as its features. Distances in
this space are called ``frechet_classifier``; they are *not* Inception FID and cannot be compared with one.

Labelled sets are classified by their labels. Unlabelled ones by rotation (0, 90, 180 or 270 degrees), which needs to
know what is in the picture (Gidaris et al. 2018); they have no class histogram.

A set whose channels each show a thing of their own (stacked MNIST) is read channel by channel by one net, as its
published protocols do (Srivastava et al. 2017; Lin et al. 2018): a net for ten digits names a thousand classes.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import states
from trainables.data.source import ImageTruth
from trainables.networks.init import He
from trainables.streams import generator

VERSION = 2
"""Raise when anything below changes what is learned; cached nets of other versions are not used."""
WIDTH = 32
ROTATIONS = 4
logger = logging.getLogger(__name__)
_MOST_IMAGES, _EPOCHS, _BATCH, _HELD_OUT = 12_000, 12, 64, 0.2
_FEW_CLASSES, _UPDATES_PER_CLASS = 10, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """A trained feature space.

    Attributes:
        net: maps images ``[N, C, H, W]`` in [-1, 1] to features ``[N, WIDTH]``, or ``[N, C * WIDTH]`` by channel.
        head: maps features to logits ``[N, classes]``.
        task: what the net was trained to tell apart.
        accuracy: share of held-out images (or channels of them) classified correctly, in [0, 1].
        data_digest: hash of the data it was trained on.
    """

    net: nn.Module
    head: nn.Module
    task: Literal["labels", "rotations"]
    accuracy: float
    data_digest: str

    def meta(self) -> dict[str, object]:
        """Return what a trace's metadata says about it."""
        return {"task": self.task, "accuracy": self.accuracy, "data": self.data_digest, "version": VERSION}


class ByChannel(nn.Module):
    """Runs a net for one channel on each: ``[N, C, H, W] -> [N, C * WIDTH]``."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.net(images.flatten(0, 1)[:, None])
        return features.view(len(images), -1)


class Spelled(nn.Module):
    """Logits of the classes that the channels spell: ``[..., C * WIDTH] -> [..., K^C]``.

    Log-probabilities, summed over the channels, for class ``sum_c k_c K^(C-1-c)``: the largest one is what the channels
    say one by one, and its probability the product of theirs.
    """

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, features: Tensor) -> Tensor:
        channels = self.head(features.unflatten(-1, (-1, WIDTH))).log_softmax(-1).unbind(-2)
        joint: Tensor = channels[0]
        for channel in channels[1:]:
            joint = (joint[..., :, None] + channel[..., None, :]).flatten(-2)
        return joint


def obtain(truth: ImageTruth, data_digest: str, cache: Path | None) -> Features:
    """Load the data set's features from ``cache``, or train and store them there.

    A stored file that has been damaged is trained again, with a warning: other weights would be other distances.
    """
    path = cache / f"features-{data_digest}-v{VERSION}.pt" if cache else None
    if path and path.exists():
        stored = states.load(path)
        if stored is not None:
            return _loaded(truth, stored)
        logger.warning("the classifier in %s is damaged: it is trained again", path)
    features = fit(truth, data_digest)
    if path:
        weights = {"net": features.net.state_dict(), "head": features.head.state_dict()}
        found = {"task": features.task, "accuracy": features.accuracy, "data": data_digest}
        states.save({**weights, **found}, path, by_many=True)
    return features


def _loaded(truth: ImageTruth, stored: Mapping[str, Any]) -> Features:
    net, head = _assembled(truth, *_nets(truth))
    for part, name in ((net, "net"), (head, "head")):
        part.load_state_dict(stored[name])
        part.requires_grad_(False)
    return Features(net=net, head=head, task=stored["task"], accuracy=stored["accuracy"], data_digest=stored["data"])


def fit(truth: ImageTruth, data_digest: str) -> Features:
    """Train the classifier: cross-entropy, Adam 1e-3, 12 epochs of at most 12,000 images, a fifth held out.

    More epochs if there are more than ten classes, until there were 40 updates per class: they have fewer images each.
    Of images that are read channel by channel, at most 12,000 *different* channels: none is on both sides.

    Raises:
        ValueError: if there are too few images to hold one out.
    """
    images, labels, task = _examples(truth)
    order = torch.from_numpy(generator(0, "features/split").permutation(len(images)))
    held = int(len(order) * _HELD_OUT)
    if not held:
        raise ValueError(f"images must be at least {round(1 / _HELD_OUT)} to learn features from, got {len(images)}")
    held_out, train = order[:held], order[held:]
    net, head = _nets(truth)
    _initialize(net, head)
    weights = [*net.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    for epoch in range(_epochs(head.out_features, len(train))):
        shuffled = train[torch.from_numpy(generator(0, "features/order", epoch).permutation(len(train)))]
        for batch in shuffled.split(_BATCH):
            loss = functional.cross_entropy(head(net(as_floats(images[batch]))), labels[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    for weight in weights:
        weight.requires_grad_(False)
    right = [(head(net(as_floats(images[batch]))).argmax(1) == labels[batch]).sum() for batch in held_out.split(_BATCH)]
    accuracy = float(torch.stack(right).sum()) / held
    whole, classes = _assembled(truth, net, head)
    return Features(net=whole, head=classes, task=task, accuracy=accuracy, data_digest=data_digest)


def untrained(truth: ImageTruth, data_digest: str) -> Features:
    """Return the classifier as :func:`fit` begins with it: it takes as long to ask, and knows nothing."""
    net, head = _nets(truth)
    _initialize(net, head)
    whole, classes = _assembled(truth, net, head)
    task: Literal["labels", "rotations"] = "rotations" if truth.labels is None else "labels"
    return Features(
        net=whole.requires_grad_(False),
        head=classes.requires_grad_(False),
        task=task,
        accuracy=0.0,
        data_digest=data_digest,
    )


def held_out_count(truth: ImageTruth) -> int:
    """Return on how many images, or channels of them, the accuracy of :class:`Features` is measured."""
    return int(len(_examples(truth)[0]) * _HELD_OUT)


def _epochs(classes: int, images: int) -> int:
    if classes <= _FEW_CLASSES:
        return _EPOCHS
    return max(_EPOCHS, ceil(_UPDATES_PER_CLASS * classes / ceil(images / _BATCH)))


def as_floats(images: Tensor) -> Tensor:
    """Convert bytes to floats in [-1, 1]."""
    return images.to(torch.float32).div_(127.5).sub_(1.0)


def _examples(truth: ImageTruth) -> tuple[Tensor, Tensor, Literal["labels", "rotations"]]:
    picks = torch.from_numpy(generator(0, "features/subset").permutation(len(truth.images))[:_MOST_IMAGES].copy())
    images = truth.images[picks].clone()
    if truth.channel_classes and truth.labels is not None:
        return *_channels(images, truth.labels[picks].to(torch.int64), truth.channel_classes), "labels"
    if truth.labels is not None:
        return images, truth.labels[picks].to(torch.int64), "labels"
    turns = torch.from_numpy(generator(0, "features/turns").integers(ROTATIONS, size=len(images)))
    turned = torch.stack([image.rot90(int(turn), (1, 2)) for image, turn in zip(images, turns, strict=True)])
    return turned, turns, "rotations"


def _channels(images: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return different channels ``[M, 1, H, W]`` and what each shows ``[M]``; the first images', up to the limit."""
    depth = images.shape[1]
    shown = torch.stack([labels // classes ** (depth - 1 - channel) % classes for channel in range(depth)], 1).flatten()
    channels = images.flatten(0, 1)
    first_of: dict[bytes, int] = {}
    for number, channel in enumerate(channels.numpy()):
        first_of.setdefault(channel.tobytes(), number)
    first = torch.tensor(list(first_of.values())[:_MOST_IMAGES])
    return channels[first][:, None], shown[first]


def _assembled(truth: ImageTruth, net: nn.Module, head: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Assemble the modules for whole images from what was trained."""
    return (ByChannel(net), Spelled(head)) if truth.channel_classes else (net, head)


def _nets(truth: ImageTruth) -> tuple[nn.Sequential, nn.Linear]:
    """Build the modules without values: torch's own would be drawn from the caller's random numbers."""
    channels = 1 if truth.channel_classes else truth.images.shape[1]
    with torch.device("meta"):
        net = nn.Sequential(
            nn.Conv2d(channels, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(1),
            nn.Linear(512, WIDTH),
            nn.ReLU(),
        )
        head = nn.Linear(WIDTH, truth.channel_classes or truth.classes or ROTATIONS)
    return net.to_empty(device="cpu"), head.to_empty(device="cpu")


def _initialize(net: nn.Module, head: nn.Module) -> None:
    rule = He()
    for top, module in (("net", net), ("head", head)):
        for name, parameter in module.named_parameters():
            owner = module.get_submodule(name.rpartition(".")[0])
            rng = generator(0, f"features/{top}.{name}")
            value = rule.value(owner, name.rpartition(".")[2], tuple(parameter.shape), rng)
            parameter.data.copy_(torch.from_numpy(value))
