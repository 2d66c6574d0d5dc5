"""Text of the reference's pages: tables, code, and docstrings of Google's style as Markdown."""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence

from search_spaces import label_of

COMMAND = "uv run python docs/generate.py"
_NOTE = f"<!-- Written by `{COMMAND}`: change the code, not this page. -->"
_SECTIONS = ("Args", "Attributes", "Returns", "Raises", "Yields", "Example", "Examples")


def page(title: str, introduction: str, parts: Iterable[str]) -> str:
    """Return a whole page; ``parts`` are separated by empty lines."""
    return "\n\n".join([f"# {title}", _NOTE, introduction, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown, one line per row."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """Return a value in code font, as text that a table can hold."""
    return "`" + (str(value) or '""').replace("|", "\\|") + "`"


def written(default: object) -> str:
    """Return the default of a field, as a table shows it."""
    if default is dataclasses.MISSING:
        return "(required)"
    if default is None:
        return "absent"
    if dataclasses.is_dataclass(default):
        return code(getattr(default, "kind", "its defaults"))
    return code(label_of(list(default) if isinstance(default, tuple) else default))


def prose(text: str) -> str:
    """Docstring text as Markdown: double backticks become single ones, and signs of HTML are escaped."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
    pieces = re.split(r"``(.+?)``", text, flags=re.DOTALL)
    plain = (_escaped(piece) for piece in pieces[::2])
    spans = (code(" ".join(piece.split())) for piece in pieces[1::2])
    return "".join(part for pair in zip(plain, [*spans, ""], strict=True) for part in pair)


def _escaped(text: str) -> str:
    """Text with the signs of HTML and of tables escaped, and every star that does not emphasize a word."""
    stars = re.sub(r"\*(?!\w[^*]*\w\*)(?<!\w\*)", r"\\*", text)
    return stars.replace("<", "&lt;").replace("|", "\\|")


# Docstrings


def description(thing: object) -> str:
    """Return the docstring up to its first section of Google's style."""
    return re.split(rf"^(?:{'|'.join(_SECTIONS)}):$", inspect.getdoc(thing) or "", flags=re.MULTILINE)[0].strip()


def documented(thing: object, section: str) -> dict[str, str]:
    """Return the entries of a section, ``name: text``; a line that names several gives each the same text."""
    entries = re.split(r"^(?=\S)", section_of(thing, section), flags=re.MULTILINE)
    pairs = (entry.partition(":")[::2] for entry in entries)
    return {name.strip(): " ".join(text.split()) for names, text in pairs if names for name in names.split(",")}


def section_of(thing: object, section: str) -> str:
    """Return the text of a section, without its indent; empty if there is none."""
    found = re.search(rf"^{section}:\n((?:[ ]+.*\n?|\n)+)", inspect.getdoc(thing) or "", re.MULTILINE)
    return "" if found is None else textwrap.dedent(found[1]).strip()


def paragraphs(text: str) -> str:
    """Return several paragraphs of docstring text as Markdown."""
    return "\n\n".join(prose(" ".join(part.split())) for part in text.split("\n\n"))
