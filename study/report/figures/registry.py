"""The pictures of a launch by name: what the page shows, and what ``study figure`` writes into files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from study.evidence.estimates import CellSummary
from study.launch import Launch
from study.report.figures import (
    curves,
    forest,
    rates,
    search_dependence,
    search_front,
    search_importance,
    search_landscape,
    search_trajectory,
    sensitivity,
    success_map,
    survival,
)
from study.report.figures.svg import Picture

CANDIDATES = 12
"""Figures with a row per cell show so many candidates of a search, the best."""


def success(launch: Launch) -> Picture | None:
    rows = _rows(launch)
    return rates.success(rows) if rows else None


def composition(launch: Launch) -> Picture | None:
    rows = _rows(launch)
    return rates.composition(rows) if any(s.rate.n for s in rows) else None


def the_map(launch: Launch) -> success_map.SuccessMap | None:
    if launch.search is not None:
        return None  # its cells lie where a sampler put them, on no grid
    return success_map.lay_out(launch.factors, launch.summaries, launch.reliable)


def mapped(launch: Launch) -> Picture | None:
    found = the_map(launch)
    return None if found is None else success_map.picture(found)


def alive(launch: Launch) -> Picture | None:
    if launch.search is None:
        return survival.picture(launch.factors, launch.spec.contrasts, launch.survival)
    return survival.of_candidates(launch.survival)


def thresholds(launch: Launch) -> Picture | None:
    if launch.search is not None:
        return None
    levels = {summary.cell: summary.levels for summary in launch.summaries}
    return sensitivity.picture(launch.sensitivities, launch.factors, launch.spec.contrasts, levels)


def differences(launch: Launch) -> Picture | None:
    return forest.picture(launch.judgements, launch.comparisons)


def all_curves(launch: Launch) -> Picture | None:
    """The curves of all cells below each other, best first."""
    everything = [line for own in launch.lines.values() for line in own]
    if not everything:
        return None
    chosen = curves.panels(launch.rule, everything)
    frames = [curves.frame(panel, everything) for panel in chosen]
    cells = {s.name: launch.lines[s.cell] for s in rates.by_rate(launch.summaries) if s.cell in launch.lines}
    return Picture(draw=partial(curves.sheet, chosen, frames, cells), label="Curves of " + ", ".join(cells))


def _rows(launch: Launch) -> Sequence[CellSummary]:
    """All cells; of a search the best candidates, by their numbers alone: their names are too long for a figure."""
    if launch.search is None:
        return launch.summaries
    summaries = {summary.cell: summary for summary in launch.summaries}
    best = launch.search.candidates[:CANDIDATES]
    return [replace(summaries[own.cell], name=f"#{own.cell}") for own in best]


def course(launch: Launch) -> Picture | None:
    return search_trajectory.picture(launch.search.course) if launch.search else None


def importance(launch: Launch) -> Picture | None:
    found = launch.search
    return search_importance.all_panels(found.by_importance, found.importances) if found else None


def dependence(launch: Launch) -> Picture | None:
    found = launch.search
    return search_dependence.all_panels(found.space, found.dependences, found.candidates) if found else None


def landscape(launch: Launch) -> Picture | None:
    found = launch.search
    if found is None or found.surface is None:
        return None
    return search_landscape.picture(found.space, found.surface, found.candidates, found.shapes)


def front(launch: Launch) -> Picture | None:
    found = launch.search
    return search_front.picture(found.candidates) if found and found.search.goal == "both" else None


PICTURES: Mapping[str, Callable[[Launch], Picture | None]] = {
    "success": success,
    "map": mapped,
    "composition": composition,
    "survival": alive,
    "sensitivity": thresholds,
    "forest": differences,
    "curves": all_curves,
}
"""Name to picture; absent if the launch has nothing to show there."""

OF_SEARCH: Mapping[str, Callable[[Launch], Picture | None]] = {
    "course": course,
    "importance": importance,
    "dependence": dependence,
    "landscape": landscape,
    "front": front,
}
"""The same for what only a search has."""
