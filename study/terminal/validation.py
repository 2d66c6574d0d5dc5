"""The tables of ``study outcomes``, from numbers that :mod:`study.validation.confusion` computes."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study.evidence.inference.proportions import Rate
from study.report import phrases
from study.validation.confusion import CLASSES, Case, Matrix, Measurement, Score, confusion, scores


def show(measurement: Measurement, console: Console) -> None:
    """Print what was measured, the scores of each class, the confusion matrix, and a row per failure."""
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
    """Return the lines that say which rule was measured on which replicas."""
    cases = measurement.cases
    seeds = [case.seed for case in cases]
    span = f"{min(seeds)} to {max(seeds)}" if seeds else "none"
    fresh = (
        "no threshold was fixed on them" if measurement.fresh else "some of them fixed thresholds, so this is no test"
    )
    right = sum(case.expected is case.decided for case in cases)
    built = [case for case in cases if case.truth == "construction"]
    confirmed = sum(case.confirmed for case in built)
    versions = measurement.versions
    return [
        f"{measurement.kind}: {right} of {len(cases)} injected replicas classified correctly",
        f"rule       {', '.join(measurement.rules)}",
        f"seeds      {span}; {fresh}",
        f"truth      by construction for {len(built)} ({confirmed} of them confirmed by the dense measurement),",
        f"           by that measurement alone for {len(cases) - len(built)}",
        f"made with  torch {versions.get('torch', '-')}, code {versions.get('code', '-')}, {measurement.device},"
        f" {measurement.seconds:.0f} s",
    ]


def _scores(classes: Sequence[Score]) -> Table:
    table = _table("class", "recall", "95 %", "right/true", "precision", "95 %", "right/decided")
    for score in classes:
        table.add_row(score.outcome.value, *_rate(score.recall), *_rate(score.precision))
    return table


def _rate(rate: Rate) -> tuple[str, str, str]:
    if not rate.n:
        return "-", "-", "0/0"
    return f"{rate.rate:.3f}", f"{rate.low:.2f} to {rate.high:.2f}", f"{rate.successes}/{rate.n}"


def _matrix(matrix: Matrix) -> Table:
    table = _table("true \\ decided", *(phrases.LABELS[outcome].replace(" ", "\n") for outcome in CLASSES))
    table.padding = (0, 1, 0, 0)  # nine columns in a line of 100
    for true in CLASSES:
        counts = [matrix.get((true, decided), 0) for decided in CLASSES]
        table.add_row(true.value, *(str(count) if count else "." for count in counts))
    return table


def _injections(cases: Sequence[Case]) -> Table:
    table = _table("failure", "true outcome", "right", "of", "decided otherwise")
    ordered = sorted(cases, key=lambda case: (CLASSES.index(case.expected), case.injection))
    for (expected, name), group in groupby(ordered, key=lambda case: (case.expected, case.injection)):
        replicas = list(group)
        wrong = [case for case in replicas if case.decided is not expected]
        others = ", ".join(dict.fromkeys(f"{case.decided.value} ({case.severity})" for case in wrong))
        table.add_row(name, expected.value, str(len(replicas) - len(wrong)), str(len(replicas)), others or "-")
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in others:
        numbers = name not in ("true outcome", "decided otherwise")
        table.add_column(name, justify="right" if numbers else "left")
    return table
