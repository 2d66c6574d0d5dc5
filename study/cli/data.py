"""The commands ``study data ...``."""

from typing import Annotated

import typer

from study.cli.app import app, console, errors, one_sentence

data_app = typer.Typer(no_args_is_help=True, help="List data sets, check their files, and download them.")
app.add_typer(data_app, name="data")

DataArgument = Annotated[str, typer.Argument(help="Name of a data set (see `study data list`).", metavar="NAME")]


@data_app.command("list")
@one_sentence
def list_data() -> None:
    """List the data sets, whether their files are here, and how to get those that are missing."""
    from study.terminal import datasets

    datasets.show_all(console)


@data_app.command("check")
@one_sentence
def check_data(
    name: DataArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Set a field, e.g. root=photos or side=32. Repeatable."),
    ] = None,
) -> None:
    """Load a data set: count images, classes and distinct images, and list files that cannot be read."""
    from study.terminal import datasets

    datasets.show(datasets.configured(name, changes or []), console)


@data_app.command("get")
@one_sentence
def get_data(
    name: DataArgument,
    root: Annotated[str | None, typer.Option(help="Folder of the downloaded files.", show_default="data/NAME")] = None,
) -> None:
    """Download a data set that torchvision offers."""
    from study.terminal import datasets

    try:
        datasets.get(name, root, console)
    except datasets.DownloadError as error:
        errors.print(f"error: {error}", soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(1) from None
