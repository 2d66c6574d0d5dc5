"""The list of studies on the terminal: a row for each, or two lines where rows have no room."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study.design.study import Study
from study.terminal.width import narrow


def show(studies: Sequence[Study], console: Console) -> None:
    """Print name, question and profiles of each study."""
    if narrow(console):
        for study in studies:
            console.print(Text.assemble((study.name, "bold"), (f"  {', '.join(study.profiles)}", "dim")))
            console.print(Padding(Text(study.question), (0, 0, 0, 2)))
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("study", "question", "profiles"):
        table.add_column(column, no_wrap=column == "study")
    for study in studies:
        table.add_row(Text(study.name), Text(study.question), Text(", ".join(study.profiles)))
    console.print(table)
