"""Reliable cells: which settings succeed at least nine times in ten, with 95 % confidence."""

from collections.abc import Sequence
from math import ceil, log

from study.evidence.inference import confidence_sequences
from study.evidence.inference.proportions import Rate, clopper_pearson
from study.storage.records import Record

SHARE, CONFIDENCE = 0.9, 0.95
"""What is claimed of a reliable cell; of each by itself: of many unreliable ones, one in twenty passes at the most."""


def least(rate: Rate, confidence: float = CONFIDENCE) -> float:
    """One-sided exact lower limit: the true rate lies above it with at least this confidence; 0 without replicas.

    It is the lower end of Clopper's and Pearson's two-sided interval at ``2 confidence - 1``.
    """
    return clopper_pearson(rate.successes, rate.n, 2 * confidence - 1).low


def seeds_needed(share: float = SHARE, confidence: float = CONFIDENCE) -> int:
    """Return the fewest replicas that can show a rate of ``share``, when all succeed: ``share^n <= 1 - confidence``."""
    return ceil(log(1 - confidence) / log(share))


def reliable_cells(records: Sequence[Record], *, anytime: bool = False) -> frozenset[int]:
    """Return the cells whose lower limit reaches ``SHARE``.

    Args:
        anytime: whether the number of seeds was decided while looking; the limit is then that of the confidence
            sequence (its two-sided interval, which is the more careful one), over the seeds in their order.
    """
    values: dict[int, list[int]] = {}
    for record in sorted(records, key=lambda record: (record.cell, record.replica)):
        if record.decided:
            values.setdefault(record.cell, []).append(record.converged)
    return frozenset(cell for cell, own in values.items() if _limit(own, anytime) >= SHARE)


def _limit(values: Sequence[int], anytime: bool) -> float:
    if anytime:
        return confidence_sequences.interval(values, confidence=CONFIDENCE)[0]
    return least(Rate(successes=sum(values), n=len(values), low=0.0, high=1.0))
