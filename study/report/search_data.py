"""What the page of a search shows beside that of other launches, each computed once and only if it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from search_spaces import Axis, Options, Range, Space
from study.design.plan import Plan
from study.design.search import SearchSpec
from study.evidence.estimates import summarize
from study.evidence.judging import Judgment, judge
from study.outcomes.outcome import Outcome
from study.search import confirmation, dependence, false_stops, importance, race, trajectory
from study.search.candidates import Candidate
from study.search.dependence import Dependence, Surface
from study.search.false_stops import AuditRow
from study.search.importance import Importance, Target
from study.search.scoring import candidates
from study.search.trajectory import Moment, Spent
from study.storage import search_log
from study.storage.records import Record
from study.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A launch that confirms a candidate: its id, the path of its page from this one's, and what it found."""

    launch: str
    page: str
    sentence: str


class Searched:
    """A search.

    Attributes:
        BEST: so many candidates are shown with curves and samples, beside one for each failure.

    Args:
        records: its replicas.

    Raises:
        ValueError: if its log cannot be read.
    """

    BEST = 4

    def __init__(self, store: Store, plan: Plan, search: SearchSpec, records: Sequence[Record]) -> None:
        self._store, self._records = store, records
        self.plan, self.search = plan, search
        self.history = search_log.read(store.search_path)
        self._axes: dict[str, Axis] = {axis.name: axis for axis in search.space.axes}

    @property
    def space(self) -> Space:
        return self.search.space

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """Those with a replica that has ended, best first: as the race compares them."""
        found = candidates(self.history.points, self._records)
        return tuple(race.ranked(found))

    @property
    def incumbent(self) -> Candidate | None:
        return race.best(self.candidates, self.search.goal, self.search.floor)

    @cached_property
    def spent(self) -> Spent:
        return trajectory.spent(self.history, self._records, self.plan.block)

    @cached_property
    def course(self) -> tuple[Moment, ...]:
        return trajectory.course(self.history, self._records, self.plan.block)

    @cached_property
    def audit(self) -> tuple[AuditRow, ...]:
        return false_stops.false_stops(self.history.stops, self._records)

    @property
    def audited(self) -> frozenset[tuple[int, int]]:
        """Cell and seed of the replicas that were to be stopped but ran to their end."""
        return false_stops.audited_replicas(self.history.stops, self._records)

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
    def dependences(self) -> tuple[Dependence, ...]:
        """By importance."""
        if len(self.candidates) < importance.FEW:
            return ()
        found = {own.axis: own for own in dependence.dependences(self.candidates, self.space)}
        return tuple(found[name] for name in self.by_importance if name in found)

    @cached_property
    def surface(self) -> Surface | None:
        """Over the two most important axes of numbers that exist together in enough candidates."""
        if len(self.candidates) < importance.FEW:
            return None
        numbers = [name for name in self.by_importance if isinstance(self._axes[name], Range)]
        pairs = sorted(combinations(range(len(numbers)), 2), key=lambda pair: pair[1])
        for y, x in ((numbers[a], numbers[b]) for a, b in pairs):
            if sum(y in own.point and x in own.point for own in self.candidates) >= importance.FEW:
                return dependence.surface(self.candidates, self.space, y, x)
        return None

    @property
    def mapped(self) -> tuple[Range, Range] | None:
        """The axes of the surface: x, y."""
        if self.surface is None:
            return None
        x, y = self._axes[self.surface.second], self._axes[self.surface.first]
        assert isinstance(x, Range)
        assert isinstance(y, Range)
        return x, y

    @property
    def shapes(self) -> Options | None:
        """The most important axis of several options: what the shapes of marks tell."""
        options = (axis for name in self.by_importance if isinstance(axis := self._axes[name], Options))
        return next((axis for axis in options if len(axis.levels) > 1), None)

    @cached_property
    def shown(self) -> tuple[int, ...]:
        """Cells with curves and samples: the best candidates, and the first one with each failure, in that order."""
        cells = dict.fromkeys(own.cell for own in self.candidates[: self.BEST])
        for outcome in Outcome:
            failed = (own.cell for own in self.candidates if own.outcomes.get(outcome))
            cells |= dict.fromkeys([cell for cell in [next(failed, None)] if cell is not None])
        return tuple(cells)

    @cached_property
    def confirmations(self) -> tuple[Confirmed, ...]:
        """The launches beside this one that have confirmed a candidate; one that still runs has not yet."""
        found = (_confirmed(own) for own in confirmation.confirmations(self._store) if own.records_path.exists())
        return tuple(own for own in found if own is not None)


def _confirmed(store: Store) -> Confirmed | None:
    records = store.records()
    if not all(record.status.ended for record in records):
        return None
    plan = store.plan()
    judged = judge(plan.hypotheses, records, anytime=plan.until_decided)
    return Confirmed(
        launch=store.root.name,
        page=f"../../{store.root.name}/report/index.html",
        sentence=" ".join([confirmation.sentence(plan, summarize(records)) or "", *map(_verdict, judged)]),
    )


def _verdict(judged: Judgment) -> str:
    return f"{judged.hypothesis.claim.removesuffix('.')}: {judged.verdict.value}. {judged.sentence}"
