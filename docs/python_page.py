"""The page of the public Python interface, from the docstrings of what ``import study`` offers."""

import dataclasses
import inspect
import json
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Any

from markdown_text import code, description, documented, page, paragraphs, prose, section_of, table, written

import study


def api() -> str:
    """Build the page of every public name, functions first."""
    introduction = (
        "What `import study` offers. Names are loaded when they are first used: the import alone loads neither torch"
        " nor Ray. Every example on this page is run by the tests; `stored` there is the folder of a stored launch and"
        " `folder` an empty one. [In a notebook](../tutorial/notebook.md) shows how they go together."
    )
    public = {name: getattr(study, name) for name in study.__all__}
    functions = {name: own for name, own in public.items() if inspect.isfunction(own)}
    classes = {name: own for name, own in public.items() if inspect.isclass(own)}
    others = sorted(public.keys() - functions.keys() - classes.keys())
    rows = [(f"[`study.{name}`](#study{name})", prose(_headline(own))) for name, own in functions.items()]
    rows += [(f"[`study.{name}`](#{name.lower()})", prose(_headline(own))) for name, own in classes.items()]
    parts = [table(("name", "what it is"), rows)]
    parts += [_callable(f"study.{name}", own) for name, own in functions.items()]
    parts += [_class(name, own) for name, own in classes.items()]
    names = " and ".join(f"`study.{name}`" for name in others)
    parts.append(f"## Constants\n\n{names}: the rules that [Outcomes](outcomes.md#the-thresholds) lists.")
    return page("Python", introduction, parts)


def _headline(thing: object) -> str:
    return " ".join(description(thing).split("\n\n")[0].split())


def _callable(name: str, own: Any, level: str = "##") -> str:
    parameters = list(inspect.signature(own).parameters.values())
    shown = [p for p in parameters if p.name != "self"]
    keyword = next((i for i, p in enumerate(shown) if p.kind is inspect.Parameter.KEYWORD_ONLY), None)
    words = [_parameter(p) for p in shown]
    if keyword is not None:
        words.insert(keyword, "*")
    parts = [f"{level} {name}", f"```python\n{name}({', '.join(words)})\n```", paragraphs(description(own))]
    return "\n\n".join([*parts, *_sections(own)])


def _parameter(parameter: inspect.Parameter) -> str:
    value = parameter.default
    quoted = json.dumps(value) if isinstance(value, str) else repr(value)  # as ruff quotes Python in pages
    default = "" if value is inspect.Parameter.empty else f"={quoted}"
    return f"{'**' * (parameter.kind is inspect.Parameter.VAR_KEYWORD)}{parameter.name}{default}"


def _sections(own: object) -> Iterator[str]:
    for section in ("Args", "Attributes"):
        if found := documented(own, section):
            yield table(("argument" if section == "Args" else "attribute", "meaning"), _meanings(found))
    yield from _texts(own)


def _texts(own: object) -> Iterator[str]:
    for section in ("Returns", "Raises"):
        if text := section_of(own, section):
            yield f"**{section}** {prose(' '.join(text.split()))}"
    if text := section_of(own, "Examples"):
        yield f"```pycon\n{text}\n```"


def _meanings(found: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(code(name), prose(text)) for name, text in found.items()]


def _class(name: str, own: type) -> str:
    parts = [f"## {name}", paragraphs(description(own)), *_sections(own)]
    if dataclasses.is_dataclass(own):
        meanings = documented(own, "Attributes")
        rows = [(code(f.name), written(f.default), prose(meanings.get(f.name, ""))) for f in dataclasses.fields(own)]
        parts[2:] = [table(("field", "default", "meaning"), rows), *_texts(own)]
    elif issubclass(own, Enum):
        parts.append("Members: " + ", ".join(code(member.name) for member in own) + ".")
    members = [(key, value) for key, value in vars(own).items() if key[0] != "_" and inspect.getdoc(value)]
    for key, value in members if own is study.Launch else ():
        if inspect.isfunction(value):
            parts.append(_callable(f"Launch.{key}", value, "###"))
        elif isinstance(value, property | cached_property):
            inner = value.fget if isinstance(value, property) else value.func
            parts.append("\n\n".join([f"### Launch.{key}", paragraphs(description(inner)), *_sections(inner)]))
    return "\n\n".join(parts)
