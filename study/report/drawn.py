"""The pictures of a launch by name: what the page shows, and what ``study figure`` writes into files."""

from collections.abc import Callable, Mapping
from functools import partial

from study.report import curves, figures, forest, sensitivity, success_map, survival
from study.report.gathered import Gathered
from study.report.svg import Picture


def success(launch: Gathered) -> Picture | None:
    return figures.success(launch.summaries) if launch.summaries else None


def composition(launch: Gathered) -> Picture | None:
    return figures.composition(launch.summaries) if any(s.rate.n for s in launch.summaries) else None


def the_map(launch: Gathered) -> success_map.SuccessMap | None:
    return success_map.lay_out(launch.factors, launch.summaries, launch.reliable)


def mapped(launch: Gathered) -> Picture | None:
    found = the_map(launch)
    return None if found is None else success_map.picture(found)


def alive(launch: Gathered) -> Picture | None:
    return survival.picture(launch.factors, launch.spec.contrasts, launch.survival)


def thresholds(launch: Gathered) -> Picture | None:
    levels = {summary.cell: summary.levels for summary in launch.summaries}
    return sensitivity.picture(launch.sensitivities, launch.factors, launch.spec.contrasts, levels)


def differences(launch: Gathered) -> Picture | None:
    return forest.picture(launch.judgements, launch.comparisons)


def all_curves(launch: Gathered) -> Picture | None:
    """The curves of all cells below each other, best first."""
    everything = [line for own in launch.lines.values() for line in own]
    if not everything:
        return None
    chosen = curves.panels(launch.rule, everything)
    frames = [curves.frame(panel, everything) for panel in chosen]
    cells = {s.name: launch.lines[s.cell] for s in figures.by_rate(launch.summaries) if s.cell in launch.lines}
    return Picture(draw=partial(curves.sheet, chosen, frames, cells), label="Curves of " + ", ".join(cells))


PICTURES: Mapping[str, Callable[[Gathered], Picture | None]] = {
    "success": success,
    "map": mapped,
    "composition": composition,
    "survival": alive,
    "sensitivity": thresholds,
    "forest": differences,
    "curves": all_curves,
}
"""Name to picture; absent if the launch has nothing to show there."""
