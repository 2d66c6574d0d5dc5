"""The outcome that follows from the course of the snapshots of replicas that did not blow up.

Everything here is on flags ``[..., S]``, with any leading axes of replicas that have the same steps.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from study.outcomes.columns import Flags
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import Snapshots

OUTCOMES = tuple(Outcome)
"""Outcome of each code."""
CODE = {outcome: np.int8(place) for place, outcome in enumerate(OUTCOMES)}
Codes = npt.NDArray[np.int8]
"""Outcomes as places in :data:`OUTCOMES`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the rules of ``decide`` ask about a replica's snapshots.

    Attributes:
        good: windows of which all snapshots are good, ``[..., S - L + 1]``.
        ends_good, ends_collapsed, ends_copied: whether all snapshots of the last window are good; whether more than
            half of them are collapsed, copied.
        hops: whether the last two windows hop between modes, and most snapshots of the last one are good or collapsed.
        changes: changes between good and other snapshots from the first good window on.
        good_share: share of good snapshots from the first good window on; 0 if there is none.
        flickers: whether snapshots turn good again often enough, and enough of them are good, from the first good
            window on; without one, from the first good snapshot on.
        swings: whether a good window follows on a window without any good snapshot, which follows on a good window.
    """

    good: Flags
    ends_good: Flags
    ends_collapsed: Flags
    ends_copied: Flags
    hops: Flags
    changes: npt.NDArray[np.int64]
    good_share: npt.NDArray[np.float64]
    flickers: Flags
    swings: Flags

    @property
    def ever_good(self) -> Flags:
        """Whether any window is good."""
        ever: Flags = np.asarray(self.good.any(axis=-1))
        return ever


def course(seen: Snapshots, rule: OutcomeRule) -> Course:
    """Sum up snapshots; there must be at least a window of them."""
    length = rule.window
    counts = _sums(seen.good, length)
    good = counts == length
    mostly = {name: 2 * getattr(seen, name)[..., -length:].sum(axis=-1) > length for name in ("collapsed", "copied")}
    shown = 2 * (seen.good | seen.collapsed)[..., -length:].sum(axis=-1) > length
    since = np.logical_or.accumulate(
        np.concatenate([good, np.zeros((*good.shape[:-1], length - 1), bool)], -1), axis=-1
    )
    rows = since.sum(axis=-1)
    return Course(
        good=good,
        ends_good=good[..., -1],
        ends_collapsed=mostly["collapsed"],
        ends_copied=mostly["copied"],
        hops=seen.hopping[..., -1] & shown,
        changes=((seen.good[..., 1:] != seen.good[..., :-1]) & since[..., :-1]).sum(axis=-1),
        good_share=(seen.good & since).sum(axis=-1) / np.maximum(rows, 1),
        flickers=_flickers(seen.good, since, rule),
        swings=_swings(good, counts == 0),
    )


def outcomes(found: Course, rule: OutcomeRule) -> Codes:
    """Return the outcome of every replica as a code: rows 4 to 11 of ``decide``'s table."""
    settled = (found.changes <= rule.tolerated_alternations) | (found.good_share >= rule.steadiness_min)
    ever = found.ever_good
    codes = np.full(found.ends_good.shape, CODE[Outcome.NOT_LEARNED])
    # Later lines win: the table from below.
    codes[found.ends_collapsed] = CODE[Outcome.MODE_COLLAPSED]
    codes[ever] = CODE[Outcome.DEGRADED]
    codes[ever & found.ends_collapsed] = CODE[Outcome.LATE_COLLAPSE]
    codes[found.ends_copied] = CODE[Outcome.MEMORIZED]
    codes[found.flickers | found.swings | (found.ends_good & ~settled)] = CODE[Outcome.OSCILLATING]
    codes[found.ends_good & settled] = CODE[Outcome.CONVERGED]
    codes[found.hops] = CODE[Outcome.MODE_HOPPING]
    return codes


def _sums(flags: Flags, length: int) -> npt.NDArray[np.int64]:
    """Count the set flags of each window: ``[..., S] -> [..., S - L + 1]``."""
    padded = np.concatenate([np.zeros((*flags.shape[:-1], 1), dtype=np.int64), np.cumsum(flags, axis=-1)], axis=-1)
    sums: npt.NDArray[np.int64] = padded[..., length:] - padded[..., :-length]
    return sums


def _flickers(good: Flags, since_window: Flags, rule: OutcomeRule) -> Flags:
    """Mark the courses that turn good again and again from the first good window on; without one, the first good row.

    Before a good window the GAN is learning.
    """
    since_row = np.logical_or.accumulate(good, axis=-1)
    since = np.where(since_window.any(axis=-1, keepdims=True), since_window, since_row)
    returns = (good[..., 1:] & ~good[..., :-1] & since[..., :-1]).sum(axis=-1)
    found: Flags = (returns >= rule.returns_min) & (
        (good & since).sum(axis=-1) >= rule.flicker_min * since.sum(axis=-1)
    )
    return found


def _swings(good: Flags, bad: Flags) -> Flags:
    """Mark the courses with a good window, later one without good snapshots, and later a good one."""
    first = np.logical_or.accumulate(good, axis=-1)
    second = np.logical_or.accumulate(first & bad, axis=-1)
    return np.asarray((second & good).any(axis=-1))
