"""The state of a generator at one moment, measured independently of traces and rules, to check injected failures.

Nothing here is shared with ``study.outcomes.snapshots``: the samples (2,000 from latents that no report uses), the
statistics and the thresholds differ, and images need no classifier. Where the construction does not fix the end of a
training, the states at two moments determine the true outcome (``expected_from``).
"""

from collections.abc import Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist, pdist

from study.outcomes.outcome import Outcome

Points = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SAMPLES = 2_000
_MATCHED = 1_000
_DISTANCE_MAX, _PLACE, _PLACES_MIN, _FAR = 0.3, 0.3, 5.5, 100.0
_CLOSE, _PEAKED_MIN = 0.1, 0.4
_CLASSES_MIN, _NEAR_MAX, _ALIKE, _LABELS_MIN, _COPY_MAX = 7.5, 1.5, 0.5, 0.5, 0.2


class State(Enum):
    """What samples are at one moment.

    Good: like the data. Narrow: few places or classes, or alike. Copied: images trained on. Broken: not finite, or far
    away. Off: the rest.
    """

    GOOD = "good"
    NARROW = "narrow"
    OFF = "off"
    BROKEN = "broken"
    COPIED = "copied"


def mixture_state(samples: Points, real: Points) -> State:
    """Return the state of samples ``[N, 2]`` of a ring of radius 1, against an equal number of real ones.

    Broken: not finite, or half of them farther than 100 from the origin. Narrow: fewer than 5.5 places, the inverse
    probability that two samples lie within 0.3 of each other (one over the correlation sum of Grassberger & Procaccia
    1983): m equally likely points have m places, the whole ring more than 8. Good: not narrow, *peaked*, and the
    Wasserstein-1 distance of the first 1,000 of each, by optimal assignment, is at most 0.3 of the radius; one lost
    mode in eight costs 0.1 to 0.2, modes between their places 0.38. Peaked: of the pairs of samples within 0.3 of each
    other, at least 40 % are within 0.1. All are on the data's modes, 42 % on blobs of deviation 0.068, a third on a
    bare circle, and a ninth where points fill the plane. It knows nothing of centres.
    """
    if not np.isfinite(samples).all() or np.median(np.abs(samples).max(1)) > _FAR:
        return State.BROKEN
    if places(samples, _PLACE) < _PLACES_MIN:
        return State.NARROW
    near = wasserstein(samples[:_MATCHED], real[:_MATCHED]) <= _DISTANCE_MAX
    return State.GOOD if near and peakedness(samples) >= _PEAKED_MIN else State.OFF


def peakedness(samples: Points) -> float:
    """Return the share of pairs within 0.1 among those within 0.3 of each other; 0 if there are none."""
    distances = pdist(samples)
    near = np.mean(distances < _PLACE)
    return float(np.mean(distances < _CLOSE) / near) if near else 0.0


def wasserstein(a: Points, b: Points) -> float:
    """Return the Wasserstein-1 distance of two samples ``[N, d]`` of equal size, by optimal assignment."""
    costs = cdist(a, b)
    return float(costs[linear_sum_assignment(costs)].mean())


def places(samples: Points, radius: float) -> float:
    """Return one over the share of pairs of samples closer than ``radius``; infinity if there are none."""
    near = float(np.mean(pdist(samples) < radius))
    return 1 / near if near else float("inf")


def image_state(
    samples: Points, asked: Integers | None, real: Points, labels: Integers, typical: float | None = None
) -> State:
    """Return the state of the first 1,000 images of ``[N, pixels]``, by their nearest real images of ``[M, pixels]``.

    Near: the median distance to the nearest real image is at most 1.5 times ``typical``, the same median between real
    images (each against all others). Narrow: the mean pairwise distance is below half of the real one, or the samples
    are near and the effective number of classes of the nearest images, ``1 / sum p^2``, is below 7.5 (it is m for m
    equally frequent classes). Copied: not narrow, and half of them are nearer to a real image than a fifth of
    ``typical``. Good: near, none of these, and at least half show the intended class, if any. Off: the rest.
    """
    if not np.isfinite(samples).all():
        return State.BROKEN
    samples, asked = samples[:_MATCHED], None if asked is None else asked[:_MATCHED]
    distances = cdist(samples, real)
    shares = np.bincount(labels[distances.argmin(1)], minlength=int(labels.max()) + 1) / len(samples)
    typical = nearest_other(real) if typical is None else typical
    apart = np.median(distances.min(1))
    near = apart <= _NEAR_MAX * typical
    if pdist(samples).mean() < _ALIKE * pdist(real[:_MATCHED]).mean():
        return State.NARROW
    if near and 1 / np.square(shares).sum() < _CLASSES_MIN:
        return State.NARROW
    if apart <= _COPY_MAX * typical:
        return State.COPIED
    obeyed = asked is None or np.mean(labels[distances.argmin(1)] == asked) >= _LABELS_MIN
    return State.GOOD if near and obeyed else State.OFF


def nearest_other(real: Points) -> float:
    """Return the median distance of a real image to the nearest other one."""
    distances = cdist(real, real)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(1)))


def expected_from(states: Sequence[State]) -> Outcome:
    """Return the true outcome from the states at one earlier moment (if any) and at the end, in this order.

    The end decides: broken is diverged, good is converged, copied is memorized; off is degraded and narrow a late
    collapse if the generator was good at the earlier moment, else off is not learned and narrow a mode collapse.
    """
    before = State.GOOD in states[:-1]
    match states[-1]:
        case State.BROKEN:
            return Outcome.DIVERGED
        case State.GOOD:
            return Outcome.CONVERGED
        case State.OFF:
            return Outcome.DEGRADED if before else Outcome.NOT_LEARNED
        case State.COPIED:
            return Outcome.MEMORIZED
        case State.NARROW:
            return Outcome.LATE_COLLAPSE if before else Outcome.MODE_COLLAPSED


def confirms(expected: Outcome, states: Sequence[State]) -> bool:
    """Return whether the measured states agree with the outcome by construction.

    For an oscillation: one good and one narrow moment. For hopping between modes, all moments are narrow: what it shows
    changes, which no single moment tells.
    """
    if expected is Outcome.OSCILLATING:
        return {State.GOOD, State.NARROW} <= set(states)
    if expected is Outcome.MODE_HOPPING:
        return set(states) == {State.NARROW}
    return expected_from(states) is expected
