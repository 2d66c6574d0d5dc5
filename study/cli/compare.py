"""The command ``study compare``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import Out, app, console, one_sentence, stored

Before = Annotated[str, typer.Argument(help="A launch: its id, or its folder.", metavar="BEFORE")]
After = Annotated[str, typer.Argument(help="Another launch of the same study.", metavar="AFTER")]


@app.command()
@one_sentence
def compare(before: Before, after: After, out: Out = Path("runs")) -> None:
    """Compare two launches of a study: the differences of their plans and of their outcomes, paired by seed."""
    stores = [stored(launch, out) for launch in (before, after)]
    from study.audit import comparison
    from study.launch import Launch
    from study.terminal import launch_comparison

    launches = [Launch(store) for store in stores]
    launch_comparison.show(comparison.compare(*launches), console)
