"""Two launches of one study: what was changed between them, and what came of it.

The first is ``before``, the second ``after``: other code, another device, another precision, another profile. Cells are
matched by name and replicas by cell and seed. Replicas that share a seed share their luck, so they are compared in
pairs; where no seed agrees, the rates are.
"""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from study.audit.plan_diff import Change, changes
from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.evidence.inference.differences import of_two_cells
from study.evidence.inference.multiple import holm
from study.evidence.inference.paired import Pairs
from study.evidence.inference.proportions import Rate
from study.evidence.judging import Judgment
from study.evidence.pairing import pairs_of
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.storage.records import Record

Couple = tuple[Record, Record]
"""The same cell and seed, before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """A cell that both launches have.

    Attributes:
        same: whether the configurations are equal.
        before, after: the rates of all decided replicas, with 95 % Wilson intervals.
        pairs: seeds decided in both launches, ``a`` is after; absent if there is none.
        difference: rate after minus before, low, high: the interval that agrees with ``p``; absent if either has no
            replica.
        test: the name of the exact test that ``p`` is of; empty without replicas.
        p, p_adjusted: two-sided; adjusted by Holm over the cells that could be tested.
    """

    name: str
    same: bool
    before: Rate
    after: Rate
    pairs: Pairs | None
    difference: tuple[float, float, float] | None
    test: str
    p: float | None
    p_adjusted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Couples with the same configuration, seed, versions, device and mode, both decided by the same rule.

    Attributes:
        couples: how many there are.
        other_outcome, other_numbers: of them, with another outcome; with the same outcome from other measurements.
    """

    couples: int
    other_outcome: int
    other_numbers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictChange:
    """One hypothesis judged in each launch; absent where it was not declared."""

    claim: str
    before: Judgment | None
    after: Judgment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchComparison:
    """All of it; ``transitions`` counts (outcome before, outcome after) of the couples decided in both."""

    before: Plan
    after: Plan
    sentence: str
    changes: tuple[Change, ...]
    cells: tuple[CellChange, ...]
    transitions: Mapping[tuple[Outcome, Outcome], int]
    repeats: Repeats
    verdicts: tuple[VerdictChange, ...]


def compare(before: Launch, after: Launch) -> LaunchComparison:
    """Raise ValueError if the launches are of different studies."""
    if before.plan.study != after.plan.study:
        raise ValueError(f"both launches must be of one study, got {before.plan.study} and {after.plan.study}")
    couples = _couples(before.replicas, after.replicas)
    transitions = Counter((one.outcome, other.outcome) for one, other in couples)
    cells = _cells(before, after, couples)
    return LaunchComparison(
        before=before.plan,
        after=after.plan,
        sentence=_sentence(transitions, cells),
        changes=changes(before, after),
        cells=cells,
        transitions=transitions,
        repeats=_repeats(couples),
        verdicts=tuple(_verdicts(before, after)),
    )


def _couples(before: Sequence[Record], after: Sequence[Record]) -> list[Couple]:
    """Return the replicas that have an outcome in both launches."""
    known = {(record.cell_name, record.seed): record for record in before if record.decided}
    decided = (record for record in after if record.decided)
    return [(known[place], record) for record in decided if (place := (record.cell_name, record.seed)) in known]


def _sentence(transitions: Mapping[tuple[Outcome, Outcome], int], cells: Sequence[CellChange]) -> str:
    paired = sum(transitions.values())
    if not paired:
        one, other = ([cell.before for cell in cells], [cell.after for cell in cells])
        return (
            "No replica of the same cell and seed has an outcome in both launches;"
            f" {_total(one)} converged before, {_total(other)} after."
        )
    changed = {(one, other): count for (one, other), count in transitions.items() if one is not other}
    lost = sum(count for (one, _), count in changed.items() if one is Outcome.CONVERGED)
    won = sum(count for (_, other), count in changed.items() if other is Outcome.CONVERGED)
    others = sum(changed.values())
    told = ((lost, "converged only before"), (won, "converged only after"), (others - lost - won, "failed otherwise"))
    parts = [f"{count} {what}" for count, what in told if count]
    return "; ".join([f"{paired - others} of {paired} replicas have the same outcome", *parts]) + "."


def _total(rates: Sequence[Rate]) -> str:
    return f"{sum(rate.successes for rate in rates)} of {sum(rate.n for rate in rates)}"


def _cells(before: Launch, after: Launch, couples: Sequence[Couple]) -> tuple[CellChange, ...]:
    """Compare the cells of both launches, in the order of the later one."""
    earlier = {summary.name: summary for summary in before.summaries}
    configurations = [{cell.name: cell.digest for cell in own.plan.cells} for own in (before, after)]
    found = []
    for own in after.summaries:
        if own.name in earlier:
            same = configurations[0].get(own.name) == configurations[1].get(own.name)
            mine = [couple for couple in couples if couple[1].cell == own.cell]
            found.append(_cell(earlier[own.name], own, mine, same))
    adjusted = iter(holm([cell.p for cell in found if cell.p is not None]))
    return tuple(cell if cell.p is None else dataclasses.replace(cell, p_adjusted=next(adjusted)) for cell in found)


def _cell(before: CellSummary, after: CellSummary, couples: Sequence[Couple], same: bool) -> CellChange:
    one, other = before.rate, after.rate
    pairs = pairs_of([own.converged for _, own in couples], [own.converged for own, _ in couples]) if couples else None
    known = pairs is not None or (one.n and other.n)
    found = of_two_cells(pairs, (other.successes, other.n), (one.successes, one.n))
    p = found.against(0.0, 0.05)[0] if known else None
    return CellChange(
        name=after.name,
        same=same,
        before=one,
        after=other,
        pairs=pairs,
        difference=(found.estimate, *found.interval(0.95)) if known else None,
        test=found.test if known else "",
        p=p,
        p_adjusted=p,
    )


def _repeats(couples: Sequence[Couple]) -> Repeats:
    alike = [(one, other) for one, other in couples if _made(one) == _made(other)]
    outcome = sum(one.outcome is not other.outcome for one, other in alike)
    numbers = sum(one.outcome is other.outcome and one.evidence != other.evidence for one, other in alike)
    return Repeats(couples=len(alike), other_outcome=outcome, other_numbers=numbers)


def _made(record: Record) -> tuple[object, ...]:
    return record.digest, record.versions, record.device, record.mode, record.rule


def _verdicts(before: Launch, after: Launch) -> Iterator[VerdictChange]:
    """Hypotheses matched by name, in the order of the later launch; those of the earlier one alone at the end."""
    one, other = _judged(before), _judged(after)
    for name in other | one:
        claim = (other.get(name) or one[name]).hypothesis.claim
        yield VerdictChange(claim=claim, before=one.get(name), after=other.get(name))


def _judged(own: Launch) -> dict[str, Judgment]:
    return {judgment.hypothesis.name: judgment for judgment in own.verdicts}
