"""The command ``study figure``."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from study.cli.app import app, console, found, one_sentence

_THEORY = "losses"
_OF_SEARCH = ("course", "importance", "dependence", "landscape", "front")
_OF_LAUNCH = ("success", "map", "composition", "survival", "sensitivity", "forest", "curves", *_OF_SEARCH)


@app.command()
@one_sentence
def figure(
    name: Annotated[
        str, typer.Argument(help=f"Which: {_THEORY}; of a launch {', '.join(_OF_LAUNCH)}.", metavar="FIGURE")
    ],
    launch: Annotated[
        str | None, typer.Argument(help="A launch, for its figures: its id, or its folder.", metavar="[LAUNCH]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .png, .svg or .pdf.", show_default="FIGURE.png")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of launches.")] = Path("runs"),
) -> None:
    """Draws a figure for a paper: of the theory (losses and their gradients), or what a launch's report shows."""
    if name not in (_THEORY, *_OF_LAUNCH):
        raise ValueError(f"FIGURE must be one of {', '.join((_THEORY, *_OF_LAUNCH))}, got {name!r}")
    if (launch is None) != (name == _THEORY):
        raise ValueError(f"LAUNCH must {'be given' if launch is None else 'not be given'} for the figure {name}")
    from study.report.figures import export

    path = export.checked(Path(f"{name}.png") if out is None else out)
    save = _of_theory if launch is None else _of_launch(name, launch, runs)
    try:
        save(path)
    except OSError as error:
        raise ValueError(f"--out must be a file that can be written, got {path}: {error.strerror}") from None
    console.print(f"figure   {path}", soft_wrap=True)


def _of_theory(path: Path) -> None:
    from study.report.figures import losses

    losses.draw(path)


def _of_launch(name: str, launch: str, runs: Path) -> Callable[[Path], None]:
    from study.launch import Launch
    from study.report.figures import export, registry
    from study.report.view import View

    store = found(launch, runs)
    picture = {**registry.PICTURES, **registry.OF_SEARCH}[name](View(Launch(store)))
    if picture is None:
        raise ValueError(f"FIGURE must be one that the launch has something to show in, got {name!r} ({store.root})")
    return partial(export.save, picture)
