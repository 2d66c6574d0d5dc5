"""After a run: how many more seeds would decide the claims that are open, if the rates are what they were seen to be.

Seeds are added until the verdict, which holds however often one looks: a launch may be asked for more of them because
an earlier one left a claim open. Rates that were seen in few seeds are uncertain, and so is what follows from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
        needed: name of each open claim that was tested, to the seeds per cell by which it has a verdict with chance
            ``CHANCE``; None where more than ``MOST`` would be needed: its rates were seen at the border. Claims about
            drawn levels are not among them.
        draws: name of each open claim about drawn levels to the draws, about, that would decide it with that chance,
            one replica of each; None where it would take more than ``MOST`` times those that there are. Seeds of the
            same draws say nothing more of what was not drawn.
        seconds: of one device, at most, for a launch of as many seeds as the claims need that can be had.
    """

    needed: Mapping[str, int | None]
    draws: Mapping[str, int | None]
    seconds: float

    @property
    def deciding(self) -> tuple[str, ...]:
        """The names of those that can be had."""
        return tuple(own for own, seeds in self.needed.items() if seeds is not None)

    @property
    def beyond(self) -> tuple[str, ...]:
        """The names of those that cannot."""
        return tuple(own for own, seeds in self.needed.items() if seeds is None)

    @property
    def seeds(self) -> int:
        """Seeds per cell, at most, for all that can be had; 0 if there are none."""
        return max((seeds for seeds in self.needed.values() if seeds is not None), default=0)


def outlook(plan: Plan, summaries: Sequence[CellSummary], judgments: Sequence[Judgment]) -> Outlook:
    """Return what the open claims that were tested would take, if the rates are the observed ones."""
    asked = [own for own in judgments if own.p is not None and own.verdict is Verdict.UNDECIDED]
    needed: dict[str, int | None] = {}
    draws: dict[str, int | None] = {}
    cells: dict[int, int] = {summary.cell: summary.rate.n for summary in summaries}
    for judgment in asked:
        found = layout(judgment.hypothesis, plan)
        seeds = _needed(judgment, found, len(asked)) if isinstance(found, Layout) else None
        if judgment.hypothesis.drawn:
            draws[judgment.hypothesis.name] = seeds
            continue
        needed[judgment.hypothesis.name] = seeds
        if seeds is not None and isinstance(found, Layout):
            cells |= {cell: max(cells.get(cell, 0), seeds) for cell in found.cells}
    any_had = any(seeds is not None for seeds in needed.values())
    return Outlook(needed=needed, draws=draws, seconds=_seconds(cells, summaries) if any_had else 0.0)


def _needed(judgment: Judgment, found: Layout, family: int) -> int | None:
    """Return the seeds, or draws, by which a claim is decided, at Holm's first threshold of the open ones."""
    hypothesis: Any = judgment.hypothesis
    for seeds in _LOOKS:
        scenario = Scenario(
            rates=tuple(rate.rate for rate in judgment.rates),
            correlation=0.0,
            observations=seeds * (found.draws or 1),
            size=found.size,
            levels=(hypothesis.alpha, hypothesis.alpha / family),
        )
        enough = kinds.of(hypothesis).paths(hypothesis, scenario)[-1].decided(CHANCE)
        if enough is not None:
            return enough
    return None


def _seconds(seeds: Mapping[int, int], summaries: Sequence[CellSummary]) -> float:
    each = {summary.cell: summary.seconds / trained for summary in summaries if (trained := _trained(summary))}
    return sum(each.get(cell, 0.0) * count for cell, count in seeds.items())


def _trained(summary: CellSummary) -> int:
    return summary.rate.n + summary.stopped
