"""What ``study outcomes`` prints of a measurement. It computes nothing that ``table`` has not."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.evidence.inference.proportions import Rate
from study.validation.confusion import CLASSES, Case, Matrix, Measurement, Score, confusion, scores


def show(measurement: Measurement, console: Console) -> None:
    """The rule and what it was measured on, the scores of each class, the matrix, and every failure's share."""
    cases = measurement.cases
    for line in header(measurement):
        console.print(Text(line), soft_wrap=False)
    console.print()
    matrix = confusion(cases)
    console.print(_scores(scores(matrix)))
    console.print()
    console.print(_matrix(matrix))
    console.print()
    console.print(_injections(cases))


def header(measurement: Measurement) -> list[str]:
    cases = measurement.cases
    seeds = [case.seed for case in cases]
    span = f"{min(seeds)} to {max(seeds)}" if seeds else "none"
    fresh = "no threshold was fixed on them" if measurement.fresh else "thresholds were fixed on some of them: no test"
    right = sum(case.expected is case.decided for case in cases)
    built = [case for case in cases if case.truth == "construction"]
    confirmed = sum(case.confirmed for case in built)
    versions = measurement.versions
    return [
        f"{measurement.kind}: {right} of {len(cases)} injected replicas decided right",
        f"rule       {', '.join(measurement.rules)}",
        f"seeds      {span}; {fresh}",
        f"truth      of {len(built)} by construction ({confirmed} of them confirmed by the dense measurement),",
        f"           of {len(cases) - len(built)} by that measurement alone",
        f"made with  torch {versions.get('torch', '-')}, code {versions.get('code', '-')}, {measurement.device},"
        f" {measurement.seconds:.0f} s",
    ]


def _scores(found: Sequence[Score]) -> Table:
    table = _table("class", "recall", "95 %", "right/true", "precision", "95 %", "right/decided")
    for score in found:
        table.add_row(score.outcome.value, *_rate(score.recall), *_rate(score.precision))
    return table


def _rate(rate: Rate) -> tuple[str, str, str]:
    if not rate.n:
        return "-", "-", "0/0"
    return f"{rate.rate:.3f}", f"{rate.low:.2f} to {rate.high:.2f}", f"{rate.successes}/{rate.n}"


def _matrix(matrix: Matrix) -> Table:
    table = _table("true \\ decided", *(outcome.value for outcome in CLASSES))
    for true in CLASSES:
        counts = [matrix.get((true, decided), 0) for decided in CLASSES]
        table.add_row(true.value, *(str(count) if count else "." for count in counts))
    return table


def _injections(cases: Sequence[Case]) -> Table:
    table = _table("failure", "true outcome", "right", "of", "decided otherwise")
    ordered = sorted(cases, key=lambda case: (CLASSES.index(case.expected), case.injection))
    for (expected, name), group in groupby(ordered, key=lambda case: (case.expected, case.injection)):
        own = list(group)
        wrong = [case for case in own if case.decided is not expected]
        others = ", ".join(dict.fromkeys(f"{case.decided.value} ({case.severity})" for case in wrong))
        table.add_row(name, expected.value, str(len(own) - len(wrong)), str(len(own)), others or "-")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        numbers = name not in ("true outcome", "decided otherwise")
        table.add_column(name, justify="right" if numbers else "left")
    return table
