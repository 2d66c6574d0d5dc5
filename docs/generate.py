"""Write the generated pages of docs/reference from the code, so that they cannot drift from it.

    uv run python docs/generate.py

``tests/docs/test_generated.py`` fails when a stored page differs from what this writes.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from math import prod
from pathlib import Path
from typing import Any

import python_page
from markdown_text import code, description, documented, page, paragraphs, prose, table, written
from typer.main import get_command

from search_spaces import SEARCHES, Int, Options, Range, Space, label_of
from search_spaces.conditions import sentence
from study.cli import app
from study.design.study import Study
from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, PLAUSIBLE, THRESHOLDS, OutcomeRule, plausible
from study.outcomes.snapshots import judge
from study.studies import studies
from trainables.config import AaeConfig, GanConfig, RecordedConfig

REFERENCE = Path(__file__).parent / "reference"
_TITLES = {"g_optimizer": "optimizer", "generator": "network", "generator.init": "initial weights"}
"""Of the groups of values that are not titled by the field they are met in first."""


def main() -> None:
    """Write every page that differs from what is stored."""
    for name, build in PAGES.items():
        path, text = REFERENCE / name, build()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"written  {path}")


# Commands


def cli() -> str:
    """Build the page of all commands, from typer's command tree."""
    group: Any = get_command(app)
    rows, parts = [], []
    for name, command in _commands(group.commands):
        rows.append((f"[`study {name}`](#study-{name.replace(' ', '-')})", prose(_first(command.help))))
        parts.append(_command(name, command))
    introduction = (
        "Every command explains itself: `study COMMAND --help`. In an activated environment it is `study ...`, else"
        " `uv run study ...`.\n\nExit codes: 0 done; 1 some blocks crashed (the rest is complete and reported),"
        " `verify` found a difference, or what `check` tries of a plugin fails; 2 a mistake in what was asked for (one"
        " sentence says which, and nothing was trained); 130 interrupted by Ctrl-C, 143 ended by SIGTERM, 129 by a"
        " closed terminal (`study resume` goes on)."
    )
    return page("Commands", introduction, [table(("command", "what it does"), rows), *parts])


def _commands(commands: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command.commands, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _command(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["study", name, *map(_argument, arguments)])
    rows = [(code(_argument(p)), prose(p.help or ""), "") for p in arguments]
    rows += [(_option(p), prose(p.help or ""), _default(p)) for p in command.params if p not in arguments]
    parts = [f"## study {name}", paragraphs(command.help), f"```text\n{usage} [OPTIONS]\n```"]
    return "\n\n".join([*parts, table(("argument or option", "meaning", "default"), rows)] if rows else parts)


def _argument(parameter: Any) -> str:
    shown = (parameter.metavar or parameter.name.upper()).strip("[]")
    return str(shown) if parameter.required else f"[{shown}]"


def _option(parameter: Any) -> str:
    kind = parameter.metavar or ("" if parameter.is_flag else _kind(parameter.type_descriptor.annotation))
    names = "/".join([parameter.opts[0], *parameter.secondary_opts[:1]])
    return code(" ".join([names, kind]).strip())


def _kind(annotation: Any) -> str:
    names = [own.__name__ for own in typing.get_args(annotation) or (annotation,) if own is not types.NoneType]
    known = {"str": "TEXT", "int": "NUMBER", "float": "NUMBER", "Path": "PATH"}
    return known.get(names[0], str(names[0]).upper())


def _default(parameter: Any) -> str:
    if isinstance(parameter.show_default, str):
        return prose(parameter.show_default)
    return "" if parameter.default is None or parameter.is_flag else code(parameter.default)


def _first(text: str) -> str:
    return text.split("\n\n")[0]


# Configuration


def config() -> str:
    """Build the page of all fields of a configuration, from the dataclasses and their docstrings."""
    introduction = (
        "What a cell trains is one frozen value: a `GanConfig`, or an `AaeConfig` for adversarial autoencoders; of"
        " [recorded trainings](../howto/own_loops.md) a `RecordedConfig`, which is never set from the command line. Any"
        " field can be set from the command line by its path, `--set objective.kind=least_squares --set objective.c=0`;"
        " a path that ends in `kind` replaces the whole value by that kind with its defaults. Two fields that exclude"
        " each other are refused in one sentence before anything is trained."
    )
    groups = _groups()
    kinds = {"A GAN": GanConfig, "An autoencoder": AaeConfig, "A recorded training": RecordedConfig}
    parts = [_fields_section(title, kind, groups) for title, kind in kinds.items()]
    described: set[type] = set()
    for members, paths in groups.items():
        fresh = [member for member in members if member not in described]
        described.update(fresh)
        if fresh:
            parts.append(f"## {_title(paths)}")
            parts.append("Where it stands: " + ", ".join(map(code, paths)) + ".")
            parts += [_value(member, groups) for member in fresh]
    return page("Configuration", introduction, parts)


def _groups() -> dict[tuple[type, ...], list[str]]:
    """Group the dataclasses that a field may hold, and the paths of all fields that may hold just these."""
    groups: dict[tuple[type, ...], list[str]] = {}
    queue: list[tuple[str, type]] = [("", GanConfig), ("", AaeConfig)]
    while queue:
        prefix, owner = queue.pop(0)
        for name, hint in typing.get_type_hints(owner).items():
            members = _dataclasses(hint)
            if not members or name not in {field.name for field in dataclasses.fields(owner)}:
                continue
            fresh = members not in groups
            paths = groups.setdefault(members, [])
            if (path := prefix + name) not in paths:
                paths.append(path)
            if fresh:
                queue += [(f"{path}.", own) for own in members]
    return groups


def _dataclasses(hint: Any) -> tuple[type, ...]:
    return tuple(own for own in _members(hint) if isinstance(own, type) and dataclasses.is_dataclass(own))


def _members(hint: Any) -> tuple[Any, ...]:
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _title(paths: Sequence[str]) -> str:
    return _TITLES.get(paths[0], paths[0].replace("_", " ").replace(".", " "))


def _anchor(paths: Sequence[str]) -> str:
    return _title(paths).lower().replace(" ", "-")


def _value(kind: type, groups: Mapping[tuple[type, ...], Sequence[str]]) -> str:
    parts = [f"### {_name(kind)}", paragraphs(description(kind))]
    required = any(field.default is dataclasses.MISSING for field in dataclasses.fields(kind))
    if not required and (hasattr(kind, "formulas") or hasattr(kind, "formula")):
        parts.append(_formulas(kind()))
    if isinstance(source := getattr(kind, "source", None), str):
        parts.append(f"Source: {prose(source)}.")
    rows = list(_field_rows(kind, groups))
    return "\n\n".join([*parts, table(("field", "values", "default", "meaning"), rows)] if rows else parts)


def _name(kind: type) -> str:
    """Return what a path that ends in ``kind`` is set to for this value."""
    return str({field.name: field.default for field in dataclasses.fields(kind)}.get("kind", kind.__name__))


def _formulas(value: Any) -> str:
    lines = value.formulas() if hasattr(value, "formulas") else (value.formula(),)
    return "With the defaults:\n\n```text\n" + "\n".join(lines) + "\n```"


def _fields_section(title: str, kind: type, groups: Mapping[tuple[type, ...], Sequence[str]]) -> str:
    rows = table(("field", "values", "default", "meaning"), _field_rows(kind, groups))
    return "\n\n".join([f"## {title}", paragraphs(description(kind)), rows])


def _field_rows(kind: type, groups: Mapping[tuple[type, ...], Sequence[str]]) -> Iterator[tuple[str, ...]]:
    hints, meanings = typing.get_type_hints(kind), documented(kind, "Attributes")
    for field in dataclasses.fields(kind):
        if field.name != "kind" or (len(dataclasses.fields(kind)) == 1 and kind in (GanConfig, AaeConfig)):
            values = _values(hints[field.name], groups)
            yield code(field.name), values, written(field.default), prose(meanings.get(field.name, ""))


def _values(hint: Any, groups: Mapping[tuple[type, ...], Sequence[str]]) -> str:
    members = _members(hint)
    classes = _dataclasses(hint)
    # The first group that has them: a value is described once.
    homes = [own for own in groups.items() if set(classes) <= set(own[0])][:1] if classes else []
    words = [f"[{_title(paths)}](#{_anchor(paths)})" for _, paths in homes]
    words = [f"{word}: {', '.join(map(_name, classes))}" if classes != homes[0][0] else word for word in words]
    words += [_word(own) for own in members if own not in classes and own is not types.NoneType]
    return " or ".join(words + ["absent"] * (types.NoneType in members))


def _word(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(map(code, typing.get_args(hint)))
    if typing.get_origin(hint) is Mapping:
        return "values by name"
    if typing.get_origin(hint) is tuple:
        inner = _word(typing.get_args(hint)[0])
        return f"list of lists{inner.removeprefix('list')}" if inner.startswith("list of") else f"list of {inner}s"
    return {float: "number", int: "whole number", str: "text", bool: "`true`, `false`"}.get(hint, code(hint))


# Studies and spaces


def all_studies() -> str:
    """Build the page of all studies, with their profiles and claims."""
    introduction = (
        "A claim of a paper is a hypothesis of a study: it is declared before the run and gets a verdict after it."
        " `smoke` shows the path, `quick` takes minutes on two cores, `standard` days of cores, and `paper` has the"
        " published scale. `study show NAME --profile P` says what one would cost on your machine."
    )
    rows = [(f"[`{own.name}`](#{own.name})", prose(own.question)) for own in studies().values()]
    return page("Studies", introduction, [table(("study", "question"), rows), *map(_study, studies().values())])


def _study(own: Study) -> str:
    rows = []
    for name, profile in own.profiles.items():
        cells = prod(len(factor.levels) for factor in profile.factors)
        seeds = f"{profile.block} to {profile.most_seeds}" if profile.most_seeds else str(profile.seeds)
        rows.append((code(name), f"{cells} x {seeds}", prose(profile.note)))
    claims = [f"* {prose(claim.claim)} ({prose(claim.source)})" for claim in own.hypotheses]
    parts = [f"## {own.name}", f"{prose(own.question)}", table(("profile", "cells x seeds", "what it changes"), rows)]
    parts += ["Claims:", "\n".join(claims)] if claims else []
    return "\n\n".join([*parts, "Sources:", "\n".join(f"* {prose(source)}" for source in own.sources)])


def spaces() -> str:
    """Build the page of all search spaces, with every axis."""
    introduction = (
        "What `study search SPACE` searches. Both ends of a range are included. Spaces join by `+`, as in"
        " `wgan-clip+mlp-size`. An axis with a condition exists only under that option of another axis."
    )
    rows = [(f"[`{own.name}`](#{own.name})", prose(own.title)) for own in SEARCHES.values()]
    return page(
        "Search spaces", introduction, [table(("space", "what it searches"), rows), *map(_space, SEARCHES.values())]
    )


def _space(space: Space) -> str:
    head = ("axis", "values", "default", "exists", "role", "sets", "source")
    fixed = ", ".join(code(f"{path}={label_of(value)}") for path, value in space.assign.items())
    rows = [
        (
            code(axis.name),
            prose(_range(axis)),
            code(_number(axis.default)),
            prose(sentence(axis.when)),
            axis.role.value,
            ", ".join(map(code, _paths(space, axis))),
            prose(axis.source),
        )
        for axis in space.axes
    ]
    parts = [f"## {space.name}", f"{prose(space.title)}. Source: {prose(space.source)}."]
    return "\n\n".join([*parts, *([f"Fixed: {fixed}."] if fixed else []), table(head, rows)])


def _range(axis: Options | Range) -> str:
    if isinstance(axis, Options):
        return ", ".join(axis.labels)
    kind = "whole, " * isinstance(axis.domain, Int)
    return f"{kind}{_number(axis.domain.low)} to {_number(axis.domain.high)}{', log' * axis.domain.log}"


def _paths(space: Space, axis: Options | Range) -> Sequence[str]:
    """Return the paths that the axis sets, by itself or through a rule."""
    if isinstance(axis, Options):
        return list(dict.fromkeys(path for level in axis.levels for path in level.assign))
    return [*axis.paths, *(path for rule in space.rules if axis.name in rule.axes for path in rule.paths)]


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else label_of(value)


# Outcomes


def outcomes() -> str:
    """Build the page of outcomes, the table that decides them, and the rule's thresholds."""
    introduction = (
        "An outcome is the one class that a replica's trace gets, decided after training by a rule with explicit"
        " thresholds. Status is another question: it says what happened to the *process* (finished, stopped, crashed)."
    )
    rows = [(code(own.value), prose(own.sentence)) for own in Outcome]
    rules = [
        (
            code(field.name),
            *(written(getattr(rule, field.name)) for rule in (MIXTURE_RULE, IMAGE_RULE)),
            prose(documented(OutcomeRule, "Attributes").get(field.name, "")),
        )
        for field in dataclasses.fields(OutcomeRule)
    ]
    parts = [
        table(("outcome", "what it says of a replica"), rows),
        "## How a snapshot is judged",
        *_blocks(judge, ("snapshot", "if")),
        "## How a trace is decided",
        *_blocks(decide, ("row", "holds if", "outcome")),
        "## The thresholds",
        "`study decide LAUNCH --rule coverage_min=0.9` decides a launch again with another value. Studies on points"
        " start from the rule `modes`, studies on images from the rule `images`; a profile may change a threshold, and"
        " every report prints the rule that it was decided by.",
        table(("threshold", "`modes`", "`images`", "meaning"), rules),
        "## Their plausible ranges",
        "A verdict that would be another one with one threshold elsewhere in its plausible range is marked *fragile*."
        " Reports show what moves; values are rounded to three digits.",
        table(("threshold", "`modes`", "`images`", "ends there because it is"), map(_plausible, THRESHOLDS)),
    ]
    return page("Outcomes", introduction, parts)


def _plausible(name: str) -> tuple[str, ...]:
    """Return a threshold, its plausible range in both rules, and why it ends there."""
    spans = [_ends(plausible(rule, name)) for rule in (MIXTURE_RULE, IMAGE_RULE)]
    return code(name), *spans, prose(PLAUSIBLE[name].why)


def _ends(values: Sequence[object]) -> str:
    if not values:
        return "absent"
    words = ", ".join(map(str, values)) if isinstance(values[0], str) else f"{values[0]:g} to {values[-1]:g}"
    return code(words)


def _blocks(function: object, head: Sequence[str]) -> list[str]:
    """Return the paragraphs of a function's docstring and its simple table of reStructuredText, as Markdown."""
    return [
        _table(text.splitlines(), head) if text.startswith("===") else paragraphs(text)
        for text in description(function).split("\n\n")
    ]


def _table(lines: Sequence[str], head: Sequence[str]) -> str:
    """Return a simple table; a line without a first cell goes on with the row above."""
    starts = [found.start() for found in re.finditer("=+", lines[0])]
    rows: list[list[str]] = []
    for line in lines[1:-1]:
        cells = [line[start:end].strip() for start, end in zip_longest(starts, starts[1:])]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
    return table(head, [[prose(cell) for cell in row] for row in rows])


PAGES: Mapping[str, Callable[[], str]] = {
    "cli.md": cli,
    "config.md": config,
    "studies.md": all_studies,
    "spaces.md": spaces,
    "outcomes.md": outcomes,
    "api.md": python_page.api,
}

if __name__ == "__main__":
    main()
