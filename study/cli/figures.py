"""The command ``study figure``."""

from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import app, console, one_sentence, stored


@app.command()
@one_sentence
def figure(
    name: Annotated[
        str | None, typer.Argument(help="Name of the figure; without a name, all are listed.", metavar="[FIGURE]")
    ] = None,
    launch: Annotated[
        str | None, typer.Argument(help="A launch: its id, or its folder; not for the theory.", metavar="[LAUNCH]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .png, .svg or .pdf.", show_default="FIGURE.png")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of launches.")] = Path("runs"),
) -> None:
    """Draw a figure for a paper: the theory (losses and their gradients), or a figure of a launch's report."""
    if name is None:
        _list()
        return
    path = _draw(name, launch, out or Path(f"{name}.png"), runs)
    console.print(f"figure   {path}", soft_wrap=True)


def _list() -> None:
    from study.report.figures import registry

    for each in registry.figures():
        console.print(f"{each.name:<13}{each.shows}", soft_wrap=True)


def _draw(name: str, launch: str | None, out: Path, runs: Path) -> Path:
    from study.launch import Launch
    from study.report.drawing import export
    from study.report.figures import registry

    if (launch is None) == registry.needs_launch(name):
        raise ValueError(f"LAUNCH must {'be given' if launch is None else 'not be given'} for the figure {name}")
    path = export.checked(out)
    picture = registry.picture(name, None if launch is None else Launch(stored(launch, runs)))
    try:
        export.save(picture, path)
    except OSError as error:
        raise ValueError(f"--out must be a file that can be written, got {path}: {error.strerror}") from None
    return path
