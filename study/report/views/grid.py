"""The view of a grid: every cell by its levels, with verdicts first."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

from study.evidence import threshold_sweeps, time_to_failure
from study.evidence.answer import answer
from study.evidence.estimates import CellSummary, by_rate
from study.evidence.sensitivity import Sensitivity, WorstPair
from study.evidence.time_to_failure import CellSurvival
from study.formatting import number_word
from study.report import methods
from study.report.drawing import panels
from study.report.drawing.panels import Entry, Panels
from study.report.views.base import Section, Traced, View, Words
from study.search import confirmation
from study.storage.records import Record

PICTURED = 40
"""Launches of more cells show curves and samples of this many: half of them the best, half the worst."""


class GridView(View):
    """A launch whose cells are the combinations of its factors' levels."""

    @property
    def sections(self) -> Sequence[Section]:
        tables = (threshold_sweeps.table(sweep, self.launch.replicas) for sweep in self.launch.plan.sweeps)
        return (
            Section(id="verdicts", title="Verdicts"),
            Section(id="variance", title="Where the variance comes from", drawn=True),
            Section(id="success", title="Success per cell"),
            Section(id="map", title="Success map", drawn=True),
            Section(id="contrasts", title="Differences", drawn=True),
            *(
                Section(id=f"sweep-{number}", title="Pairs", template="sweep", data=table)
                for number, table in enumerate(tables, 1)
            ),
            Section(id="outcomes", title="Outcomes"),
            Section(id="survival", title="Survival", drawn=True),
            *([Section(id="sensitivity", title="Sensitivity")] if self.launch.sensitivity.tells else []),
            *self.tail,
        )

    @property
    def words(self) -> Words:
        count = len(self.pictured)
        shown = f"Shown are the {count} cells with the highest and the lowest rates, here and under Samples."
        return Words(
            compared="cells in the order of success",
            survival="",
            pictured=shown if count < len(self.cells) else "",
            films="in the order of cells and seeds: not the best or worst",
            variants="by the factors of the design",
        )

    @cached_property
    def answer(self) -> Sequence[str]:
        return answer(self.launch.plan, self.launch.replicas, self.launch.verdicts)

    @cached_property
    def cells(self) -> Sequence[CellSummary]:
        return by_rate(self.launch.summaries)

    @property
    def compared(self) -> Sequence[CellSummary]:
        return self.cells

    @cached_property
    def pictured(self) -> Collection[int]:
        half = PICTURED // 2
        return {summary.cell for summary in (*self.cells[:half], *self.cells[-half:])}

    @property
    def replicas(self) -> Sequence[Record]:
        return self.launch.replicas

    @cached_property
    def survival(self) -> Sequence[CellSurvival]:
        return time_to_failure.curves(self.launch.replicas)

    @cached_property
    def traces(self) -> list[Traced]:
        """The traces of the launch, read once for it and for the page; one that cannot be read is an error here."""
        held = list(self.launch.traces)
        return held if len(held) == len(self.traced) else super().traces

    @property
    def sensitivities(self) -> Sequence[Sensitivity]:
        """Success and verdicts against each threshold of the rule that changes a rate or a verdict."""
        return [each for each in self.launch.sensitivity.each if each.moves]

    @property
    def still(self) -> Sequence[Sensitivity]:
        """The thresholds that change no rate and no verdict within their plausible ranges."""
        return [each for each in self.launch.sensitivity.each if not each.moves]

    @property
    def worst_pair(self) -> WorstPair | None:
        """The two thresholds that change most together."""
        return self.launch.sensitivity.worst_pair

    @property
    def confirmed(self) -> str | None:
        """What a confirmation has shown of the cell that it confirms."""
        return confirmation.sentence(self.launch.plan, self.launch.summaries)

    def panels(self, entries: Mapping[int, Entry], line: str = "") -> Panels:
        return panels.arrange(self.launch.factors, self.launch.plan.contrasts, entries)

    def design(self) -> Iterable[str]:
        return methods.design_of_grid(self.launch.plan, self.launch.replicas)

    def statistics(self) -> Iterable[str]:
        yield "Time to failure is estimated by Kaplan and Meier and compared by log-rank permutation tests."
        if self.launch.sensitivity.each:
            yield (
                f"Outcomes, rates and verdicts were computed again with each of"
                f" {number_word(len(self.launch.sensitivity.each))} thresholds at every value of its plausible range,"
                " and with every two of them at the ends; verdicts that change with one threshold are called fragile."
            )
