"""The command ``study``: names of studies and launches in, tables and paths out. Science lives in the study files."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table

# What the heavy libraries print about themselves would drown the progress display.
os.environ.setdefault("OMP_NUM_THREADS", "1")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Which settings of a GAN train reliably, how sure are we, and why do the others fail?",
)
data_app = typer.Typer(no_args_is_help=True, help="Which data sets there are, which are here, and what is in one.")
app.add_typer(data_app, name="data")
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


def _one_sentence(command: Callable[P, None]) -> Callable[P, None]:
    """A user's mistake is one sentence and exit code 2, never a traceback."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ValueError as error:
            errors.print(f"[red]error:[/] {str(error).replace('[', chr(92) + '[')}", highlight=False, soft_wrap=True)
            raise typer.Exit(2) from None

    return wrapped


@app.command("list")
@_one_sentence
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
@_one_sentence
def show(
    name: Annotated[str, typer.Argument(help="The study's name.")],
    profile: Profile = "quick",
    seeds: Seeds = None,
    changes: Changes = None,
) -> None:
    """Shows a study: question, hypotheses, factors, cells, seeds, sources, and what it would cost on this machine."""
    from study import present
    from study.studies import find

    study = find(name)
    present.study(study, _plan(name, profile, seeds, changes), console)


@app.command()
@_one_sentence
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
    from study import explain as explanation

    explanation.show(_plan(name, profile, seeds, changes), console, cell)


@app.command()
@_one_sentence
def run(
    name: Annotated[str, typer.Argument(help="The study's name; `study list` prints them.")],
    profile: Profile = "quick",
    seeds: Seeds = None,
    changes: Changes = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
) -> None:
    """Runs a study: trains every cell with every seed, decides what became of each, and reports."""
    if address.startswith("ray://"):
        raise typer.Exit(_relay(address))
    console.print("loading torch, Ray and MLflow ...", style="dim")
    from study import conduct
    from study.launch import Resources
    from study.store import Store

    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    spec = _plan(name, profile, seeds, changes)
    store = Store(out / spec.study / spec.launch)
    _finish(store, lambda: conduct.start(spec, store, resources, _tracker(out, tracking_uri), console))


@app.command()
@_one_sentence
def resume(
    launch: LaunchArgument,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
) -> None:
    """Finishes an interrupted launch: trains what its plan still lacks and re-attaches to its MLflow runs."""
    if address.startswith("ray://"):
        raise typer.Exit(_relay(address))
    console.print("loading torch, Ray and MLflow ...", style="dim")
    from study import conduct
    from study.launch import Resources

    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    store = _store(launch, out)
    tracker = _tracker(store.root.parent.parent, tracking_uri)
    _finish(store, lambda: conduct.resume(store, resources, tracker, console))


@app.command()
@_one_sentence
def status(launch: LaunchArgument, out: Out = Path("runs")) -> None:
    """Shows how far a launch is: blocks, and replicas by status and outcome, from its files."""
    from study import present
    from study.ledger import Ledger

    store = _store(launch, out)
    present.status(Ledger(store.spec(), store), console)


@app.command()
@_one_sentence
def decide(launch: LaunchArgument, rule: RuleChanges = None, out: Out = Path("runs")) -> None:
    """Decides the outcomes of a launch again from its stored traces, with other thresholds. Trains nothing."""
    from study import present
    from study.ledger import redecide
    from study.parsing import assign_flat, assignments

    store = _store(launch, out)
    spec = store.spec()
    before = {(record.cell, record.replica): record.outcome for record in store.records()}
    ledger = redecide(spec, store, assign_flat(spec.rule, assignments(rule or [], "--rule")))
    ledger.write()
    from study import report

    page = report.build(store)
    changed = sum(record.outcome is not before.get((record.cell, record.replica)) for record in ledger.records)
    present.results(ledger.spec, ledger.records, console)
    console.print(f"{changed} of {len(ledger.records)} replicas have another outcome than before")
    console.print(f"MLflow   study sync {store.root}  shows them there", soft_wrap=True)
    console.print(f"report   {page}", soft_wrap=True)


@app.command()
@_one_sentence
def report(launch: LaunchArgument, out: Out = Path("runs")) -> None:
    """Writes a launch's report again from its records and traces."""
    from study import present
    from study import report as pages

    store = _store(launch, out)
    page = pages.build(store)
    present.results(store.spec(), store.records(), console)
    console.print(f"report   {page}")


@app.command()
@_one_sentence
def sync(launch: LaunchArgument, out: Out = Path("runs"), tracking_uri: TrackingUri = None) -> None:
    """Rebuilds a launch's MLflow runs from its files, without duplicates; after a server was away, say."""
    from study import tracking

    store = _store(launch, out)
    if not tracking.sync(store, _tracker(store.root.parent.parent, tracking_uri)):
        raise ValueError(f"--tracking-uri must stay reachable until all of {store.root} is sent, and did not")
    console.print(f"MLflow shows all of {store.root}")


@app.command()
@_one_sentence
def figure(
    name: Annotated[str, typer.Argument(help="Which: losses.", metavar="FIGURE")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .png, .svg or .pdf.", show_default="FIGURE.png")
    ] = None,
) -> None:
    """Draws a figure of the theory: losses and their gradients against the score."""
    if name != "losses":
        raise ValueError(f"FIGURE must be one of losses, got {name!r}")
    from study.report import losses

    path = Path(f"{name}.png") if out is None else out
    losses.draw(path)
    console.print(f"figure   {path}", soft_wrap=True)


@app.command()
@_one_sentence
def ui(
    out: Out = Path("runs"),
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1.", show_default="a free one")] = None,
) -> None:
    """Serves the MLflow UI on 127.0.0.1 until Ctrl-C."""
    from study import tracking

    if not (out / "mlflow.db").exists():
        raise ValueError(f"--out must be a folder with launches, got {out}: it has no mlflow.db yet")
    command = tracking.ui_command(out, port)
    root = f"http://127.0.0.1:{command[command.index('--port') + 1]}"
    console.print(f"MLflow UI on {root} (Ctrl-C ends it); cells by success rate:", soft_wrap=True)
    for study, view in tracking.cell_views(out).items():
        console.print(f"  {study}: {root}{view}", soft_wrap=True, highlight=False)
    try:
        raise typer.Exit(subprocess.run(command, check=False).returncode)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


DataArgument = Annotated[str, typer.Argument(help="A data set; `study data list` prints them.", metavar="NAME")]


@data_app.command("list")
@_one_sentence
def list_data() -> None:
    """Lists the data sets, whether each is here, and how to get the rest."""
    from study import datasets

    datasets.show_all(console)


@data_app.command("check")
@_one_sentence
def check_data(
    name: DataArgument,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Sets a field, e.g. root=photos or side=32. Repeatable."),
    ] = None,
) -> None:
    """Loads a data set for real: counts images, classes and distinct images, and names files that cannot be read."""
    from study import datasets

    datasets.show(datasets.configured(name, changes or []), console)


@data_app.command("get")
@_one_sentence
def get_data(
    name: DataArgument,
    root: Annotated[str | None, typer.Option(help="Folder to put it in.", show_default="data/NAME")] = None,
) -> None:
    """Downloads a data set through torchvision, where that can."""
    from study import datasets

    try:
        datasets.get(name, root, console)
    except datasets.DownloadError as error:
        errors.print(f"error: {error}", soft_wrap=True, highlight=False, markup=False)
        raise typer.Exit(1) from None


def _relay(address: str) -> int:
    """The same command on the cluster's head, which is ``--address auto`` there."""
    from study import launch

    arguments = [argument.replace(address, "auto") for argument in sys.argv[1:]]
    code = 1
    for line in launch.relay(address, arguments):
        if isinstance(line, int):
            code = line
        else:
            sys.stdout.write(line)
    return code


def _plan(name: str, profile: str, seeds: int | None, changes: list[str] | None) -> Any:
    from study.parsing import assignments
    from study.plan import plan
    from study.studies import find

    now = datetime.now().astimezone()
    return plan(find(name), profile, now=now, seeds=seeds, changes=assignments(changes or [], "--set"))


def _tracker(out: Path, uri: str | None) -> Any:
    from study import tracking

    if uri == "none":
        return tracking.NullTracker()
    return tracking.MlflowTracker(tracking.local_uri(out) if uri is None else uri)


def _store(launch: str, out: Path) -> Any:
    from study.store import Store

    for root in (Path(launch), *sorted(out.glob(f"*/{launch}"))):
        if (root / "spec.json").exists():
            return Store(root)
    raise ValueError(f"LAUNCH must be a launch's folder or the id of one in {out}, got {launch!r}")


def _finish(store: Any, go: Callable[[], Any]) -> None:
    """Runs a launch and says how it ended; whatever stops it, what was computed stays and can be resumed."""
    from study import present

    again = f"what was computed is kept; go on with: study resume {store.root}"
    try:
        result = go()
    except KeyboardInterrupt:
        errors.print(f"interrupted; {again}", soft_wrap=True)
        raise typer.Exit(130) from None
    except OSError as error:
        errors.print(f"[red]error:[/] {error}; {again}", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None
    present.results(store.spec(), result.records, console)
    present.paths(store, result.report, console)
    if not result.shown:
        errors.print(f"MLflow does not show everything yet; fill it with: study sync {store.root}", soft_wrap=True)
    for block, reason in result.crashes.items():
        where = store.tune_path / "blocks" / block / "error.txt"
        errors.print(f"[red]block {block} crashed:[/] {reason} (all of it: {where})", soft_wrap=True, highlight=False)
    if result.interrupted or result.crashes:
        errors.print(f"{'interrupted; ' if result.interrupted else ''}{again}", soft_wrap=True, highlight=False)
        raise typer.Exit(130 if result.interrupted else 1)


def main() -> None:
    """Entry point of the script ``study``."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
