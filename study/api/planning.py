"""Plan a study, a search or a confirmation; explain what it trains and compute what it can decide."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces import Space
from search_spaces.searches import named
from study.api.arguments import check_axes, check_kind, check_values
from study.design import brought, parsing, planning, setting_file, study_file, varying
from study.design.plan import Plan
from study.design.study import MOST_SEEDS, Study
from study.formatting import quoted
from study.storage.store import Store
from study.studies import find, names, of_plugins
from trainables import plugins

if TYPE_CHECKING:
    import pandas as pd

    from study.launch import Launch

USUAL = "quick"
"""The profile of a study that is taken where none is named."""


def plan(
    study: Study | str | Path,
    profile: str | None = None,
    *,
    seeds: int | None = None,
    set: Mapping[str, Any] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    until_decided: bool | None = None,
    budget: str | float | None = None,
) -> Plan:
    """Resolve a study into a plan: the cells, seeds and everything else that is decided before training.

    Args:
        study: a study; or the name of one (``study list``), a file ``*.py`` with a ``STUDY``, or a setting ``*.json``
            as ``study best`` writes it.
        profile: the scale; by default ``quick``, or the study's first profile if there is no ``quick``.
        seeds: replicas per cell instead of the profile's; with ``until_decided`` the maximum per cell.
        set: dotted path to value, set in every cell.
        vary: dotted path to two or more values; their product replaces the factors of the study.
        until_decided: give every cell one block of seeds, and more while a hypothesis about it is undecided; False for
            as many as ``seeds``, None for what the profile does.
        budget: with ``until_decided``, wall-clock time after which no block starts, in seconds or as ``"30m"``.

    Returns:
        The plan. Its digest identifies this plan, with its launch's id and the time of planning: another plan of the
        same design has another one.

    Raises:
        ValueError: if an argument does not exist or does not fit; names field, value, rule and study.

    Examples:
        >>> import study
        >>> plan = study.plan("lsgan-stability", "smoke", seeds=3, set={"steps": 30})
        >>> len(plan.cells), plan.seeds
        (8, (50000, 50001, 50002))
        >>> grid = study.plan("mixture-modes", seeds=2, vary={"objective.kind": ["minimax", "wasserstein"]})
        >>> [cell.name for cell in grid.cells]
        ['minimax', 'wasserstein']
    """
    check_values("set", set)
    if seeds is not None:
        check_kind("seeds", seeds, int, "a whole number")
    chosen, scale = resolved(study, profile, vary)
    return planning.plan_study(
        chosen,
        scale,
        now=_now(),
        seeds=seeds,
        changes=set,
        until_decided=until_decided,
        budget=_seconds(budget),
    )


def resolved(
    study: Study | str | Path, profile: str | None, vary: Mapping[str, Sequence[Any]] | None
) -> tuple[Study, str]:
    """Return the study, with its factors replaced by those of ``vary``, and the name of the profile.

    The arguments are those of :func:`plan`.
    """
    check_axes(vary)
    check_kind("study", study, (Study, str, Path), "a Study, a name or a file")
    base = study if isinstance(study, Study) else study_of(study, profile)
    scale = profile or (USUAL if USUAL in base.profiles else next(iter(base.profiles)))
    return (varying.vary(base, scale, vary) if vary else base), scale


def save(
    path: str | Path,
    study: Study | str | Path,
    profile: str | None = None,
    *,
    seeds: int | None = None,
    set: Mapping[str, Any] | None = None,
    vary: Mapping[str, Sequence[Any]] | None = None,
    until_decided: bool | None = None,
    budget: str | float | None = None,
) -> None:
    """Write the study that :func:`plan` resolves from these arguments as a Python file with a ``STUDY``.

    It has this one profile, with the hypotheses and contrasts that its levels can test.

    ``path`` is the file to write, ``*.py``; the other arguments are those of :func:`plan`.

    Raises:
        ValueError: as :func:`plan`; if the file exists, cannot be written or does not end in ``.py``.
    """
    chosen, scale = resolved(study, profile, vary)
    planned = plan(study, profile, seeds=seeds, set=set, vary=vary, until_decided=until_decided, budget=budget)
    adds, count = planned.until_decided, len(planned.seeds)
    resolved_profile = replace(
        chosen.profiles[scale],
        base=parsing.assign_config(chosen.profiles[scale].base, dict(set or {})),
        seeds=min(count, chosen.profiles[scale].seeds) if adds else count,
        most_seeds=count if adds else None,
        budget=planned.budget,
        note=planned.stated_note(),
    )
    testable = [own for own in chosen.hypotheses if all(map(resolved_profile.has, own.sides))]
    levels = ((own, ({own.factor: own.a}, {own.factor: own.b})) for own in chosen.contrasts)
    contrasts = [own for own, sides in levels if all(map(resolved_profile.has, sides))]
    saved = replace(
        chosen,
        hypotheses=tuple(testable),
        contrasts=tuple(contrasts),
        profiles={scale: resolved_profile},
    )
    study_file.write(saved, Path(path))


def study_of(name: str | Path, profile: str | None = None) -> Study:
    """Return the study of a name, of a Python file, or of a setting in a JSON file.

    Args:
        name: name or file.
        profile: name of the only profile of a setting's study.

    Raises:
        ValueError: if there is no such study.
    """
    path = Path(name)
    match path.suffix:
        case ".py":
            return study_file.read(path)
        case ".json":
            return setting_file.read(path).study(profile or USUAL)
        case _ if os.path.exists(path) and str(name) not in (*names(), *of_plugins()):  # a folder may be called so
            raise ValueError(f"a study's file must end in .py or .json, got {quoted(str(name))}")
        case _:
            return find(str(name))


def space_of(name: str | Path) -> Space:
    """Return the search space of a name, of a Python file that defines a ``SPACE``, or of several joined by ``+``.

    Args:
        name: of ``study spaces``, of a loaded plugin's ``SPACE``, or a file.

    Raises:
        ValueError: if there is no such space, or spaces that are to be joined share an axis or a path.
    """
    files = {part: _space_in(part) for part in str(name).split("+") if part.endswith(".py")}
    return named(str(name), {key: own.value for key, own in brought.spaces().items()} | files)


def _space_in(file: str) -> Space:
    if not os.path.isfile(file):
        raise ValueError(f"SPACE must be a name or a file with a SPACE, got {quoted(file)}: there is no such file")
    return brought.space_in(plugins.load(file), file)


def plan_search(
    space: str | Path | Space,
    *,
    on: str,
    budget: str,
    goal: str = "success",
    seeds: int = 20,
    block: int | None = None,
    sampler: str = "tpe",
    stop: str = "lost",
    audit: float = 0.1,
    floor: float = 0.8,
    seed: int = 0,
    set: Mapping[str, Any] | None = None,
    warm_start: "Launch | None" = None,
) -> Plan:
    """Plan a search of a space for settings that train reliably.

    Args:
        space: a space; or the name of one (``study spaces``), a file ``*.py`` with a ``SPACE``, or several of them
            joined by ``+``. It may range over kinds and fields that plugins add.
        on: data (``ring``, ``digits``, ...), or a ``study/profile``.
        budget: ``"200blocks"``, ``"90s"``, ``"15m"`` or ``"2h"``.
        goal: ``success`` (rate), ``quality`` (of successes, with a rate of ``floor`` or more) or ``both``.
        seeds: most seeds per candidate.
        block: seeds per block of a candidate; by default 2, or 5 for lists of points.
        sampler: the sampler that proposes candidates.
        stop: when a block ends early: ``lost``, ``asha``, ``median`` or ``none``.
        audit: share of the stopped blocks that run on to check the rule.
        floor: lowest acceptable success rate under the goal ``quality``.
        seed: seed of the sampler and of all draws of the search.
        set: dotted path to value, set in every cell.
        warm_start: a launch whose results the sampler starts from.

    Returns:
        The plan, for :func:`study.run`.

    Raises:
        ValueError: if a value does not exist or does not fit.

    Examples:
        >>> import study
        >>> plan = study.plan_search("wgan-clip", on="ring", budget="40blocks", set={"steps": 500})
        >>> plan.search.sampler, plan.search.blocks
        ('tpe', 40)
    """
    from study.search import planning as searches
    from study.search.problem import ground

    check_kind("budget", budget, str, "a text such as 200blocks or 15m")
    check_values("set", set)
    check_kind("space", space, (Space, str, Path), "a Space, a name or a file")
    chosen = space if isinstance(space, Space) else space_of(space)
    here = ground(on)
    blocks, seconds = searches.budget(budget)
    fields = {"floor": floor, "sampler": sampler, "seed": seed, "blocks": blocks, "audit": audit}
    return searches.plan_search(
        searches.search_of(chosen, here, goal=goal, stop=stop, **fields),
        here,
        now=_now(),
        seeds=seeds,
        seconds=seconds,
        block=block,
        changes=dict(set or {}),
        known=None if warm_start is None else warm_start.store,
    )


def plan_confirmation(launch: "Launch", *, cell: str | None = None, seeds: int | None = None) -> Plan:
    """Plan to run a launch's best cell again on fresh seeds: the rate that selected it is optimistic.

    Args:
        launch: the launch that selected the cell.
        cell: name of the cell; by default the best one.
        seeds: number of fresh seeds; by default twice the launch's.

    Returns:
        The plan, for :func:`study.run`.

    Raises:
        ValueError: if the cell does not exist, or has no decided replica yet.

    Examples:
        >>> import study
        >>> plan = study.plan_confirmation(study.load(stored), seeds=30)
        >>> plan.cells[0].name, len(plan.seeds), plan.seeds[0]
        ('r1 / simultaneous', 30, 1000000)
    """
    from study.launch import Launch

    check_kind("launch", launch, Launch, "a Launch, as study.load returns")
    return confirmation_of(launch.store, cell=cell, seeds=seeds)


def confirmation_of(store: Store, *, cell: str | None = None, seeds: int | None = None) -> Plan:
    """Plan as :func:`plan_confirmation`, for the folder of a launch."""
    from study.search import confirmation

    return confirmation.of_launch(store, now=_now(), cell=cell, seeds=seeds)


def explain(plan: Plan, cell: int = 0) -> "pd.DataFrame":
    """Explain exactly what a cell trains: formulas with their numbers, layers, updates, optimizers, draws.

    Args:
        plan: the plan of the cell.
        cell: index of the cell in the plan.

    Returns:
        A data frame with the columns ``section``, ``name`` and ``text``, in reading order.

    Raises:
        ValueError: if there is no such cell.

    Examples:
        >>> import study
        >>> lines = study.explain(study.plan("dirac", "smoke"))
        >>> list(lines.columns)
        ['section', 'name', 'text']
    """
    import pandas as pd

    from study.design.description import statements

    check_kind("plan", plan, Plan, "a Plan, as study.plan returns")
    check_kind("cell", cell, int, "the index of a cell")
    if not 0 <= cell < len(plan.cells):
        raise ValueError(f"cell must be in [0, {len(plan.cells) - 1}], got {cell} (study {plan.study})")
    rows = [(each.section, each.name, each.text) for each in statements(plan.cells[cell].config)]
    return pd.DataFrame(rows, columns=["section", "name", "text"])


def power(
    plan: Plan, *, rates: tuple[float, float] | None = None, rate: float | None = None, correlation: float = 0.0
) -> "pd.DataFrame":
    """Compute before a run how likely each hypothesis is to be decided under assumed success rates.

    Args:
        plan: the plan of a study with hypotheses.
        rates: assumed rates of the better and the worse side; by default several usual pairs.
        rate: assumed rate of shares, and of both sides of an equality.
        correlation: assumed correlation (phi) of the two outcomes of a pair, in [-1, 1].

    Returns:
        A data frame, one row per hypothesis and assumption: ``claim``, ``rates``, ``chance_alone`` and ``chance`` (of
        the claimed verdict, alone and in the study's family, in [0, 1]), ``seeds_80`` and ``seeds_90`` (the smallest
        number of seeds with that chance in the family, missing if above 1,000).

    Raises:
        ValueError: if the study has no hypothesis, or the rates are impossible.

    Examples:
        >>> import study
        >>> table = study.power(study.plan("dirac", "smoke", seeds=60))
        >>> bool(table.chance.between(0, 1).all())
        True
    """
    import pandas as pd

    from study.evidence.power import power_analysis

    check_kind("plan", plan, Plan, "a Plan, as study.plan returns")
    if rates is not None:
        check_kind("rates", rates, (tuple, list), "two success rates")
        if len(rates) != 2:
            raise ValueError(f"rates must be two success rates, got {rates!r}")
    analyses = power_analysis(plan, rates=rates, rate=rate, correlation=correlation)
    rows = [
        (
            analysis.hypothesis.claim,
            prospect.rates,
            prospect.chances[0].up,
            prospect.chances[1].up,
            *(enough[1] for enough in prospect.enough),
        )
        for analysis in analyses
        for prospect in analysis.prospects
    ]
    frame = pd.DataFrame(rows, columns=["claim", "rates", "chance_alone", "chance", "seeds_80", "seeds_90"])
    return frame.astype({"seeds_80": "Int64", "seeds_90": "Int64"})


def reach(plan: Plan) -> str:
    """Say which claims the planned seeds cannot decide whatever comes out, from counts alone.

    Args:
        plan: the plan of a study.

    Returns:
        A sentence or two with the number of seeds that would be enough; empty if every claim can be supported.

    Raises:
        ValueError: if ``plan`` is not a plan.

    Examples:
        >>> import study
        >>> study.reach(study.plan("mixture-modes", seeds=5)).partition(":")[0]
        '5 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out'
        >>> study.reach(study.plan("mixture-modes", seeds=7))
        ''
    """
    from study.evidence import reach as reaches

    check_kind("plan", plan, Plan, "a Plan, as study.plan returns")
    return reaches.sentence(plan)


def check_fresh_seeds(count: int | None) -> None:
    """Raise ValueError if a search cannot be confirmed on this number of seeds."""
    if count is not None and not 0 <= count <= MOST_SEEDS:
        raise ValueError(f"--confirm must be in [0, {MOST_SEEDS}], got {count}")


def _seconds(budget: str | float | None) -> float | None:
    return parsing.seconds(budget, "--budget") if isinstance(budget, str) else budget


def _now() -> datetime:
    return datetime.now().astimezone()
