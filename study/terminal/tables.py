"""The tables on the terminal at the end of a run; each fits 100 columns."""

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


def summary_table(summaries: Sequence[CellSummary]) -> Table:
    """Return the table of success per cell, best first: k of n, share with its 95 % interval, and outcomes.

    ``borderline``: replicas whose outcome the error of measuring may change.
    """
    table = _table("Success per cell")
    table.add_column("cell", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", no_wrap=True)
    table.add_column("share, 95 % interval", justify="right", no_wrap=True)
    table.add_column("borderline", justify="right", no_wrap=True)
    table.add_column("outcomes", overflow="fold", ratio=5)
    for summary in by_rate(summaries):
        table.add_row(
            summary.name,
            phrases.count(summary.rate),
            phrases.share(summary.rate),
            phrases.borderline(summary),
            _outcomes(summary),
        )
    return table


def candidate_table(candidates: "Sequence[Candidate]") -> Table:
    """Return the table of candidates of a search, in the order given: point, k of n, anytime interval, outcomes."""
    from study.search import race  # its intervals load scipy

    table = _table("Best candidates (chosen for their rates, which are optimistic)")
    table.add_column("candidate", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", no_wrap=True)
    table.add_column("anytime 95 %", justify="right", no_wrap=True)
    table.add_column("outcomes", overflow="fold", ratio=3)
    for each in candidates:
        stopped = [Text(f"{each.stopped} stopped", style="dim")] if each.stopped else []
        table.add_row(
            each.name,
            count_of(each.successes, each.n),
            formatting.interval(*race.interval(each)),
            Text(", ").join([*_counted(each.outcomes), *stopped]),
        )
    return table


def contrast_table(comparisons: "Sequence[Comparison]") -> Table:
    """Return the table of contrasts, other factors held fixed: counts, difference with interval, p by Holm."""
    table = _table("Contrasts (same seeds, exact tests, p adjusted by Holm over the rows)")
    table.add_column("contrast", overflow="fold", ratio=3)
    table.add_column("held fixed", overflow="fold", ratio=4)
    table.add_column("converged", justify="right", overflow="fold", ratio=2)
    table.add_column("difference, 95 %", justify="right", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    for row in comparisons:
        known = row.a.n > 0 and row.b.n > 0
        table.add_row(
            f"{row.contrast.a} {formatting.MINUS} {row.contrast.b}",
            phrases.levels(row.held),
            f"{phrases.count(row.a)} {formatting.MINUS} {phrases.count(row.b)}",
            f"{formatting.number(row.difference)} {formatting.interval(row.low, row.high)}"
            if known
            else formatting.NOTHING,
            formatting.p_value(row.p_adjusted) if known else formatting.NOTHING,
        )
    return table


def verdict_table(judgments: "Sequence[Judgment]") -> Table:
    """Return the table of claims: verdict, the counts that it rests on, and p by Holm over all claims.

    Below a fragile claim stands what would change its verdict. The report has the whole sentence.
    """
    table = _table("Verdicts")
    table.add_column("claim", overflow="fold", ratio=4)
    table.add_column("verdict", no_wrap=True)
    table.add_column("replicas", no_wrap=True)
    table.add_column("p (Holm)", justify="right", no_wrap=True)
    for judgment in judgments:
        table.add_row(
            Text("\n").join([Text(judgment.hypothesis.claim), *_fragile(judgment)]),
            verdict(judgment),
            " against ".join(map(phrases.count, judgment.rates)) or judgment.untested,
            formatting.p_value(judgment.p_adjusted),
        )
    return table


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
        table.add_column(name, justify="right", no_wrap=True)
    for cut in swept.cuts:
        counts = (cut.only_a, cut.only_b, cut.both, cut.neither)
        table.add_row(
            f"{cut.threshold:g}", *map(str, counts), formatting.number(cut.correlation), formatting.p_value(cut.p)
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))


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
