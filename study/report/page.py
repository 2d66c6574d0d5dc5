"""Puts the page together: reads the launch, computes every number through ``estimates``, fills the template."""

import dataclasses
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from study import sweeps
from study.estimates import CellSummary, Comparison, compare, summarise
from study.hypotheses import judge
from study.outcome import Outcome
from study.records import Record
from study.report import curves, figures, palette, samples, words
from study.report.curves import Line
from study.report.samples import Pair
from study.rules import OutcomeRule
from study.spec import Block, Contrast, LaunchSpec
from study.store import Store, write_text
from trainables.trace import Trace

Traced = tuple[Block, Trace]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastPart:
    """One contrast with its rows and their picture."""

    contrast: Contrast
    rows: Sequence[Comparison]
    figure: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPart:
    """What the page shows of one cell apart from its row in the tables; ``figure`` is empty without a trace."""

    summary: CellSummary
    digest: str
    steps: int
    figure: Markup
    grids: Pair


def build(store: Store) -> Path:
    """Writes the report of a launch, finished or not, and returns its path; an older report is replaced whole.

    Raises:
        ValueError: if there is no launch, or its records or traces cannot be read.
    """
    spec, records, rule = store.spec(), store.records(), store.rule()
    traces = [(block, trace) for block in spec.blocks() if (trace := store.trace(block)) is not None]
    summaries, lines = summarise(records), _lines(records, traces)
    context = {
        "spec": spec,
        "records": records,
        "summaries": figures.by_rate(summaries),
        "judgements": [judge(hypothesis, summaries) for hypothesis in spec.hypotheses],
        "tally": _tally(summaries),
        "contrasts": _contrasts(spec, summaries),
        "sweeps": [sweeps.table(sweep, records) for sweep in spec.sweeps],
        "cells": _cells(store, rule, records, lines, summaries),
        "success_figure": _picture(figures.success, summaries),
        "composition_figure": _picture(figures.composition, summaries),
        "rule": rule,
        "thresholds": rule_rows(rule),
        "made": _made(spec, records, traces),
        "features": next((t.meta["features"] for _, t in traces if t.meta.get("features")), None),
        "looks": palette.LOOKS,
        "decided_outcomes": [o for o in palette.ORDER if any(s.outcomes.get(o) for s in summaries)],
        "drawn_outcomes": [o for o in palette.ORDER if o in {line.outcome for own in lines.values() for line in own}],
        "light": Markup(palette.variables(dark=False)),
        "dark": Markup(palette.variables(dark=True)),
    }
    write_text(store.report_path, _environment().get_template("page.html.j2").render(context))
    return store.report_path


def rule_rows(rule: OutcomeRule) -> list[tuple[str, str, str]]:
    """Name, value and meaning of each threshold; the meanings are those of the rule's own documentation."""
    meanings = _attributes(inspect.getdoc(type(rule)) or "")
    values = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule)}
    return [(n, "not used" if v is None else str(v), meanings.get(n, "")) for n, v in values.items()]


def _attributes(documentation: str) -> dict[str, str]:
    """The ``Attributes`` section of a docstring: name to text, without its markup."""
    section = documentation.partition("Attributes:\n")[2].partition("\n\n")[0].replace("``", "")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n    (?=\S)", "\n" + section):
        names, _, text = entry.partition(":")
        meanings.update({name.strip(): " ".join(text.split()) for name in names.split(",")})
    return meanings


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("study.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=words, css_name=palette.css_name, Outcome=Outcome)
    return environment


def _picture(draw: Callable[[Sequence[CellSummary]], str], summaries: Sequence[CellSummary]) -> Markup:
    return Markup(draw(summaries)) if summaries else Markup()


def _tally(summaries: Sequence[CellSummary]) -> Mapping[str, Any]:
    outcomes: Counter[Outcome] = Counter()
    for summary in summaries:
        outcomes.update({o: n for o, n in summary.outcomes.items() if o is not Outcome.UNDECIDED})
    return {
        "outcomes": outcomes,
        "decided": sum(s.rate.n for s in summaries),
        "crashed": sum(s.crashed for s in summaries),
        "pending": sum(s.pending for s in summaries),
    }


def _contrasts(spec: LaunchSpec, summaries: Sequence[CellSummary]) -> list[ContrastPart]:
    grouped = [(contrast, compare([contrast], summaries)) for contrast in spec.contrasts]
    return [
        ContrastPart(contrast=contrast, rows=rows, figure=Markup(figures.differences(rows)))
        for contrast, rows in grouped
        if rows
    ]


def _cells(
    store: Store,
    rule: OutcomeRule,
    records: Sequence[Record],
    lines: Mapping[int, Sequence[Line]],
    summaries: Sequence[CellSummary],
) -> list[CellPart]:
    everything = [line for own in lines.values() for line in own]
    chosen = curves.panels(rule, everything)
    frames = [curves.frame(panel, everything) for panel in chosen]
    parts = []
    for summary in figures.by_rate(summaries):
        own = [record for record in records if record.cell == summary.cell]
        label = f"Curves of {summary.name}: {words.counts(summary.outcomes)}"
        drawn = curves.small_multiples(chosen, frames, lines[summary.cell], label) if lines.get(summary.cell) else ""
        parts.append(
            CellPart(
                summary=summary,
                digest=own[0].digest,
                steps=own[0].planned_steps,
                figure=Markup(drawn),
                grids=samples.pair(store, own),
            )
        )
    return parts


def _lines(records: Sequence[Record], traces: Sequence[Traced]) -> dict[int, list[Line]]:
    """Cell to the curves of its replicas, as far as there are any."""
    held = {(block.cell.index, seed): trace for block, trace in traces for seed in block.seeds}
    balances = {block.cell.index: curves.equilibrium(block.cell.config) for block, _ in traces}
    lines: dict[int, list[Line]] = defaultdict(list)
    for record in records:
        trace = held.get((record.cell, record.seed))
        replica = trace.replica(record.seed) if trace is not None else None
        if replica is not None and len(replica):
            line = Line(trace=replica, outcome=record.outcome, equilibrium=balances[record.cell])
            lines[record.cell].append(line)
    return dict(lines)


def _made(spec: LaunchSpec, records: Sequence[Record], traces: Sequence[Traced]) -> list[tuple[str, str]]:
    """What made the numbers, as rows of name and value."""
    ran = [record for record in records if record.steps > 0]
    versions = [", ".join(f"{name} {version}" for name, version in r.versions.items()) for r in ran]
    versions.append(", ".join(f"{name} {version}" for name, version in spec.versions.items()))
    planned = Counter(cell.config.steps for cell in spec.cells)
    return [
        ("Planned", spec.created),
        ("Device", words.listed(_tallied([r.device for r in ran]))),
        ("Mode", words.listed(_tallied([r.mode for r in ran]))),
        ("Precision", words.listed(cell.config.dtype for cell in spec.cells)),
        ("Generator steps", words.listed(f"{words.whole(steps)} in {n} cells" for steps, n in planned.items())),
        ("Steps done", words.whole(sum(r.steps for r in records))),
        ("Training time, summed", words.duration(sum(r.seconds for r in records))),
        ("Replicas per block", f"at most {spec.block}"),
        ("Traces", f"{len(traces)} of {len(spec.blocks())} blocks"),
        ("Versions", "; ".join(dict.fromkeys(filter(None, versions))) or words.NOTHING),
        ("Seeds", ", ".join(map(str, spec.seeds)) + " (the same in every cell)"),
    ]


def _tallied(values: Sequence[str]) -> list[str]:
    found = Counter(filter(None, values))
    return list(found) if len(found) == 1 else [f"{value} ({n} replicas)" for value, n in found.items()]
