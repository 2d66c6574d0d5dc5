"""The decision of a replica's outcome from its stored trace, by a rule with explicit thresholds.

The literature has no automatic rule for "relatively good" (in Mao et al. 2017, section 4.4, a human judges). The rule
here is an operationalisation; every record carries its name and digest, and stored traces can be decided again by
another rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from study.outcomes.blow_up import blow_up
from study.outcomes.course import OUTCOMES, Course, course, outcomes
from study.outcomes.measures import Measures, criteria, measure
from study.outcomes.outcome import Outcome
from study.outcomes.own_rule import OwnRule, Rows, RuleFailed, outcome_of
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.outcomes.snapshots import Snapshots, judge
from trainables.trace import ReplicaTrace

__all__ = ["IMAGE_RULE", "MIXTURE_RULE", "Decision", "Outcome", "OutcomeRule", "class_of", "decide", "undecidable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """An outcome and the evidence for it.

    Attributes:
        step: diverged: the first snapshot with a non-finite number, or of the first window out of bounds. Converged:
            the first snapshot of the good run at the end. Mode-collapsed, memorized and mode-hopping, never good
            before: the first such snapshot. Degraded, late collapse and oscillating, and whatever else was good for a
            window: the first snapshot after the first good window that is not good. Else None.
        ever_good: whether any window was good ("best checkpoint"), whatever followed.
        borderline: whether the outcome would be another one if every quantity were one standard error better, or worse,
            than it was measured.
        evidence: finite numbers, of measured quantities only. The criteria and ``quality``, ``coverage``, ``diversity``
            (means over the last window), ``best_quality`` (largest mean of a window), ``good_share`` (of all snapshots
            after step 0), ``collapsed_share``, ``copied_share``, ``alternations`` (changes between good and other
            snapshots, from the first good one on), ``first_good_step`` (start of the first good window),
            ``first_bad_step`` (the first later snapshot that is not good) and ``snapshots`` (their number).
    """

    outcome: Outcome
    step: int | None
    ever_good: bool
    borderline: bool = False
    evidence: Mapping[str, float]


def decide(trace: ReplicaTrace, rule: OutcomeRule) -> Decision:
    """Decide the outcome of a trace. Total: every trace gets one outcome, and nothing is raised.

    A window is ``rule.window`` consecutive snapshots after step 0. It is *good* if all of them are good, *collapsed*
    (*copied*) if more than half of them are. *Changes* are those between good and other snapshots, row by row, from the
    first good window on: before it the GAN is learning. *Settled* means at most ``tolerated_alternations`` changes, or
    a share of at least ``steadiness_min`` of good snapshots from there on.

    The first row that applies decides:

    ===  =======================================================================================  ==============
    1    the trace has no row, or lacks what the rule compares (see ``undecidable``)              undecided
    2    any row is not finite, or one loss or norm is out of bounds in a whole window            diverged
    3    there are fewer snapshots than a window                                                  undecided
    4    the best row of the last two windows lacks more than ``hopping_max`` of the balance      mode_hopping
         that they have as a whole, and most rows of the last one are good or collapsed
    5    the last window is good, and settled                                                     converged
    6    the last window is good, and not settled; or a good window, one without any good row     oscillating
         and a good one follow on each other; or from the first good window on (without one, the
         first good row) rows turned good again at least ``returns_min`` times, and at least
         ``flicker_min`` of them are good
    7    the last window is copied                                                                memorized
    8    some window was good, the last one is collapsed                                          late_collapse
    9    some window was good                                                                     degraded
    10   the last window is collapsed                                                             mode_collapsed
    11   otherwise                                                                                not_learned
    ===  =======================================================================================  ==============

    If the rule has an ``own_rule``, this one decides in place of rows 3 to 11; what it cannot decide is undecided.
    """
    if len(trace) == 0 or not rule.applied:
        return _UNDECIDED
    measured = measure(trace, rule)
    seen = judge(measured, rule)
    failed = blow_up(trace, rule)
    long_enough = len(seen.step) >= rule.window
    if failed is None and rule.own_rule is None and (measured.missing or not long_enough):
        return _UNDECIDED
    found = course(seen, rule) if long_enough else None
    ever = found is not None and bool(found.ever_good)
    evidence = _evidence(measured, seen, found, rule)
    if failed is not None:
        return Decision(outcome=Outcome.DIVERGED, step=failed, ever_good=ever, evidence=evidence)
    if rule.own_rule is not None:
        said, _ = _own(trace, measured, rule.own_rule)
        return Decision(outcome=said, step=None, ever_good=ever, evidence=evidence)
    outcome = class_of(seen, rule)
    moved = (class_of(judge(measured, rule, shift=shift), rule) for shift in (-1.0, 1.0))
    return Decision(
        outcome=outcome,
        step=_step(outcome, seen, evidence),
        ever_good=ever,
        borderline=any(other is not outcome for other in moved),
        evidence=evidence,
    )


def undecidable(trace: ReplicaTrace, rule: OutcomeRule) -> str:
    """Return why the rule cannot decide a trace, as the end of a sentence; empty if it can."""
    if not rule.applied:
        return f"the rule {rule.label()} is of edition {rule.edition}, which this version reads and does not apply"
    if len(trace) == 0:
        return ""
    measured = measure(trace, rule)
    if rule.own_rule is not None:
        return "" if blow_up(trace, rule) is not None else _own(trace, measured, rule.own_rule)[1]
    missing = measured.missing
    return f"the trace has no {missing}: an older version, or another measurement, wrote it" if missing else ""


def _own(trace: ReplicaTrace, measured: Measures, own: OwnRule) -> tuple[Outcome, str]:
    """Return what a plugin's rule says of a trace; undecided, and why, if it says nothing."""
    try:
        return outcome_of(own, _rows(trace, measured)), ""
    except RuleFailed as failed:
        return Outcome.UNDECIDED, str(failed)


def rows_of(trace: ReplicaTrace, rule: OutcomeRule) -> Rows:
    """Return what a plugin's rule decides a trace from."""
    return _rows(trace, measure(trace, rule))


def _rows(trace: ReplicaTrace, measured: Measures) -> Rows:
    order = np.argsort(np.nan_to_num(trace.columns["step"].astype(np.float64)), kind="stable")
    return {**measured.values, **{name: values[order] for name, values in trace.columns.items()}}


def class_of(seen: Snapshots, rule: OutcomeRule) -> Outcome:
    """Return the outcome of a trace that did not diverge, from its snapshots."""
    if len(seen.step) < rule.window:
        return Outcome.UNDECIDED
    return OUTCOMES[int(outcomes(course(seen, rule), rule))]


_UNDECIDED = Decision(outcome=Outcome.UNDECIDED, step=None, ever_good=False, evidence={})


def _step(outcome: Outcome, seen: Snapshots, evidence: Mapping[str, float]) -> int | None:
    if outcome is Outcome.CONVERGED:
        bad = np.flatnonzero(~seen.good)
        return int(seen.step[bad[-1] + 1 if len(bad) else 0])
    if outcome is Outcome.OSCILLATING or "first_bad_step" in evidence:
        return int(evidence["first_bad_step"]) if "first_bad_step" in evidence else _first_loss(seen)
    marks = {
        Outcome.MODE_COLLAPSED: seen.collapsed,
        Outcome.MEMORIZED: seen.copied,
        Outcome.MODE_HOPPING: seen.hopping,
    }
    return int(seen.step[np.argmax(marks[outcome])]) if outcome in marks else None


def _first_loss(seen: Snapshots) -> int:
    """Return the step of the first snapshot that is not good after one that is."""
    first = int(np.argmax(seen.good))
    return int(seen.step[first + np.argmin(seen.good[first:])])


@np.errstate(all="ignore")
def _evidence(measured: Measures, seen: Snapshots, found: Course | None, rule: OutcomeRule) -> dict[str, float]:
    count = len(seen.step)
    evidence = {"snapshots": float(count)}
    if count == 0:
        return evidence
    length = min(rule.window, count)
    after = measured.step > 0
    names = [
        each.measure for each in criteria(measured, rule) if each.measure not in ("quality", "coverage", "diversity")
    ]
    ends = {name: measured.values[name][after] for name in names}
    for name, values in (
        {"quality": seen.quality, "coverage": seen.coverage, "diversity": seen.diversity} | ends
    ).items():
        evidence[name] = float(np.mean(values[-length:]))
    means = (float(np.mean(seen.quality[end - length : end])) for end in range(length, count + 1))
    evidence["best_quality"] = max(filter(isfinite, means), default=nan)
    for name in ("good", "collapsed", "copied"):
        evidence[f"{name}_share"] = float(getattr(seen, name).mean())
    evidence["alternations"] = float(_changes(seen))
    if found is not None and found.ever_good:
        first = int(np.argmax(found.good))
        evidence["first_good_step"] = float(seen.step[first])
        if not seen.good[first:].all():
            evidence["first_bad_step"] = float(seen.step[first + np.argmin(seen.good[first:])])
    return {name: value for name, value in evidence.items() if isfinite(value)}


def _changes(seen: Snapshots) -> int:
    since = np.logical_or.accumulate(seen.good)
    return int(((seen.good[1:] != seen.good[:-1]) & since[:-1]).sum())
