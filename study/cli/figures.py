"""The command ``study figure``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import app, console, found, one_sentence


@app.command()
@one_sentence
def figure(
    name: Annotated[
        str | None, typer.Argument(help="Which figure; without a name, all are listed.", metavar="[FIGURE]")
    ] = None,
    launch: Annotated[
        str | None, typer.Argument(help="A launch, for its figures: its id, or its folder.", metavar="[LAUNCH]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .png, .svg or .pdf.", show_default="FIGURE.png")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of launches.")] = Path("runs"),
) -> None:
    """Draw a figure for a paper: of the theory (losses and their gradients), or one of a launch's report."""
    if name is None:
        _list()
        return
    path = _draw(name, launch, out or Path(f"{name}.png"), runs)
    console.print(f"figure   {path}", soft_wrap=True)


def _list() -> None:
    from study.report.figures import registry

    for own in registry.figures():
        console.print(f"{own.name:<13}{own.shows}", soft_wrap=True)


def _draw(name: str, launch: str | None, out: Path, runs: Path) -> Path:
    from study.launch import Launch
    from study.report.drawing import export
    from study.report.figures import registry

    if (launch is None) == registry.needs_launch(name):
        raise ValueError(f"LAUNCH must {'be given' if launch is None else 'not be given'} for the figure {name}")
    path = export.checked(out)
    picture = registry.picture(name, None if launch is None else Launch(found(launch, runs)))
    try:
        export.save(picture, path)
    except OSError as error:
        raise ValueError(f"--out must be a file that can be written, got {path}: {error.strerror}") from None
    return path
