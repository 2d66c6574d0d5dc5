"""The page of one launch: answer, verdicts, cells, and how to check them."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import pandas as pd

import study
from benchmarks.results.archive import SUFFIX
from study import formatting
from study.evidence.commands import Command
from study.evidence.estimates import CellSummary
from study.evidence.judging import Judgment
from study.evidence.variance_components import components_if_held
from study.formatting import plural
from study.launch import Launch
from study.report import phrases
from study.report.drawing import export
from study.report.figures import registry
from study.report.views import view_of

HOUR = 3_600
WIDTH = 120
_NAMED = {"code": "digest of the source"}
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|s|min|h)(?!\w))")


def page(launch: Launch, name: str) -> str:
    """Return the page as Markdown.

    Args:
        name: of the page, of its figure and of the launch's archive, without their endings.
    """
    plan = launch.plan
    parts = [
        f"# {plan.title}: {plan.profile}",
        f"{plan.question} One launch, `{plan.launch}`. Written by `python -m benchmarks.results` from its records.",
        "## Answer",
        *answer(launch),
        f"![{_figure(launch)[1]}]({name}.svg)",
    ]
    if launch.verdicts:
        parts += ["## Verdicts", table(VERDICTS, map(verdict, (own for own in launch.verdicts if own.planned)))]
    for measure in ("success", "quality") if components_if_held(plan, launch.replicas) else ():
        shares = study.variance_components(launch, measure)
        parts += [
            f"## Components of the variance of {measure}",
            table(COMPONENTS, map(component, shares.to_dict("records"))),
        ]
    parts += [
        "## Cells",
        table(CELLS, map(cell, launch.summaries)),
        "## What was run",
        _what(launch),
        _check(launch, f"{name}{SUFFIX}"),
    ]
    return "\n\n".join(parts) + "\n"


def figure(launch: Launch, folder: Path) -> str:
    """Return the figure of the page, as SVG."""
    path = folder / "figure.svg"
    export.save(registry.picture(_figure(launch)[0], launch), path)
    return path.read_text(encoding="utf-8")


def _figure(launch: Launch) -> tuple[str, str]:
    """Return the name of the page's figure, and what it shows."""
    if launch.verdicts:
        return "composition", "Outcomes of each cell"
    if components_if_held(launch.plan, launch.replicas):
        return "variance", "Share of the variance of success that each source leaves"
    return "map", "Map of the success of each cell"


def answer(launch: Launch) -> Iterator[str]:
    """Yield the answer in paragraphs, a command in one of its own."""
    for sentence in view_of(launch).answer:
        yield (
            f"```text\n{sentence}\n```"
            if isinstance(sentence, Command)
            else fill(_BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", sentence), WIDTH, break_on_hyphens=False)
        )


COMPONENTS = ("varied", "held settings", "replicas", "share of the variance, 95 % interval")
VERDICTS = ("claim", "counted", "p (Holm)", "verdict")
CELLS = ("cell", "converged", "rate, 95 % interval", "borderline", "failed", "seconds per replica")


def verdict(judgment: Judgment) -> tuple[str, ...]:
    """Return a row of ``VERDICTS``."""
    rates = " against ".join(map(phrases.count, judgment.rates))
    counts = f"{rates} {phrases.counted(judgment.hypothesis)}" if rates else formatting.NOTHING
    fragile = judgment.fragility.sentence(1) if judgment.fragility else ""
    said = f"**{judgment.word}**{f', {fragile}' if fragile else ''}"
    return judgment.hypothesis.claim, counts, formatting.p_value(judgment.p_adjusted), said


def cell(summary: CellSummary) -> tuple[str, ...]:
    """Return a row of ``CELLS``."""
    failed = {outcome: n for outcome, n in summary.outcomes.items() if outcome.value != "converged"}
    trained = summary.rate.n + summary.stopped
    seconds = formatting.number(summary.seconds / trained) if trained else formatting.NOTHING
    rate, borderline = summary.rate, phrases.borderline(summary)
    return summary.name, phrases.count(rate), phrases.share(rate), borderline, phrases.counts(failed), seconds


def component(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a row of ``COMPONENTS``, of a row of ``study.variance_components``."""
    counts = [formatting.NOTHING if pd.isna(row[name]) else str(row[name]) for name in ("settings", "replicas")]
    share = f"{row['share']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
    return row["varied"], *counts, share


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """Return a table as Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(text.replace('|', chr(92) + '|') for text in line)} |" for line in lines)


def _what(launch: Launch) -> str:
    plan, rows = launch.plan, [row for row in launch.replicas if row.status.trained]
    hours = formatting.number(sum(row.seconds for row in rows) / HOUR)
    devices = Counter(row.device for row in rows)
    versions = ", ".join(f"{_NAMED.get(name, name)} {version}" for name, version in sorted(plan.versions.items()))
    most = f" At most {plural(len(plan.seeds), 'seed')} per cell would have been added." if plan.until_decided else ""
    return (
        f"{plan.stated_note()} {plural(len(rows), 'replica')} in"
        f" {plural(len(plan.cells), 'cell')}, {hours} hours of one core or GPU on"
        f" {formatting.joined(sorted(devices))}.{most} Rule {launch.rule.label()}, plan `{plan.digest()}`; {versions}."
    )


def _check(launch: Launch, archive: str) -> str:
    plan = launch.plan
    path, link = f"runs/{plan.study}/{plan.launch}", f"[{archive}](../launches/{archive})"
    if not launch.store.traces_path.exists():
        command = f"study run {plan.study} --profile {plan.profile}"
        return (
            f"The records are in {link}, without their traces, which are too large. That every number above follows"
            f" from traces was checked when they were taken in, and cannot be from here: `{command}` trains anew."
        )
    commands = "\n".join(
        [f"tar -xf docs/results/launches/{archive} -C runs", f"study verify {path}", f"study report {path}"]
    )
    return f"Every number above follows from the traces in {link}:\n\n```bash\n{commands}\n```"
