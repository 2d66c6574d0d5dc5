"""The command ``study spaces``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from search_spaces import SEARCHES, Int, JsonValue, Options, Range, Space, label_of
from search_spaces.conditions import sentence
from study.cli.app import app, console, one_sentence


@app.command()
@one_sentence
def spaces(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A space, a file with a SPACE (*.py), or several joined by +, to show in full.", metavar="[SPACE]"
        ),
    ] = None,
) -> None:
    """List the search spaces, those of plugins too, or show one: its axes, their ranges, conditions and sources."""
    if name is None:
        from study.design import brought

        _list([(own.value, own.plugin) for own in brought.spaces().values()])
        return
    from study.api.planning import space_of

    _show(space_of(name))


def _list(brought: Sequence[tuple[Space, str]]) -> None:
    table = _table("space", "what it searches", "axes", "conditional")
    for space, plugin in (*((own, "") for own in SEARCHES.values()), *brought):
        title = Text(space.title + f" (plugin {plugin})" * bool(plugin))
        table.add_row(Text(space.name), title, str(len(space.axes)), "yes" if space.conditional else "no")
    console.print(table)


def _show(space: Space) -> None:
    console.print(Text.assemble((space.name, "bold"), f"  {space.title}"))
    console.print(Text(f"{space.source}."))
    if space.assign:
        fixed = ", ".join(f"{path} = {label_of(value)}" for path, value in space.assign.items())
        console.print(Text(f"Fixed: {fixed}."))
    axes = _table("axis", "values", "default", "when", "role")
    for axis in space.axes:
        axes.add_row(axis.name, Text(_values(axis)), _number(axis.default), Text(sentence(axis.when)), axis.role.value)
    console.print(Text.assemble("\n", ("Axes", "bold"), ", both ends of a range included"))
    console.print(axes)
    origins = _table("axis", "sets", "source")
    for axis in space.axes:
        origins.add_row(axis.name, Text("\n".join(_paths(space, axis))), Text(axis.source))
    console.print(Text.assemble("\n", ("What they set", "bold"), ", and where their values come from"))
    console.print(origins)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column in ("space", "axis", "role"), overflow="fold")
    return table


def _values(axis: Options | Range) -> str:
    if isinstance(axis, Options):
        return ", ".join(axis.labels)
    kind = "whole, " * isinstance(axis.domain, Int)
    return f"{kind}{_number(axis.domain.low)} to {_number(axis.domain.high)}{', log' * axis.domain.log}"


def _paths(space: Space, axis: Options | Range) -> list[str]:
    """Return the paths that the axis sets, directly or by a rule."""
    if isinstance(axis, Options):
        return list(dict.fromkeys(path for level in axis.levels for path in level.assign))
    return [*axis.paths, *(path for rule in space.rules if axis.name in rule.axes for path in rule.paths)]


def _number(value: JsonValue) -> str:
    return f"{value:.6g}" if isinstance(value, float) else label_of(value)
