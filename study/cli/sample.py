"""The command ``study sample``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from study.cli.app import LaunchArgument, app, console, one_sentence, stored


@app.command()
@one_sentence
def sample(
    launch: LaunchArgument,
    out: Annotated[Path, typer.Option("--out", help="The file: .png for a picture, .npy for the numbers.")],
    cell: Annotated[str, typer.Option(help="The cell: its number, or its name.")] = "0",
    seed: Annotated[int | None, typer.Option(help="Seed of the replica.", show_default="the launch's first")] = None,
    n: Annotated[int, typer.Option("-n", help="Number of samples.")] = 64,
    which: Annotated[str, typer.Option(help="last or best: which of the kept networks.")] = "last",
    label: Annotated[
        int | None,
        typer.Option(help="Class to make, with a conditioned generator.", show_default="all classes, over and over"),
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of launches.")] = Path("runs"),
) -> None:
    """Make samples from the kept weights of one replica (see `study run --keep`)."""
    from study.api import sampling

    path = sampling.checked(out)
    store = stored(launch, runs)
    from study.launch import Launch

    opened = Launch(store)
    index = opened.plan.cell(cell).index
    chosen = opened.plan.seeds[0] if seed is None else seed
    made = sampling.save(opened, path, index, chosen, n, which, label)
    console.print(Text(f"samples  {path}"), soft_wrap=True)
    console.print(f"of the {which} networks of cell {index}, seed {chosen}: after step {made.step:,}", soft_wrap=True)
    if made.broken:
        console.print(f"{made.broken} of {n} samples are not finite", soft_wrap=True)
