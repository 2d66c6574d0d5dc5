"""Real samples, and the cheats that need neither training nor a verdict of failure, of any data set.

They serve the test of a judge's competence; the panel of impostors has many more, on the bundled data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables import modeless
from trainables.data.source import ImageSource, ImageTruth, MixtureTruth, Source
from trainables.features import as_floats
from trainables.neighbors import MOST, without_structure
from trainables.streams import Streams, generator

NOISE = 0.1
"""Deviation of the noise on copied images, of a range of 2."""
_REAL = 2**40
"""Seeds from here on draw real samples; no replica has them."""
_COPIES = 100
_TIMES = 8
"""Least number of times that a copied image appears among the samples."""
_CLUSTERED = 1_000
_ROUNDS = 5
_CLUSTERS = 10
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Made:
    """Samples ``[N, *shape]`` and the classes ``[N]`` that they pretend to be of."""

    samples: Tensor
    labels: Tensor


def names(source: Source, *, copies: bool = True) -> tuple[str, ...]:
    """Return the names of the cheats that a data set has, ``copies`` with those that only a judge of copies sees."""
    if isinstance(source.truth, MixtureTruth):
        return tuple(modeless.without_modes(source.truth, 2)) if len(source.truth.centers) > 1 else ()
    each = "one image per class" if source.truth.labels is not None else "one image per cluster"
    return ("images without structure", each, *([f"copies of {_copied(source)} images"] if copies else []), "noise")


def make(name: str, source: Source, count: int, seed: int, row: int) -> Made:
    """Return the samples of one row of real data (``real``) or of a cheat; a pure function of its arguments."""
    rng = generator(seed, f"competence/{name}", row)
    truth = source.truth
    if isinstance(truth, MixtureTruth):
        if name == "real":  # as batches draw it: a roll is no mixture, and a point has no noise
            return Made(source.batch(Streams([_REAL + seed]), row, count).samples[0].cpu(), _any_labels(source, count))
        points = modeless.without_modes(truth, count, 1 + row + 1_000 * seed)[name]
        return Made(_tensor(points), _any_labels(source, count))
    if name == "real":
        return _images(truth, _real(source, rng, count))
    if name == "noise":
        return Made(_tensor(rng.uniform(-1, 1, (count, *source.shape))), _any_labels(source, count))
    if name == "images without structure":
        return Made(_without_structure(source, rng, count), _any_labels(source, count))
    kept = _trained(source)[: _copied(source)] if name.startswith("copies") else _representatives(source, count)
    made = _images(truth, np.resize(rng.permutation(kept), count))
    noisy = made.samples + NOISE * _tensor(rng.standard_normal(made.samples.shape))
    return Made(noisy.clamp(-1, 1), made.labels)


def _real(source: Source, rng: np.random.Generator, count: int) -> Numbers:
    """Return numbers of ``count`` images, those first that the probes do not compare with; all before any again."""
    everything = np.arange(len(_truth(source).images))
    if not isinstance(source, ImageSource):
        return np.resize(rng.permutation(everything), count)
    trained = source.trained_on.cpu().numpy()
    order = trained[generator(0, "neighbors").permutation(len(trained))]
    compared = order[: min(count, MOST, len(order) // 2)]
    fresh = rng.permutation(np.setdiff1d(everything, compared))
    return np.resize(np.concatenate([fresh, rng.permutation(compared)]), count)


def _representatives(source: Source, count: int) -> Numbers:
    """Return one image per class, or per cluster without labels, few enough for each to appear several times."""
    trained, labels = _trained(source), _truth(source).labels
    if labels is None:
        return _clustered(source, trained, min(_CLUSTERS, max(1, count // _TIMES)))
    own = labels.cpu().numpy()[trained]
    return trained[np.unique(own, return_index=True)[1]][: max(1, count // _TIMES)]


def _clustered(source: Source, trained: Numbers, clusters: int) -> Numbers:
    """Return the images nearest to the means of clusters of pixels, by Lloyd's algorithm on at most 1,000 images."""
    some = trained[:_CLUSTERED]
    flat = _images(_truth(source), some).samples.flatten(1)
    means = flat[:clusters].clone()
    for _ in range(_ROUNDS):
        nearest = torch.cdist(flat, means).argmin(1)
        for place in nearest.unique():
            means[place] = flat[nearest == place].mean(0)
    picks: Numbers = some[torch.cdist(means, flat).argmin(1).numpy()]
    return np.unique(picks)


def _without_structure(source: Source, rng: np.random.Generator, count: int) -> Tensor:
    images = _images(_truth(source), _trained(source)[:_CLUSTERED]).samples
    return without_structure(images, torch.from_numpy(rng.standard_normal((count, len(images)))))


def _copied(source: Source) -> int:
    """Return how many images are copied: 100, or an eighth of fewer than 800."""
    return max(1, min(_COPIES, len(_trained(source)) // _TIMES))


def _trained(source: Source) -> Numbers:
    """Return the numbers of the images to train on, in an order of chance."""
    every = (
        source.trained_on.cpu().numpy() if isinstance(source, ImageSource) else np.arange(len(_truth(source).images))
    )
    return every[generator(0, "competence/order").permutation(len(every))]


def _truth(source: Source) -> ImageTruth:
    assert isinstance(source.truth, ImageTruth)
    return source.truth


def _images(truth: ImageTruth, picks: Numbers) -> Made:
    chosen = torch.from_numpy(picks)
    labels = (
        torch.zeros(len(picks), dtype=torch.int64) if truth.labels is None else truth.labels[chosen].to(torch.int64)
    )
    return Made(as_floats(truth.images[chosen]), labels)


def _any_labels(source: Source, count: int) -> Tensor:
    truth = source.truth
    classes = len(truth.centers) if isinstance(truth, MixtureTruth) else max(1, truth.classes)
    return torch.arange(count) % classes


def _tensor(values: npt.NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.asarray(values, dtype=np.float32))
