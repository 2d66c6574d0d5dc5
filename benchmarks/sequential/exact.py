"""Chances of rules that look after every pair of seeds, by recursion over counts: no simulation, no sampling error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from scipy.stats import binom, hypergeom

from study.evidence.inference.confidence_sequences import log_wealth

Move = tuple[int, int]
Hit = Callable[[int], np.ndarray]
"""Number of looks t to ``[N + 1, N + 1]``: whether the rule stops with these two counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two cells on one seed: both success rates and the correlation of the outcomes."""

    a: float
    b: float
    correlation: float = 0.0

    @property
    def both(self) -> float:
        spread = sqrt(self.a * (1 - self.a) * self.b * (1 - self.b))
        return self.a * self.b + self.correlation * spread

    def discordant(self) -> dict[Move, float]:
        """Chances of one step of (successes of a alone, successes of b alone)."""
        return {(1, 0): self.a - self.both, (0, 1): self.b - self.both, (0, 0): 1 - self.a - self.b + 2 * self.both}

    def successes(self) -> dict[Move, float]:
        """Chances of one step of (successes of a, successes of b)."""
        alone = self.discordant()
        return {(1, 1): self.both, (1, 0): alone[1, 0], (0, 1): alone[0, 1], (0, 0): 1 - self.a - self.b + self.both}


def coin(rate: float) -> dict[Move, float]:
    """Chances of one step of (successes, failures) of one cell."""
    return {(1, 0): rate, (0, 1): 1 - rate}


def stops(moves: Mapping[Move, float], budget: int, hit: Hit) -> np.ndarray:
    """``[budget]``: the chance that the rule stops for the first time after 1, 2, ..., budget steps."""
    now = np.zeros((budget + 1, budget + 1))
    now[0, 0] = 1
    found = np.zeros(budget)
    for t in range(1, budget + 1):
        then = np.zeros_like(now)
        for (i, j), chance in moves.items():
            then[i:, j:] += chance * now[: budget + 1 - i, : budget + 1 - j]
        stopped = then * hit(t)
        found[t - 1] = stopped.sum()
        now = then - stopped
    return found


def counts(moves: Mapping[Move, float], n: int) -> np.ndarray:
    """``[n + 1, n + 1]``: the chance of every pair of counts after n steps."""
    now = np.ones((1, 1))
    for _ in range(n):
        then = np.zeros((len(now) + 1, len(now) + 1))
        for (i, j), chance in moves.items():
            then[i : i + len(now), j : j + len(now)] += chance * now
        now = then
    return now


def mean_seeds(stopped: np.ndarray) -> float:
    """Pairs used on average; the whole budget where the rule never stops."""
    return float(stopped @ np.arange(1, len(stopped) + 1) + len(stopped) * (1 - stopped.sum()))


def rate_wealth(rate: float, budget: int, limit: float) -> Hit:
    """Wealth against a success rate reaches the limit; counts are successes and failures."""
    table = np.full((budget + 1, budget + 1), -np.inf)
    for wins in range(budget + 1):
        values = np.repeat([1.0, 0.0], [wins, budget - wins])
        table[wins, : budget - wins + 1] = np.r_[0.0, log_wealth(values, rate)][wins:]
    return lambda t: table >= log(limit)


def difference_wealth(difference: float, budget: int, limit: float) -> Hit:
    """Wealth against a difference of rates reaches the limit; counts are the two kinds of discordant pairs."""
    table = np.full((budget + 1, budget + 1, budget + 1), -np.inf)  # a, b, t
    for a in range(budget + 1):
        kinds = [np.repeat([1.0, -1.0, 0.0], [a, b, budget - a - b]) for b in range(budget - a + 1)]
        table[a, : budget - a + 1, 1:] = log_wealth(np.array(kinds), difference, -1, 1)
    return lambda t: table[:, :, t] >= log(limit)


def mcnemar_table(n: int) -> np.ndarray:
    """``[n + 1, n + 1]``: exact two-sided p-values by the two kinds of discordant pairs."""
    a, b = np.indices((n + 1, n + 1))
    return np.minimum(1, 2 * binom.cdf(np.minimum(a, b), np.maximum(a + b, 1), 0.5))


def boschloo_table(n: int, rates: int = 201) -> np.ndarray:
    """``[n + 1, n + 1]``: two-sided p-values by successes of a and of b, n each.

    As ``boschloo`` of ``study.evidence.inference``, with the largest probability sought over a grid of common rates.
    """
    a, b = np.indices((n + 1, n + 1))
    fisher = hypergeom.cdf(a, 2 * n, a + b, n).ravel()
    order = np.argsort(fisher, kind="stable")
    one = np.array([binom.pmf(np.arange(n + 1), n, rate) for rate in np.linspace(0, 1, rates)])
    chances = (one[:, :, None] * one[:, None, :]).reshape(rates, -1)[:, order].cumsum(axis=1).max(axis=0)
    last = np.searchsorted(fisher[order], fisher * (1 + 1e-9), side="right") - 1
    less = chances[last].reshape(n + 1, n + 1)
    return np.minimum(1, 2 * np.minimum(less, less.T))


def fixed_n(moves: Mapping[Move, float], tables: Callable[[int], np.ndarray], power: float, alpha: float = 0.05) -> int:
    """The smallest number of pairs at which a test at level alpha, done once, has the power."""
    n = 2
    while (counts(moves, n) * (tables(n) <= alpha)).sum() < power:
        n += 1
    return n
