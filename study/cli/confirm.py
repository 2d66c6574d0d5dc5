"""The command ``study confirm``."""

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
    found,
    one_sentence,
)
from study.cli.launches import resources_at, start


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
    resources = resources_at(address, cpus_per_block, gpus_per_block)
    from study.api.planning import confirmation_of

    source = found(launch, out)
    plan = confirmation_of(source, cell=cell, seeds=seeds)
    start(plan, source.out, resources, tracking_uri)
