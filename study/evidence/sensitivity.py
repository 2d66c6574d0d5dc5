"""Sensitivity: what outcomes, rates and verdicts would be if thresholds of the rule were others.

A rule's thresholds are somebody's choice, so a claim that holds at one value alone is a claim about that choice. Every
threshold that can change an outcome of the stored traces moves through its plausible range
(``study.outcomes.rule.PLAUSIBLE``), one at a time and, at the ends of the ranges, two at a time. Nothing is trained
again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, groupby, product
from typing import Any

import numpy as np

from study.design.hypothesis import Hypothesis
from study.design.plan import Block, Plan
from study.evidence.inference.proportions import Rate, wilson
from study.evidence.judging import Flip, Fragility, Judgment, Verdict, verdicts
from study.evidence.redecision import outcomes
from study.formatting import plural, whole
from study.outcomes.columns import Flags
from study.outcomes.course import CODE, OUTCOMES, Codes
from study.outcomes.measures import CRITERIA, Measures, criteria, measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import THRESHOLDS, OutcomeRule, Value, changed, plausible
from study.storage.records import Record, Status
from trainables.trace import ReplicaTrace, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRates:
    """The success rate of one cell, with its 95 % Wilson interval, at every threshold."""

    cell: int
    name: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HypothesisVerdicts:
    """The verdict on one hypothesis at every threshold."""

    hypothesis: Hypothesis
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What depends on one threshold.

    Attributes:
        name: the rule's field; ``own`` is the rule's value of it.
        thresholds: in the order of the scale, ``own`` among them.
        cells, hypotheses: in the order of cells, and of declaration.
    """

    name: str
    own: Value
    thresholds: tuple[Value, ...]
    cells: tuple[CellRates, ...]
    hypotheses: tuple[HypothesisVerdicts, ...]

    @property
    def moves(self) -> bool:
        """Whether any rate or verdict is not the same at every threshold."""
        return self.moves_rates or self.moves_verdicts

    @property
    def moves_rates(self) -> bool:
        """Whether the rate of any cell is not the same at every threshold."""
        return any(len({rate.successes for rate in each.rates}) > 1 for each in self.cells)

    @property
    def moves_verdicts(self) -> bool:
        """Whether the verdict on any hypothesis is not the same at every threshold."""
        return any(len(set(each.verdicts)) > 1 for each in self.hypotheses)

    @property
    def span(self) -> str:
        """``0.33 to 0.67``, or all words of a scale."""
        words = [value if isinstance(value, str) else f"{value:g}" for value in self.thresholds]
        return ", ".join(words) if isinstance(self.own, str) else f"{words[0]} to {words[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPair:
    """The two thresholds that change most verdicts together, or rates if they change no verdict.

    Attributes:
        values: name of each threshold and the end of its plausible range; of one alone where no pair does more.
        flipped: hypotheses whose verdict is another one there, with that verdict.
        alone: the most verdicts that one threshold changes at an end of its range.
        moved: by how much cells' rates change, on average.
    """

    values: Mapping[str, Value]
    flipped: Mapping[str, Verdict]
    alone: int
    moved: float


class SensitivityAnalysis:
    """How rates and verdicts of a launch depend on the thresholds of its rule; each part is computed when asked for.

    Args:
        plan: the launch's plan, whose hypotheses are judged.
        records: of all planned replicas.
        traces: those that are stored. Replicas with an outcome whose trace is gone count nowhere, as if undecided.
        rule: that the records are decided by; the plan's if not given.
    """

    def __init__(
        self,
        plan: Plan,
        records: Sequence[Record],
        traces: Sequence[tuple[Block, Trace]],
        *,
        rule: OutcomeRule | None = None,
    ) -> None:
        self.rule = plan.rule if rule is None else rule
        self._plan = plan
        self._records = records
        self._places, self._replicas = _decided(records, traces)
        self._cells = np.array([records[place].cell for place in self._places], dtype=np.int64)
        self._known: dict[bytes, tuple[Verdict, ...]] = {}

    @property
    def left_out(self) -> int:
        """Replicas with an outcome whose trace is not there any more."""
        return sum(record.decided for record in self._records) - len(self._places)

    @property
    def tells(self) -> bool:
        """Whether there is anything to say: replicas with an outcome, and traces or a reason why they do not help."""
        return any(record.decided for record in self._records)

    @cached_property
    def unknown(self) -> str:
        """Why it cannot be said which verdicts are fragile, as the end of a sentence; empty if it can."""
        if not self.rule.applied:
            return (
                f"the rule {self.rule.label()} is of edition {self.rule.edition}, which this version reads and does not"
                " apply"
            )
        if self.rule.own_rule is not None:
            return f"outcomes are decided by {self.rule.own_rule.title}, not by thresholds that we know"
        if self.left_out:
            total = self.left_out + len(self._places)
            return (
                f"{whole(self.left_out)} of {plural(total, 'replica')} with an outcome have no trace that can be read"
            )
        stopped = sum(record.decided and record.status is Status.STOPPED for record in self._records)
        if stopped:
            return f"{plural(stopped, 'replica')} with an outcome stopped before the end"
        again = outcomes(self._replicas, [self.rule])[:, 0].tolist()
        pairs = zip((self._records[place].outcome for place in self._places), again, strict=True)
        differ = sum(outcome is not OUTCOMES[code] for outcome, code in pairs)
        return f"the traces of {plural(differ, 'replica')} do not have the recorded outcome" if differ else ""

    @cached_property
    def thresholds(self) -> Mapping[str, tuple[Value, ...]]:
        """The plausible values of every threshold that can change an outcome of the traces, as far as they decide."""
        if not self._places or not self.rule.applied or self.rule.own_rule is not None:
            return {}
        found = {}
        for name in names(self.rule, self._replicas):
            own, values = getattr(self.rule, name), plausible(self.rule, name)
            codes = self._singles[name]
            kept = _decides(codes, codes[:, [values.index(own)]])
            found[name] = tuple(value for value, keep in zip(values, kept, strict=True) if keep)
        return found

    @cached_property
    def each(self) -> tuple[Sensitivity, ...]:
        """One sensitivity for each threshold that can change an outcome; empty if nothing has an outcome yet."""
        found = []
        for name, values in self.thresholds.items():
            kept = [plausible(self.rule, name).index(value) for value in values]
            codes = self._singles[name][:, kept]
            sensitivity = Sensitivity(
                name=name,
                own=getattr(self.rule, name),
                thresholds=values,
                cells=self._rates(codes),
                hypotheses=self._judged(codes),
            )
            found.append(sensitivity)
        return tuple(found)

    @cached_property
    def worst_pair(self) -> WorstPair | None:
        """The worst two thresholds, each at an end of its range; None where no two change anything."""
        ends = {name: _ends(values, getattr(self.rule, name)) for name, values in self.thresholds.items()}
        moves = [{name: value} for name, values in ends.items() for value in values]
        moves += [
            dict(zip(pair, values, strict=True))
            for pair in combinations(ends, 2)
            for values in product(*(ends[name] for name in pair))
        ]
        tried = [(move, rule) for move in moves if (rule := changed(self.rule, move)) is not None]
        codes = outcomes(self._replicas, [self.rule, *(rule for _, rule in tried)])
        possible = np.flatnonzero(_decides(codes, codes[:, :1]))[1:]
        scores = {int(column): self._harm(codes[:, column], codes[:, 0]) for column in possible}
        alone = max((len(scores[c][0]) for c in scores if len(tried[c - 1][0]) == 1), default=0)
        ranks = {c: (len(flips), moved, -len(tried[c - 1][0])) for c, (flips, moved) in scores.items()}
        worst = max(ranks, key=ranks.__getitem__, default=0)
        if not worst or scores[worst][1] == 0:
            return None
        flipped, moved = scores[worst]
        return WorstPair(values=tried[worst - 1][0], flipped=flipped, alone=alone, moved=moved)

    def marked(self, judgments: Sequence[Judgment]) -> tuple[Judgment, ...]:
        """Return the judgments on the plan's hypotheses, in its order, each with its fragility."""
        if not judgments or not self.tells:
            return tuple(judgments)
        if self.unknown:
            return tuple(replace(own, fragility=Fragility(unknown=self.unknown)) for own in judgments)
        return tuple(
            replace(own, fragility=Fragility(flips=_flips(self.each, place, own.verdict)))
            for place, own in enumerate(judgments)
        )

    @cached_property
    def _singles(self) -> Mapping[str, Codes]:
        """The outcomes at all plausible values of each threshold, ``[N, K]``."""
        values = {name: plausible(self.rule, name) for name in names(self.rule, self._replicas)}
        rules = [_with(self.rule, name, value) for name, own in values.items() for value in own]
        codes = outcomes(self._replicas, rules)
        ends = np.cumsum([len(own) for own in values.values()])
        return dict(zip(values, np.split(codes, ends[:-1], axis=1), strict=True))

    def _harm(self, codes: Codes, own: Codes) -> tuple[Mapping[str, Verdict], float]:
        """Return the verdicts that are other ones, and by how much cells' rates change on average."""
        trio = zip(self._plan.hypotheses, self._verdicts(own), self._verdicts(codes), strict=True)
        flipped = {hypothesis.name: after for hypothesis, before, after in trio if before is not after}
        success = CODE[Outcome.CONVERGED]
        change = (codes == success).astype(float) - (own == success)
        moved = [abs(change[self._cells == cell].mean()) for cell in np.unique(self._cells)]
        return flipped, float(np.mean(moved))

    def _judged(self, codes: Codes) -> tuple[HypothesisVerdicts, ...]:
        at_each = [self._verdicts(column) for column in codes.T]
        return tuple(
            HypothesisVerdicts(hypothesis=hypothesis, verdicts=tuple(found[place] for found in at_each))
            for place, hypothesis in enumerate(self._plan.hypotheses)
        )

    def _verdicts(self, codes: Codes) -> tuple[Verdict, ...]:
        key = codes.tobytes()  # most thresholds decide most replicas alike
        if key not in self._known:
            records = _redecided(self._records, self._places, codes)
            self._known[key] = verdicts(self._plan.hypotheses, records, anytime=self._plan.until_decided)
        return self._known[key]

    def _rates(self, codes: Codes) -> tuple[CellRates, ...]:
        titles = {record.cell: record.cell_name for record in self._records}
        decided, good = codes != CODE[Outcome.UNDECIDED], codes == CODE[Outcome.CONVERGED]
        found = []
        for cell in sorted(titles):
            own = self._cells == cell
            counts = zip(good[own].sum(axis=0).tolist(), decided[own].sum(axis=0).tolist(), strict=True)
            found.append(CellRates(cell=cell, name=titles[cell], rates=tuple(wilson(k, n) for k, n in counts)))
        return tuple(found)


def names(rule: OutcomeRule, replicas: Sequence[ReplicaTrace]) -> tuple[str, ...]:
    """Return the thresholds that something in these traces is compared with, in the order of the rule's fields."""
    seen: dict[tuple[str, ...], tuple[ReplicaTrace, Measures]] = {}
    for replica in replicas:
        key = (*replica.columns, *replica.reference)
        if key not in seen:
            seen[key] = replica, measure(replica, rule)
    return tuple(name for name in THRESHOLDS if any(_applies(name, rule, *own) for own in seen.values()))


_BOUNDS = {
    "loss_bound": ("_loss", "_penalty"),
    "grad_norm_bound": ("_grad_norm",),
    "param_norm_bound": ("_param_norm",),
}
"""How the columns end that a bound is for."""
_COMPARED: Mapping[str, tuple[str, ...]] = {
    "share_floor": ("coverage",),
    "hopping_max": ("hopping",),
    "confidence_min": ("confidence",),
    "precision_min": ("recall", "distinctness"),
    "alike_max": ("precision",),
    "diversity_tiny": ("diversity", "spacing"),
    "tolerance": ("classification_error", *(each.measure for each in CRITERIA)),
}
"""The quantities of which a threshold that is no criterion needs one; those of windows and the margin need none."""


def _applies(name: str, rule: OutcomeRule, replica: ReplicaTrace, found: Measures) -> bool:
    if getattr(rule, name) is None:
        return False
    if name in _BOUNDS:
        return any(column.endswith(_BOUNDS[name]) for column in replica.columns)
    if name == "radius":
        return "hopping" in found.values and "mode_weights" in replica.reference
    if name == "classification_error_max":
        return True
    if name in {each.field for each in CRITERIA}:
        return name in {each.field for each in criteria(found, rule)}
    return name not in _COMPARED or any(each in found.values for each in _COMPARED[name])


def _with(rule: OutcomeRule, name: str, value: Value) -> OutcomeRule:
    change: dict[str, Any] = {name: value}
    return replace(rule, **change)


def _decides(codes: Codes, own: Codes) -> Flags:
    """Mark the columns at which all replicas are decided that the rule itself decides."""
    undecided = CODE[Outcome.UNDECIDED]
    found: Flags = ~((codes == undecided) & (own != undecided)).any(axis=0)
    return found


def _ends(values: Sequence[Value], own: Value) -> tuple[Value, ...]:
    """Return the ends of a range, the rule's own value aside; of a scale of words all of them."""
    ends = values if isinstance(own, str) else (values[0], values[-1])
    return tuple(value for value in dict.fromkeys(ends) if value != own)


def _flips(each: Iterable[Sensitivity], place: int, verdict: Verdict) -> tuple[Flip, ...]:
    found = [flip for own in each for flip in _stretches(own, own.hypotheses[place].verdicts, verdict)]
    return tuple(sorted(found, key=lambda flip: flip.steps))


def _stretches(found: Sensitivity, verdicts: Sequence[Verdict], verdict: Verdict) -> Iterable[Flip]:
    own, last = found.thresholds.index(found.own), len(verdicts) - 1
    if isinstance(found.own, str):  # no order: all words with one verdict are a stretch
        for other in dict.fromkeys(each for each in verdicts if each is not verdict):
            values = tuple(v for v, each in zip(found.thresholds, verdicts, strict=True) if each is other)
            yield Flip(threshold=found.name, verdict=other, values=values, steps=1)
        return
    for other, group in groupby(range(len(verdicts)), verdicts.__getitem__):
        places = list(group)
        if other is not verdict:
            side = "above" if places[-1] == last else "below" if places[0] == 0 else "within"
            yield Flip(
                threshold=found.name,
                verdict=other,
                values=tuple(found.thresholds[each] for each in places),
                steps=min(abs(each - own) for each in places),
                side=side,
            )


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


def _redecided(records: Sequence[Record], places: Sequence[int], codes: Codes) -> list[Record]:
    """Return the records with other outcomes; undecided where there is nothing to decide by."""
    found = {place: OUTCOMES[code] for place, code in zip(places, codes.tolist(), strict=True)}
    return [
        record if record.outcome is (own := found.get(place, Outcome.UNDECIDED)) else replace(record, outcome=own)
        for place, record in enumerate(records)
    ]
