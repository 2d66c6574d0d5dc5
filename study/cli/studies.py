"""The commands that list, show and explain studies before a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.cli.app import (
    Changes,
    CpusPerBlock,
    GpusPerBlock,
    Profile,
    Seeds,
    StudyArgument,
    UntilDecided,
    Vary,
    app,
    console,
    one_sentence,
    planned,
    study_of,
)
from study.formatting import quoted

if TYPE_CHECKING:
    from study.design.plan import Plan
    from study.scheduling.cluster_cost import Layout


@app.command("list")
@one_sentence
def list_studies() -> None:
    """List the studies and their profiles, those of loaded plugins among them."""
    from study.studies import of_plugins, studies
    from study.terminal import study_list

    study_list.show(tuple(studies().values()), tuple(of_plugins().values()), console)


@app.command()
@one_sentence
def show(
    name: StudyArgument,
    profile: Profile = None,
    seeds: Seeds = None,
    until_decided: UntilDecided = None,
    changes: Changes = None,
    vary: Vary = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="FILE.yaml",
            help="A cluster file of `ray up` with a price table: also say what it takes there, in hours and money.",
            show_default="this machine alone",
        ),
    ] = None,
    gpus_per_block: GpusPerBlock = None,
    cpus_per_block: CpusPerBlock = 1.0,
) -> None:
    """Show a study: question, hypotheses, factors, cells, seeds, sources, and what it takes here or on a cluster."""
    study = study_of(name, profile)
    plan = planned(study, profile, seeds, changes, vary=vary, until_decided=until_decided)
    cluster = _cluster(plan, on, gpus_per_block, cpus_per_block)
    from study.studies import of_plugins
    from study.terminal import launches

    own = of_plugins().get(study.name)
    plugin = own.plugin if own is not None and own.value is study else ""
    launches.study(plan, tuple(study.profiles), console, plugin=plugin, cluster=cluster)


def _cluster(plan: "Plan", on: str | None, gpus: float | None, cpus: float) -> "Layout | None":
    """Return where the plan would train on a cluster, before anything is measured."""
    if on is None:
        if gpus is not None or cpus != 1.0:
            raise ValueError(
                "--cpus-per-block and --gpus-per-block need a cluster in this command: give --on FILE.yaml"
            )
        return None
    if "://" in on:
        raise ValueError(f"--on must be a cluster file (*.yaml) with a price table, got {quoted(on)}")
    from study.design import cluster_file
    from study.scheduling import agenda, cluster_cost

    resources = agenda.Resources(cpus=cpus, gpus=gpus)
    return cluster_cost.layout(cluster_file.read(Path(on)), resources, len(plan.blocks()))


@app.command()
@one_sentence
def explain(
    name: StudyArgument,
    profile: Profile = None,
    cell: Annotated[
        str | None, typer.Option(help="Number or name of one cell.", show_default="all, and their differences")
    ] = None,
    seeds: Seeds = None,
    changes: Changes = None,
    vary: Vary = None,
) -> None:
    """Explain exactly what the cells train: formulas with their numbers, layers, updates, optimizers, draws."""
    plan = planned(name, profile, seeds, changes, vary=vary)
    from study.terminal import explain as explanation

    explanation.show(plan, console, cell)
