"""Sensitivity: what outcomes, rates and verdicts would be if one threshold of the rule were another.

A rule's thresholds are somebody's choice, so a claim that holds at one value alone is a claim about that choice. One
threshold moves at a time, all others stay; nothing is trained again: what was measured is judged again.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from study.design.hypotheses import Hypothesis
from study.design.plan import Block, Plan
from study.evidence.inference.proportions import Rate, wilson
from study.evidence.judging import Judgment, judge
from study.outcomes.blow_up import blow_up
from study.outcomes.course import CODE, OUTCOMES, Codes, course
from study.outcomes.course import outcomes as outcomes_of
from study.outcomes.measures import Measures, criteria, measure, stacked
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.outcomes.snapshots import judge as judge_snapshots
from study.storage.records import Record
from trainables.trace import ReplicaTrace, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRates:
    """The success rate of one cell, with its 95 % Wilson interval, at every threshold."""

    cell: int
    name: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisVerdicts:
    """The judgement of one hypothesis at every threshold."""

    hypothesis: Hypothesis
    judgments: tuple[Judgment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What depends on one threshold.

    Attributes:
        name: the rule's field; ``own`` is the rule's value of it.
        thresholds: ascending, ``own`` among them.
        cells, hypotheses: in the order of cells, and of declaration.
        left_out: replicas with an outcome whose trace is not there any more; they count nowhere, as if undecided.
    """

    name: str
    own: float
    thresholds: tuple[float, ...]
    cells: tuple[CellRates, ...]
    hypotheses: tuple[HypothesisVerdicts, ...]
    left_out: int


def vary(
    plan: Plan,
    records: Sequence[Record],
    traces: Sequence[tuple[Block, Trace]],
    *,
    rule: OutcomeRule | None = None,
    count: int = 20,
) -> tuple[Sensitivity, ...]:
    """One sensitivity for each threshold of the rule that makes a snapshot good; empty if nothing has an outcome yet.

    Args:
        rule: that the records are decided by; the plan's if not given.
        count: thresholds ``1 / count, 2 / count, ..., 1``, and the rule's own.

    Raises:
        ValueError: if count is below 1.
    """
    if count < 1:
        raise ValueError(f"count must be >= 1, got {count}")
    rule = plan.rule if rule is None else rule
    places, replicas = _decided(records, traces)
    if not places or not rule.applied:
        return ()
    measured = [measure(replica, rule) for replica in replicas]
    label = rule.label()
    blown = [
        # Records of the same rule know it, and no threshold of success changes it.
        own.outcome is Outcome.DIVERGED if own.rule == label else blow_up(replica, rule) is not None
        for own, replica in zip((records[place] for place in places), replicas, strict=True)
    ]
    found = []
    for name in names(rule, measured):
        own = float(getattr(rule, name))
        thresholds = tuple(sorted({own, *(step / count for step in range(1, count + 1))}))
        codes = outcomes(measured, blown, rule, name, thresholds)
        sensitivity = Sensitivity(
            name=name,
            own=own,
            thresholds=thresholds,
            cells=_cell_rates(records, places, codes),
            hypotheses=_verdicts(plan, records, places, codes),
            left_out=sum(record.decided for record in records) - len(places),
        )
        found.append(sensitivity)
    return tuple(found)


def names(rule: OutcomeRule, measured: Sequence[Measures]) -> tuple[str, ...]:
    """Return the thresholds that decide whether one of these is good, the window's and the guards' aside."""
    if rule.classification_error_max is not None:
        return ("classification_error_max",)
    found = {each.field: each for own in measured for each in criteria(own, rule)}
    return tuple(found)


def outcomes(
    measured: Sequence[Measures],
    blown: Sequence[bool],
    rule: OutcomeRule,
    name: str,
    thresholds: Sequence[float],
) -> Codes:
    """Return the outcomes of N replicas at K thresholds, ``[N, K]``: what ``decide`` says by ``replace(rule, name=t)``.

    Replicas with the same steps are judged together.

    Args:
        measured: by ``rule``; ``blown`` says whether training blew up, which no threshold of success changes.
        name: a field of the rule that ``measure`` does not look at.

    Raises:
        ValueError: if a threshold is out of the field's range.
    """
    changed = [_changed(rule, name, threshold) for threshold in thresholds]
    found = np.full((len(measured), len(thresholds)), CODE[Outcome.UNDECIDED])
    for places in _alike(measured):
        together = stacked([measured[place] for place in places])
        diverged = np.array([blown[place] for place in places])
        for column, own in enumerate(changed):
            found[places, column] = np.where(diverged, CODE[Outcome.DIVERGED], _judged(together, own))
    return found


def _changed(rule: OutcomeRule, name: str, threshold: float) -> OutcomeRule:
    change: dict[str, Any] = {name: float(threshold)}
    return replace(rule, **change)


def _decided(records: Sequence[Record], traces: Sequence[tuple[Block, Trace]]) -> tuple[list[int], list[ReplicaTrace]]:
    """Return the places of the records that have an outcome and a trace, and these traces."""
    held = {(block.cell.index, seed): trace for block, trace in traces for seed in block.seeds}
    places, replicas = [], []
    for place, record in enumerate(records):
        trace = held.get((record.cell, record.seed))
        if trace is not None and record.decided:
            places.append(place)
            replicas.append(trace.replica(record.seed))
    return places, replicas


def _verdicts(
    plan: Plan, records: Sequence[Record], places: Sequence[int], codes: Codes
) -> tuple[HypothesisVerdicts, ...]:
    judged: dict[bytes, tuple[Judgment, ...]] = {}
    at_each = []
    for column in codes.T:
        key = column.tobytes()  # neighbouring thresholds often decide all replicas alike
        if key not in judged:
            judged[key] = judge(plan.hypotheses, _redecided(records, places, column), anytime=plan.until_decided)
        at_each.append(judged[key])
    return tuple(
        HypothesisVerdicts(hypothesis=hypothesis, judgments=tuple(found[place] for found in at_each))
        for place, hypothesis in enumerate(plan.hypotheses)
    )


def _redecided(records: Sequence[Record], places: Sequence[int], codes: Codes) -> list[Record]:
    """Return the records with other outcomes; undecided where there is nothing to decide by."""
    found = {place: OUTCOMES[code] for place, code in zip(places, codes.tolist(), strict=True)}
    return [
        record if record.outcome is (own := found.get(place, Outcome.UNDECIDED)) else replace(record, outcome=own)
        for place, record in enumerate(records)
    ]


def _cell_rates(records: Sequence[Record], places: Sequence[int], codes: Codes) -> tuple[CellRates, ...]:
    titles = {record.cell: record.cell_name for record in records}
    cells = np.array([records[place].cell for place in places])
    decided, good = codes != CODE[Outcome.UNDECIDED], codes == CODE[Outcome.CONVERGED]
    seen: dict[tuple[int, int], Rate] = {}

    def rate(successes: int, n: int) -> Rate:
        if (successes, n) not in seen:
            seen[successes, n] = wilson(successes, n)
        return seen[successes, n]

    found = []
    for cell in sorted(titles):
        own = cells == cell
        counts = zip(good[own].sum(axis=0).tolist(), decided[own].sum(axis=0).tolist(), strict=True)
        found.append(CellRates(cell=cell, name=titles[cell], rates=tuple(rate(k, n) for k, n in counts)))
    return tuple(found)


def _alike(measured: Sequence[Measures]) -> list[list[int]]:
    """Return the places of the replicas that were measured, in groups that fit into one array."""
    groups: Mapping[object, list[int]] = defaultdict(list)
    for place, own in enumerate(measured):
        if len(own.step):
            groups[own.step.tobytes(), tuple(own.values), tuple(own.errors)].append(place)
    return list(groups.values())


def _judged(measured: Measures, rule: OutcomeRule) -> Codes:
    """Return the outcomes ``[N]`` of replicas that did not blow up."""
    seen = judge_snapshots(measured, rule)
    if len(seen.step) < rule.window:
        return np.full(len(seen.good), CODE[Outcome.UNDECIDED])
    return outcomes_of(course(seen, rule), rule)
