"""The command ``study verify``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from study.cli.app import LaunchArgument, Out, app, console, one_sentence, stored

_MOST = 20
"""Largest number of differences shown; a page of another version of this program differs in nearly every line."""
_PAGE = ("words", "drawing", "markup", "files")
_OTHER_VERSION = "the records follow from the traces; a page of another version of this program differs, too"


@app.command()
@one_sentence
def verify(
    launch: LaunchArgument,
    page: Annotated[
        Path | None,
        typer.Option("--page", help="Copy of the report to check (.html or .html.gz).", show_default="the launch's"),
    ] = None,
    out: Out = Path("runs"),
) -> None:
    """Recompute every number of a launch's report from its traces and plan, and fail if one does not follow."""
    store = stored(launch, out)
    from study.audit import verify as verification

    checks = verification.verify(store, page)
    differences = [(check.name, sentence) for check in checks for sentence in check.differences]
    for check in checks:
        word = f"{len(check.differences)} differ" if check.differences else "agree"
        style = "red" if check.differences else "default"
        line = Text.assemble(f"{check.name:<15}", (f"{word:<12}", style), check.compared)
        for text in (line, *(Text.assemble(" " * 15, (note, "dim")) for note in check.notes)):
            console.print(text, soft_wrap=True, highlight=False)
    for name, sentence in differences[:_MOST]:
        console.print(Text.assemble((name, "red"), f": {sentence}"), soft_wrap=True, highlight=False)
    if len(differences) > _MOST:
        console.print(f"and {len(differences) - _MOST} more", soft_wrap=True)
    if differences and all(name in _PAGE for name, _ in differences):
        console.print(f"{_OTHER_VERSION}: study report {store.root} writes it again", soft_wrap=True, style="dim")
    if differences:
        raise typer.Exit(1)
    again = "" if store.rule() == store.plan().rule else ", and outcomes are decided by another rule than declared"
    said = f"verified: {store.root}: everything compared follows from the traces and the plan{again}"
    console.print(said, soft_wrap=True)
