"""The commands ``study data ...``."""

from typing import Annotated

import typer

from study.cli.app import app, console, errors, one_sentence

data_app = typer.Typer(no_args_is_help=True, help="Which data sets there are, which are here, and what is in one.")
app.add_typer(data_app, name="data")

DataArgument = Annotated[str, typer.Argument(help="A data set; `study data list` prints them.", metavar="NAME")]


@data_app.command("list")
@one_sentence
def list_data() -> None:
    """Lists the data sets, whether each is here, and how to get the rest."""
    from study.terminal import datasets

    datasets.show_all(console)


@data_app.command("check")
@one_sentence
def check_data(
    name: DataArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Sets a field, e.g. root=photos or side=32. Repeatable."),
    ] = None,
) -> None:
    """Loads a data set for real: counts images, classes and distinct images, and names files that cannot be read."""
    from study.terminal import datasets

    datasets.show(datasets.configured(name, changes or []), console)


@data_app.command("get")
@one_sentence
def get_data(
    name: DataArgument,
    root: Annotated[str | None, typer.Option(help="Folder to put it in.", show_default="data/NAME")] = None,
) -> None:
    """Downloads a data set through torchvision, where that can."""
    from study.terminal import datasets

    try:
        datasets.get(name, root, console)
    except datasets.DownloadError as error:
        errors.print(f"error: {error}", soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(1) from None
