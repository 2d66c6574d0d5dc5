"""Select, then confirm: the best cell of a launch runs again on fresh seeds.

The best of several cells was chosen for its rate, luck included, so that rate is optimistic, the more so the more cells
there were and the fewer seeds each had. The rate on seeds that had no part in the choice is not. Peers replicate the
winner on the seeds that made it win, or not at all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from study.evidence.estimates import CellSummary
from study.evidence.statistics.proportions import Rate, wilson
from study.outcome import OutcomeRule
from study.spec import LaunchSpec, Selection
from trainables.versions import versions

FRESH = 1_000_000
"""Seeds of confirmations begin at the first multiple of this above all seeds of the launch that they confirm. A second
confirmation of a launch has the same seeds as the first: nobody can draw again until the result pleases."""


def best(summaries: Sequence[CellSummary]) -> CellSummary:
    """The cell with the highest rate; among equals the one known better, then the first.

    Raises:
        ValueError: if no cell has a decided replica.
    """
    decided = [summary for summary in summaries if summary.rate.n]
    if not decided:
        raise ValueError("LAUNCH must have at least one decided replica to confirm a cell of it, and has none")
    return max(decided, key=lambda summary: (summary.rate.rate, summary.rate.low, -summary.cell))


def named(summaries: Sequence[CellSummary], cell: str) -> CellSummary:
    """The cell of this name.

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


def plan(
    spec: LaunchSpec,
    summaries: Sequence[CellSummary],
    *,
    now: datetime,
    rule: OutcomeRule | None = None,
    cell: str | None = None,
    seeds: int | None = None,
) -> LaunchSpec:
    """The launch that confirms a cell of ``spec``, on seeds from a multiple of ``FRESH`` on that are none of its own.

    Args:
        summaries: of the cells of ``spec``.
        now: names the launch and stands in its record.
        rule: by which the summaries were decided, if not by that of ``spec``; the confirmation has the same.
        cell: name of the cell; absent: the best one.
        seeds: how many; absent: twice those of ``spec``, or of the cell where cells have different numbers.

    Raises:
        ValueError: if the cell does not exist, nothing is decided yet, or seeds < 1.
    """
    chosen = best(summaries) if cell is None else named(summaries, cell)
    count = 2 * (chosen.rate.n if spec.until_decided else len(spec.seeds)) if seeds is None else seeds
    if count < 1:
        raise ValueError(f"--seeds must be >= 1, got {count}")
    first = (max(spec.seeds) // FRESH + 1) * FRESH
    profile = f"{spec.profile}-confirm"
    return replace(
        spec,
        launch=f"{now:%Y%m%d-%H%M%S}-{profile}",
        profile=profile,
        note=f"Confirms {chosen.name} of launch {spec.launch} on fresh seeds. {spec.note}",
        hypotheses=(),
        contrasts=(),
        sweeps=(),
        factors=(),
        cells=(replace(spec.cells[chosen.cell], index=0),),
        seeds=tuple(range(first, first + count)),
        rule=spec.rule if rule is None else rule,
        created=f"{now:%Y-%m-%dT%H:%M:%S%z}",
        versions=versions(),
        until_decided=False,
        least=1,
        budget=None,
        selection=Selection(
            launch=spec.launch,
            plan=spec.digest(),
            cell=chosen.name,
            successes=chosen.rate.successes,
            n=chosen.rate.n,
            of_cells=sum(summary.rate.n > 0 for summary in summaries) if cell is None else 0,
        ),
    )


def sentence(spec: LaunchSpec, summaries: Sequence[CellSummary]) -> str | None:
    """Both rates of a confirmed cell, the one that it was selected by first; nothing for any other launch.

    ``Selected with 5 of 5 [0.57, 1.00] among 8 cells: optimistic; confirmed 14 of 20 [0.48, 0.85] on fresh seeds.``
    """
    chosen = spec.selection
    if chosen is None:
        return None
    before = _counted(wilson(chosen.successes, chosen.n))
    how = f"Selected with {before} among {chosen.of_cells} cells: optimistic"
    if chosen.of_cells == 0:
        how = f"Named by the user, {before} in the launch that it comes from"
    rate = summaries[0].rate if summaries else wilson(0, 0)
    return f"{how}; {f'confirmed {_counted(rate)}' if rate.n else 'not confirmed yet'} on fresh seeds."


def _counted(rate: Rate) -> str:
    return f"{rate.successes} of {rate.n} [{rate.low:.2f}, {rate.high:.2f}]"
