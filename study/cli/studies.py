"""The commands that list, show and explain studies before a run."""

from typing import Annotated

import typer

from study.cli.app import (
    Changes,
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
) -> None:
    """Show a study: question, hypotheses, factors, cells, seeds, sources, and its estimated cost on this machine."""
    study = study_of(name, profile)
    plan = planned(study, profile, seeds, changes, vary=vary, until_decided=until_decided)
    from study.studies import of_plugins
    from study.terminal import launches

    own = of_plugins().get(study.name)
    plugin = own.plugin if own is not None and own.value is study else ""
    launches.study(plan, tuple(study.profiles), console, plugin=plugin)


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
