"""What a page tells its reader to type: its blocks of code, and the files that they say to change."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_MARK = r"<!-- (?:not run: (?P<reason>[^>]+)|(?P<slow>slow)) -->\n *"
_BLOCK = re.compile(
    rf"^(?P<indent> *)(?:{_MARK})?"
    r"```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block of a page.

    Attributes:
        title: the file that the block goes into; empty for what is to be typed.
        reason: why no test runs it; empty for blocks that one runs.
        slow: whether only the slow tests run it.
    """

    language: str
    title: str
    reason: str
    slow: bool
    text: str


def blocks(page: Path) -> list[Block]:
    return [
        Block(
            language=found["language"],
            title=found["title"] or "",
            reason=found["reason"] or "",
            slow=found["slow"] is not None,
            text=found["text"],
        )
        for found in _BLOCK.finditer(page.read_text("utf-8"))
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """The command lines of a block, split into words; comments are left out, continued lines are joined."""
    for line in block.text.replace("\\\n", " ").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def change(root: Path, page: Path) -> None:
    """Makes the changes to files that a page describes, in ``root``.

    A titled block of Python is a new file or, if the file is there, goes above what the next ``diff`` of that file
    changes. A ``diff`` replaces its lines with `` `` and ``-`` by those with `` `` and ``+``.

    Raises:
        ValueError: if a diff does not fit its file exactly once.
    """
    waiting: dict[str, str] = {}
    for block in blocks(page):
        path = root / block.title
        if not block.title:
            continue
        if block.language != "diff":
            if path.exists():
                waiting[block.title] = block.text
            else:
                path.write_text(block.text, "utf-8")
            continue
        before, after = (_side(block.text, sign) for sign in "-+")
        text = path.read_text("utf-8")
        if text.count(before) != 1:
            raise ValueError(
                f"{block.title} must have once what {page.name} changes, got {text.count(before)}:\n{before}"
            )
        path.write_text(text.replace(before, _above(waiting.pop(block.title, "")) + after), "utf-8")
    if waiting:
        raise ValueError(f"{page.name} must say where its code goes, in a diff of {', '.join(waiting)}")


def _above(text: str) -> str:
    return f"{text.rstrip()}\n\n\n" if text else ""


def _side(diff: str, sign: str) -> str:
    return "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in f" {sign}")
