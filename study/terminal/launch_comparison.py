"""The comparison of two launches on the terminal, in tables as wide as the terminal, up to 100 columns."""

from rich.console import Console
from rich.table import Table

from study import formatting
from study.audit.comparison import CellChange, LaunchComparison
from study.report import palette, phrases

_WIDTH = 100


def show(result: LaunchComparison, console: Console) -> None:
    """Print the summary sentence, then a table of each kind of difference; one line for a kind without any."""
    console.print(result.sentence, style="bold", highlight=False, soft_wrap=True)
    if repeated := repetition(result):
        console.print(repeated, highlight=False, soft_wrap=True)
    for when, plan in (("before", result.before), ("after", result.after)):
        console.print(f"{when:<8}{plan.study}, launch {plan.launch}, plan {plan.digest()}", style="dim")
    for table in (changes(result), cells(result), transitions(result), verdicts(result)):
        if table.width is not None:
            table.width = min(table.width, console.width)
        console.print()
        console.print(table if table.rows else f"{table.title}: none", highlight=False)


def repetition(result: LaunchComparison) -> str:
    """Say whether equal configurations, seeds, software and devices gave equal results; "" if there are none."""
    again = result.repeats
    if not again.couples:
        return ""
    where = f"{again.couples} replicas ran with the same configuration, seed, versions, device and mode in both"
    if not again.other_outcome and not again.other_numbers:
        return f"{where}, and gave the same numbers."
    return (
        f"{where}: {again.other_outcome} have a different outcome and {again.other_numbers} the same outcome from"
        " different measurements, so training was not deterministic."
    )


def changes(result: LaunchComparison) -> Table:
    """Return the table of settings on which the two plans differ."""
    table = titled("Changes of the plan", ("what", 3), ("before", 2), ("after", 2))
    for change in result.changes:
        table.add_row(*(text for text in (change.path, change.before or "absent", change.after or "absent")))
    return table


def cells(result: LaunchComparison) -> Table:
    """Return the table of each cell's success in both, the difference with its 95 % interval, and the adjusted p."""
    table = titled("Cells (difference: after minus before; p: McNemar in pairs, or Boschloo; Holm over cells)")
    table.add_column("cell", overflow="fold", ratio=1)
    for name in ("before", "after", "difference, 95 %", "pairs", "p adjusted"):
        table.add_column(name, justify="right", no_wrap=True)
    for cell in result.cells:
        table.add_row(cell.name + ("" if cell.same else " *"), *numbers(cell))
    if not all(cell.same for cell in result.cells):
        table.caption, table.caption_justify = "* different configuration", "left"
    return table


def numbers(cell: CellChange) -> tuple[str, ...]:
    """Return the row of a cell without its name."""
    rates = (phrases.count(cell.before), phrases.count(cell.after))
    if cell.difference is None:
        return (*rates, formatting.NOTHING, formatting.NOTHING, formatting.NOTHING)
    estimate, low, high = cell.difference
    difference = f"{formatting.number(estimate)} {formatting.interval(low, high)}"
    pairs = str(cell.pairs.n) if cell.pairs else "unpaired"
    return (*rates, difference, pairs, formatting.p_value(cell.p_adjusted))


def transitions(result: LaunchComparison) -> Table:
    """Return the table of outcome before by outcome after, over the replicas with the same cell and seed."""
    table = titled("Outcomes: before in rows, after in columns")
    table.width = None
    rows, columns = ([outcome for outcome in palette.ORDER if outcome in {pair[i] for pair in result.transitions}]
                     for i in (0, 1))  # fmt: skip
    for name in ("before", *(phrases.LABELS[outcome] for outcome in columns)):
        table.add_column(name, justify="left" if name == "before" else "right")
    for one in rows:
        counts = (result.transitions.get((one, other), 0) for other in columns)
        table.add_row(phrases.LABELS[one], *(str(count) if count else formatting.NOTHING for count in counts))
    return table


def verdicts(result: LaunchComparison) -> Table:
    """Return the table of hypotheses with their verdicts in both launches."""
    table = titled("Verdicts", ("claim", 1))
    for name in ("before", "after"):
        table.add_column(name, no_wrap=True)
    for change in result.verdicts:
        words = [judged.marked if judged else "not declared" for judged in (change.before, change.after)]
        style = "bold" if words[0] != words[1] else None
        table.add_row(change.claim, *words, style=style)
    return table


def titled(title: str, *columns: tuple[str, int]) -> Table:
    """Return an empty table in the style of this command.

    Args:
        title: the heading.
        columns: name of each column and its share of the width; long texts fold.
    """
    table = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0),
        header_style="dim", width=_WIDTH,
    )  # fmt: skip
    for name, ratio in columns:
        table.add_column(name, overflow="fold", ratio=ratio)
    return table
