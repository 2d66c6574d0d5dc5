"""Rules that stop a block because others do better: successive halving and the median rule, aware of failure.

Both compare the *values* of blocks at the same step, in [0, 1] and always finite: a dead replica counts 0 in its
block's value, so that a block of dead replicas is the worst there is. (A value that is NaN is neither below nor above
another: implementations that hand it through keep a diverged trial running.)

State is what has been reported, nothing else: after a resume it is taken in again from the traces on disk.
"""

from bisect import bisect_right
from itertools import accumulate
from math import isfinite
from statistics import median
from typing import Protocol


class Ranking(Protocol):
    """Decides about a block from its values and those of all blocks so far."""

    def wants(self, block: str, step: int) -> bool:
        """Whether a block's value at this report matters, to this block or another."""
        ...

    def decide(self, block: str, step: int, value: float) -> bool:
        """Take in a block's value at a report and says whether to stop the block."""
        ...

    def take(self, block: str, step: int, value: float) -> None:
        """Take in the same without a decision, for a block of an earlier process."""
        ...

    def end(self, block: str) -> None:
        """Take in that the block reports no more."""
        ...


class Asha:
    """Asynchronous successive halving in its stopping form.

    Rungs stand at ``min_step * reduction^k`` for k = 0, 1, ... A block's value at its first report at or after a rung
    is recorded there. It goes on if and only if fewer than ``floor(n / reduction)`` of the n values recorded at the
    rung so far, its own included, are larger, or if n < ``reduction``. Equal values go on together.

    Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning, algorithm 1, where a trial that is not among
    the best waits instead of ending, and so may be promoted later, once more have been recorded.

    Raises:
        ValueError: if ``min_step`` is below 1, ``reduction`` is below 2, or a value is not in [0, 1].
    """

    def __init__(self, min_step: int, reduction: int = 3) -> None:
        if min_step < 1:
            raise ValueError(f"min_step must be >= 1, got {min_step}")
        if reduction < 2:
            raise ValueError(f"reduction must be >= 2, got {reduction}")
        self._min_step, self._reduction = min_step, reduction
        self._rungs: dict[int, dict[str, float]] = {}

    def wants(self, block: str, step: int) -> bool:
        rung = self._rung(step)
        return rung > 0 and block not in self._rungs.get(rung, {})

    def decide(self, block: str, step: int, value: float) -> bool:
        """Judge a block that passes several rungs with one report at the highest."""
        asked = self.wants(block, step)
        self.take(block, step, value)
        if not asked:
            return False
        recorded = self._rungs[self._rung(step)]
        best = len(recorded) // self._reduction
        return best > 0 and sum(other > value for other in recorded.values()) >= best

    def take(self, block: str, step: int, value: float) -> None:
        _check(value)
        if self.wants(block, step):
            self._rungs.setdefault(self._rung(step), {})[block] = value

    def end(self, block: str) -> None:
        """Keep what was recorded."""

    def _rung(self, step: int) -> int:
        """Return the highest rung up to a step; 0 below the first."""
        if step < self._min_step:
            return 0
        rung = self._min_step
        while rung * self._reduction <= step:
            rung *= self._reduction
        return rung


class Median:
    """The median rule: a block is stopped if its best value so far is below the median of the others' running means.

    The running mean of another block at a step is that of all its values up to the step. It counts once the block has
    reached the step, or ended before it. With fewer than ``min_samples`` of them, or before the step ``grace``, no
    block is stopped.

    Golovin et al. 2017, Google Vizier, section 3.2.1, which compares with completed trials alone.

    Raises:
        ValueError: if ``grace`` is below 0, ``min_samples`` is below 1, or a value is not in [0, 1].
    """

    def __init__(self, grace: int, min_samples: int) -> None:
        if grace < 0:
            raise ValueError(f"grace must be >= 0, got {grace}")
        if min_samples < 1:
            raise ValueError(f"min_samples must be >= 1, got {min_samples}")
        self._grace, self._min_samples = grace, min_samples
        self._values: dict[str, dict[int, float]] = {}
        self._series: dict[str, tuple[list[int], list[float]]] = {}
        self._ended: set[str] = set()

    def wants(self, block: str, step: int) -> bool:
        """Every value counts in a running mean."""
        return True

    def decide(self, block: str, step: int, value: float) -> bool:
        """Replace what a report had said if it comes again, after a worker went back to its checkpoint."""
        self.take(block, step, value)
        if step < self._grace:
            return False
        means = [mean for other in self._values if other != block for mean in self._mean(other, step)]
        own = self._values[block]
        best = max(own[seen] for seen in own if seen <= step)
        return len(means) >= self._min_samples and best < median(means)

    def take(self, block: str, step: int, value: float) -> None:
        _check(value)
        self._values.setdefault(block, {})[step] = value
        self._series.pop(block, None)

    def end(self, block: str) -> None:
        """From here on its running mean counts at later steps, too."""
        self._ended.add(block)

    def _mean(self, block: str, step: int) -> list[float]:
        """One number or none."""
        steps, sums = self._series.get(block) or self._sum(block)
        count = bisect_right(steps, step)
        there = count and (steps[-1] >= step or block in self._ended)
        return [sums[count - 1] / count] if there else []

    def _sum(self, block: str) -> tuple[list[int], list[float]]:
        own = sorted(self._values[block].items())
        found = [step for step, _ in own], list(accumulate(value for _, value in own))
        self._series[block] = found
        return found


def _check(value: float) -> None:
    if not (isfinite(value) and 0 <= value <= 1):
        raise ValueError(f"value must be in [0, 1], got {value}")
