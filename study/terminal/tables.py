"""The tables on the terminal at the end of a run; each fits 80 columns, and is wider where there is room."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from study import formatting
from study.evidence.summaries import CellSummary, by_rate
from study.formatting import count_of
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.report.palette import ORDER

if TYPE_CHECKING:
    from study.evidence.estimates import Comparison
    from study.evidence.judging import Judgment
    from study.evidence.known_metrics import KnownMetrics
    from study.evidence.reach import Reach
    from study.evidence.threshold_sweeps import SweepTable
    from study.search.candidates import Candidate

STYLES: Mapping[Outcome, str] = {
    Outcome.CONVERGED: "bold blue",
    Outcome.OSCILLATING: "cyan",
    Outcome.MODE_HOPPING: "green",
    Outcome.MEMORIZED: "bright_magenta",
    Outcome.DEGRADED: "bright_red",
    Outcome.LATE_COLLAPSE: "magenta",
    Outcome.MODE_COLLAPSED: "yellow",
    Outcome.NOT_LEARNED: "bright_black",
    Outcome.DIVERGED: "red",
    Outcome.UNDECIDED: "dim",
}
"""The color of each outcome, among the sixteen that every terminal has."""
_VERDICTS: Mapping[str, str] = {"supported": "bold blue", "contradicted": "bold red", "undecided": "dim"}


def summary_table(summaries: Sequence[CellSummary], *, narrow: bool = False) -> Table:
    """Return the table of success per cell, best first: k of n, share with its 95 % interval, and outcomes.

    ``borderline``: replicas whose outcome the error of measuring may change.

    Args:
        narrow: whether the outcomes stand below the names of the cells.
    """
    table = _table("Success per cell (95 % Wilson intervals)")
    table.add_column("cell", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", no_wrap=True)
    table.add_column("share, interval", justify="right", no_wrap=True)
    table.add_column("borderline", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("outcomes", overflow="fold", ratio=5)
    for summary in by_rate(summaries):
        numbers = (phrases.count(summary.rate), Text(phrases.share(summary.rate)), phrases.borderline(summary))
        _row(table, Text(summary.name), numbers, _outcomes(summary), narrow=narrow)
    return table


def _row(table: Table, name: Text, numbers: Sequence[str | Text], last: Text, *, narrow: bool) -> None:
    """Add a row that begins with a name and ends with a text, which stands below the name on a narrow terminal."""
    if narrow:
        table.add_row(Text("\n  ").join([name, last]) if last else name, *numbers)
    else:
        table.add_row(name, *numbers, last)


def candidate_table(candidates: "Sequence[Candidate]", *, narrow: bool = False) -> Table:
    """Return the table of candidates of a search, in the order given: point, k of n, anytime interval, outcomes.

    Args:
        narrow: whether the outcomes stand below the points.
    """
    from study.search import race  # its intervals load scipy

    table = _table("Best candidates (chosen for their rates, which are optimistic)")
    table.add_column("candidate", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", no_wrap=True)
    table.add_column("anytime 95 %", justify="right", no_wrap=True)
    if not narrow:
        table.add_column("outcomes", overflow="fold", ratio=3)
    for each in candidates:
        stopped = [Text(f"{each.stopped} stopped", style="dim")] if each.stopped else []
        numbers = (count_of(each.successes, each.n), Text(formatting.interval(*race.interval(each))))
        outcomes = Text(", ").join([*_counted(each.outcomes), *stopped])
        _row(table, Text(each.name), numbers, outcomes, narrow=narrow)
    return table


def contrast_table(comparisons: "Sequence[Comparison]", *, narrow: bool = False) -> Table:
    """Return the table of contrasts, other factors held fixed: counts, difference with interval, p by Holm.

    Args:
        narrow: whether what is held fixed stands below the contrast.
    """
    table = _table(f"Contrasts ({_partners(comparisons)}, exact tests, p adjusted by Holm over the rows)")
    table.add_column("contrast", overflow="fold", ratio=3)
    if not narrow:
        table.add_column("held fixed", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", overflow="fold", ratio=None if narrow else 2)
    table.add_column("difference, 95 %", justify="right", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    for row in comparisons:
        known, name = row.a.n > 0 and row.b.n > 0, f"{row.contrast.a} {formatting.MINUS} {row.contrast.b}"
        held = phrases.levels(row.held)
        names = [Text("\n  ".join(filter(None, (name, held))))] if narrow else [Text(name), Text(held)]
        difference = f"{formatting.number(row.difference)} {formatting.interval(row.low, row.high)}"
        table.add_row(
            *names,
            f"{phrases.count(row.a)} {formatting.MINUS} {phrases.count(row.b)}",
            Text(difference if known else formatting.NOTHING),
            formatting.p_value(row.p_adjusted) if known else formatting.NOTHING,
        )
    return table


def _partners(comparisons: "Sequence[Comparison]") -> str:
    """Say whether replicas of one seed are compared with each other: where both cells have seeds in common."""
    paired = sum(row.pairs > 0 for row in comparisons)
    if paired in (0, len(comparisons)):
        return "same seeds" if paired else "no common seeds"
    return f"same seeds in {count_of(paired, len(comparisons))} rows"


def verdict_table(judgments: "Sequence[Judgment]", able: "Reach | None" = None, *, narrow: bool = False) -> Table:
    """Return the table of claims: verdict, the counts that it rests on, and p by Holm over all claims.

    Below a fragile claim stands what would change its verdict, and with an undecided one why it is. The report has the
    whole sentence.

    Args:
        able: what the seeds can decide at best, if undecided claims shall say why.
        narrow: whether verdict, counts and p stand below the claim.
    """
    table = _table("Verdicts")
    table.show_header = not narrow
    table.add_column("claim", overflow="fold", ratio=4)
    if not narrow:
        table.add_column("verdict", no_wrap=True)
        table.add_column("replicas", no_wrap=True)
        table.add_column("p (Holm)", justify="right", no_wrap=True)
    for judgment in judgments:
        claim, further = Text(judgment.hypothesis.claim), _fragile(judgment)
        said = [verdict(judgment), *_why(judgment, able)]
        counts = Text(" against ".join(map(phrases.count, judgment.rates)) or judgment.untested)
        p = formatting.p_value(judgment.p_adjusted)
        if narrow:
            numbers = Text(", ").join([*said, counts, Text(f"p (Holm) {p}")])
            table.add_row(Text("\n  ").join([claim, numbers, *further]))
        else:
            table.add_row(Text("\n").join([claim, *further]), Text("\n").join(said), counts, p)
    return table


def _why(judgment: "Judgment", able: "Reach | None") -> list[Text]:
    from study.evidence.answer import short  # loads scipy

    word = "" if able is None else short(judgment, able)
    return [Text(word, style="dim")] if word else []


def verdict(judgment: "Judgment") -> Text:
    """Return the verdict in its color, and whether it is fragile."""
    return Text(judgment.marked, style=_VERDICTS[judgment.verdict.value])


def _fragile(judgment: "Judgment") -> list[Text]:
    sentence = judgment.fragility.sentence(_NAMED) if judgment.fragility else ""
    return [Text(sentence, style="dim")] if sentence else []


_NAMED = 3
"""Stretches of thresholds that are named below a fragile claim."""


def sweep_table(swept: "SweepTable") -> Table:
    """Return the table of pairs above each threshold: with one level, the other, both or neither; and phi and p."""
    sweep = swept.sweep
    table = _table(f"Pairs by {sweep.evidence.replace('_', ' ')}, {swept.pairs} in all (exact p)")
    for name in ("above", f"only {sweep.a}", f"only {sweep.b}", "both", "neither", "correlation", "p"):
        table.add_column(Text(name), justify="right", overflow="fold")
    for cut in swept.cuts:
        counts = (cut.only_a, cut.only_b, cut.both, cut.neither)
        table.add_row(
            f"{cut.threshold:g}", *map(str, counts), formatting.number(cut.correlation), formatting.p_value(cut.p)
        )
    return table


def metrics_table(found: "KnownMetrics", *, narrow: bool = False) -> Table:
    """Return the table of one kind of known metrics: median and range over the measured replicas of each cell.

    Args:
        narrow: whether the ranges are left out.
    """
    from study.evidence.known_metrics import SHOWN

    shown = phrases.median_of if narrow else phrases.metric
    table = _table(f"Known metrics by {phrases.measured_by(found)} (median{'' if narrow else ' and range'})")
    table.add_column("cell", overflow="fold", ratio=3)
    table.add_column("measured", overflow="fold", ratio=2)
    for name in SHOWN:
        table.add_column(name, justify="right", overflow="fold")
    for cell in found.cells:
        table.add_row(Text(cell.name), phrases.measured(cell), *(shown(cell, name) for name in SHOWN))
    return table


def _table(title: str) -> Table:
    return Table(title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _outcomes(summary: CellSummary) -> Text:
    parts = _counted(summary.outcomes)
    apart = phrases.apart(summary)
    return Text(", ").join([*parts, Text(apart, style="dim")] if apart else parts)


def _counted(outcomes: Mapping[Outcome, int]) -> list[Text]:
    return [
        Text(f"{outcomes[outcome]} {phrases.LABELS[outcome]}", style=STYLES[outcome])
        for outcome in ORDER
        if outcomes.get(outcome)
    ]
