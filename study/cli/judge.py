"""The command ``study judge``."""

import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from study.cli.app import Out, TrackingUri, app, console, errors, one_sentence
from study.formatting import quoted


@app.command()
@one_sentence
def judge(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Images: seed=3/step-001000/*.png, or a folder for each cell, such as lr=0.0001, with these in it.",
            metavar="FOLDER",
        ),
    ],
    real: Annotated[str, typer.Option(help="Real images: a folder, or the name of a data set.", metavar="DATA")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field of the data, e.g. side=32. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option("--study", help="Name of the study.", show_default="FOLDER's")] = None,
    launch: Annotated[str, typer.Option(help="Name of the launch.")] = "recorded",
    steps: Annotated[
        int | None,
        typer.Option(help="Last step: leave out trainings that have not written it.", show_default="any"),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(help="Images of a step that are measured.", show_default="as many as all have, at most 512"),
    ] = None,
    out: Out = Path("runs"),
    tracking_uri: TrackingUri = None,
) -> None:
    """Judge trainings of your own by the images that they have written: outcomes, rates and the report."""
    if not folder.is_dir():
        raise ValueError(f"FOLDER must be a folder of images, got {quoted(str(folder))}, which is none")
    from study.design.parsing import assign_flat, assignments
    from study.launch import Launch
    from study.recording import judging
    from study.recording.given import named
    from study.terminal import launches
    from study.tracking import NOWHERE, local_uri, uri_for

    data = assign_flat(named(real), assignments(changes or [], "--set"))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", RuntimeWarning)
        store = judging.judge(
            folder,
            data=data,
            out=out,
            study=name,
            launch=launch,
            steps=steps,
            samples=samples,
            tracking_uri=tracking_uri,
        )
    for warning in said:
        errors.print(Text(str(warning.message)), soft_wrap=True)
    launches.results(Launch(store), console)
    uri = uri_for(out, tracking_uri)
    launches.paths(store, store.report_path, console, tracked=uri != NOWHERE and uri == local_uri(out))
