"""The pictures of a launch by name: what the page shows, and what ``study figure`` writes into files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from study.evidence.estimates import CellSummary
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
from study.report.view import View

CANDIDATES = 12
"""Figures with a row per cell show so many candidates of a search, the best."""


def success(view: View) -> Picture | None:
    rows = _rows(view)
    return rates.success(rows) if rows else None


def composition(view: View) -> Picture | None:
    rows = _rows(view)
    return rates.composition(rows) if any(s.rate.n for s in rows) else None


def the_map(view: View) -> success_map.SuccessMap | None:
    if view.search is not None:
        return None  # its cells lie where a sampler put them, on no grid
    return success_map.lay_out(view.launch.factors, view.launch.summaries, view.launch.reliable)


def mapped(view: View) -> Picture | None:
    found = the_map(view)
    return None if found is None else success_map.picture(found)


def alive(view: View) -> Picture | None:
    if view.search is None:
        return survival.picture(view.launch.factors, view.launch.plan.contrasts, view.survival)
    return survival.of_candidates(view.survival)


def thresholds(view: View) -> Picture | None:
    if view.search is not None:
        return None
    levels = {summary.cell: summary.levels for summary in view.launch.summaries}
    return sensitivity.picture(view.sensitivities, view.launch.factors, view.launch.plan.contrasts, levels)


def differences(view: View) -> Picture | None:
    return forest.picture(view.launch.verdicts, view.launch.comparisons)


def all_curves(view: View) -> Picture | None:
    """The curves of all cells below each other, best first."""
    everything = [line for own in view.lines.values() for line in own]
    if not everything:
        return None
    chosen = curves.panels(view.launch.rule, everything)
    frames = [curves.frame(panel, everything) for panel in chosen]
    cells = {s.name: view.lines[s.cell] for s in rates.by_rate(view.launch.summaries) if s.cell in view.lines}
    return Picture(draw=partial(curves.sheet, chosen, frames, cells), label="Curves of " + ", ".join(cells))


def _rows(view: View) -> Sequence[CellSummary]:
    """All cells; of a search the best candidates, by their numbers alone: their names are too long for a figure."""
    if view.search is None:
        return view.launch.summaries
    summaries = {summary.cell: summary for summary in view.launch.summaries}
    best = view.search.candidates[:CANDIDATES]
    return [replace(summaries[own.cell], name=f"#{own.cell}") for own in best]


def course(view: View) -> Picture | None:
    return search_trajectory.picture(view.search.course) if view.search else None


def importance(view: View) -> Picture | None:
    found = view.search
    return search_importance.all_panels(found.by_importance, found.importances) if found else None


def dependence(view: View) -> Picture | None:
    found = view.search
    return search_dependence.all_panels(found.space, found.dependences, found.candidates) if found else None


def landscape(view: View) -> Picture | None:
    found = view.search
    if found is None or found.surface is None:
        return None
    return search_landscape.picture(found.space, found.surface, found.candidates, found.shapes)


def front(view: View) -> Picture | None:
    found = view.search
    return search_front.picture(found.candidates) if found and found.search.goal == "both" else None


PICTURES: Mapping[str, Callable[[View], Picture | None]] = {
    "success": success,
    "map": mapped,
    "composition": composition,
    "survival": alive,
    "sensitivity": thresholds,
    "forest": differences,
    "curves": all_curves,
}
"""Name to picture; absent if the launch has nothing to show there."""

OF_SEARCH: Mapping[str, Callable[[View], Picture | None]] = {
    "course": course,
    "importance": importance,
    "dependence": dependence,
    "landscape": landscape,
    "front": front,
}
"""The same for what only a search has."""
