"""The command ``study outcomes``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.app import app, console, one_sentence

if TYPE_CHECKING:
    from study.validation.impostors.impostor import Kind

_PANELS: "Mapping[str, Kind]" = {"ring": "mixture", "digits": "images"}


@app.command()
@one_sentence
def outcomes(
    data: Annotated[str | None, typer.Option(help="Data: ring or digits.", show_default="both")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder of measurements.", show_default="the shipped ones; with --measure ./outcomes"),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Train all injections and make all impostors anew, and write the measurement."),
    ] = False,
    seeds: Annotated[int | None, typer.Option(help="With --measure: replicas per failure.")] = None,
    first_seed: Annotated[int | None, typer.Option(help="With --measure: the first seed.")] = None,
) -> None:
    """Show how well the outcome rules classify injected failures, and what they call generators that cheat.

    Of the failures recall, precision and the confusion matrix; of each cheat the label at every dose, and where it
    changes.
    """
    from study.terminal import impostors, validation
    from study.validation import confusion
    from study.validation.impostors import results

    if data is not None and data not in confusion.KINDS:
        raise ValueError(f"--data must be one of {', '.join(confusion.KINDS)}, got {data!r}")
    kinds = confusion.KINDS if data is None else (data,)
    if not measure:
        for name, value in (("--seeds", seeds), ("--first-seed", first_seed)):
            if value is not None:
                raise ValueError(f"{name} must be absent without --measure, got {value}")
    for kind in kinds:
        if measure:
            _measure(kind, Path("outcomes") if folder is None else folder, seeds, first_seed)
        where = _read_from(folder, measure)
        validation.show(confusion.read(where, kind), console)
        console.print()
        for panel in results.read(where):
            if panel.kind == _PANELS[kind]:
                impostors.show(panel, console)
                console.print()


def _read_from(folder: Path | None, measured: bool) -> Path:
    from study.validation.confusion import SHIPPED

    return folder if folder is not None else Path("outcomes") if measured else SHIPPED


def _measure(kind: str, folder: Path, seeds: int | None, first_seed: int | None) -> None:
    from study.validation import confusion, measure
    from study.validation.catalog import CATALOG
    from study.validation.impostors import panel, results

    catalog = CATALOG[kind]
    first = confusion.FRESH if first_seed is None else first_seed
    count = catalog.seeds if seeds is None else seeds

    def show_progress(line: str) -> None:
        console.print(f"{kind}: {line}", style="dim", highlight=False)

    measurement = measure.measure(
        kind, catalog.injections, count, first, cache=folder / ".features", progress=show_progress
    )
    console.print(f"written  {confusion.write(measurement, folder)}", soft_wrap=True)
    found = panel.measure(
        _PANELS[kind], range(first, first + panel.SEEDS), cache=folder / ".features", progress=show_progress
    )
    console.print(f"written  {results.write([found], folder)}", soft_wrap=True)
