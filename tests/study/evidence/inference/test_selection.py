"""The winner of a search looks better than it is; run again on fresh seeds, it does not."""

import numpy as np
import pytest

from study.evidence.inference.proportions import wilson

CONTESTS = 20_000


def contest(cells: int, seeds: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Successes of the winner of equal cells: on the seeds that selected it, and on as many fresh ones."""
    rng = np.random.default_rng(7)
    selecting = rng.binomial(seeds, rate, (CONTESTS, cells))
    winner = selecting.argmax(axis=1)
    confirming = rng.binomial(seeds, rate, (CONTESTS, cells))
    everyone = np.arange(CONTESTS)
    return selecting[everyone, winner], confirming[everyone, winner]


def coverage(successes: np.ndarray, seeds: int, rate: float) -> float:
    found = [wilson(k, seeds) for k in range(seeds + 1)]
    return float(np.array([w.low <= rate <= w.high for w in found])[successes].mean())


@pytest.mark.parametrize("rate", [0.5, 0.7])
@pytest.mark.parametrize(("cells", "seeds"), [(8, 10), (20, 10), (20, 20)])
def test_the_rate_that_won_is_biased_and_the_confirmed_one_is_not(cells: int, seeds: int, rate: float) -> None:
    naive, confirmed = contest(cells, seeds, rate)
    deviation = np.sqrt(rate * (1 - rate) / seeds)
    assert naive.mean() / seeds - rate > deviation  # more than a standard deviation of one cell's rate
    assert abs(confirmed.mean() / seeds - rate) < 4 * deviation / np.sqrt(CONTESTS)


@pytest.mark.parametrize(("cells", "seeds", "rate"), [(20, 10, 0.5), (20, 20, 0.5), (20, 10, 0.7)])
def test_the_interval_of_the_confirmed_rate_covers(cells: int, seeds: int, rate: float) -> None:
    naive, confirmed = contest(cells, seeds, rate)
    once = coverage(np.random.default_rng(8).binomial(seeds, rate, CONTESTS), seeds, rate)
    assert coverage(confirmed, seeds, rate) == pytest.approx(once, abs=0.01)
    assert coverage(naive, seeds, rate) < once - 0.1
