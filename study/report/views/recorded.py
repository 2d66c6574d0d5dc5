"""The view of recorded trainings: a grid of the settings that loops have reported, and what cannot be known of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from study.formatting import joined, plural
from study.report import methods
from study.report.views.base import Section
from study.report.views.grid import GridView
from study.storage.records import Status


class RecordedView(GridView):
    """A launch whose trainings were loops of the user's own."""

    @property
    def sections(self) -> Sequence[Section]:
        found = list(super().sections)
        place = next(number for number, own in enumerate(found) if own.id == "rule")
        return (*found[:place], Section(id="unknown", title="What cannot be known"), *found[place:])

    @property
    def unknown(self) -> Sequence[str]:
        """What the page cannot know of these trainings, a sentence each."""
        return tuple(
            filter(None, (*_UNKNOWN, self._crashed, self._lengths, self._unbased, self._replaced, self._uneven))
        )

    @property
    def _lengths(self) -> str:
        lengths = sorted({record.steps for record in self.launch.replicas if record.status.trained})
        if len(lengths) < 2:
            return ""
        return (
            f"Replicas were trained for {lengths[0]:,} to {lengths[-1]:,} steps: a difference of rates between cells"
            " may be one of lengths."
        )

    @property
    def _crashed(self) -> str:
        crashed = sum(record.status is Status.CRASHED for record in self.launch.replicas)
        if not crashed:
            return ""
        return (
            f"{plural(crashed, 'loop')} crashed with finite numbers and {'is' if crashed == 1 else 'are'} in no rate:"
            " if it was because the training had failed, the rates are too high."
        )

    @property
    def _unbased(self) -> str:
        traces = [trace for _, trace in self.traces]
        without = sum(0 not in trace.table.column("step").to_pylist() for trace in traces)
        if not without:
            return ""
        return (
            f"{plural(without, 'replica')} of {len(traces)} reported nothing at step 0: whether they have become better"
            " than an untrained generator is not asked of them."
        )

    @property
    def _replaced(self) -> str:
        rows = [int(trace.meta.get("replaced", 0)) for _, trace in self.traces]
        again = sum(count > 0 for count in rows)
        if not again:
            return ""
        return (
            f"{plural(again, 'replica')} ran again after an interruption and reported other samples than before, by"
            f" which {plural(sum(rows), 'row')} of the earlier runs were replaced."
        )

    @property
    def _uneven(self) -> str:
        plan = self.launch.plan
        if len({frozenset(seeds) for seeds in plan.recorded}) < 2:
            return ""
        each = joined(
            f"{cell.name} {plural(len(seeds), 'seed')}" for cell, seeds in zip(plan.cells, plan.recorded, strict=True)
        )
        return f"The cells were not run on the same seeds ({each}); comparisons use the seeds that both cells have."

    @property
    def rhythm(self) -> str:
        return "At each report of a loop, whose steps are the loop's choice"

    @property
    def steps(self) -> Mapping[int, int]:
        steps = {cell.index: cell.config.steps for cell in self.launch.plan.cells}
        for record in self.launch.replicas:
            steps[record.cell] = max(steps[record.cell], record.planned_steps)
        return Counter(steps.values())

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        return (("Seeds", ", ".join(map(str, self.launch.plan.seeds))),)

    def training(self) -> Iterable[str]:
        return methods.recorded(self.configs)

    def design(self) -> Iterable[str]:
        return methods.design_of_recorded(self.launch.plan)


_UNKNOWN = (
    "The loop's own code is in no digest: two cells, or two seeds of one, may have been trained by different code under"
    " the same settings.",
    "Nothing here was stacked or seeded by this program. Whether a seed decides anything, and whether replicas of one"
    " seed share initial weights, noise or data order between cells, is the loop's affair. Replicas of one seed are"
    " compared in pairs all the same, which is valid if they share nothing, and sees less than if they did.",
    "When samples were reported was the loop's choice. At fixed multiples of some number of steps, an oscillation that"
    " keeps in step with them does not show.",
    "Losses and norms are what the loop said they are; a blow-up of weights that it does not report shows only in the"
    " samples.",
    "Seeds that were run and never recorded, or recorded elsewhere, are not counted. How many there were to be was not"
    " declared: intervals and p-values are those of a fixed number, and too good if seeds were added until the result"
    " pleased.",
)
