"""The list of studies on the terminal: a row for each, or two lines where rows have no room."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study.design.brought import Brought
from study.design.study import Study
from study.terminal.width import narrow


def show(studies: Sequence[Study], brought: Sequence[Brought[Study]], console: Console) -> None:
    """Print name, question and profiles of each study; those that plugins bring come last, with the plugin's name."""
    rows = [(study, "") for study in studies] + [(own.value, own.plugin) for own in brought]
    if narrow(console):
        for study, plugin in rows:
            profiles = ", ".join(study.profiles) + _origin(plugin)
            console.print(Text.assemble((study.name, "bold"), (f"  {profiles}", "dim")))
            console.print(Padding(Text(study.question), (0, 0, 0, 2)))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("study", "question", "profiles"):
        table.add_column(column, no_wrap=column == "study")
    for study, plugin in rows:
        profiles = ", ".join(study.profiles)
        table.add_row(Text(study.name), Text.assemble(study.question, (_origin(plugin), "dim")), Text(profiles))
    console.print(table)


def _origin(plugin: str) -> str:
    return f" (plugin {plugin})" if plugin else ""
