"""The command ``study confirm``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import (
    Address,
    CpusPerBlock,
    GpusPerBlock,
    Keep,
    LaunchArgument,
    Out,
    Trackers,
    TrackingUri,
    app,
    keeping,
    one_sentence,
    stored,
)
from study.cli.launches import relayed, resources_at, start


@app.command()
@one_sentence
def confirm(
    launch: LaunchArgument,
    cell: Annotated[str | None, typer.Option(help="Name of the cell to confirm.", show_default="the best one")] = None,
    seeds: Annotated[int | None, typer.Option(help="Number of fresh seeds.", show_default="twice the launch's")] = None,
    keep: Keep = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
    tracker: Trackers = None,
) -> None:
    """Run the best cell of a launch again on fresh seeds: its old rate is optimistic, because it selected the cell."""
    relayed(address)
    source = stored(launch, out)
    resources = resources_at(source.out, address, cpus_per_block, gpus_per_block, tracking_uri)
    from study.api.planning import confirmation_of

    plan = keeping(confirmation_of(source, cell=cell, seeds=seeds), keep)
    start(plan, source.out, resources, tracking_uri, tracker)
