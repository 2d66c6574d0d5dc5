"""The parts that all commands share: the application, its consoles, common options, and the form of errors."""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer
from rich.console import Console

if TYPE_CHECKING:
    from study.design.plan import Plan
    from study.design.study import Study
    from study.storage.store import Store

# One thread per process: blocks run side by side and share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Which settings of a GAN train reliably, how sure are we, and why do the others fail?",
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)
P = ParamSpec("P")

Out = Annotated[Path, typer.Option("--out", help="Folder of launches, MLflow's database and cached features.")]
LaunchArgument = Annotated[
    str, typer.Argument(help="A launch: its id as printed by run, or its folder.", metavar="LAUNCH")
]
Address = Annotated[
    str, typer.Option(help="Ray: 'local' starts one here, 'auto' joins this machine's cluster, or ray://host:port.")
]
GpusPerBlock = Annotated[
    float | None,
    typer.Option(help="GPUs per block; a fraction shares a GPU.", show_default="0.25 if there are any"),
]
CpusPerBlock = Annotated[float, typer.Option(help="CPUs per block; a fraction shares a CPU.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        help="MLflow server; 'none' for no tracking.", show_default="$MLFLOW_TRACKING_URI, else sqlite in --out"
    ),
]
Storage = Annotated[
    str | None,
    typer.Option(help="Database of optuna-dashboard; 'none' for no dashboard.", show_default="sqlite in --out"),
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Set a field of every cell, e.g. steps=500. Repeatable."),
]
RuleChanges = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="PATH=VALUE", help="Set a field of the outcome rule. Repeatable."),
]
StudyArgument = Annotated[
    str,
    typer.Argument(
        help="A study: its name (see `study list`), a file with a STUDY (*.py), or a file of `study best` (*.json).",
        metavar="STUDY",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(help="Scale: smoke, quick, standard or paper, if the study has it.", show_default="quick"),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH=V1,V2,...",
        help="Run a grid over these values instead of the study's factors: --vary clip=0.01,0.1. Repeatable.",
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Replicas per cell.", show_default="the profile's")]


def one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """Print a ValueError or OSError of the command as one sentence and exit with code 2, without a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:  # whoever read the output has gone
            raise
        except (ValueError, OSError) as error:
            said = f"[red]error:[/] {_sentence(error).replace('[', chr(92) + '[')}"
            errors.print(said, highlight=False, soft_wrap=not errors.is_terminal)
            raise typer.Exit(2) from None

    return wrapped


def _sentence(error: ValueError | OSError) -> str:
    """Say what is wrong; of a file that cannot be read or written, which one, and why."""
    if isinstance(error, OSError) and error.filename is not None and error.errno is not None:
        return f"{error.filename}: {os.strerror(error.errno)}"
    return str(error)


def study_of(name: str, profile: str | None) -> "Study":
    """Return the study of a name or a file, which is executed here and only here."""
    from study.api import planning

    return planning.study_of(name, profile)


def planned(
    name: "str | Study",
    profile: str | None,
    seeds: int | None,
    changes: list[str] | None,
    *,
    vary: list[str] | None = None,
    until_decided: bool = False,
    budget: str | None = None,
) -> "Plan":
    """Return the plan of a study under the options of the command line."""
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
    path: Path,
    study: "Study",
    profile: str | None,
    seeds: int | None,
    changes: list[str] | None,
    vary: list[str] | None,
) -> None:
    """Write the plan of these options as a study file."""
    from study.api.planning import save
    from study.design.parsing import assignments
    from study.design.varying import axes

    values, grid = assignments(changes or [], "--set"), axes(vary or [], "--vary")
    save(path, study, profile, seeds=seeds, set=values, vary=grid)
    console.print(f"study    {path}", soft_wrap=True)


def stored(launch: str, out: Path) -> "Store":
    """Return the folder of a launch, given by its id or its path."""
    from study.api.running import store_of

    return store_of(launch, out)
