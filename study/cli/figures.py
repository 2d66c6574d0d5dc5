"""The command ``study figure``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import app, console, one_sentence


@app.command()
@one_sentence
def figure(
    name: Annotated[str, typer.Argument(help="Which: losses.", metavar="FIGURE")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .png, .svg or .pdf.", show_default="FIGURE.png")
    ] = None,
) -> None:
    """Draws a figure of the theory: losses and their gradients against the score."""
    if name != "losses":
        raise ValueError(f"FIGURE must be one of losses, got {name!r}")
    from study.report import losses

    path = Path(f"{name}.png") if out is None else out
    losses.draw(path)
    console.print(f"figure   {path}", soft_wrap=True)
