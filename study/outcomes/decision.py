"""The decision of a replica's outcome from its stored trace, by a rule with explicit thresholds.

The literature has no automatic rule for "relatively good" (in Mao et al. 2017, section 4.4, a human judges). The rule
here is an operationalisation; every record carries its name and digest, and stored traces can be decided again by
another rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
import numpy.typing as npt

from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.outcomes.snapshots import Snapshots, blow_up, snapshots, windows
from trainables.trace import ReplicaTrace

__all__ = ["IMAGE_RULE", "MIXTURE_RULE", "Decision", "Outcome", "OutcomeRule", "class_of", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An outcome and the evidence for it.

    Attributes:
        step: diverged: the first snapshot with a non-finite number, or of the first window out of bounds. Converged:
            the first snapshot of the good run at the end. Mode-collapsed: the first collapsed snapshot. Late collapse
            and oscillating: the first collapsed snapshot after the last (the first) good window. Else None.
        ever_good: whether any window was good ("best checkpoint"), whatever followed.
        evidence: finite numbers, of measured quantities only. ``quality``, ``coverage``, ``diversity`` (means over the
            last window), ``best_quality`` (largest mean of a window), ``good_share`` (of all snapshots after step 0),
            ``collapsed_share``, ``alternations``, ``first_good_step``, ``first_bad_step`` (the first later snapshot
            that is not good) and ``snapshots`` (their number).
    """

    outcome: Outcome
    step: int | None
    ever_good: bool
    evidence: Mapping[str, float]


def decide(trace: ReplicaTrace, rule: OutcomeRule) -> Decision:
    """Decide the outcome of a trace. Total: every trace gets one outcome, and nothing is raised.

    A window is ``rule.window`` consecutive snapshots after step 0, or all snapshots if there are fewer. It is *good*
    if all of them are good, *collapsed* if more than half of them are collapsed. *Alternations* are the changes
    between good and collapsed windows, ignoring others, from the first good window on: before it the GAN is learning.

    The first row that applies decides:

    ===  =================================================================================  ==============
    1    the trace has no row                                                               undecided
    2    any row is not finite, or one loss or norm is out of bounds in a whole window      diverged
    3    the last window is good, alternations <= ``tolerated_alternations``                converged
    4    alternations >= 2 (good, collapsed, good, ...)                                     oscillating
    5    some window was good, the last one is collapsed                                    late_collapse
    6    the last window is collapsed                                                       mode_collapsed
    7    otherwise (also: nothing after step 0)                                             not_learned
    ===  =================================================================================  ==============
    """
    if len(trace) == 0:
        return Decision(outcome=Outcome.UNDECIDED, step=None, ever_good=False, evidence={})
    seen = snapshots(trace, rule)
    good, collapsed = windows(seen, rule.window)
    changes = _alternations(good, collapsed)
    evidence = _evidence(seen, rule.window, changes)
    failed = blow_up(trace, rule)
    if failed is not None:
        return Decision(outcome=Outcome.DIVERGED, step=failed, ever_good=bool(good.any()), evidence=evidence)
    outcome = _outcome(good, collapsed, changes, rule)
    return Decision(outcome=outcome, step=_step(outcome, seen, good), ever_good=bool(good.any()), evidence=evidence)


def class_of(seen: Snapshots, rule: OutcomeRule) -> Outcome:
    """Return the outcome of a trace that did not diverge, from its snapshots (rows 3 to 7 of ``decide``)."""
    good, collapsed = windows(seen, rule.window)
    return _outcome(good, collapsed, _alternations(good, collapsed), rule)


def _outcome(good: npt.NDArray[np.bool_], collapsed: npt.NDArray[np.bool_], changes: int, rule: OutcomeRule) -> Outcome:
    if good[-1:].any() and changes <= rule.tolerated_alternations:
        return Outcome.CONVERGED
    if changes >= 2:
        return Outcome.OSCILLATING
    if collapsed[-1:].any():
        return Outcome.LATE_COLLAPSE if good.any() else Outcome.MODE_COLLAPSED
    return Outcome.NOT_LEARNED


def _alternations(good: npt.NDArray[np.bool_], collapsed: npt.NDArray[np.bool_]) -> int:
    if not good.any():
        return 0
    since = int(np.argmax(good))
    alternating = good[since:][good[since:] | collapsed[since:]]
    return int(np.count_nonzero(alternating[1:] != alternating[:-1]))


def _step(outcome: Outcome, seen: Snapshots, good: npt.NDArray[np.bool_]) -> int | None:
    length = len(seen.step) - len(good) + 1
    ends = np.flatnonzero(good) + length
    if outcome is Outcome.CONVERGED:
        return int(seen.step[_after_last(~seen.good)])
    if outcome is Outcome.MODE_COLLAPSED:
        return int(seen.step[np.argmax(seen.collapsed)])
    if outcome in (Outcome.LATE_COLLAPSE, Outcome.OSCILLATING):
        since = int(ends[-1] if outcome is Outcome.LATE_COLLAPSE else ends[0])
        return int(seen.step[since + np.argmax(seen.collapsed[since:])])
    return None


def _after_last(marked: npt.NDArray[np.bool_]) -> int:
    return int(np.flatnonzero(marked)[-1]) + 1 if marked.any() else 0


@np.errstate(all="ignore")
def _evidence(seen: Snapshots, window: int, changes: int) -> dict[str, float]:
    count = len(seen.step)
    evidence = {"snapshots": float(count), "alternations": float(changes)}
    if count == 0:
        return evidence
    length = min(window, count)
    for name, values in (("quality", seen.quality), ("coverage", seen.coverage), ("diversity", seen.diversity)):
        evidence[name] = float(np.mean(values[-length:]))
    means = (float(np.mean(seen.quality[end - length : end])) for end in range(length, count + 1))
    evidence["best_quality"] = max(filter(isfinite, means), default=nan)
    evidence["good_share"] = float(seen.good.mean())
    evidence["collapsed_share"] = float(seen.collapsed.mean())
    if seen.good.any():
        first = int(np.argmax(seen.good))
        evidence["first_good_step"] = float(seen.step[first])
        if not seen.good[first:].all():
            evidence["first_bad_step"] = float(seen.step[first + np.argmin(seen.good[first:])])
    return {name: value for name, value in evidence.items() if isfinite(value)}
