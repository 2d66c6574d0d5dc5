"""Select, then confirm: the best cell of a launch runs again on fresh seeds.

The best of several cells was chosen for its rate, luck included, so that rate is optimistic, the more so the more cells
there were and the fewer seeds each had. The rate on seeds that had no part in the choice is not. Peers replicate the
winner on the seeds that made it win, or not at all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from search_spaces import Space
from study.design.hypotheses import Hypothesis, MoreSuccess
from study.design.plan import Cell, Plan, Selection
from study.design.setting_file import Setting
from study.design.study import MOST_SEEDS
from study.evidence.estimates import CellSummary, summarize
from study.evidence.inference.proportions import Rate, wilson
from study.formatting import count_of, interval
from study.outcomes.rule import OutcomeRule
from study.search import race
from study.search.candidates import Candidate
from study.search.scoring import candidates
from study.storage import search_log
from study.storage.store import Store
from trainables.versions import versions

FRESH = 1_000_000
"""Seeds of confirmations begin at the first multiple of this above all seeds of the launch that they confirm. A second
confirmation of a launch has the same seeds as the first: nobody can draw again until the result pleases."""
_STACK = 5
"""Replicas of a confirmed candidate in one process: a race wants few at a time, a confirmation knows its number."""
_SETTING, _FOUND, _DEFAULT = "setting", "found", "default"


def best(summaries: Sequence[CellSummary]) -> CellSummary:
    """Return the cell with the highest rate; among equals the one known better, then the first.

    Raises:
        ValueError: if no cell has a decided replica.
    """
    decided = [summary for summary in summaries if summary.rate.n]
    if not decided:
        raise ValueError("LAUNCH must have at least one decided replica to confirm a cell of it, and has none")
    return max(decided, key=lambda summary: (summary.rate.rate, summary.rate.low, -summary.cell))


def named(summaries: Sequence[CellSummary], cell: str) -> CellSummary:
    """Return the cell of this name.

    Raises:
        ValueError: if there is none, or none of its replicas is decided.
    """
    for summary in summaries:
        if summary.name == cell and summary.rate.n:
            return summary
        if summary.name == cell:
            raise ValueError(f"--cell must have a decided replica, and {cell!r} has none")
    names = ", ".join(repr(summary.name) for summary in summaries)
    raise ValueError(f"--cell must be one of {names}, got {cell!r}")


def plan_confirmation(
    plan: Plan,
    summaries: Sequence[CellSummary],
    *,
    now: datetime,
    rule: OutcomeRule | None = None,
    cell: str | None = None,
    seeds: int | None = None,
    leader: Candidate | None = None,
) -> Plan:
    """Plan a launch that confirms a cell, on seeds the launch has never used, starting at a multiple of ``FRESH``.

    Of a search it also trains the space's default on the same seeds, and asks whether the confirmed cell trains more
    often.

    Args:
        plan: of the launch whose cell is confirmed.
        summaries: of its cells.
        now: names the launch and stands in its record.
        rule: by which the summaries were decided, if not by that of the plan; the confirmation has the same.
        cell: name of the cell; absent: the best one.
        seeds: how many; absent: twice those of the plan, or of the cell where cells have different numbers.
        leader: the candidate that a search found best, by its own count of successes; absent: the cell with the
            highest rate.

    Raises:
        ValueError: if the cell does not exist, nothing is decided yet, or seeds < 1.
    """
    plan.check_trained_here("confirmed")
    selected = cell is None
    if leader is not None:
        cell = leader.name
    chosen = best(summaries) if cell is None else named(summaries, cell)
    count = 2 * (chosen.rate.n if plan.until_decided else len(plan.seeds)) if seeds is None else seeds
    if not 1 <= count <= MOST_SEEDS:
        raise ValueError(f"--seeds must be in [1, {MOST_SEEDS}], got {count}")
    first = (max(plan.seeds) // FRESH + 1) * FRESH
    profile, source = f"{plan.profile}-confirm", _source(plan)
    return replace(
        plan,
        launch=f"{now:%Y%m%d-%H%M%S}-{profile}",
        profile=profile,
        note=f"Confirms {chosen.name} of launch {plan.launch} on fresh seeds. {plan.note}",
        hypotheses=source.hypotheses(chosen),
        contrasts=(),
        sweeps=(),
        factors=(),
        cells=source.cells(chosen),
        seeds=tuple(range(first, first + count)),
        block=source.block,
        rule=plan.rule if rule is None else rule,
        created=f"{now:%Y-%m-%dT%H:%M:%S%z}",
        versions=versions(),
        until_decided=False,
        least=1,
        budget=None,
        search=None,
        granted=(),
        selection=Selection(
            launch=plan.launch,
            plan=plan.digest(),
            cell=chosen.name,
            successes=chosen.rate.successes,
            n=chosen.rate.n if leader is None else leader.n,
            of_cells=sum(summary.rate.n + summary.stopped > 0 for summary in summaries) if selected else 0,
        ),
    )


def of_launch(store: Store, *, now: datetime, cell: str | None = None, seeds: int | None = None) -> Plan:
    """Plan the launch that confirms a cell of a stored one, decided by the same rule.

    Raises:
        ValueError: as :func:`plan_confirmation`; if no candidate of a search has converged.
    """
    plan = store.plan()
    found = _source(plan).leader(store) if cell is None else None
    return plan_confirmation(
        plan,
        summarize(store.records()),
        now=now,
        rule=store.rule(),
        cell=cell,
        seeds=seeds,
        leader=found,
    )


def leader(store: Store) -> Candidate | None:
    """Return the candidate of a stored search that is to be confirmed; None if none has converged, or of a grid."""
    search = store.plan().search
    if search is None:
        return None
    points = search_log.read(store.search_path).points
    return race.leader(candidates(points, store.records()), search.goal, search.floor)


class _Grid:
    """What is confirmed of a grid: one cell, for itself."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def block(self) -> int:
        return self._plan.block

    def leader(self, store: Store) -> Candidate | None:
        """Return the candidate that is to be confirmed; None where the cell with the highest rate is."""
        return None

    def cells(self, chosen: CellSummary) -> tuple[Cell, ...]:
        return (replace(self._plan.cells[chosen.cell], index=0),)

    def hypotheses(self, chosen: CellSummary) -> tuple[Hypothesis, ...]:
        return ()


class _Search(_Grid):
    """What is confirmed of a search: one cell, against the default, its first candidate, if that is another."""

    def __init__(self, plan: Plan, space: Space) -> None:
        super().__init__(plan)
        self._space = space

    @property
    def block(self) -> int:
        return max(self._plan.block, _STACK)

    def leader(self, store: Store) -> Candidate:
        found = leader(store)
        if found is None:
            launch = self._plan.launch
            raise ValueError(f"LAUNCH must have a candidate that converged to confirm one, and {launch} has none")
        return found

    def cells(self, chosen: CellSummary) -> tuple[Cell, ...]:
        places = dict.fromkeys([chosen.cell, 0])
        return tuple(
            replace(self._plan.cells[place], index=index, levels={**self._plan.cells[place].levels, _SETTING: label})
            for index, (place, label) in enumerate(zip(places, (_FOUND, _DEFAULT), strict=False))
        )

    def hypotheses(self, chosen: CellSummary) -> tuple[Hypothesis, ...]:
        if chosen.cell == 0:
            return ()
        hypothesis = MoreSuccess(
            name="found-beats-default",
            claim=f"The setting that the search found trains more often than the default of {self._space.title}.",
            source=f"ours; the default: {self._space.source}",
            better={_SETTING: _FOUND},
            worse={_SETTING: _DEFAULT},
        )
        return (hypothesis,)


def _source(plan: Plan) -> _Grid:
    return _Grid(plan) if plan.search is None else _Search(plan, plan.search.space)


def setting(store: Store, confirmation: Store | None) -> Setting:
    """Return the best cell of a launch as a setting file, on seeds the launch has never used.

    Args:
        confirmation: the launch that confirmed a cell, whose choice it then is; absent: chosen, but not confirmed.

    Raises:
        ValueError: if nothing is decided yet.
    """
    plan = of_launch(store, now=datetime.now().astimezone()) if confirmation is None else confirmation.plan()
    said = sentence(plan, () if confirmation is None else summarize(confirmation.records()))
    chosen = plan.cells[0]
    return Setting(
        name=f"best-of-{plan.study}",
        title=f"The best setting of {plan.title}",
        question=f"How often does {chosen.name} train?",
        sources=plan.sources,
        note=f"{chosen.name} of launch {store.plan().launch}. {said}",
        seeds=len(plan.seeds),
        first_seed=(max(plan.seeds) // FRESH + (confirmation is not None)) * FRESH,
        block=plan.block,
        rule=plan.rule,
        config=chosen.config,
    )


def confirmations(store: Store) -> tuple[Store, ...]:
    """Return the launches of the same study that confirm a cell of this one, oldest first."""
    launch = store.root.name
    beside = (Store(path.parent) for path in sorted(store.root.parent.glob("[!.]*-confirm*/spec.json")))
    return tuple(other for other in beside if (chosen := other.plan().selection) and chosen.launch == launch)


def sentence(plan: Plan, summaries: Sequence[CellSummary]) -> str | None:
    """Say both rates of a confirmed cell, first the one that it was selected by; None for any other launch.

    ``Selected with 5 of 5 [0.57, 1.00] among 8 cells: optimistic; confirmed 14 of 20 [0.48, 0.85] on fresh seeds.``
    """
    chosen = plan.selection
    if chosen is None:
        return None
    before = _counted(wilson(chosen.successes, chosen.n))
    how = f"Selected with {before} among {chosen.of_cells} cells: optimistic"
    if chosen.of_cells == 0:
        how = f"Named by the user, {before} in the launch that it comes from"
    rate = summaries[0].rate if summaries else wilson(0, 0)
    return f"{how}; {f'confirmed {_counted(rate)}' if rate.n else 'not confirmed yet'} on fresh seeds."


def _counted(rate: Rate) -> str:
    return f"{count_of(rate.successes, rate.n)} {interval(rate.low, rate.high)}"
