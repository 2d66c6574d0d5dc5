"""What all commands share: the application, its consoles, the options, and what a user's mistake looks like."""

import os
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console

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
Profile = Annotated[str, typer.Option(help="Scale: smoke, quick, standard or paper, where the study has it.")]
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
    profile: str,
    seeds: int | None,
    changes: list[str] | None,
    *,
    until_decided: bool = False,
    budget: str | None = None,
) -> Any:
    from study.design.parsing import assignments, seconds
    from study.design.planning import plan_study

    now = datetime.now().astimezone()
    own = assignments(changes or [], "--set")
    most = None if budget is None else seconds(budget, "--budget")
    study = study_of(name, profile)
    return plan_study(study, profile, now=now, seeds=seeds, changes=own, until_decided=until_decided, budget=most)


def study_of(name: str, profile: str) -> Any:
    """The study of a name, or the one of a setting in a file."""
    if not name.endswith(".json"):
        from study.studies import find

        return find(name)
    from study.design.setting_file import read

    return read(Path(name)).study(profile)


def tracker_at(out: Path, uri: str | None) -> Any:
    from study import tracking

    if uri == "none":
        return tracking.NullTracker()
    return tracking.MlflowTracker(tracking.local_uri(out) if uri is None else uri)


def found(launch: str, out: Path) -> Any:
    from study.storage.store import Store

    for root in (Path(launch), *sorted(out.glob(f"*/{launch}"))):
        if (root / "spec.json").exists():
            return Store(root)
    raise ValueError(f"LAUNCH must be a launch's folder or the id of one in {out}, got {launch!r}")


def mirror_at(out: Path, storage: str | None, plan: Any) -> Any:
    """Where Optuna's dashboard finds a search; nothing for a launch that is none."""
    if plan.search is None:
        return None
    from study.search.optuna_adapter.dashboard import NoMirror, OptunaMirror

    if storage == "none":
        return NoMirror()
    if storage is None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"--out must be a writable folder, got {out}: {error.strerror}") from None
        storage = f"sqlite:///{out.absolute()}/optuna.db"
    return OptunaMirror(storage, f"{plan.study}/{plan.launch}", plan.search.space, plan.search.goal)
