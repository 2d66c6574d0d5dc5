"""Walk a user's folder: hidden and system folders are no data, links may lead in circles, and not all is a file."""

import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from trainables.text import is_utf8, printable

T = TypeVar("T")

SYSTEM = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "@recently-snapshot",
        "@recycle",
        "__macosx",
        "__pycache__",
        "lost+found",
        "system volume information",
    }
)
"""Folders that file servers and systems make, in lower case; ``@eaDir`` holds thumbnails of every image."""

NUMBERS_ARE_NAMES = {"coerce_numbers_to_str": True}
"""For the parser of configurations, which reads the name of a folder such as ``2024`` as a number."""

Kind = Literal["folder", "file", "lost", "special"]


@dataclass(frozen=True, slots=True)
class Found:
    """A file, by its path relative to the root.

    Attributes:
        kind: ``lost`` for a link that leads to nothing, ``special`` for pipes, sockets and devices, which may not end.
    """

    name: str
    kind: Kind


def folder_of(root: str, field: str = "root") -> Path:
    """Return the folder or file that a user names, absolute; ``~`` is the user's home.

    Args:
        root: as the user writes it.
        field: the data set's field that has it, in errors.

    Raises:
        ValueError: if the name is no UTF-8: it could not be stored with the results.
    """
    if not is_utf8(root):
        what = "folder" if field == "root" else "file"
        raise ValueError(
            f"{field} must be a {what} whose name is UTF-8, got {printable(root)}: rename it, or name a link to it"
        )
    return Path(os.path.expanduser(root)).absolute()


def fetching(kind: str, root: str) -> str:
    """Return the command that downloads a data set into a folder."""
    return f"study data get {kind.replace('_', '-')} --root {shlex.quote(root)}"


def locate(data: T, folder: str) -> T:
    """Return a data set whose relative paths are those in ``folder``; the same data set if it has none.

    Paths are the fields that the class names in ``paths``, and otherwise ``root``.
    """
    named = {field: getattr(data, field, None) for field in getattr(data, "paths", ("root",))}
    found = {field: os.path.join(folder, os.path.expanduser(path)) for field, path in named.items() if path}
    return replace(data, **found) if found and folder else data  # type: ignore[type-var]


def folders_in(root: Path) -> list[str]:
    """Return the folders directly in a folder, by name; each real one once, and none that leads back to the root.

    Raises:
        ValueError: if the folder cannot be read.
    """
    seen = {os.path.realpath(root)}
    found = []
    for name, kind in _entries(root):
        if kind == "folder" and (real := os.path.realpath(root / name)) not in seen:
            seen.add(real)
            found.append(name)
    return found


def files_in(root: Path) -> Iterator[Found]:
    """Yield what lies directly in a folder and is no folder, by name.

    Raises:
        ValueError: if the folder cannot be read.
    """
    return (Found(name, kind) for name, kind in _entries(root) if kind != "folder")


def files_below(root: Path, folder: str) -> Iterator[Found]:
    """Yield what lies in ``root / folder`` and below and is no folder: files before folders, each by name.

    Links are followed. Each real folder is visited once, and the root and its other folders not at all.

    Raises:
        ValueError: if a folder cannot be read.
    """
    visited = {os.path.realpath(root), *(os.path.realpath(root / name) for name in folders_in(root))}
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        inside = []
        for name, kind in _entries(root / place):
            path = os.path.join(place, name)
            if kind != "folder":
                yield Found(path, kind)
            elif (real := os.path.realpath(root / path)) not in visited:
                visited.add(real)
                inside.append(path)
        waiting += reversed(inside)


def _entries(folder: Path) -> list[tuple[str, Kind]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry.name, _kind(entry)) for entry in entries if not _skipped(entry.name))
    except OSError as error:
        raise ValueError(
            f"root must hold folders that can be read, got {printable(str(folder))}: {error.strerror}"
        ) from None


def _skipped(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def _kind(entry: "os.DirEntry[str]") -> Kind:
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "lost"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "special"
