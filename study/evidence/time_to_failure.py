"""Lifetimes: how long the replicas of each cell train before they fail for good. Records in, curves out.

A replica that was good for a window *fails* at the first snapshot after it that is not good, whatever followed; one
that was never good fails when the failure of its outcome first shows:

==========================================  ===========================================================================
outcome, never good for a window            lifetime
==========================================  ===========================================================================
diverged                                    ends at the first number out of bounds
mode_collapsed, mode_hopping, memorized     ends at the first snapshot that is collapsed, hops, or is a copy
oscillating (in less than a window)         ends at the first snapshot that is not good after one that is
not_learned                                 never ended while somebody looked: censored at the planned steps
==========================================  ===========================================================================

A replica that was good to its end is censored there; one that recovered has failed, once. A failure happened at some
step after the snapshot before; the curve has it at the snapshot that showed it. Survival is no success: a replica that
learns nothing survives. Crashed, skipped and pending replicas say nothing and are left out.

Replicas that a search *stopped* are the difficulty: it stops those that look doomed, so that their lifetimes are
censored *informatively* and the usual estimate is too good. Without further data only bounds are certain: all of them
would have failed right then, or none ever. If a random share of those to be stopped was run to the end instead (the
audit), each audited one stands for all that were to be stopped, which gives an unbiased estimate.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from study.design.study import Contrast
from study.evidence.inference.multiple import holm
from study.evidence.inference.survival import Lifetimes, LogRank, kaplan_meier, logrank
from study.formatting import number, plural
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

Floats = npt.NDArray[np.float64]
FAILURES = tuple(
    outcome for outcome in Outcome if outcome not in (Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.UNDECIDED)
)
"""The outcomes that end a lifetime, also of a replica that was never good for a window."""
_LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class CellSurvival:
    """The share of one cell's replicas that has not failed yet, over generator steps; a step function.

    Attributes:
        step: ``[J]``, ascending from 0: the values hold from this step up to the next one.
        survival: ``[J]``, Kaplan-Meier. Stopped replicas are censored where they stopped, or, with an audit, weighted.
        low, high: ``[J]``, its 95 % interval; where replicas were stopped and none audited, from the lower limit of
            ``least`` to the upper limit of ``most``.
        least, most: ``[J]``, the curve if all stopped replicas had failed right then, and if none ever had; equal to
            ``survival`` where none was stopped.
        n: replicas in the curve; ``events`` of them failed, ``stopped`` were stopped, ``audited`` were to be stopped.
        left_out: replicas without an outcome that were not stopped: crashed, skipped or pending.
    """

    cell: int
    name: str
    levels: Mapping[str, str]
    step: Floats
    survival: Floats
    low: Floats
    high: Floats
    least: Floats
    most: Floats
    n: int
    events: int
    stopped: int
    audited: int
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LifetimeComparison:
    """A contrast in one place of the design: whether its two cells fail at the same rate.

    Attributes:
        held: the other factors' levels.
        z: log-rank; > 0 if ``a`` fails more than expected. Where replicas were stopped it is that of the largest p over
            the four ways in which those of each cell all or none fail, and 0 if these do not agree in sign.
        p: two-sided, by permutation; ``p_adjusted`` is Holm's over all comparisons of the call.
        pairs: replicas of a seed that both cells have, swapped as pairs and compared alone; 0 if there are none, and
            all replicas count as independent.
        least: the smallest p that so many can give; ``least_adjusted`` if all comparisons come out at their smallest.
    """

    contrast: Contrast
    held: Mapping[str, str]
    a: CellSurvival
    b: CellSurvival
    z: float
    p: float
    p_adjusted: float
    pairs: int
    least: float
    least_adjusted: float


def curves(records: Sequence[Record], audited: Collection[tuple[int, int]] = ()) -> tuple[CellSurvival, ...]:
    """One curve per cell, in order of cells; flat at 1 with the interval 0 to 1 for a cell without any outcome.

    Args:
        audited: cell and seed of the replicas that were to be stopped but ran to the end, a random share of those.
    """
    return tuple(_curve(own, audited) for own in _by_cell(records).values())


def compare(contrasts: Sequence[Contrast], records: Sequence[Record]) -> tuple[LifetimeComparison, ...]:
    """Every contrast in every place of the design that has both its cells; in order of contrasts, then of cells."""
    cells = [(own, _curve(own, ())) for own in _by_cell(records).values()]
    rows = [
        (contrast, a, b, *_test(records_a, records_b))
        for contrast in contrasts
        for records_a, a in cells
        if a.levels.get(contrast.factor) == contrast.a
        for records_b, b in cells
        if b.levels.get(contrast.factor) == contrast.b and _held(contrast, a) == _held(contrast, b)
    ]
    tests = [row[3] for row in rows]
    adjusted, least = holm([test.p for test in tests]), holm([test.least for test in tests])
    return tuple(
        LifetimeComparison(
            contrast=contrast,
            held=_held(contrast, a),
            a=a,
            b=b,
            z=test.z,
            p=test.p,
            p_adjusted=p,
            pairs=pairs,
            least=test.least,
            least_adjusted=bound,
        )
        for (contrast, a, b, test, pairs), p, bound in zip(rows, adjusted, least, strict=True)
    )


def out_of_reach(rows: Sequence[LifetimeComparison]) -> str:
    """Say in one sentence that comparisons cannot fall below 0.05, whatever comes out; empty if all can."""
    never = [row for row in rows if row.least_adjusted >= _LEVEL]
    if not never:
        return ""
    best = min(never, key=lambda row: row.least)
    what = plural(best.pairs, "pair") if best.pairs else f"{best.a.n} against {best.b.n} replicas"
    holm = f" and {number(best.least_adjusted)} adjusted" if best.least_adjusted > best.least else ""
    which = "No comparison" if len(never) == len(rows) else f"{len(never)} of the {len(rows)} comparisons"
    can = "can" if len(never) == len(rows) else "cannot"
    return (
        f"{which} {can} fall below {_LEVEL:g} here, whatever comes out: {what} give p = {number(best.least)}{holm} at"
        " the least."
    )


def _by_cell(records: Sequence[Record]) -> dict[int, list[Record]]:
    cells: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        cells[record.cell].append(record)
    return dict(sorted(cells.items()))


def _curve(records: Sequence[Record], audited: Collection[tuple[int, int]]) -> CellSurvival:
    seen = _seen(records)
    stopped = sum(map(_stopped, seen))
    of_audit = [(record.cell, record.seed) in audited for record in seen]
    weights = _weights(seen, of_audit) if any(of_audit) else None
    own = kaplan_meier(_lifetimes(seen), weights)
    least, most = (kaplan_meier(_lifetimes(seen, stopped_fail=fail)) for fail in (True, False))
    step = np.unique(np.concatenate([own.time, least.time, most.time]))
    survival, low, high = own.at(step)
    least_survival, least_low, _ = least.at(step)
    most_survival, _, most_high = most.at(step)
    if stopped and weights is None:
        low, high = least_low, most_high
    return CellSurvival(
        cell=records[0].cell,
        name=records[0].cell_name,
        levels=records[0].levels,
        step=step,
        survival=survival,
        low=low,
        high=high,
        least=least_survival,
        most=most_survival,
        n=len(seen),
        events=sum(map(_failed, seen)),
        stopped=stopped,
        audited=sum(of_audit),
        left_out=len(records) - len(seen),
    )


def _test(a: Sequence[Record], b: Sequence[Record]) -> tuple[LogRank, int]:
    """Return the log-rank test that holds whatever stopped replicas would have done, and its number of pairs."""
    one, other = ({record.seed: record for record in _seen(own)} for own in (a, b))
    seeds = sorted(one.keys() & other.keys())
    rows = [[own[seed] for seed in seeds or sorted(own)] for own in (one, other)]
    ways = [
        logrank(
            *(_lifetimes(own, stopped_fail=fails) for own, fails in zip(rows, way, strict=True)), paired=bool(seeds)
        )
        for way in product(*((True, False) if any(map(_stopped, own)) else (False,) for own in rows))
    ]
    if len({np.sign(way.z) for way in ways}) > 1:
        return LogRank(z=0.0, p=1.0, least=ways[0].least), len(seeds)
    return max(ways, key=lambda way: (way.p, -abs(way.z))), len(seeds)


def _seen(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record.decided or _stopped(record)]


def _stopped(record: Record) -> bool:
    return record.status is Status.STOPPED and not _failed(record)


def _lifetimes(seen: Sequence[Record], *, stopped_fail: bool | None = None) -> Lifetimes:
    """``stopped_fail``: whether those stopped failed right then or never; censored where they stopped if not given."""
    time, failed = [], []
    for record in seen:
        fails, end = _failed(record), record.planned_steps
        if fails:
            end = _failure_step(record)
        elif _stopped(record) and stopped_fail is not False:
            fails, end = bool(stopped_fail), record.steps
        time.append(end)
        failed.append(fails)
    return Lifetimes(time=np.array(time, dtype=np.float64), failed=np.array(failed, dtype=np.bool_))


def _failed(record: Record) -> bool:
    return record.outcome in FAILURES or _first_bad(record) is not None


def _first_bad(record: Record) -> float | None:
    """Return the first step after a good window that is not good; None if there is none.

    Rules of edition 1, which leave open what is borderline, noted the first one after any good snapshot instead.
    """
    known = record.ever_good and record.borderline is not None
    return record.evidence.get("first_bad_step") if known else None


def _failure_step(record: Record) -> int:
    """Return the first step at which a failed replica was seen to be bad."""
    shown = record.steps if record.outcome_step is None else record.outcome_step
    if record.outcome is Outcome.CONVERGED:
        shown = record.steps  # the step is that of its recovery
    first = _first_bad(record)
    return shown if first is None else min(shown, int(first))


def _weights(seen: Sequence[Record], audited: Sequence[bool]) -> Floats:
    """1 for those never to be stopped, 0 for the stopped, and their number shared out over the audited ones."""
    stopped = np.array([_stopped(record) for record in seen])
    chosen = np.array(audited) & ~stopped
    marked = stopped | chosen
    return np.where(chosen, marked.sum() / max(1, chosen.sum()), np.where(marked, 0.0, 1.0))


def _held(contrast: Contrast, cell: CellSurvival) -> dict[str, str]:
    return {factor: label for factor, label in cell.levels.items() if factor != contrast.factor}
