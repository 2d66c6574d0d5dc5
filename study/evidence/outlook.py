"""After a run: how many more seeds would decide the claims that are open, if the rates are what they were seen to be.

Seeds are added until the verdict, which holds however often one looks: a launch may be asked for more of them because
an earlier one left a claim open. Rates that were seen in few seeds are uncertain, and so is what follows from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.design.hypothesis import Hypothesis
from study.design.plan import Plan
from study.evidence import kinds
from study.evidence.judging import Judgment, Verdict
from study.evidence.kind import Scenario
from study.evidence.power import Layout, layout
from study.evidence.summaries import CellSummary

CHANCE = 0.8
"""Chance of a verdict that seeds are asked for."""
_LOOKS = (40, 200)
"""Seeds per cell up to which is looked, the next number only if the one before does not do: a look takes its time."""
MOST = _LOOKS[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the open claims of a launch would take.

    Attributes:
        seeds: per cell, at most, by which each of ``deciding`` has a verdict with a chance of ``CHANCE``; 0 if none.
        seconds: of one device, at most, for a launch of so many.
        deciding: the open claims that can be had so.
        beyond: those that more than ``MOST`` seeds would be needed for: their rates were seen at the border.
    """

    seeds: int
    seconds: float
    deciding: tuple[Hypothesis, ...]
    beyond: tuple[Hypothesis, ...]


def outlook(plan: Plan, summaries: Sequence[CellSummary], judgments: Sequence[Judgment]) -> Outlook:
    """Return what the open claims that were tested would take, if the rates are the observed ones."""
    tested = [own for own in judgments if own.p is not None]
    asked = [own for own in tested if own.verdict is Verdict.UNDECIDED]
    needed: dict[str, int | None] = {}
    cells: dict[int, int] = {summary.cell: summary.rate.n for summary in summaries}
    for judgment in asked:
        hypothesis, found = judgment.hypothesis, layout(judgment.hypothesis, plan)
        seeds = _needed(judgment, found, len(asked)) if isinstance(found, Layout) else None
        needed[hypothesis.name] = seeds
        if seeds is not None and isinstance(found, Layout):
            cells |= {cell: max(cells.get(cell, 0), seeds) for cell in found.cells}
    deciding = tuple(own.hypothesis for own in asked if needed[own.hypothesis.name] is not None)
    return Outlook(
        seeds=max((seeds for seeds in needed.values() if seeds is not None), default=0),
        seconds=_seconds(cells, summaries) if deciding else 0.0,
        deciding=deciding,
        beyond=tuple(own.hypothesis for own in asked if needed[own.hypothesis.name] is None),
    )


def _needed(judgment: Judgment, found: Layout, family: int) -> int | None:
    """Return the seeds by which a claim has a verdict, this way or that, at Holm's first threshold of the open ones."""
    hypothesis: Any = judgment.hypothesis
    for seeds in _LOOKS:
        scenario = Scenario(
            rates=tuple(rate.rate for rate in judgment.rates),
            correlation=0.0,
            observations=seeds * found.each,
            size=found.size,
            levels=(hypothesis.alpha, hypothesis.alpha / family),
        )
        enough = kinds.of(hypothesis).paths(hypothesis, scenario)[-1].decided(CHANCE, found.each)
        if enough is not None:
            return enough
    return None


def _seconds(seeds: Mapping[int, int], summaries: Sequence[CellSummary]) -> float:
    each = {summary.cell: summary.seconds / trained for summary in summaries if (trained := _trained(summary))}
    return sum(each.get(cell, 0.0) * count for cell, count in seeds.items())


def _trained(summary: CellSummary) -> int:
    return summary.rate.n + summary.stopped
