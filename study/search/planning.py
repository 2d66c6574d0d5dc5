"""From a space, data and a budget to a launch that searches: everything that is decided before its first seed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any, get_args

from search_spaces import Space
from study.design.parsing import assign_config
from study.design.parsing import seconds as parsed_seconds
from study.design.plan import Plan
from study.design.plugin_use import uses
from study.design.score import expected
from study.design.search import Goal, Policy, SearchSpec, TriedPoint, WarmStart
from study.design.search_cells import tried
from study.design.study import MOST_SEEDS
from study.outcomes.rule import OutcomeRule
from study.search import samplers
from study.search.problem import Ground
from study.search.scoring import candidate
from study.storage.records import Record
from study.storage.store import Store
from trainables import games
from trainables.config import digest
from trainables.versions import versions

BLOCK = 2
"""Seeds at a time: with more, bad candidates, which are most, cost more than they tell."""
STACKED = 5
"""The same for points, whose small nets train stacked: on the ring five take 1.6 to 1.8 times as long as two."""
_TRIED = 25
_DIGITS = 12


def search_of(space: Space, ground: Ground, *, goal: str, stop: str, **fields: Any) -> SearchSpec:
    """Return the search of a space.

    Raises:
        ValueError: if a field does not fit.
    """
    for option, value, choices in (("--goal", goal, get_args(Goal)), ("--stop", stop, get_args(Policy))):
        if value not in choices:
            raise ValueError(f"{option} must be one of {', '.join(choices)}, got {value!r}")
    return SearchSpec(space=space, base=ground.base, goal=goal, stop=stop, **fields)  # type: ignore[arg-type]


def budget(text: str) -> tuple[int | None, float | None]:
    """``200blocks`` as a number of blocks, or ``90s``, ``30m``, ``2h`` as seconds; the other one is absent.

    Raises:
        ValueError: if the text is neither, or the budget is not above 0.
    """
    if not text.endswith(("block", "blocks")):
        try:
            return None, parsed_seconds(text, "--budget")
        except ValueError as error:
            raise ValueError(f"{error}; or a number of blocks: 200blocks") from None
    number = text.removesuffix("s").removesuffix("block").strip()
    if len(number) > _DIGITS:
        raise ValueError(f"--budget must have at most {_DIGITS} digits, got {len(number)}")
    if not number.isdecimal() or int(number) < 1:
        raise ValueError(f"--budget must be at least one block, got {text!r}")
    return int(number), None


def plan_search(
    search: SearchSpec,
    ground: Ground,
    *,
    now: datetime,
    seeds: int,
    seconds: float | None = None,
    block: int | None = None,
    changes: Mapping[str, Any] | None = None,
    known: Store | None = None,
) -> Plan:
    """Resolve a search into a launch without cells.

    Args:
        search: its base is the ground's; what the user changed in it is set here.
        seconds: of wall-clock time after which no block is given; with ``search.blocks`` whichever is first.
        seeds: the most that a candidate gets; ``block`` of them at a time, absent: ``STACKED`` or ``BLOCK``.
        changes: dotted path to value, set in the base; a path that the space sets is refused.
        known: an earlier launch whose results the sampler gets.

    Raises:
        ValueError: if a number or a path does not fit, or the base refuses points of the space; names the space.
    """
    space = search.space
    usual = STACKED if len(ground.base.data.shape) == 1 else BLOCK
    size = min(usual if block is None else block, seeds)
    if seeds > MOST_SEEDS:
        raise ValueError(f"--seeds must be <= {MOST_SEEDS}, got {seeds}")
    if seeds < 1 or size < 1:
        raise ValueError(f"{'--seeds' if seeds < 1 else '--block'} must be >= 1, got {min(seeds, size)}")
    if search.blocks is None and seconds is None:
        raise ValueError(f"--budget must be given for a search (space {space.name})")
    samplers.check(search, warm=known is not None)
    own = dict(changes or {})
    _check_changes(space, own)
    search = replace(search, base=assign_config(ground.base, own))
    _check_data(search, ground)
    _check_points(search)
    _check_floor(search, seeds)
    if known is not None:
        search = replace(search, warm=_warm_start(search, ground.rule, known))
    return Plan(
        launch=f"{now:%Y%m%d-%H%M%S}-{ground.name}",
        study=f"search-{space.name}",
        title=f"Search: {space.title}",
        question=f"Which settings of {space.title} train reliably on {ground.name}?",
        sources=(space.source,),
        hypotheses=(),
        contrasts=(),
        profile=ground.name,
        note=ground.note,
        factors=(),
        cells=(),
        seeds=tuple(range(seeds)),
        block=size,
        rule=ground.rule,
        created=f"{now:%Y-%m-%dT%H:%M:%S%z}",
        versions=versions(),
        budget=seconds,
        changes=own,
        search=search,
        plugins=uses(search.base, space, ground.rule),
    )


def _warm_start(search: SearchSpec, rule: OutcomeRule, store: Store) -> WarmStart:
    """Return what another launch's records say of points of this search.

    Raises:
        ValueError: if no cell of that launch is a point of the space in the search's base configuration that was
            decided by its rule.
    """
    plan = store.plan()
    cells: dict[int, list[Record]] = {}
    for record in store.records():
        cells.setdefault(record.cell, []).append(record)
    known = tuple(found for own in cells.values() if (found := _known(search, rule, own)) is not None)
    if not known:
        raise ValueError(
            f"--warm-start must be a launch with cells of the space {search.space.name} on the same base configuration"
            f" that were decided by {rule.label()}, got {plan.launch}: none of its {len(cells)} cells is such a one"
        )
    return WarmStart(launch=plan.launch, plan=plan.digest(), points=known)


def _known(search: SearchSpec, rule: OutcomeRule, records: Sequence[Record]) -> TriedPoint | None:
    """Return what a cell's records say of its point, if this search could propose its configuration."""
    point = search.space.point_of(records[0].config)
    if point is None or records[0].rule != rule.label():
        return None
    config = assign_config(search.base, search.space.assignment(point))
    own = candidate(point, records) if digest(config) == records[0].digest else None
    if own is None:
        return None
    return TriedPoint(point=point, successes=own.successes, n=own.n, quality=own.quality, near=own.near)


def _check_floor(search: SearchSpec, seeds: int) -> None:
    """Raise ValueError if no candidate could be said to reach the floor, all of its seeds converging."""
    most = expected(seeds, seeds)
    if search.goal == "quality" and search.floor > most:
        raise ValueError(
            f"--floor must be <= {most:.3g} with at most {seeds} seeds per candidate, got {search.floor:g} (space"
            f" {search.space.name})"
        )


def _check_changes(space: Space, changes: Mapping[str, Any]) -> None:
    points = [space.default(), *(space.sample(Random(number)) for number in range(_TRIED))]
    varied = {path.removesuffix(".kind") for point in points for path in space.assignment(point)}
    for path in changes:
        for other in varied:
            if path == other or path.startswith(f"{other}.") or other.startswith(f"{path}."):
                raise ValueError(f"{path} is set by the space {space.name} and cannot be set")


def _check_data(search: SearchSpec, ground: Ground) -> None:
    """Raise ValueError if the data were changed from points to images, or back: the outcome rule is for the former."""
    before, now = (len(config.data.shape) == 1 for config in (ground.base, search.base))
    if before != now:
        kind = "points" if before else "images"
        raise ValueError(
            f"data.kind must be one of {kind}, as the outcome rule of --on {ground.name} is, got"
            f" {search.base.data.kind!r} (space {search.space.name})"
        )


def _check_points(search: SearchSpec) -> None:
    """Raise ValueError if the base refuses a point that is tried, or cannot be built so."""
    for cell in tried(search):
        try:
            games.build(cell.config)
        except ValueError as error:
            raise ValueError(f"{error} (space {search.space.name}, point {cell.name})") from None
