"""The commands that run, resume, decide, report and synchronize launches."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from study import signals
from study.cli.app import (
    Address,
    Changes,
    CpusPerBlock,
    GpusPerBlock,
    Keep,
    LaunchArgument,
    Out,
    Profile,
    RuleChanges,
    Seeds,
    Storage,
    StudyArgument,
    Trackers,
    TrackingUri,
    UntilDecided,
    Vary,
    app,
    console,
    errors,
    keeping,
    one_sentence,
    planned,
    save_study,
    stored,
    study_of,
)
from study.formatting import printable
from study.terminal.waiting import Waiting

_LOADING = "loading Ray and MLflow ..."


@app.command()
@one_sentence
def run(
    name: StudyArgument,
    profile: Profile = None,
    seeds: Seeds = None,
    until_decided: UntilDecided = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="With --until-decided: start no further block after this time, e.g. 90s, 30m or 2h.",
            show_default="the profile's",
        ),
    ] = None,
    changes: Changes = None,
    vary: Vary = None,
    keep: Keep = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Also write the run as a study file (*.py) to build on.", show_default=False),
    ] = None,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
    tracker: Trackers = None,
) -> None:
    """Run a study: train every cell with every seed, decide the outcome of each, and write the report."""
    relayed(address)
    study = study_of(name, profile)
    resources = resources_at(out, address, cpus_per_block, gpus_per_block, tracking_uri)
    plan = planned(study, profile, seeds, changes, vary=vary, until_decided=until_decided, budget=budget)
    plan = keeping(plan, keep)
    if save is not None:
        save_study(save, study, profile, seeds, changes, vary=vary, until_decided=until_decided, budget=budget)
    start(plan, out, resources, tracking_uri, tracker)


@app.command()
@one_sentence
def resume(
    launch: LaunchArgument,
    out: Out = Path("runs"),
    address: Address = "local",
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
    tracking_uri: TrackingUri = None,
    tracker: Trackers = None,
    storage: Storage = None,
) -> None:
    """Finish an interrupted launch: train the missing blocks of its plan and re-attach to its MLflow runs."""
    relayed(address)
    store = stored(launch, out)
    home = store.out
    store.plan().check_trained_here("resumed")
    resources = resources_at(home, address, cpus_per_block, gpus_per_block, tracking_uri)
    with Waiting(console) as waiting:
        waiting.on(_LOADING)
        from study import execution
        from study.api.running import mirror_at
        from study.terminal.progress import Terminal
        from study.tracking import tracker_at

    shown, mirror = tracker_at(home, tracking_uri, tracker, store), mirror_at(home, storage, store.plan())
    say_where(home, tracking_uri, tracker, store)

    def go() -> Any:
        with Terminal(console) as terminal:
            return execution.resume(store, resources, shown, [terminal], mirror)

    finish(store, go, shown, tracking_uri)


@app.command()
@one_sentence
def status(launch: LaunchArgument, out: Out = Path("runs")) -> None:
    """Show how far a launch is, from its files: replicas by status, and cells by outcome."""
    store = stored(launch, out)
    from study.scheduling.ledger import Ledger
    from study.terminal import standing

    standing.status(Ledger(store.plan(), store), console)


@app.command()
@one_sentence
def decide(launch: LaunchArgument, rule: RuleChanges = None, out: Out = Path("runs")) -> None:
    """Decide the outcomes of a launch again from its stored traces, with other thresholds. Trains nothing.

    Without --rule it is the rule that was declared before the run, which undoes what was decided by another one.
    """
    store = stored(launch, out)
    from study.design.parsing import assign_flat, assignments
    from study.scheduling.ledger import redecide

    plan = store.plan()
    wanted = assign_flat(plan.rule, assignments(rule or [], "--rule"))
    from study import report
    from study.launch import Launch
    from study.storage import lock
    from study.terminal import launches

    with lock.held(store.root):
        before = {(record.cell, record.replica): record.outcome for record in store.records()}
        ledger = redecide(plan, store, wanted)
        ledger.write()
        page = report.build(store)
    changed = sum(record.outcome is not before.get((record.cell, record.replica)) for record in ledger.records)
    launches.results(Launch(store), console)
    console.print(f"{changed} of {len(ledger.records)} replicas have a different outcome than before")
    console.print(f"MLflow   study sync {store.root}  shows them there", soft_wrap=True)
    console.print(f"report   {page}", soft_wrap=True)


@app.command()
@one_sentence
def report(launch: LaunchArgument, out: Out = Path("runs")) -> None:
    """Write the report of a launch again from its records and traces."""
    store = stored(launch, out)
    from study import report as pages
    from study.launch import Launch
    from study.terminal import launches

    page = pages.build(store)
    launches.results(Launch(store), console)
    console.print(f"report   {page}", soft_wrap=True)


@app.command()
@one_sentence
def sync(
    launch: LaunchArgument, out: Out = Path("runs"), tracking_uri: TrackingUri = None, tracker: Trackers = None
) -> None:
    """Rebuild what trackers show of a launch from its files, without duplicates, e.g. after the server was down."""
    store = stored(launch, out)
    from study import tracking
    from study.tracking import tracker_at

    shown = tracker_at(store.out, tracking_uri, tracker, store)
    if not tracking.sync(store, shown):
        raise ValueError(
            f"{shown.named()} lacks {shown.lacking()}; everything else of {store.root} is there, and"
            " the same command sends the rest once that works"
        )
    if not shown.named():
        console.print("nothing was sent: --tracking-uri is none")
    else:
        console.print(f"{shown.named()} shows all of {store.root}", soft_wrap=True, highlight=False)


@app.command()
@one_sentence
def ui(
    out: Out = Path("runs"),
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1.", show_default="a free one")] = None,
) -> None:
    """Serve the MLflow UI on 127.0.0.1 until Ctrl-C."""
    if not os.path.isfile(out / "mlflow.db"):
        raise ValueError(f"--out must be a folder with launches, got {out}: it has no mlflow.db yet{_elsewhere(out)}")
    from study import tracking

    port = tracking.port_for(port)
    root = tracking.root_of(port)
    found = tracking.saved_views(out)

    def ready() -> None:
        console.print(f"MLflow UI on {root} (Ctrl-C ends it)", soft_wrap=True)
        for study, addresses in found.items():
            for view, address in addresses.items():
                console.print(f"  {study}, {view}: {root}{address}", soft_wrap=True, highlight=False)

    console.print("starting MLflow's UI ...", style="dim")
    tracking.serve(tracking.ui_command(out, port), port, ready)


def _elsewhere(out: Path) -> str:
    """Return where the launches of MLflow's own variable are shown; empty if it names no server."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        return ""
    from study import tracking

    return f"; what is at {tracking.named(tracking.uri_for(out, None))} is shown there"


def relayed(address: str) -> None:
    """For an address ray://... run the command on that cluster and exit."""
    from study.scheduling import addresses

    addresses.check_form(address)
    if address.startswith("ray://"):
        addresses.check_answers(address)
        raise typer.Exit(relay(address))


def resources_at(out: Path, address: str, cpus: float, gpus: float | None, tracking_uri: str | None) -> Any:
    """Return the resources of each block; refuse what can be seen to fail before anything is loaded that trains."""
    from study import tracking
    from study.scheduling import addresses
    from study.scheduling.agenda import Resources
    from study.storage.lookup import check_writable

    resources = Resources(address=address, cpus=cpus, gpus=gpus)
    check_writable(out)
    addresses.check_answers(address)
    tracking.check(tracking.uri_for(out, tracking_uri))
    return resources


def start(
    plan: Any,
    out: Path,
    resources: Any,
    tracking_uri: str | None,
    tracker: Sequence[str] | None,
    storage: str | None = None,
) -> Any:
    """Run a new launch in its folder of ``out`` to its end; return its store."""
    with Waiting(console) as waiting:
        waiting.on(_LOADING)
        from study import execution
        from study.api.running import mirror_at
        from study.storage.new_launch import placed
        from study.terminal.progress import Terminal
        from study.tracking import tracker_at

    with placed(plan, out) as (named, store):
        mirror = mirror_at(out, storage, named)
        try:
            shown = tracker_at(out, tracking_uri, tracker)
            say_where(out, tracking_uri, tracker)

            def go() -> Any:
                with Terminal(console) as terminal:
                    return execution.start(named, store, resources, shown, [terminal], mirror)

            finish(store, go, shown, tracking_uri)
        finally:
            if mirror is not None and not store.plan_path.exists():
                mirror.withdraw()
    return store


def say_where(out: Path, tracking_uri: str | None, tracker: Sequence[str] | None, store: Any = None) -> None:
    """Print where MLflow shows a launch, if that is not the option's choice but the environment's."""
    from study import tracking

    uri = tracking.uri_for(out, None)
    if not tracking_uri and uri != tracking.local_uri(out) and tracking.in_mlflow(tracker, store):
        console.print(f"MLflow   {tracking.named(uri)}", soft_wrap=True, highlight=False)


def relay(address: str) -> int:
    """Run this command on the cluster's head, with ``--address auto``; return its exit code."""
    from study.scheduling import ray_cluster

    arguments = [argument.replace(address, "auto") for argument in sys.argv[1:]]
    code = 1
    for line in ray_cluster.relay(address, arguments):
        if isinstance(line, int):
            code = line
        else:
            sys.stdout.write(line)
    return code


def finish(store: Any, go: Callable[[], Any], shown: Any, tracking_uri: str | None) -> None:
    """Run a launch and print how it ended; whatever stops it, the computed part stays and can be resumed."""
    from study import tracking
    from study.launch import Launch
    from study.terminal import launches

    def say(*parts: Any) -> None:
        errors.print(Text.assemble(*parts), soft_wrap=True)

    try:
        result = go()
    except KeyboardInterrupt:
        say(f"{signals.reason() or 'interrupted'}; ", launches.way_on(store))
        raise typer.Exit(130) from None
    except OSError as error:
        say(("error: ", "red"), f"{error}; ", launches.way_on(store))
        raise typer.Exit(1) from None
    show = launches.interrupted if result.interrupted else launches.results
    show(Launch(store, result.records), console)
    uri = tracking.uri_for(store.out, tracking_uri) if tracking.in_mlflow(None, store) else tracking.NOWHERE
    launches.paths(store, result.report, console, tracked=uri == tracking.local_uri(store.out))
    if uri not in (tracking.NOWHERE, tracking.local_uri(store.out)):
        console.print(f"MLflow   {tracking.named(uri)}", soft_wrap=True, highlight=False)
    for title, look in tracking.places(store):
        console.print(Text(f"{title:8} {look}"), soft_wrap=True)
    if not result.shown:
        say(f"{shown.named()} does not show everything yet; fill it with: study sync {store.root}")
    for block, reason in result.crashes.items():
        where = store.tune_path / "blocks" / block / "error.txt"
        say((f"block {block} crashed: ", "red"), f"{printable(reason)} (full error: {where})")
    if result.interrupted or result.crashes:
        say(f"{signals.reason() or 'interrupted'}; " if result.interrupted else "", launches.way_on(store))
        raise typer.Exit(130 if result.interrupted else 1)
