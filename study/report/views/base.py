"""What every view of a launch decides: which cells are shown, in which order, under which names, in which sections."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from study import formatting
from study.design.plan import Block
from study.evidence.estimates import CellSummary
from study.evidence.time_to_failure import CellSurvival
from study.launch import Launch
from study.report import methods, tables
from study.report.drawing.panels import Entry, Panels
from study.report.rule_validation import Trust, trust
from study.storage import metrics_table
from study.storage.records import Record
from study.validation.competence import Competence
from trainables.config import Config, trained
from trainables.data import is_images
from trainables.trace import Trace

Traced = tuple[Block, Trace]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the page.

    Attributes:
        id: its anchor.
        title: in the list of sections.
        template: in ``templates/sections``; by default the one of its id.
        drawn: whether it stands on the page only if one of its figures has something to show.
        data: what its template needs beside the view.
    """

    id: str
    title: str
    template: str = ""
    drawn: bool = False
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Parts of sentences that differ between views.

    Attributes:
        compared: which cells the figures with a row per cell show.
        survival: a sentence on what the survival curves show of which cells; may be empty.
        pictured: a sentence on which cells have curves and samples; empty if all have.
        films: the order in which the replicas of the films were looked for.
        variants: what a setting with many values varies by.
    """

    compared: str
    survival: str
    pictured: str
    films: str
    variants: str


class View(ABC):
    """A launch as its page and its figures show it."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch

    @property
    @abstractmethod
    def sections(self) -> Sequence[Section]:
        """The sections of the page in the order of the reader."""

    @property
    def tail(self) -> Sequence[Section]:
        """The last sections of every page."""
        metrics = [Section(id="metrics", title="Known metrics")] if self.launch.known_metrics else []
        return (
            Section(id="curves", title="Curves"),
            Section(id="samples", title="Samples"),
            *metrics,
            Section(id="rule", title="How outcomes are decided"),
            Section(id="methods", title="Methods"),
            Section(id="run", title="What was run"),
        )

    @property
    @abstractmethod
    def words(self) -> Words:
        """How sentences of the page end for this view."""

    @property
    @abstractmethod
    def answer(self) -> Sequence[str]:
        """The answer of the launch in sentences, which stands first on the page and last on the terminal."""

    @property
    @abstractmethod
    def cells(self) -> Sequence[CellSummary]:
        """All cells, the best first."""

    @property
    @abstractmethod
    def compared(self) -> Sequence[CellSummary]:
        """The cells of figures that have a row per cell, under the names that they have there."""

    @property
    @abstractmethod
    def pictured(self) -> Collection[int]:
        """The cells whose curves and samples are shown."""

    @property
    @abstractmethod
    def replicas(self) -> Sequence[Record]:
        """The records in the order of their cells."""

    @property
    @abstractmethod
    def survival(self) -> Sequence[CellSurvival]:
        """The survival curves that are shown, under the names that their cells have in figures."""

    @abstractmethod
    def panels(self, entries: Mapping[int, Entry], line: str) -> Panels:
        """Lay out lines, one per cell, in panels; ``line`` names a line that has a panel of its own."""

    @abstractmethod
    def design(self) -> Iterable[str]:
        """Return the sentences of a methods section on what was trained."""

    def training(self) -> Iterable[str]:
        """Return the sentences of a methods section on how it was trained."""
        return methods.training(self.configs)

    @property
    def rhythm(self) -> str:
        """How often a snapshot was taken, as the beginning of a sentence."""
        return methods.rhythm(self.configs)

    @property
    def configs(self) -> Sequence[Config]:
        """The configurations of all cells; those known before training if there is no cell yet."""
        plan = self.launch.plan
        return [cell.config for cell in plan.cells] or plan.configs()

    @property
    def pictures_points(self) -> bool:
        """Whether the pictures of samples show points on modes."""
        return any(not is_images(config.data) for config in self.configs)

    @property
    def steps(self) -> Mapping[int, int]:
        """Planned steps to the number of cells that have them; where no cell is known, 0 cells."""
        plan = self.launch.plan
        planned = Counter(cell.config.steps for cell in plan.cells)
        return planned or {config.steps: 0 for config in plan.configs()}

    @property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What made the numbers, for this kind of launch alone, as names and values."""
        plan = self.launch.plan
        return (
            ("Precision", formatting.listed(trained(cell.config).dtype for cell in plan.cells)),
            ("Replicas per block", f"at most {plan.block}"),
            ("Seeds", ", ".join(map(str, plan.seeds)) + " (the same in every cell)"),
        )

    @abstractmethod
    def statistics(self) -> Iterable[str]:
        """Return the sentences of a methods section on what was computed for this kind of launch alone."""

    @property
    def traced(self) -> Sequence[Block]:
        """The blocks with a trace that is read."""
        return self.launch.traced

    @property
    def files(self) -> Mapping[str, str]:
        """Name to content of the files beside the page, in the order in which the page lists them."""
        measured = metrics_table.read(self.launch.store)
        return {
            tables.CELLS: tables.cells(self.launch.summaries),
            tables.RECORDS: tables.records(self.launch.replicas),
            **({tables.METRICS: tables.metrics(measured)} if measured else {}),
        }

    @cached_property
    def traces(self) -> list[Traced]:
        """The blocks whose trace is read, with it."""
        found = ((block, self.launch.store.trace(block)) for block in self.traced)
        return [(block, trace) for block, trace in found if trace is not None]

    @cached_property
    def judges(self) -> Mapping[str, str]:
        """What the rule made of real data and of generators that cheat, before training, by what was judged."""
        return {name: own.sentence for name, own in self.launch.store.judges(Competence).items()}

    @cached_property
    def trust(self) -> Trust | None:
        """What is known of the rule's errors."""
        return trust(self.launch.rule, self.launch.plan.cells)
