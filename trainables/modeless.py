"""Points without modes that fill as much of a mixture's discs as they can: what a share of good samples is worth.

A share of samples within a radius of some centre means little by itself: discs of 0.3 around the eight modes of the
unit ring cover 77 % of a bare circle. So every radius has a *floor*, the largest share that points without any mode
reach, and a *ceiling*, the share of the data.
"""

from math import inf

import numpy as np
import numpy.typing as npt

from trainables.data.source import MixtureTruth
from trainables.streams import generator

POINTS = 10_000
_RESOLVED = 8.0
"""Modes closer than this many standard deviations have no room between them: lines between them are the data."""
_NEXT = 1.5
_LARGEST = 2**22
"""Numbers in one table of differences."""

Points = npt.NDArray[np.float64]


def spacing(truth: MixtureTruth) -> float:
    """Return the distance between the closest two centres; infinite for a single one."""
    return float(_distances(truth).min())


def resolved(truth: MixtureTruth) -> bool:
    """Return whether there are several modes, with room between them."""
    return len(truth.centers) > 1 and spacing(truth) > _RESOLVED * truth.std


class Scale:
    """The floor and the ceiling of a mixture at any radius.

    The floor is the largest share within the radius of a centre of any points without modes: *lines* between
    neighboring centres, uniform along them (neighbors are up to 1.5 times as far as the nearest one; left out where the
    modes overlap); a *box* around the centres; and the *normal* distribution with the data's mean and covariance. It is
    0 for a single mode. The ceiling is the share of the data.
    """

    def __init__(self, truth: MixtureTruth) -> None:
        several = len(truth.centers) > 1
        self._without = [nearest(points, truth) for points in without_modes(truth).values()] if several else []
        self._data = nearest(data(truth), truth)

    def floor(self, radius: float) -> float:
        """Return the largest share without modes, in [0, 1]."""
        return max((float(np.mean(distances < radius)) for distances in self._without), default=0.0)

    def ceiling(self, radius: float) -> float:
        """Return the share of the data, in [0, 1]."""
        return float(np.mean(self._data < radius))


def data(truth: MixtureTruth, count: int = POINTS, counter: int = 0) -> Points:
    """Return points ``[count, dim]`` of the mixture itself."""
    rng = generator(0, "modeless/data", counter)
    picks = rng.choice(len(truth.centers), size=count, p=truth.weights)
    points: Points = truth.centers[picks] + truth.std * rng.standard_normal((count, truth.centers.shape[1]))
    return points


def without_modes(truth: MixtureTruth, count: int = POINTS, counter: int = 0) -> dict[str, Points]:
    """Return points ``[count, dim]`` of each kind that has no modes, by its name."""
    rng = generator(0, "modeless", counter)
    low, high = truth.centers.min(0) - 3 * truth.std, truth.centers.max(0) + 3 * truth.std
    mean = truth.weights @ truth.centers
    centered = truth.centers - mean
    covariance = (centered.T * truth.weights) @ centered + truth.std**2 * np.eye(len(mean))
    kinds = {
        "box": rng.uniform(low, high, (count, len(mean))),
        "normal": rng.multivariate_normal(mean, covariance, count),
    }
    if resolved(truth):
        kinds["lines"] = lines(truth, rng, count)
    return kinds


def lines(truth: MixtureTruth, rng: np.random.Generator, count: int) -> Points:
    """Return points ``[count, dim]`` that are uniform along the lines between neighboring centres."""
    distances = _distances(truth)
    nearest = distances.min(1)
    a, b = np.nonzero(distances <= _NEXT * np.minimum(nearest[:, None], nearest[None]))
    lengths = distances[a, b]
    picks = rng.choice(len(a), size=count, p=lengths / lengths.sum())
    along = rng.uniform(size=(count, 1))
    points: Points = truth.centers[a[picks]] * (1 - along) + truth.centers[b[picks]] * along
    return points


def nearest(points: Points, truth: MixtureTruth) -> Points:
    """Return the distance ``[N]`` of every point to the nearest centre."""
    parts = np.array_split(points, max(1, len(points) * truth.centers.size // _LARGEST))
    return np.concatenate([_apart(part, truth.centers).min(1) for part in parts])


def _distances(truth: MixtureTruth) -> Points:
    distances = _apart(truth.centers, truth.centers)
    np.fill_diagonal(distances, inf)
    return distances


def _apart(a: Points, b: Points) -> Points:
    """Return the distances ``[N, M]`` of points ``[N, dim]`` and ``[M, dim]``."""
    distances: Points = np.linalg.norm(a[:, None] - b[None], axis=2)
    return distances
