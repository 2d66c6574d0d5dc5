"""How likely a decision falls when one may look after every seed, and after how many it does: simulated studies.

The counterpart of ``chances`` for launches that run until their hypotheses are decided, where the tests are bets that
hold at any time (``sequences``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from study.evidence.inference.confidence_sequences import log_wealth
from study.evidence.inference.power_fixed import CHUNK, DRAWS, SEED, Chances, Floats, Ints, Joint, differences, weighed

_BETS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Simulated studies that are looked at after every observation: when each of two claims is refuted, if ever.

    Attributes:
        when: ``[DRAWS]``, the observation after which ``level`` is reached, from 1; above ``most`` if it never is.
        side: ``[DRAWS]``, 1 or -1: what is decided then; 0 for nothing.
        most: observations that were looked at.
    """

    when: Ints
    side: Ints
    most: int

    def chances(self, seeds: int, block: int = 1, least: int = 1) -> Chances:
        """With at most ``seeds`` observations, at least ``least``, in whole blocks of them."""
        used = np.minimum(seeds, -(-np.maximum(self.when, least) // block) * block)
        up, down = (self.when <= seeds) & (self.side > 0), (self.when <= seeds) & (self.side < 0)
        return weighed(np.full(len(used), 1 / len(used)), up, down, False, float(used.mean()))

    def enough(self, target: float) -> int | None:
        """By how many observations a share ``target`` of the studies is decided upwards; None beyond ``most``."""
        return self._by(target, self.side > 0)

    def decided(self, target: float) -> int | None:
        """By how many a share ``target`` of the studies is decided, whichever way; None beyond ``most``."""
        return self._by(target, self.side != 0)

    def _by(self, target: float, counted: NDArray[np.bool_]) -> int | None:
        times = np.sort(np.where(counted & (self.when <= self.most), self.when, self.most + 1))
        last = int(times[min(len(times) - 1, int(np.ceil(target * len(times))) - 1)])
        return last if last <= self.most else None


def paired_paths(observations: int, pairs: int, what: Joint, levels: Sequence[float]) -> tuple[Paths, ...]:
    """Bets against equal rates by the seeds' differences, one for each level; the first level is the hypothesis's."""
    values = drawn(observations, differences(pairs, what)) / pairs - 1
    return _paths(levels, _bet(values, 0.0, -1.0))


def share_paths(
    observations: int, replicas: int, rate: float, threshold: float, levels: Sequence[float]
) -> tuple[Paths, ...]:
    """Bets against the threshold by the shares of the seeds."""
    values = drawn(observations, binom.pmf(np.arange(replicas + 1), replicas, rate)) / replicas
    return _paths(levels, _bet(values, threshold, 0.0))


def same_paths(observations: int, pairs: int, what: Joint, margin: float, levels: Sequence[float]) -> tuple[Paths, ...]:
    """Bets against both ends of the margin; both must be refuted for equal rates."""
    values = drawn(observations, differences(pairs, what)) / pairs - 1
    upper, lower = (_bet(values, end, -1.0) for end in (margin, -margin))

    def at(level: float) -> Paths:
        above, below = _decided(*upper, levels[0], level), _decided(*lower, levels[0], level)
        beyond = (above.side > 0) | (below.side < 0)
        passed = np.where(above.side > 0, above.when, below.when)
        within = (above.side < 0) & (below.side > 0)
        both = np.where(within, np.maximum(above.when, below.when), observations + 1)
        return Paths(
            when=np.where(beyond, passed, both), side=np.where(beyond, -1, np.where(within, 1, 0)), most=observations
        )

    return tuple(at(level) for level in levels)


def drawn(observations: int, chances: Floats) -> Floats:
    """``[DRAWS, observations]`` numbers 0, 1, ... with these chances."""
    uniform = np.random.default_rng(SEED).random((DRAWS, observations))
    return np.searchsorted(np.cumsum(chances)[:-1], uniform, side="right").astype(np.float64)


def _bet(values: Floats, mean: float, low: float) -> tuple[Floats, Floats]:
    """Log wealth after each observation, and on which side of ``mean`` the values are then."""
    observations = values.shape[1]
    step = max(1, CHUNK // (observations * min(_BETS, observations)))
    parts = [log_wealth(values[first : first + step], mean, low, 1.0) for first in range(0, len(values), step)]
    means = values.cumsum(axis=1) / np.arange(1, observations + 1)
    return np.concatenate(parts), np.sign(means - mean)


def _paths(levels: Sequence[float], bet: tuple[Floats, Floats]) -> tuple[Paths, ...]:
    return tuple(_decided(*bet, levels[0], level) for level in levels)


def _decided(wealth: Floats, sides: Floats, alpha: float, level: float) -> Paths:
    """Fix the side when wealth first reaches ``1 / alpha``; the decision when it exceeds ``1 / level``."""
    most = wealth.shape[1]
    leaning = np.take_along_axis(sides, (wealth >= -log(alpha)).argmax(axis=1)[:, None], axis=1)[:, 0]
    reached = wealth > -log(level)
    ever = reached.any(axis=1)
    return Paths(
        when=np.where(ever, reached.argmax(axis=1) + 1, most + 1),
        side=np.where(ever, leaning, 0).astype(np.int64),
        most=most,
    )
