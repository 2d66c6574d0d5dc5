"""Put the page together: take the view of a launch, draw its figures, fill the template. Computes no number itself."""

import dataclasses
import inspect
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from study import formatting
from study.design.plugin_use import PluginUse
from study.design.study import Contrast
from study.evidence import near_misses, reach, time_to_failure
from study.evidence.answer import explained, short
from study.evidence.estimates import CellSummary, Comparison
from study.evidence.known_metrics import SHOWN, KnownMetrics
from study.files import write_text
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.report import film, methods, palette, phrases, samples, search_text, tables
from study.report.drawing import svg
from study.report.drawing.figure import Figure, Part
from study.report.figures import registry
from study.report.samples import Pair
from study.report.views import Section, View, view_of
from study.search import race
from study.storage.records import Record
from study.storage.store import Store

LISTED = 500
"""Launches of at most this many replicas list every one on the page; the CSV file does in any case."""
LISTED_CANDIDATES, LISTED_CELLS, LISTED_NEAR = 40, 200, 60
"""Number of candidates of a search that are listed, the best; of cells that are listed with their digests; and of
replicas that are listed as near a threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastPart:
    """One contrast with its rows."""

    contrast: Contrast
    rows: Sequence[Comparison]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPart:
    """What the page shows of one cell apart from its row in the tables and its curves."""

    summary: CellSummary
    digest: str
    steps: int
    grids: Pair


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPart:
    """One part of a figure as an SVG element; empty where there is nothing to draw."""

    part: Part
    svg: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFigure:
    """A figure with its drawn parts and the words around them; or with what the page says instead."""

    figure: Figure[Any]
    instead: str
    parts: Sequence[DrawnPart]
    lead: Markup
    caption: Markup
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSection:
    """A section of the page with its figures."""

    section: Section
    figures: Sequence[DrawnFigure]


def build(store: Store) -> Path:
    """Write the report of a launch, finished or not, and return its path; an older report is replaced whole.

    Beside the page lie its numbers as CSV files. The same launch gives the same bytes.

    Raises:
        ValueError: if there is no launch, or its records or traces cannot be read.
    """
    view = view_of(Launch(store))
    for name, content in view.files.items():
        write_text(store.report_path.parent / name, content)
    write_text(store.report_path, render(view))
    return store.report_path


def pictured(store: Store) -> Collection[int]:
    """Return the cells whose samples the report of a launch shows.

    Raises:
        ValueError: if there is no launch, or its records cannot be read.
    """
    return view_of(Launch(store)).pictured


def render(view: View) -> str:
    """Return the page of a view: text that depends on nothing else.

    Raises:
        ValueError: if its traces cannot be read.
    """
    drawn = (DrawnSection(section=own, figures=_figures(view, own)) for own in view.sections)
    sections = [own for own in drawn if own.figures or not own.section.drawn]
    context = {"view": view, "launch": view.launch, "plan": view.launch.plan, "sections": sections}
    return _environment().get_template("page.html.j2").render(context | _numbers(view) | _limits())


def _figures(view: View, section: Section) -> list[DrawnFigure]:
    found = ((figure, figure.on_page(view)) for figure in registry.of_section(view, section.id))
    return [_figure(view, figure, parts) for figure, parts in found if parts]


def _figure(view: View, figure: Figure[Any], parts: Sequence[Part]) -> DrawnFigure:
    outcomes = frozenset(outcome for part in parts for outcome in part.outcomes)
    instead = figure.instead(view)
    return DrawnFigure(
        figure=figure,
        instead=instead,
        parts=[] if instead else [DrawnPart(part=part, svg=_svg(part)) for part in parts],
        lead=figure.lead(view),
        caption=figure.caption(view),
        outcomes=[outcome for outcome in palette.ORDER if outcome in outcomes],
    )


def _svg(part: Part) -> Markup:
    return Markup() if part.picture is None else Markup(svg.embed(part.picture))


def _numbers(view: View) -> dict[str, Any]:
    launch = view.launch
    contrasts = [
        ContrastPart(contrast=contrast, rows=list(rows))
        for contrast, rows in groupby(launch.comparisons, key=lambda row: row.contrast)
    ]
    return {
        "scale": _scale(view),
        "tally": _tally(launch.summaries),
        "contrasts": contrasts,
        "reach": reach.sentence(launch.plan),
        "able": reach.reach(launch.plan),
        "other_data": phrases.other_data(launch.plan),
        "near": near_misses.near_misses(launch.replicas, launch.rule),
        "out_of_reach": time_to_failure.out_of_reach(launch.failing),
        "thresholds": rule_rows(launch.rule),
        "made": _made(view),
        "methods": methods.paragraphs(view),
        "features": next((t.meta["features"] for _, t in view.traces if t.meta.get("features")), None),
        "cells": _cells(view),
        "metrics": _metrics(view),
        "films": film.films(launch.store, view.replicas),
    }


def _limits() -> dict[str, int]:
    return {
        "listed": LISTED,
        "listed_cells": LISTED_CELLS,
        "listed_candidates": LISTED_CANDIDATES,
        "listed_near": LISTED_NEAR,
    }


def rule_rows(rule: OutcomeRule) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each threshold; the meanings come from the documentation of the rule."""
    meanings = _attributes(inspect.getdoc(type(rule)) or "")
    values = {f.name: getattr(rule, f.name) for f in dataclasses.fields(rule) if getattr(rule, f.name) != ()}
    own = values.pop("own_rule")
    if own is not None:
        values["own_rule"] = own.title
    return [(n, "not used" if v is None else str(v), meanings.get(n, "")) for n, v in values.items()]


def _attributes(documentation: str) -> dict[str, str]:
    """Return the ``Attributes`` section of a docstring: name to text, without its markup."""
    section = documentation.partition("Attributes:\n")[2].partition("\n\n")[0].replace("``", "")
    meanings: dict[str, str] = {}
    for entry in re.split(r"\n    (?=\S)", "\n" + section):
        names, _, text = entry.partition(":")
        meanings.update({name.strip(): " ".join(text.split()) for name in names.split(",")})
    return meanings


_PERCENT = re.compile(r"(?<=\d) %")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("study.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_unbroken,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        formatting=formatting,
        phrases=phrases,
        search_text=search_text,
        tables=tables,
        shown_metrics=SHOWN,
        interval=race.interval,
        css_name=palette.css_name,
        explained=explained,
        short=short,
        looks=palette.LOOKS,
        light=Markup(palette.variables(dark=False)),
        dark=Markup(palette.variables(dark=True)),
        generator=f"matplotlib {matplotlib.__version__}",
    )
    return environment


def _unbroken(value: Any) -> Any:
    """Keep a percent sign on the line of its number."""
    return type(value)(_PERCENT.sub("\N{NO-BREAK SPACE}%", value)) if isinstance(value, str) else value


def _scale(view: View) -> str:
    """``digits (1 x 16 x 16); 1 000 generator steps``: what the cells are, whatever their profile says."""
    data = (phrases.data_of(config.data) for config in view.configs)
    steps = map(formatting.whole, view.steps)
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
    records: dict[int, list[Record]] = defaultdict(list)
    for record in view.launch.replicas:
        records[record.cell].append(record)
    return [
        CellPart(
            summary=summary,
            digest=records[summary.cell][0].digest,
            steps=records[summary.cell][0].planned_steps,
            grids=samples.pair(view.launch.store, records[summary.cell] if summary.cell in view.pictured else ()),
        )
        for summary in view.cells
    ]


def _metrics(view: View) -> list[KnownMetrics]:
    """Return the known metrics, with the cells in the order of the page."""
    place = {summary.cell: number for number, summary in enumerate(view.cells)}
    return [
        dataclasses.replace(own, cells=sorted(own.cells, key=lambda cell: place[cell.cell]))
        for own in view.launch.known_metrics
    ]


def _made(view: View) -> list[tuple[str, str]]:
    """Return what made the numbers, as rows of name and value."""
    plan, records = view.launch.plan, view.launch.replicas
    ran = [record for record in records if record.steps > 0]
    versions = [", ".join(f"{name} {version}" for name, version in r.versions.items()) for r in ran]
    versions.append(", ".join(f"{name} {version}" for name, version in plan.versions.items()))
    own = dict(view.facts)
    return [
        ("Planned", plan.created),
        ("Plan", f"digest {plan.digest()}"),
        *([("Plugins", ", ".join(map(_plugin, plan.plugins)))] if plan.plugins else []),
        ("Device", formatting.listed(_tallied([r.device for r in ran]))),
        ("Mode", formatting.listed(_tallied([r.mode for r in ran]))),
        *_stated(own, "Precision"),
        (
            "Generator steps",
            formatting.listed(f"{formatting.whole(steps)} in {n} cells" for steps, n in view.steps.items() if n),
        ),
        ("Steps done", formatting.whole(sum(r.steps for r in records))),
        ("Training time, summed", formatting.duration(sum(r.seconds for r in records))),
        *_stated(own, "Replicas per block"),
        ("Traces", f"{len(view.launch.traced)} of {len(plan.blocks())} blocks"),
        ("Versions", "; ".join(dict.fromkeys(filter(None, versions))) or formatting.NOTHING),
        *_stated(own, "Seeds"),
    ]


def _plugin(own: PluginUse) -> str:
    return f"{own.name}{f' {own.version}' if own.version else ''}, digest {own.digest}"


def _stated(facts: Mapping[str, str], name: str) -> Sequence[tuple[str, str]]:
    return [(name, facts[name])] if name in facts else []


def _tallied(values: Sequence[str]) -> list[str]:
    found = Counter(filter(None, values))
    return list(found) if len(found) == 1 else [f"{value} ({n} replicas)" for value, n in found.items()]
