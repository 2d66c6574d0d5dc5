"""The command ``study confirm``."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import (
    Address,
    CpusPerBlock,
    GpusPerBlock,
    LaunchArgument,
    Out,
    TrackingUri,
    app,
    console,
    found,
    one_sentence,
    tracker_at,
)
from study.cli.launches import finish, relay


@app.command()
@one_sentence
def confirm(
    launch: LaunchArgument,
    cell: Annotated[
        str | None, typer.Option(help="The cell to confirm, by its name.", show_default="the best one")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Fresh seeds to run it on.", show_default="twice the launch's")
    ] = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
) -> None:
    """Runs a launch's best cell again on fresh seeds: the rate it was selected by is optimistic, this one is not."""
    if address.startswith("ray://"):
        raise typer.Exit(relay(address))
    console.print("loading torch, Ray and MLflow ...", style="dim")
    from study import conduct
    from study import confirm as confirmation
    from study.launch import Resources
    from study.store import Store

    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    source = found(launch, out)
    spec = confirmation.of_launch(source, now=datetime.now().astimezone(), cell=cell, seeds=seeds)
    store = Store(source.root.parent / spec.launch)
    tracker = tracker_at(store.root.parent.parent, tracking_uri)
    finish(store, lambda: conduct.start(spec, store, resources, tracker, console))
