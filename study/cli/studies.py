"""Commands about studies before they run: what there is, what it asks, what it trains, what it costs."""

from typing import Annotated

import typer
from rich.table import Table

from study.cli.app import Changes, Profile, Seeds, app, console, one_sentence, planned, study_of


@app.command("list")
@one_sentence
def list_studies() -> None:
    """Lists the studies and their profiles."""
    from study.studies import studies

    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("study", "question", "profiles"):
        table.add_column(column, no_wrap=column == "study")
    for study in studies().values():
        table.add_row(study.name, study.question, ", ".join(study.profiles))
    console.print(table)


@app.command()
@one_sentence
def show(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    profile: Profile = "quick",
    seeds: Seeds = None,
    changes: Changes = None,
) -> None:
    """Shows a study: question, hypotheses, factors, cells, seeds, sources, and what it would cost on this machine."""
    from study.terminal import launches

    launches.study(study_of(name, profile), planned(name, profile, seeds, changes), console)


@app.command()
@one_sentence
def explain(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    profile: Profile = "quick",
    cell: Annotated[
        str | None, typer.Option(help="One cell, by its number or name.", show_default="all, and where they differ")
    ] = None,
    seeds: Seeds = None,
    changes: Changes = None,
) -> None:
    """Explains exactly what the cells train: formulas with their numbers, layers, updates, optimisers, draws."""
    from study.terminal import explain as explanation

    explanation.show(planned(name, profile, seeds, changes), console, cell)
