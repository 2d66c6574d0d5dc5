"""The parts that all commands share: the application, its consoles, common options, and the form of errors."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from importlib.metadata import version
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer
from rich.text import Text
from typer.core import TyperGroup
from typer.exceptions import TyperException

from study.formatting import did_you_mean, printable, quoted
from study.terminal.consoles import PlainConsole

if TYPE_CHECKING:
    from study.design.plan import Plan
    from study.design.study import Study
    from study.storage.store import Store

# One thread per process: blocks run side by side and share the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

console = PlainConsole()
errors = PlainConsole(stderr=True)
P = ParamSpec("P")


def say_error(sentence: object) -> None:
    """Print why something was refused or failed: one line, in which nothing that it repeats is markup."""
    said = Text.assemble(("error:", "red"), " ", printable(str(sentence)))
    errors.print(said, highlight=False, soft_wrap=not errors.is_terminal)


class Commands(TyperGroup):
    """The commands; what is wrong in the arguments is one sentence and exit code 2, as everything that is refused."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, prog_name, complete_var, False, windows_expand_args, **extra)
        except TyperException as error:
            if not standalone_mode:
                raise
            sentence = _sentence(error, words)
            if sentence:  # the help, which a command without arguments is asked for, has been printed
                say_error(sentence)
            sys.exit(error.exit_code)
        if not standalone_mode:
            return code
        sys.exit(code or 0)


def _sentence(error: TyperException, words: Sequence[str]) -> str:
    """Return what is wrong in the arguments, with the value that was given; empty if nothing is."""
    message = error.format_message().strip()
    if not message:
        return ""
    options: Sequence[str] = getattr(getattr(error, "param", None), "opts", ())
    value = _given(words, options)
    if value is not None:
        rule = getattr(error, "message", message).rstrip(".")
        return f"{options[-1]}: {rule[:1].lower()}{rule[1:]}, got {quoted(value)}"
    context = getattr(error, "ctx", None)
    command = "study" if context is None else context.command_path
    message = message[:1].lower() + message[1:].rstrip(".")
    wrong = getattr(error, "option_name", None)
    if wrong is not None and context is not None:
        known = [name for parameter in context.command.params for name in parameter.opts if name.startswith("--")]
        message = f"no such option: {wrong}" if message.startswith("no such option") else message
        message += did_you_mean(wrong, known)
    return f"{message.replace('. Did you mean', ': did you mean')} (see {command} --help)"


def _given(words: Sequence[str], options: Sequence[str]) -> str | None:
    """Return the last value that the words give to an option; None if they give none."""
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        name, sign, value = word.partition("=")
        if name in options and name.startswith("-"):
            found = value if sign else following
    return found


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Which settings of a GAN train reliably, how sure are we, and why do the others fail?",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"study {version('gan-stability-lab')}")
        raise typer.Exit()


@app.callback()
def _study(
    version: Annotated[  # the name of the option
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    try:
        os.getcwd()
    except FileNotFoundError:  # which torch's libraries end the process for
        say_error("the working folder no longer exists: cd to another one")
        raise typer.Exit(2) from None


def _local(out: str | Path) -> Path:
    """Return a folder of this machine; checked as it was typed, because a path has one slash of an address's two."""
    from study.storage.lookup import check_local

    try:
        check_local(out)
    except ValueError as error:
        say_error(error)
        raise typer.Exit(2) from None
    return Path(out)


Out = Annotated[
    Path,
    typer.Option(
        "--out", parser=_local, metavar="PATH", help="Folder of launches, MLflow's database and cached features."
    ),
]
LaunchArgument = Annotated[
    str, typer.Argument(help="A launch: its id as printed by run, or its folder.", metavar="LAUNCH")
]
Address = Annotated[
    str, typer.Option(help="Ray: 'local' starts one here, 'auto' joins this machine's cluster, or ray://host:port.")
]
GpusPerBlock = Annotated[
    float | None,
    typer.Option(help="GPUs per block; a fraction shares a GPU.", show_default="as blocks need, 0.25 at least"),
]
CpusPerBlock = Annotated[float, typer.Option(help="CPUs per block; a fraction shares a CPU.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        help="MLflow server; 'none' for no MLflow.", show_default="$MLFLOW_TRACKING_URI, else sqlite in --out"
    ),
]
Trackers = Annotated[
    list[str] | None,
    typer.Option(
        "--tracker",
        metavar="NAME",
        help="What shows the launch: mlflow, tensorboard, wandb, csv or that of a plugin. Repeatable.",
        show_default="mlflow; of an existing launch those that it was begun with",
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
    typer.Option(help="Scale: smoke, quick, hour, standard or paper, if the study has it.", show_default="quick"),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        help="Networks to keep of every replica: none, last, best or both.",
        show_default="last, of the replicas that the report shows; in standard and paper of all",
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH=V1,V2,...",
        help="Run a grid over these values instead of the study's factors: --vary clip=0.01,0.1. Repeatable.",
    ),
]
UntilDecided = Annotated[
    bool | None,
    typer.Option(
        "--until-decided/--fixed-seeds",
        help="Add seeds block by block, only to cells of undecided hypotheses, up to --seeds per cell; or train --seeds"
        " per cell, no more and no fewer.",
        show_default="the profile's",
    ),
]
Plugins = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        metavar="FILE.py",
        help="A Python file that adds losses, networks, data or measurements of your own. Repeatable.",
    ),
]
Seeds = Annotated[int | None, typer.Option(help="Replicas per cell.", show_default="the profile's")]


def one_sentence(command: Callable[P, None]) -> Callable[..., None]:
    """Print a ValueError or OSError of the command as one sentence and exit with code 2, without a traceback.

    The command also takes ``--plugin``: files that are loaded before anything else is read.
    """

    @wraps(command)
    @without_traceback
    def wrapped(*args: Any, plugin: list[str] | None = None, **kwargs: Any) -> None:
        from study.api import extensions  # --help and --version need none

        extensions.load(plugin or ())
        command(*args, **kwargs)

    option = Parameter("plugin", Parameter.KEYWORD_ONLY, default=None, annotation=Plugins)
    own = signature(command)
    wrapped.__signature__ = own.replace(parameters=[*own.parameters.values(), option])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {**command.__annotations__, "plugin": Plugins}
    return wrapped


def without_traceback(command: Callable[P, None]) -> Callable[P, None]:
    """Print a ValueError or OSError of the command as one sentence and exit with code 2."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except BrokenPipeError:  # whoever read the output has gone
            raise
        except (ValueError, OSError) as error:
            say_error(_reason(error))
            raise typer.Exit(2) from None

    return wrapped


def _reason(error: ValueError | OSError) -> str:
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
    until_decided: bool | None = None,
    budget: str | None = None,
) -> "Plan":
    """Return the plan of a study under the options of the command line."""
    from study.api.planning import plan
    from study.design.parsing import assignments
    from study.design.varying import axes
    from study.terminal.waiting import Waiting

    with Waiting(console) as waiting:
        waiting.on("planning ...", logged=False)
        return plan(
            name,
            profile,
            seeds=seeds,
            set=assignments(changes or [], "--set"),
            vary=axes(vary or [], "--vary"),
            until_decided=until_decided,
            budget=budget,
        )


def keeping(plan: "Plan", keep: str | None) -> "Plan":
    """Return the plan with what is kept of the trained networks, if that is given."""
    kept: Any = keep
    return plan if keep is None else replace(plan, keep=kept)


def save_study(
    path: Path,
    study: "Study",
    profile: str | None,
    seeds: int | None,
    changes: list[str] | None,
    *,
    vary: list[str] | None,
    until_decided: bool | None,
    budget: str | None,
) -> None:
    """Write the plan of these options as a study file."""
    from study.api.planning import save
    from study.design.parsing import assignments
    from study.design.varying import axes

    values, grid = assignments(changes or [], "--set"), axes(vary or [], "--vary")
    save(path, study, profile, seeds=seeds, set=values, vary=grid, until_decided=until_decided, budget=budget)
    console.print(f"study    {path}", soft_wrap=True)


def stored(launch: str, out: Path) -> "Store":
    """Return the folder of a launch, given by its id or its path."""
    from study.storage.lookup import folder_of

    root = folder_of(launch, out)
    from study.storage.store import Store

    return Store(root)
