"""The explanation of cells on the terminal: one cell in full, or the shared statements and the differences."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.design.description import Statement, statements
from study.design.plan import Cell, Plan


def show(plan: Plan, console: Console, wanted: str | None = None) -> None:
    """Print the explanation of one cell; or what all cells share, and then where they differ.

    Args:
        plan: the plan of the cells.
        console: where to print.
        wanted: name or number of one cell; by default all cells.

    Raises:
        ValueError: if there is no such cell.
    """
    cells = plan.cells if wanted is None else (plan.cell(wanted),)
    console.print(Text.assemble((plan.study, "bold"), f" ({plan.profile})"))
    if len(cells) == 1:
        console.print(Text(f"cell {cells[0].index}: {cells[0].name}, digest {cells[0].digest}"))
    else:
        console.print(Text(f"{len(cells)} cells: what they share, then where they differ"))
    seeds = f"{len(plan.seeds)} per cell, seeds {plan.seeds[0]} to {plan.seeds[-1]}, in stacks of up to {plan.block}"
    explained = {cell.index: statements(cell.config, seeds) for cell in cells}
    first = explained[cells[0].index]
    shared = [fact for fact in first if all(fact in facts for facts in explained.values())]
    _print(shared, console)
    if len(cells) > 1:
        _print_differences(cells, explained, console)


def _print(chosen: Sequence[Statement], console: Console) -> None:
    for section, facts in groupby(chosen, key=lambda fact: fact.section):
        console.print(Text(f"\n{section}", style="bold"))
        console.print(_table([(fact.name, fact.text) for fact in facts]))


def _table(rows: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=20, max_width=34)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def _print_differences(cells: Sequence[Cell], explained: Mapping[int, Sequence[Statement]], console: Console) -> None:
    """Print each statement that not all cells share, with the cells that it holds for."""
    console.print(Text("\nWhere the cells differ", style="bold"))
    for name, variants in differences(explained).items():
        console.print(Text(f"\n{name}"))
        console.print(_table([(where(indices, cells), text) for text, indices in variants.items()]))


def differences(explained: Mapping[int, Sequence[Statement]]) -> dict[str, dict[str, list[int]]]:
    """Return, for each statement that differs, its variants and the numbers of their cells, in order of sections."""
    texts: dict[str, dict[str, dict[str, list[int]]]] = {}
    for index, facts in explained.items():
        for fact in facts:
            texts.setdefault(fact.section, {}).setdefault(fact.name, {}).setdefault(fact.text, []).append(index)
    return {
        f"{section}: {name}": variants
        for section, names in texts.items()
        for name, variants in names.items()
        if list(variants.values()) != [list(explained)]
    }


def where(indices: Sequence[int], cells: Sequence[Cell]) -> str:
    """Describe some cells briefly: by the levels of one factor if these identify them, or else by name."""
    chosen = [cell for cell in cells if cell.index in indices]
    names = []
    for factor in cells[0].levels:
        levels = dict.fromkeys(cell.levels[factor] for cell in chosen)
        if [cell for cell in cells if cell.levels[factor] in levels] == chosen:
            names.append((len(levels), f"{factor} {', '.join(levels)}"))
    return min(names, key=lambda item: item[0])[1] if names else "\n".join(cell.name for cell in chosen)
