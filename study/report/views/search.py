"""The view of a search: its candidates, the best first, and what explains how they did."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING
from urllib.parse import quote

from search_spaces import Axis, Options, Range, Space
from study.design.plan import Block
from study.design.search import SearchSpec
from study.evidence import time_to_failure
from study.evidence.answer import nothing_apart
from study.evidence.estimates import CellSummary, by_rate, summarize
from study.evidence.time_to_failure import CellSurvival
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report import methods, search_text, tables
from study.report.drawing import panels
from study.report.drawing.panels import Entry, Panels
from study.report.views.base import Section, View, Words
from study.search import confirmation, false_stops, importance, race, trajectory
from study.search.candidates import Candidate
from study.search.false_stops import AuditRow
from study.search.importance import Importance, Target
from study.search.scoring import candidates
from study.search.trajectory import Moment, Spent
from study.storage import search_log
from study.storage.records import Record
from study.storage.store import Store

if TYPE_CHECKING:  # brings scikit-learn, and only few figures of a search need it
    from study.search.dependence import Dependence, Surface

BEST = 4
"""Number of best candidates that are shown with curves and samples, beside one for each failure."""
COMPARED = 12
"""Number of best candidates in figures with a row per cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A launch that confirms a candidate: its id, the path of its page from this one's, and what it found."""

    launch: str
    page: str
    sentence: str


class SearchView(View):
    """A launch whose cells were proposed one after the other.

    Args:
        search: what the plan says of the search.

    Raises:
        ValueError: if the log of the search cannot be read.
    """

    def __init__(self, launch: Launch, search: SearchSpec) -> None:
        super().__init__(launch)
        self.search = search
        self.history = search_log.read(launch.store.search_path)
        self._axes: dict[str, Axis] = {axis.name: axis for axis in search.space.axes}

    @property
    def sections(self) -> Sequence[Section]:
        decided = [Section(id="importance", title="What decides it")] if self.candidates else []
        return (
            Section(id="search", title="Search"),
            *decided,
            Section(id="dependence", title="Where it trains", drawn=True),
            Section(id="candidates", title="Candidates"),
            Section(id="outcomes", title="Outcomes"),
            Section(id="survival", title="Survival", drawn=True),
            *self.tail,
        )

    @property
    def words(self) -> Words:
        return Words(
            compared=f"of the {len(self.compared)} best candidates",
            survival="Shown are the best candidates and the first one with each failure. Where replicas were stopped"
            " early, the band reaches from all of them failing right then to none of them ever; with an audit among"
            " them, each audited one counts for all that were to be stopped.",
            pictured=f"Shown are the {BEST} best candidates and, for each failure, the best candidate that had it,"
            " here and under Samples.",
            films="in the order of candidates, best first, and seeds",
            variants="among the candidates",
        )

    @cached_property
    def answer(self) -> Sequence[str]:
        told = nothing_apart([own.rate for own in self.launch.summaries])
        return tuple(filter(None, (told, search_text.leader(self))))

    @cached_property
    def cells(self) -> Sequence[CellSummary]:
        """All cells in the order of the race; candidates without an ended replica come last."""
        return sorted(by_rate(self.launch.summaries), key=lambda summary: self._rank(summary.cell))

    @property
    def compared(self) -> Sequence[CellSummary]:
        """The best candidates, by their numbers alone: their names are too long for a figure."""
        summaries = {summary.cell: summary for summary in self.launch.summaries}
        best = [replace(summaries[own.cell], name=f"#{own.cell}") for own in self.candidates[:COMPARED]]
        return by_rate(best)

    @property
    def pictured(self) -> Collection[int]:
        return self.shown

    @property
    def replicas(self) -> Sequence[Record]:
        return sorted(self.launch.replicas, key=lambda record: (self._rank(record.cell), record.replica))

    @property
    def traced(self) -> Sequence[Block]:
        return [block for block in self.launch.traced if block.cell.index in self.shown]

    @cached_property
    def survival(self) -> Sequence[CellSurvival]:
        curves = {own.cell: own for own in time_to_failure.curves(self.launch.replicas, self.audited)}
        return [replace(curves[cell], name=f"#{cell}") for cell in self.shown]

    @property
    def files(self) -> Mapping[str, str]:
        own = {
            tables.CANDIDATES: tables.candidates(self.candidates),
            tables.IMPORTANCE: tables.importance(self.importances),
        }
        return own | dict(super().files)

    def panels(self, entries: Mapping[int, Entry], line: str = "") -> Panels:
        """Give each candidate a panel: they lie where a sampler put them, on no grid."""
        return panels.each({cell: f"{entry.name}: {entry.note}" for cell, entry in entries.items()}, line)

    def design(self) -> Iterable[str]:
        return (*search_text.design(self), methods.SAME_SEEDS)

    def statistics(self) -> Iterable[str]:
        return search_text.statistics(self)

    def _rank(self, cell: int) -> int:
        return self._ranks.get(cell, len(self._ranks))

    @cached_property
    def _ranks(self) -> Mapping[int, int]:
        return {own.cell: rank for rank, own in enumerate(self.candidates)}

    @property
    def space(self) -> Space:
        return self.search.space

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Candidates with an ended replica in the order of the race, best first."""
        found = candidates(self.history.points, self.launch.replicas)
        return tuple(race.ranked(found))

    @property
    def incumbent(self) -> Candidate | None:
        return race.best(self.candidates, self.search.goal, self.search.floor)

    @cached_property
    def spent(self) -> Spent:
        return trajectory.spent(self.history, self.launch.replicas, self.launch.plan.block)

    @cached_property
    def course(self) -> tuple[Moment, ...]:
        return trajectory.course(self.history, self.launch.replicas, self.launch.plan.block)

    @cached_property
    def audit(self) -> tuple[AuditRow, ...]:
        return false_stops.false_stops(self.history.stops, self.launch.replicas)

    @property
    def audited(self) -> frozenset[tuple[int, int]]:
        """Cell and seed of the replicas that were to be stopped but ran to their end."""
        return false_stops.audited_replicas(self.history.stops, self.launch.replicas)

    @cached_property
    def importances(self) -> tuple[Importance, ...]:
        return importance.importances(self.candidates, self.space)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is explained: success, and failures."""
        return tuple(dict.fromkeys(own.target for own in self.importances))

    @property
    def decisive(self) -> bool:
        """Whether an axis decides success beyond chance."""
        return any(own.beyond_chance for own in self.importances if own.target == "success")

    @property
    def by_importance(self) -> tuple[str, ...]:
        """The axes, the most important for success first; in the order of the space while nothing is known."""
        return tuple(own.axis for own in self.importances if own.target == "success") or tuple(
            axis.name for axis in self.space.axes
        )

    @cached_property
    def dependences(self) -> "tuple[Dependence, ...]":
        """Partial dependence on each axis, the most important axis first."""
        if len(self.candidates) < importance.FEW:
            return ()
        from study.search import dependence

        found = {own.axis: own for own in dependence.dependences(self.candidates, self.space)}
        return tuple(found[name] for name in self.by_importance if name in found)

    @cached_property
    def surface(self) -> "Surface | None":
        """The prediction over the two most important numeric axes that exist together in enough candidates."""
        if len(self.candidates) < importance.FEW:
            return None
        from study.search import dependence

        numbers = [name for name in self.by_importance if isinstance(self._axes[name], Range)]
        pairs = sorted(combinations(range(len(numbers)), 2), key=lambda pair: pair[1])
        for y, x in ((numbers[a], numbers[b]) for a, b in pairs):
            if sum(y in own.point and x in own.point for own in self.candidates) >= importance.FEW:
                return dependence.surface(self.candidates, self.space, y, x)
        return None

    @property
    def mapped(self) -> tuple[Range, ...]:
        """The axes of the surface, x and y; none without a surface."""
        if self.surface is None:
            return ()
        x, y = self._axes[self.surface.second], self._axes[self.surface.first]
        assert isinstance(x, Range)
        assert isinstance(y, Range)
        return x, y

    @property
    def shapes(self) -> Options | None:
        """The most important axis of options; the shapes of marks show its level."""
        options = (axis for name in self.by_importance if isinstance(axis := self._axes[name], Options))
        return next((axis for axis in options if len(axis.levels) > 1), None)

    @cached_property
    def shown(self) -> tuple[int, ...]:
        """Cells with curves and samples: the best candidates, and the first one with each failure, in that order."""
        cells = dict.fromkeys(own.cell for own in self.candidates[:BEST])
        for outcome in Outcome:
            failed = (own.cell for own in self.candidates if own.outcomes.get(outcome))
            cells |= dict.fromkeys([cell for cell in [next(failed, None)] if cell is not None])
        return tuple(cells)

    @cached_property
    def confirmations(self) -> tuple[Confirmed, ...]:
        """The launches beside this one that have confirmed a candidate; one that still runs has not yet."""
        found = (_confirmed(own) for own in confirmation.confirmations(self.launch.store) if own.records_path.exists())
        return tuple(own for own in found if own is not None)


def _confirmed(store: Store) -> Confirmed | None:
    records = store.records()
    if not all(record.status.ended for record in records):
        return None
    plan = store.plan()
    return Confirmed(
        launch=store.root.name,
        page=f"../../{quote(store.root.name)}/report/index.html",
        sentence=" ".join([confirmation.sentence(plan, summarize(records)) or "", *map(str, Launch(store).verdicts)]),
    )
