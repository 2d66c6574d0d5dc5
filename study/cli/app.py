"""What all commands share: the application, its consoles, the options, and what a user's mistake looks like."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer
from rich.console import Console

if TYPE_CHECKING:
    from study.design.plan import Plan
    from study.storage.store import Store

# What the heavy libraries print about themselves would drown the progress display.
os.environ.setdefault("OMP_NUM_THREADS", "1")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Which settings of a GAN train reliably, how sure are we, and why do the others fail?",
)
console = Console()
errors = Console(stderr=True)
P = ParamSpec("P")

Out = Annotated[Path, typer.Option("--out", help="Folder of launches, of MLflow's database and of cached features.")]
LaunchArgument = Annotated[
    str, typer.Argument(help="A launch: its id as printed by run, or its folder.", metavar="LAUNCH")
]
Address = Annotated[
    str, typer.Option(help="Ray: 'local' starts one here, 'auto' joins this machine's cluster, or ray://host:port.")
]
GpusPerBlock = Annotated[
    float | None,
    typer.Option(help="GPUs of one block; a fraction shares a GPU.", show_default="0.25 if there are any"),
]
CpusPerBlock = Annotated[float, typer.Option(help="CPUs of one block; a fraction shares a CPU.")]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow server; 'none' for no tracking.", show_default="sqlite in --out")
]
Storage = Annotated[
    str | None,
    typer.Option(help="Where optuna-dashboard finds a search; 'none' for nowhere.", show_default="sqlite in --out"),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Sets a field of every cell, e.g. steps=500. Repeatable."),
]
RuleChanges = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="PATH=VALUE", help="Sets a field of the outcome rule. Repeatable."),
]
StudyArgument = Annotated[
    str,
    typer.Argument(
        help="A study's name (`study list` prints them), a file with a STUDY (*.py), or one of `study best` (*.json).",
        metavar="STUDY",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(help="Scale: smoke, quick, standard or paper, where the study has it.", show_default="quick"),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH=V1,V2,...",
        help="Runs a grid over these values, instead of the study's factors: --vary clip=0.01,0.1. Repeatable.",
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Replicas per cell.", show_default="the profile's")]


def one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """A user's mistake is one sentence and exit code 2, never a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ValueError as error:
            said = f"[red]error:[/] {str(error).replace('[', chr(92) + '[')}"
            errors.print(said, highlight=False, soft_wrap=not errors.is_terminal)
            raise typer.Exit(2) from None

    return wrapped


def planned(
    name: str,
    profile: str | None,
    seeds: int | None,
    changes: list[str] | None,
    *,
    vary: list[str] | None = None,
    until_decided: bool = False,
    budget: str | None = None,
) -> "Plan":
    """The plan of a study, with what the options say."""
    from study.api.planning import plan
    from study.design.parsing import assignments
    from study.design.varying import axes

    return plan(
        name,
        profile,
        seeds=seeds,
        set=assignments(changes or [], "--set"),
        vary=axes(vary or [], "--vary"),
        until_decided=until_decided,
        budget=budget,
    )


def save_study(
    path: Path, name: str, profile: str | None, seeds: int | None, changes: list[str] | None, vary: list[str] | None
) -> None:
    """Write what the options plan as a study file."""
    from study.api.planning import save
    from study.design.parsing import assignments
    from study.design.varying import axes

    values, grid = assignments(changes or [], "--set"), axes(vary or [], "--vary")
    save(path, name, profile, seeds=seeds, set=values, vary=grid)
    console.print(f"study    {path}", soft_wrap=True)


def found(launch: str, out: Path) -> "Store":
    """The folder of a launch that is named by its id or its path."""
    from study.api.running import store_of

    return store_of(launch, out)
