"""What a launch's page and figures show beside its numbers: which cells, in which order, and with which curves."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from study.design.plan import Block
from study.evidence import sensitivity, time_to_failure
from study.evidence.sensitivity import Sensitivity
from study.evidence.time_to_failure import CellSurvival
from study.launch import Launch
from study.report.figures import curves
from study.report.figures.curves import Line
from study.report.rule_validation import Trust, trust
from study.storage.records import Record
from trainables.trace import Trace

if TYPE_CHECKING:
    from study.report.search_data import Searched

Traced = tuple[Block, Trace]


class View:
    """A launch as its page shows it."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch

    @cached_property
    def search(self) -> "Searched | None":
        """What a search found; nothing of any other launch."""
        if self.launch.plan.search is None:
            return None
        from study.report.search_data import Searched  # brings scikit-learn, which takes its time

        return Searched(self.launch.store, self.launch.plan, self.launch.plan.search, self.launch.replicas)

    @property
    def ranked(self) -> Sequence[Record]:
        """The records in the order of cells; of a search in that of its candidates, best first."""
        if self.search is None:
            return self.launch.replicas
        ranks = {own.cell: rank for rank, own in enumerate(self.search.candidates)}
        return sorted(self.launch.replicas, key=lambda record: (ranks.get(record.cell, len(ranks)), record.replica))

    @cached_property
    def traces(self) -> list[Traced]:
        """The blocks that have a trace, with it; of a search those of the cells that are shown."""
        shown = None if self.search is None else self.search.shown
        blocks = (block for block in self.launch.traced if shown is None or block.cell.index in shown)
        found = ((block, self.launch.store.trace(block)) for block in blocks)
        return [(block, trace) for block, trace in found if trace is not None]

    @cached_property
    def trust(self) -> Trust | None:
        return trust(self.launch.rule, self.launch.plan.cells)

    @cached_property
    def survival(self) -> Sequence[CellSurvival]:
        """Of a search those of the cells that are shown."""
        found = self.search
        if found is None:
            return time_to_failure.curves(self.launch.replicas)
        own = {curve.cell: curve for curve in time_to_failure.curves(self.launch.replicas, found.audited)}
        return [own[cell] for cell in found.shown]

    @cached_property
    def sensitivities(self) -> Sequence[Sensitivity]:
        return sensitivity.vary(self.launch.plan, self.launch.replicas, self.traces, rule=self.launch.rule)

    @cached_property
    def lines(self) -> dict[int, list[Line]]:
        """Cell to the curves that are drawn of its replicas, as far as there are any."""
        held = {(block.cell.index, seed): trace for block, trace in self.traces for seed in block.seeds}
        balances = {block.cell.index: curves.equilibrium(block.cell.config) for block, _ in self.traces}
        traced: dict[int, list[Record]] = defaultdict(list)
        for record in self.launch.replicas:
            if (record.cell, record.seed) in held:
                traced[record.cell].append(record)
        lines: dict[int, list[Line]] = defaultdict(list)
        for cell, records in traced.items():
            for place in curves.chosen([record.outcome for record in records]):
                own = records[place]
                replica = held[cell, own.seed].replica(own.seed)
                if len(replica):
                    lines[cell].append(Line(trace=replica, outcome=own.outcome, equilibrium=balances[cell]))
        return dict(lines)
