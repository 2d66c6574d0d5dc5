"""The commands that hand a command to a cluster, look at it again, and stop it."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from study.cli.app import app, console, errors, study_of, without_traceback

if TYPE_CHECKING:
    from study.scheduling.ray_jobs import Job, Jobs

On = Annotated[
    str,
    typer.Option(
        "--on",
        metavar="WHERE",
        help="The cluster: its file (*.yaml) of `ray up`, or the address of its dashboard, http://host:port.",
        show_default="this machine's, http://127.0.0.1:8265",
    ),
]
_HERE = "http://127.0.0.1:8265"
_TRAIN = ("run", "resume", "search", "confirm")


# What stands behind COMMAND is its own, also an option that submit has, too: the --on of a search.
@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@without_traceback
def submit(
    command: Annotated[str, typer.Argument(help="run, resume, search or confirm.", metavar="COMMAND")],
    arguments: Annotated[list[str], typer.Argument(help="Its own, options too.", metavar="ARGUMENTS")],
    on: On = _HERE,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Show its output until it ends, or until Ctrl-C.")
    ] = True,
) -> None:
    """Run a command on a cluster, which goes on with it when this machine goes away.

    Write it as you would here, behind the options of submit, with a folder for --out that every machine of the cluster
    sees: study submit --on cluster.yaml run lsgan-stability --profile standard --out /mnt/lab/runs
    """
    values = _checked(command, arguments)
    files = _files(values)
    name = f"{Path(values.get('name') or values['launch']).stem}-{datetime.now():%Y%m%d-%H%M%S}"
    with _jobs(on) as jobs:
        jobs.submit(name, [command, *_sent(arguments, files), "--address", "auto"], files)
        for what, told in (("job", name), ("look", _way("attach", name, on)), ("end", _way("stop", name, on))):
            console.print(f"{what:8} {told}", soft_wrap=True, highlight=False)
        if follow:
            _follow(jobs, name, on)


@app.command()
@without_traceback
def attach(
    job: Annotated[
        str | None, typer.Argument(help="A job, as printed by submit.", metavar="JOB", show_default="the newest")
    ] = None,
    on: On = _HERE,
) -> None:
    """Show what a command on a cluster has printed, and what it prints until it ends. Ctrl-C leaves it running."""
    with _jobs(on) as jobs:
        _follow(jobs, _newest(jobs) if job is None else jobs.named(job).name, on)


@app.command()
@without_traceback
def stop(
    job: Annotated[str, typer.Argument(help="A job, as printed by submit.", metavar="JOB")], on: On = _HERE
) -> None:
    """Stop a command on a cluster as Ctrl-C does: what is trained stays, and the launch can be resumed."""
    with _jobs(on) as jobs:
        if (found := jobs.named(job)).over:
            raise ValueError(f"JOB must be running to be stopped, and {job} is {found.status}")
        jobs.stop(job)
        console.print(f"{job} closes its runs and writes its report ...", soft_wrap=True, style="dim")
        console.print(f"{job} is {jobs.end(job).status}", soft_wrap=True, highlight=False)


@app.command("jobs")
@without_traceback
def listed(on: On = _HERE) -> None:
    """List the commands that were submitted to a cluster, oldest first."""
    with _jobs(on) as jobs:
        found = jobs.all()
    if not found:
        console.print(f"nothing was submitted to {on}", soft_wrap=True)
    for job in found:
        began = f"{job.began:%Y-%m-%d %H:%M}" if job.began else ""
        line = Text.assemble((job.name, "bold"), f"  {job.status}  {began}  {job.command}")
        console.print(line, soft_wrap=True, highlight=False)


@contextmanager
def _jobs(on: str) -> "Iterator[Jobs]":
    try:
        from study.scheduling import ray_jobs
    except ImportError as error:
        raise ValueError(
            f"jobs need Ray with its dashboard here and on the cluster, uv sync --group cluster, and lack {error.name}"
        ) from None
    with ray_jobs.at(on) as jobs:
        yield jobs


def _checked(command: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the values of a command's parameters.

    Raises:
        ValueError: if the cluster could not run it.
    """
    from study.api import extensions

    if command not in _TRAIN:
        raise ValueError(f"COMMAND must be one of {', '.join(_TRAIN)}, got {command!r}")
    group: Any = typer.main.get_command(app)
    with group.commands[command].make_context(f"study {command}", list(arguments)) as context:
        values: dict[str, Any] = context.params
    if command == "run":
        extensions.load(values["plugin"] or ())
        study_of(values["name"], values["profile"])
    if values["address"] != "local":
        raise ValueError(f"--address is the cluster's own in a submitted command, got {values['address']!r}")
    if not values["out"].is_absolute():
        raise ValueError(
            "--out must be a folder that every machine of the cluster sees, with its full path, got"
            f" {str(values['out'])!r}"
        )
    return values


def _files(values: Mapping[str, Any]) -> dict[str, Path]:
    """Return the files of this machine that a command names, by the names that they have on the cluster."""
    named = [each for each in (values.get("name"), *(values["plugin"] or ())) if each and Path(each).is_file()]
    files = {Path(each).name: Path(each) for each in named}
    if len(files) < len(named):
        raise ValueError(f"files of a submitted command must have different names, got {', '.join(named)}")
    return files


def _sent(arguments: Sequence[str], files: Mapping[str, Path]) -> list[str]:
    """Return the arguments with the names that files have on the cluster; ``--plugin=FILE`` is one argument."""
    names = {str(path): name for name, path in files.items()}
    sent = []
    for argument in arguments:
        option, sign, value = argument.partition("=")
        if option == "--plugin" and sign:
            sent.append(f"--plugin={names.get(str(Path(value)), value)}")
        else:
            sent.append(names.get(str(Path(argument)), argument) if argument else argument)
    return sent


def _newest(jobs: "Jobs") -> str:
    found = jobs.all()
    if not found:
        raise ValueError(f"--on must be a cluster to which something was submitted, got {jobs.where!r}")
    return found[-1].name


def _way(command: str, name: str, on: str) -> str:
    """Return the command that looks at a job, or stops it."""
    return f"study {command} {name}" + ("" if on == _HERE else f" --on {on}")


def _follow(jobs: "Jobs", name: str, on: str) -> None:
    """Show a job until it ends, and end as it does; a lost connection or Ctrl-C leaves it running."""
    from study.scheduling.ray_jobs import JobLost

    try:
        for line in jobs.lines(name):
            sys.stdout.write(line)
            sys.stdout.flush()
        job = jobs.end(name)
    except KeyboardInterrupt:
        errors.print(f"{name} goes on: {_way('attach', name, on)}", soft_wrap=True, highlight=False)
        raise typer.Exit(130) from None
    except JobLost as error:
        errors.print(f"{error}; the job goes on: {_way('attach', name, on)}", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    raise typer.Exit(_code(job))


def _code(job: "Job") -> int:
    """Return the exit code of the command, or why it has none."""
    if job.status == "SUCCEEDED":
        return 0
    if job.code is None:
        errors.print(Text(f"{job.name} is {job.status}: {job.message}"), soft_wrap=True, highlight=False)
    return 1 if job.code is None else job.code
