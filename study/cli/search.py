"""The command ``study search``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from study.cli.app import (
    Address,
    Changes,
    CpusPerBlock,
    GpusPerBlock,
    Out,
    Storage,
    TrackingUri,
    app,
    console,
    found,
    mirror_at,
    one_sentence,
    tracker_at,
)
from study.cli.launches import finish, relay


@app.command()
@one_sentence
def search(
    name: Annotated[str, typer.Argument(metavar="SPACE", help="A space of `study spaces`, or several joined by +.")],
    on: Annotated[str, typer.Option(help="Data: ring, digits, low-variability or lsun-bedroom; or a study/profile.")],
    budget: Annotated[str, typer.Option(help="When it ends: 200blocks, 90s, 30m or 2h of wall-clock time.")],
    objective: Annotated[
        str,
        typer.Option(
            help="success (rate); quality (of successes, with a success rate of --floor or more); both (Pareto)."
        ),
    ] = "success",
    seeds: Annotated[int, typer.Option(help="The most seeds that a candidate gets.")] = 20,
    block: Annotated[
        int | None, typer.Option(help="Seeds that a candidate gets at a time.", show_default="2; 5 for points")
    ] = None,
    sampler: Annotated[str, typer.Option(help="tpe, gp, cmaes, qmc, random, grid or nsga2.")] = "tpe",
    stop: Annotated[
        str, typer.Option(help="When a block ends early: lost (beyond doubt), asha, median (both guesses) or none.")
    ] = "lost",
    audit: Annotated[float, typer.Option(help="Share of the stopped blocks that run on, to check the rule.")] = 0.1,
    floor: Annotated[float, typer.Option(help="With --objective quality: the least success rate.")] = 0.8,
    confirm: Annotated[
        int | None,
        typer.Option(help="Fresh seeds for the best candidate and the default; 0: none.", show_default="as --seeds"),
    ] = None,
    warm_start: Annotated[
        str | None, typer.Option(metavar="LAUNCH", help="Tell the sampler what this launch found.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the sampler and of all that the search draws.")] = 0,
    storage: Storage = None,
    changes: Changes = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
) -> None:
    """Searches a space for settings that train reliably, and confirms the best one on fresh seeds."""
    if address.startswith("ray://"):
        raise typer.Exit(relay(address))
    console.print("loading torch, Ray, Optuna and MLflow ...", style="dim")
    from study import conduct
    from study.launch import Resources
    from study.parsing import assignments
    from study.search import plan as planning
    from study.search.grounds import ground
    from study.store import Store

    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    here = ground(on)
    blocks, seconds = planning.budget(budget)
    fields = {"floor": floor, "sampler": sampler, "seed": seed, "blocks": blocks, "audit": audit}
    launch = planning.plan(
        planning.search_of(name, here, goal=objective, stop=stop, **fields),
        here,
        now=datetime.now().astimezone(),
        seeds=seeds,
        seconds=seconds,
        block=block,
        changes=assignments(changes or [], "--set"),
        known=None if warm_start is None else found(warm_start, out),
    )
    store = Store(out / launch.study / launch.launch)
    mirror = mirror_at(out, storage, launch)
    finish(store, lambda: conduct.start(launch, store, resources, tracker_at(out, tracking_uri), console, mirror))
    fresh = seeds if confirm is None else confirm
    if fresh:
        confirmed(store, fresh, resources, tracker_at(out, tracking_uri))


def confirmed(store: Any, seeds: int, resources: Any, tracker: Any) -> None:
    """Runs the best candidate of a search, and the space's default beside it, on fresh seeds."""
    from study import conduct
    from study import confirm as confirmation
    from study.store import Store

    if confirmation.leader(store) is None:
        console.print("no candidate has converged: there is nothing to confirm")
        return
    spec = confirmation.of_launch(store, now=datetime.now().astimezone(), seeds=seeds)
    own = Store(store.root.parent / spec.launch)
    finish(own, lambda: conduct.start(spec, own, resources, tracker, console))
