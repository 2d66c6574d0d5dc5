"""Puts the page together: gathers the launch, draws its pictures, fills the template. Computes no number itself."""

import dataclasses
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from study import formatting
from study.design.plan import Plan
from study.design.study import Contrast
from study.evidence import reliability, threshold_sweeps
from study.evidence.estimates import CellSummary, Comparison
from study.files import write_text
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.report import film, methods, palette, phrases, samples, tables
from study.report.figures import curves, rates, registry, search_dependence, search_importance, svg
from study.report.figures import sensitivity as thresholds
from study.report.figures.svg import Picture
from study.report.samples import Pair
from study.report.view import View
from study.search import confirmation, race
from study.storage.records import Record
from study.storage.store import Store

_PICTURED = 40
"""Launches of more cells show curves and samples of so many: half of them the best, half the worst."""
_LISTED = 500
"""Launches of at most so many replicas list every one on the page; the CSV file does in any case."""
_LISTED_CANDIDATES, _LISTED_CELLS = 40, 200
"""So many candidates of a search are listed, the best; and cells with their digests, if there are no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastPart:
    """One contrast with its rows."""

    contrast: Contrast
    rows: Sequence[Comparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPart:
    """What the page shows of one cell apart from its row in the tables.

    Attributes:
        pictured: whether its curves and samples are shown at all; ``figure`` is empty then only without a trace.
    """

    summary: CellSummary
    digest: str
    steps: int
    pictured: bool
    figure: Markup
    grids: Pair


def build(store: Store) -> Path:
    """Writes the report of a launch, finished or not, and returns its path; an older report is replaced whole.

    Beside the page lie its numbers as CSV files. The same launch gives the same bytes.

    Raises:
        ValueError: if there is no launch, or its records or traces cannot be read.
    """
    view = View(Launch(store))
    folder = store.report_path.parent
    write_text(folder / tables.RECORDS, tables.records(view.launch.replicas))
    write_text(folder / tables.CELLS, tables.cells(view.launch.summaries))
    if view.search is not None:
        write_text(folder / tables.CANDIDATES, tables.candidates(view.search.candidates))
        write_text(folder / tables.IMPORTANCE, tables.importance(view.search.importances))
    write_text(store.report_path, _page(view))
    return store.report_path


def render(store: Store, records: Sequence[Record], rule: OutcomeRule) -> str:
    """The page of a launch whose replicas were decided so: text that depends on nothing else.

    Raises:
        ValueError: if there is no launch, or its traces cannot be read.
    """
    return _page(View(Launch(store, records, rule)))


def _page(view: View) -> str:
    context = _numbers(view) | _pictures(view) | _looks(view) | _searched(view)
    return _environment().get_template("page.html.j2").render(context)


def _numbers(view: View) -> dict[str, Any]:
    plan, summaries = view.launch.plan, view.launch.summaries
    contrasts = [
        ContrastPart(contrast=contrast, rows=list(rows))
        for contrast, rows in groupby(view.launch.comparisons, key=lambda row: row.contrast)
    ]
    tests = methods.names_of_tests(view.launch.verdicts, view.launch.comparisons)
    return {
        "plan": plan,
        "records": view.launch.replicas,
        "summaries": rates.by_rate(summaries),
        "judgments": view.launch.verdicts,
        "scale": _scale(plan),
        "tally": _tally(summaries),
        "contrasts": contrasts,
        "sweeps": [threshold_sweeps.table(sweep, view.launch.replicas) for sweep in plan.sweeps],
        "reliable": view.launch.reliable,
        "claim": {"share": reliability.SHARE, "n": reliability.seeds_needed(), "anytime": plan.until_decided},
        "failing": view.launch.failing,
        "sensitivities": view.sensitivities,
        "search": view.search,
        "rule": view.launch.rule,
        "thresholds": rule_rows(view.launch.rule),
        "trust": view.trust,
        "made": _made(view),
        "methods": methods.paragraphs(
            plan,
            methods.Made(
                tests=tests,
                contrasts=len(view.launch.comparisons),
                records=view.launch.replicas,
                rule=view.launch.rule,
                recall=view.trust.sentence if view.trust else "",
                search=view.search,
            ),
        ),
        "features": next((t.meta["features"] for _, t in view.traces if t.meta.get("features")), None),
        "confirmed": confirmation.sentence(plan, summaries),
    }


def _pictures(view: View) -> dict[str, Any]:
    found = registry.the_map(view)
    return {
        "success_figure": _picture(registry.success(view)),
        "map": found,
        "map_figure": _picture(registry.mapped(view)),
        "forest_figure": _picture(registry.differences(view)),
        "composition_figure": _picture(registry.composition(view)),
        "survival_figure": _picture(registry.alive(view)),
        "sensitivity_figure": _picture(registry.thresholds(view)),
        "cells": _cells(view),
        "films": film.films(view.launch.store, view.ranked),
    }


def _searched(view: View) -> dict[str, Any]:
    """What only the page of a search shows."""
    found = view.search
    if found is None:
        return {}
    from study.report import search_text  # brings scikit-learn

    every = [[own for own in found.importances if own.target == target] for target in found.targets]
    importances = [own for own in every if any(axis.share for axis in own)]
    return {
        "search_text": search_text,
        "interval": race.interval,
        "listed_candidates": _LISTED_CANDIDATES,
        "pictured_candidates": found.BEST,
        "drawn_candidates": registry.CANDIDATES,
        "course_figure": _picture(registry.course(view)),
        "untold": search_text.untold(found),
        "importance_figures": [_picture(search_importance.picture(found.by_importance, own)) for own in importances],
        "dependence_figures": [
            _picture(search_dependence.picture(found.space, own, found.candidates)) for own in found.dependences
        ],
        "landscape_figure": _picture(registry.landscape(view)),
        "front_figure": _picture(registry.front(view)),
        "unplaced": sum(any(axis.name not in own.point for axis in found.mapped or ()) for own in found.candidates),
    }


def _looks(view: View) -> dict[str, Any]:
    seen = {line.outcome for own in view.lines.values() for line in own}
    return {
        "looks": palette.LOOKS,
        "decided_outcomes": [o for o in palette.ORDER if any(s.outcomes.get(o) for s in view.launch.summaries)],
        "drawn_outcomes": [o for o in palette.ORDER if o in seen],
        "drawn_of_cell": curves.MOST if any(s.rate.n > curves.MOST for s in view.launch.summaries) else None,
        "listed_replicas": _LISTED,
        "listed_cells": _LISTED_CELLS,
        "light": Markup(palette.variables(dark=False)),
        "dark": Markup(palette.variables(dark=True)),
        "generator": f"matplotlib {matplotlib.__version__}",
    }


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


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("study.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        formatting=formatting,
        phrases=phrases,
        css_name=palette.css_name,
        Outcome=Outcome,
        spoken=thresholds.spoken,
        tables=tables,
    )
    return environment


def _picture(picture: Picture | None) -> Markup:
    return Markup() if picture is None else Markup(svg.embed(picture))


def _scale(plan: Plan) -> str:
    """``digits (1 x 16 x 16), 1 000 generator steps``: what the cells are, whatever their profile says."""
    configs = [cell.config for cell in plan.cells] or plan.configs()
    data = (f"{own.kind} ({' x '.join(map(str, own.shape))})" for own in (config.data for config in configs))
    steps = dict.fromkeys(formatting.whole(config.steps) for config in configs)
    return f"{formatting.listed(data)}; {' or '.join(steps)} generator steps"


def _tally(summaries: Sequence[CellSummary]) -> Mapping[str, Any]:
    outcomes: Counter[Outcome] = Counter()
    for summary in summaries:
        outcomes.update({o: n for o, n in summary.outcomes.items() if o is not Outcome.UNDECIDED})
    return {
        "outcomes": outcomes,
        "decided": sum(s.rate.n for s in summaries),
        "apart": phrases.apart(*summaries),
    }


def _cells(view: View) -> list[CellPart]:
    ordered = _in_order(view)
    pictured = {summary.cell for summary in (*ordered[: _PICTURED // 2], *ordered[-_PICTURED // 2 :])}
    if view.search is not None:
        pictured = set(view.search.shown)
    records: dict[int, list[Record]] = defaultdict(list)
    for record in view.launch.replicas:
        records[record.cell].append(record)
    everything = [line for cell, own in view.lines.items() if cell in pictured for line in own]
    chosen = curves.panels(view.launch.rule, everything)
    frames = [curves.frame(panel, everything) for panel in chosen]
    parts = []
    for summary in ordered:
        own = records[summary.cell]
        label = f"Curves of {summary.name}: {phrases.counts(summary.outcomes)}"
        lines = view.lines.get(summary.cell) if summary.cell in pictured else None
        picture = curves.small_multiples(chosen, frames, lines, label) if lines else None
        parts.append(
            CellPart(
                summary=summary,
                digest=own[0].digest,
                steps=own[0].planned_steps,
                figure=_picture(picture),
                pictured=summary.cell in pictured,
                grids=samples.pair(view.launch.store, own if summary.cell in pictured else ()),
            )
        )
    return parts


def _in_order(view: View) -> list[CellSummary]:
    """Best first; of a search as it ranks candidates, then those without a replica that has ended."""
    ordered = rates.by_rate(view.launch.summaries)
    if view.search is None:
        return ordered
    ranks = {own.cell: rank for rank, own in enumerate(view.search.candidates)}
    return sorted(ordered, key=lambda summary: ranks.get(summary.cell, len(ranks)))


def _made(view: View) -> list[tuple[str, str]]:
    """What made the numbers, as rows of name and value."""
    plan, records = view.launch.plan, view.launch.replicas
    ran = [record for record in records if record.steps > 0]
    versions = [", ".join(f"{name} {version}" for name, version in r.versions.items()) for r in ran]
    versions.append(", ".join(f"{name} {version}" for name, version in plan.versions.items()))
    planned = Counter(cell.config.steps for cell in plan.cells)
    return [
        ("Planned", plan.created),
        ("Plan", f"digest {plan.digest()}"),
        ("Device", formatting.listed(_tallied([r.device for r in ran]))),
        ("Mode", formatting.listed(_tallied([r.mode for r in ran]))),
        ("Precision", formatting.listed(cell.config.dtype for cell in plan.cells)),
        (
            "Generator steps",
            formatting.listed(f"{formatting.whole(steps)} in {n} cells" for steps, n in planned.items()),
        ),
        ("Steps done", formatting.whole(sum(r.steps for r in records))),
        ("Training time, summed", formatting.duration(sum(r.seconds for r in records))),
        ("Replicas per block", f"at most {plan.block}"),
        ("Traces", f"{len(view.launch.traced)} of {len(plan.blocks())} blocks"),
        ("Versions", "; ".join(dict.fromkeys(filter(None, versions))) or formatting.NOTHING),
        ("Seeds", ", ".join(map(str, plan.seeds)) + " (the same in every cell)"),
    ]


def _tallied(values: Sequence[str]) -> list[str]:
    found = Counter(filter(None, values))
    return list(found) if len(found) == 1 else [f"{value} ({n} replicas)" for value, n in found.items()]
