"""Text files, written whole or not at all; JSON files, read with one sentence for whatever is wrong in them."""

import json
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from trainables.files import written_whole

T = TypeVar("T")


def read_json(
    path: Path, adapter: pydantic.TypeAdapter[T], upgrade: Callable[[bytes], bytes] = lambda content: content
) -> T:
    """Return the value that a file holds.

    Args:
        upgrade: turns the text of an earlier version into that of this one.

    Raises:
        ValueError: with the file and the place in it, if it holds anything but all fields of the right kind.
    """
    try:
        content = upgrade(path.read_bytes().removeprefix(BOM_UTF8))  # which editors on Windows put first
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    try:
        parsed = adapter.validate_json(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        place, text = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        said = f"{place} must be given" if first["type"] == "missing" else f"{place}: {text}" if place else text
        raise ValueError(f"{path} cannot be read: {said}") from None
    unknown = next(_unknown(json.loads(content), adapter.dump_python(parsed, mode="json")), None)
    if unknown is not None:
        raise ValueError(f"{path} cannot be read: {unknown} is no field that this version knows")
    return parsed


def _unknown(given: Any, known: Any, path: str = "") -> Iterator[str]:
    """Yield dotted paths of fields that are given and not known: mistyped, or of a newer version."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(given, dict) and isinstance(known, dict):
        yield from (f"{path}{name}" for name in given if name not in known)
        pairs = ((name, known[name]) for name in given if name in known)
    elif isinstance(given, list) and isinstance(known, list):
        pairs = enumerate(known)
    for place, inner in pairs:
        yield from _unknown(given[place], inner, f"{path}{place}.")


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
