"""The command ``study search``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import (
    Address,
    Changes,
    CpusPerBlock,
    GpusPerBlock,
    Keep,
    Out,
    Storage,
    Trackers,
    TrackingUri,
    app,
    console,
    keeping,
    one_sentence,
)
from study.cli.launches import relayed, resources_at, start


@app.command()
@one_sentence
def search(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SPACE", help="A space of `study spaces`, a file with a SPACE (*.py), or several joined by +."
        ),
    ],
    on: Annotated[str, typer.Option(help="Data: ring, digits, low-variability or lsun-bedroom; or STUDY/PROFILE.")],
    budget: Annotated[str, typer.Option(help="Budget: 200blocks, or 90s, 30m or 2h of wall-clock time.")],
    goal: Annotated[
        str,
        typer.Option(
            help="success (rate); quality (of successes, with a success rate of at least --floor); both (Pareto)."
        ),
    ] = "success",
    seeds: Annotated[int, typer.Option(help="Most seeds per candidate.")] = 20,
    block: Annotated[
        int | None, typer.Option(help="Seeds per block of a candidate.", show_default="2; 5 for points")
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(help="What proposes candidates: tpe, cmaes, random, ...; a name that does not exist lists all."),
    ] = "tpe",
    stop: Annotated[
        str,
        typer.Option(help="When a block stops early: lost (certain failure), asha or median (heuristics), none."),
    ] = "lost",
    audit: Annotated[float, typer.Option(help="Share of the stopped blocks that run on to check the rule.")] = 0.1,
    floor: Annotated[float, typer.Option(help="With --goal quality: the lowest acceptable success rate.")] = 0.8,
    confirm: Annotated[
        int | None,
        typer.Option(
            help="Fresh seeds for the best candidate and the default; 0: no confirmation.",
            show_default="as --seeds",
        ),
    ] = None,
    warm_start: Annotated[
        str | None,
        typer.Option(metavar="LAUNCH", help="Start from the results of this launch.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampler and of all draws of the search.")] = 0,
    storage: Storage = None,
    changes: Changes = None,
    keep: Keep = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
    tracker: Trackers = None,
) -> None:
    """Search a space for settings that train reliably, and confirm the best one on fresh seeds."""
    relayed(address)
    from study.api.planning import check_fresh_seeds, confirmation_of, plan_search, space_of

    space = space_of(name)  # what cannot be one is refused before anything is loaded that searches
    resources = resources_at(out, address, cpus_per_block, gpus_per_block, tracking_uri)
    from study.api.running import load
    from study.design.parsing import assignments
    from study.search import confirmation

    check_fresh_seeds(confirm)
    plan = plan_search(
        space,
        on=on,
        budget=budget,
        goal=goal,
        seeds=seeds,
        block=block,
        sampler=sampler,
        stop=stop,
        audit=audit,
        floor=floor,
        seed=seed,
        set=assignments(changes or [], "--set"),
        warm_start=None if warm_start is None else load(warm_start, out=out),
    )
    plan = keeping(plan, keep)
    store = start(plan, out, resources, tracking_uri, tracker, storage)
    fresh = seeds if confirm is None else confirm
    if not fresh:
        return
    if confirmation.leader(store) is None:
        console.print("no candidate has converged: there is nothing to confirm")
        return
    start(keeping(confirmation_of(store, seeds=fresh), keep), out, resources, tracking_uri, tracker)
