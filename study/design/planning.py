"""Resolve a study into a plan: cells, seeds and everything else that is decided before training."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from search_spaces import Level, grid
from study.design.hypotheses import Hypothesis
from study.design.parsing import assign_config
from study.design.plan import Cell, Plan
from study.design.plugin_use import uses
from study.design.study import MOST_SEEDS, Profile, Study
from study.design.values import leaves
from study.formatting import did_you_mean, joined
from trainables.config import Config, digest, to_dict
from trainables.versions import versions


def plan_study(
    study: Study,
    profile_name: str,
    *,
    now: datetime,
    seeds: int | None = None,
    changes: Mapping[str, Any] | None = None,
    until_decided: bool | None = None,
    budget: float | None = None,
) -> Plan:
    """Resolve a profile of a study, with the user's changes, into the plan of a launch.

    Args:
        study: the study.
        profile_name: the profile, one of the study's.
        now: time of planning; names the launch.
        seeds: replicas per cell instead of the profile's.
        changes: dotted path to value, set in every cell; no factor may vary the path.
        until_decided: give every cell one block, and more up to ``seeds`` while a hypothesis about it is undecided;
            None for what the profile does.
        budget: seconds of wall-clock time after which no further block starts, instead of the profile's.

    Raises:
        ValueError: if profile, path or value do not exist or fit, or no hypothesis can be decided; names the study.
    """
    try:
        profile = _profile(study, profile_name)
        adds = profile.most_seeds is not None if until_decided is None else until_decided
        count = (profile.most_seeds if adds and profile.most_seeds else profile.seeds) if seeds is None else seeds
        if not 1 <= count <= MOST_SEEDS:
            raise ValueError(f"seeds must be in [1, {MOST_SEEDS}], got {count}")
        cells = _cells(profile, changes or {})
        _check_reports(cells, profile.rule.window)
        if adds:
            _check_decidable(study.hypotheses, cells)
            _check_undrawn(study.hypotheses, cells, count)
            budget = profile.budget if budget is None else budget
        elif budget is not None:
            raise ValueError("--budget needs --until-decided")
    except ValueError as error:
        raise ValueError(f"{error} (study {study.name}, profile {profile_name})") from None
    return Plan(
        launch=f"{now:%Y%m%d-%H%M%S}-{profile_name}",
        study=study.name,
        title=study.title,
        question=study.question,
        sources=study.sources,
        hypotheses=study.hypotheses,
        contrasts=study.contrasts,
        sweeps=study.sweeps,
        profile=profile_name,
        note=profile.note,
        factors=profile.factors,
        cells=cells,
        seeds=tuple(range(study.first_seed, study.first_seed + count)),
        block=profile.block,
        rule=profile.rule,
        created=f"{now:%Y-%m-%dT%H:%M:%S%z}",
        versions=versions(),
        until_decided=adds,
        least=min(profile.block, count) if adds else 1,
        budget=budget,
        changes=dict(changes or {}),
        plugins=uses([cell.config for cell in cells], profile.rule),
    )


def _profile(study: Study, name: str) -> Profile:
    if name not in study.profiles:
        near = did_you_mean(name, study.profiles)
        raise ValueError(f"profile must be one of {', '.join(study.profiles)}, got {name!r}{near}")
    return study.profiles[name]


def _check_reports(cells: Sequence[Cell], window: int) -> None:
    """Raise ValueError if a cell has fewer snapshots than the window that its outcome is decided by."""
    for cell in cells:
        steps, every = cell.config.steps, cell.config.evaluation.every
        if -(-steps // every) < window:
            most = next((most for most in range(steps, 0, -1) if -(-steps // most) >= window), 0)
            works = f"take at most {most}" if most else f"take at least {window} steps"
            raise ValueError(
                f"evaluation.every must leave at least {window} reports, the rule's window, in {steps} steps, got"
                f" {every}: {works}"
            )


def _check_decidable(hypotheses: Sequence[Hypothesis], cells: Sequence[Cell]) -> None:
    if not any(_has_cells(hypothesis, cells) for hypothesis in hypotheses):
        raise ValueError("--until-decided needs a hypothesis about cells of the profile, and there is none")


def _check_undrawn(hypotheses: Sequence[Hypothesis], cells: Sequence[Cell], seeds: int) -> None:
    """Raise ValueError if more seeds are to decide a claim about draws, of which they say nothing."""
    drawn = [own.name for own in hypotheses if own.drawn and _has_cells(own, cells)]
    if drawn and seeds > 1:
        raise ValueError(
            f"--until-decided cannot decide {joined(drawn)} by adding seeds, because each level that was drawn at"
            f" random is one observation, with all its seeds: give --fixed-seeds, or --seeds 1, got {seeds} seeds"
        )


def _has_cells(hypothesis: Hypothesis, cells: Sequence[Cell]) -> bool:
    levels = [cell.levels.items() for cell in cells]
    return all(any(where.items() <= items for items in levels) for where in hypothesis.sides)


def _cells(profile: Profile, changes: Mapping[str, Any]) -> tuple[Cell, ...]:
    for path in changes:
        for factor in profile.factors:
            for varied in factor.paths:
                if path == varied or path.startswith(f"{varied}.") or varied.startswith(f"{path}."):
                    raise ValueError(
                        f"{path} is varied by the factor {factor.name} and cannot be set: --vary {path}=VALUE,VALUE has"
                        " values of your own, in place of all factors"
                    )
    base = assign_config(profile.base, changes)
    return tuple(
        _cell(index, levels, assign_config(base, assigned))
        for index, levels in enumerate(grid(profile.factors))
        for assigned in [{path: value for level in levels.values() for path, value in level.assign.items()}]
    )


def _cell(index: int, levels: Mapping[str, Level], config: Config) -> Cell:
    _build(config)  # shapes that do not fit fail here, before training
    labels = {name: level.label for name, level in levels.items()}
    tags = {name: tag for level in levels.values() for name, tag in level.tags.items()}
    name = " / ".join(labels.values()) or "base"
    return Cell(index=index, name=name, levels=tags | labels, config=config, digest=digest(config))


_WIDE = 2**20
"""A size above this may be why a network cannot be built at all; below, it is no user's mistake."""


def _build(config: Config) -> None:
    from trainables import games  # the first that needs torch: all that can be refused without has been

    try:
        games.build(config)
    except (OverflowError, RuntimeError, TypeError):  # what torch says of sizes that no tensor has
        path, size = max(_sizes(config), key=lambda each: each[1])
        if size <= _WIDE:
            raise
        raise ValueError(f"{path} must be a size that a network can have, got {size}") from None


def _sizes(config: Config) -> Iterator[tuple[str, int]]:
    """Yield the whole numbers that may be sizes of tensors, each with its path."""
    for path, value in leaves(to_dict(config)):
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int) and path != "steps" and not path.startswith("evaluation."):
                yield path, number
