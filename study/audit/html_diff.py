"""What is on a page, in order and by kind, so that two pages can be compared and a difference be named.

===========  =======================================================================================================
words        text that a reader sees, and what a screen reader says: labels of pictures, titles
drawing      shapes and places inside figures
pictures     embedded images, as their pixels
markup       all the rest: elements, links, styles
===========  =======================================================================================================
"""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from io import BytesIO
from itertools import zip_longest
from typing import Literal, get_args

from PIL import ImageSequence

from trainables.data.pixels import opened

Kind = Literal["words", "drawing", "pictures", "markup"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SPOKEN = ("alt", "aria-label", "aria-valuetext", "content", "datetime", "label", "title", "value")
_LINKED = ("data", "href", "poster", "src", "srcset", "xlink:href")
_HEADINGS = ("h1", "h2", "h3")
_UNSEEN = ("script", "style")
_NUMBER = re.compile(r"\d")
_AROUND = 3
"""Words shown at either side of a difference."""


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a page; ``place`` says where a reader finds it."""

    place: str
    value: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What a page has at a place, and what it should have; either may be empty."""

    place: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Page:
    """The items of a page, each kind in its order; ``drawn_by`` is what made its figures, if it says so."""

    items: Mapping[Kind, Sequence[Item]]
    drawn_by: str

    def numbers(self) -> int:
        """How many words have a digit in them."""
        return sum(bool(_NUMBER.search(word)) for item in self.items["words"] for word in item.value.split())


def read(html: str) -> Page:
    """Never fails: whatever is no page has few items."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(reader.items, reader.drawn_by)


def compare(found: Page, expected: Page, kind: Kind) -> Iterator[Difference]:
    """Yield the places where one kind differs, in order of the page."""
    same = _same_picture if kind == "pictures" else str.__eq__
    for one, other in _aligned(found.items[kind], expected.items[kind]):
        if one is None or other is None or not same(one.value, other.value):
            place = (other or one or Item("", "")).place
            yield Difference(place, *_narrowed(one.value if one else "", other.value if other else "", kind))


class _Reader(HTMLParser):
    """Sorts a page into its items; the place is the last heading, and the head of the row inside a table."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[Kind, list[Item]] = {kind: [] for kind in KINDS}
        self.drawn_by = ""
        self._inside: Counter[str] = Counter()
        self._heading, self._row = "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta" and ("name", "generator") in attrs:
            self.drawn_by = dict(attrs).get("content") or ""
            return
        self._inside[tag] += 1
        if tag in _HEADINGS:
            self._heading, self._row = "", ""
        if tag == "tr":
            self._row = ""
        self._add("drawing" if self._inside["svg"] else "markup", tag)
        for name, value in attrs:
            self._attribute(name, value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._inside[tag] -= 1

    def handle_endtag(self, tag: str) -> None:
        self._inside[tag] -= 1
        if tag in ("table", "tr"):
            self._row = ""

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if any(self._inside[tag] > 0 for tag in _UNSEEN):
            self._add("markup", text)
            return
        if any(self._inside[tag] > 0 for tag in _HEADINGS):
            self._heading = f"{self._heading} {text}".strip()
        elif self._inside["th"] > 0 and self._inside["tbody"] > 0:
            self._row = f"{self._row} {text}".strip()
        self._add("words", text)

    def _attribute(self, name: str, value: str) -> None:
        if name in _SPOKEN:
            self._add("words", " ".join(value.split()))
        elif name in _LINKED and value.startswith("data:"):
            self._add("pictures", value)
        else:
            self._add("drawing" if self._inside["svg"] else "markup", f"{name}={value}")

    def _add(self, kind: Kind, value: str) -> None:
        if value:
            place = f"{self._heading}, row {self._row}" if self._row else self._heading
            self.items[kind].append(Item(place or "the head of the page", value))


def _aligned(found: Sequence[Item], expected: Sequence[Item]) -> Iterator[tuple[Item | None, Item | None]]:
    """Pairs of items that should be equal; of pages with different numbers of them, only those that differ."""
    if len(found) == len(expected):
        yield from zip(found, expected, strict=True)
        return
    a, b = ([item.value for item in items] for items in (found, expected))
    start, tail = _ends(a, b)
    matcher = SequenceMatcher(None, a[start : len(a) - tail], b[start : len(b) - tail])
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield from zip_longest(found[start + i : start + j], expected[start + k : start + m])


def _narrowed(one: str, other: str, kind: Kind) -> tuple[str, str]:
    """Return the words that differ, with a few around them."""
    if kind == "pictures":
        return ("a picture" if one else ""), ("another" if other else "")
    a, b = one.split(), other.split()
    start, tail = _ends(a, b)
    return _cut(a, start, tail), _cut(b, start, tail)


def _ends(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """How many values are equal from the start on, and how many of the rest towards the end."""
    shorter = min(len(a), len(b))
    start = next((i for i, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), shorter)
    tail = 0
    while tail < shorter - start and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    return start, tail


def _cut(words: Sequence[str], start: int, tail: int) -> str:
    first, last = max(0, start - _AROUND), min(len(words), len(words) - tail + _AROUND)
    text = " ".join(words[first:last])
    return text if len(text) <= 160 else text[:157] + "..."


def _same_picture(one: str, other: str) -> bool:
    """Whether two images have the same pixels; another version of an encoder writes other bytes."""
    return one == other or (_pixels(one) or one) == (_pixels(other) or other)


def _pixels(uri: str) -> list[bytes]:
    """Return the pixels frame by frame; empty if the image cannot be decoded."""
    try:
        with opened(BytesIO(b64decode(uri.partition(",")[2]))) as image:
            return [
                repr(frame.size).encode() + frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)
            ]
    except (NotBase64, OSError, ValueError):
        return []
