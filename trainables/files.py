"""Files that are written whole or not at all and know their own SHA-256, the user's cache, and digests of values."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, BinaryIO

BLANK = "sha256:" + 64 * "0"
"""What a writer puts into the last 64 KiB of a file for :func:`seal` to fill in."""
ASIDE = ".damaged"
"""Ends the names of files that were set aside."""
CACHE = "STUDY_CACHE"
"""The environment variable that names another folder for what is made once per machine."""
_SEAL = re.compile(rb"sha256:[0-9a-f]{64}")
_TAIL, _CHUNK = 1 << 16, 1 << 20


def cache_folder() -> Path:
    """Return the folder of what is made once per machine: what ``STUDY_CACHE`` names, or one in the user's cache."""
    if named := os.environ.get(CACHE):
        return Path(named).expanduser().absolute()
    usual = os.environ.get("XDG_CACHE_HOME")
    return (Path(usual) if usual and os.path.isabs(usual) else Path.home() / ".cache") / "gan-stability-lab"


class DamagedFile(ValueError):
    """A file that does not hold what was written to it."""


@contextmanager
def written_whole(path: Path, *, by_many: bool = False) -> Iterator[Path]:
    """Yield the path of an unfinished file beside ``path``, which it replaces if nothing was raised.

    Folders are made; after an error the unfinished file is removed and ``path`` is as it was.

    Args:
        path: the file that there is to be.
        by_many: whether several processes may write the file at once; each then has an unfinished file of its own.
            Otherwise the next writer replaces what a killed one has left.

    Raises:
        OSError: if the disk is full or the folder is not writable.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part" if by_many else f"{path.name}.part")
    try:
        yield unfinished
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())  # else a machine that stops may keep the new name and not the bytes
        os.replace(unfinished, path)
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)  # a full disk names no file
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def seal(path: Path) -> None:
    """Replace the :data:`BLANK` in a file by the SHA-256 of the file as it is, so that damage to any byte shows.

    Raises:
        ValueError: if the file has no blank in its last 64 KiB.
    """
    with path.open("r+b") as file:
        place, found = _seal_of(file)
        if found != BLANK:
            raise ValueError(f"{path} must have a blank for its digest near its end, and has none")
        digest = _hashed(file, place)
        file.seek(place)
        file.write(digest.encode())


def is_whole(path: Path) -> bool | None:
    """Return whether a file has the bytes that it was sealed with; None if it was never sealed.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        place, found = _seal_of(file)
        return None if found is None else found == _hashed(file, place)


def _seal_of(file: BinaryIO) -> tuple[int, str | None]:
    """Return where the last seal of a file begins, and its text; None if there is none."""
    start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
    file.seek(start)
    found = [*_SEAL.finditer(file.read())]
    return (start + found[-1].start(), found[-1][0].decode()) if found else (0, None)


def _hashed(file: BinaryIO, place: int) -> str:
    """Return the seal of a file whose seal is at ``place``: the SHA-256 of all bytes, with the blank in its place."""
    digest = sha256()
    file.seek(0)
    for start in range(0, place, _CHUNK):
        digest.update(file.read(min(_CHUNK, place - start)))
    digest.update(BLANK.encode())
    file.seek(place + len(BLANK))
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def set_aside(path: Path) -> Path:
    """Rename a file that cannot be used, so that a new one can take its place, and return its new path.

    Raises:
        OSError: if it cannot be renamed.
    """
    aside = path.with_name(f"{path.name}{ASIDE}")
    os.replace(path, aside)
    return aside


def json_digest(values: Any, *, size: int = 8) -> str:
    """Return ``2 * size`` hex digits that identify JSON values, whatever the order of their keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=size).hexdigest()


def with_floats(values: Any) -> Any:
    """Return JSON values with every integer as a float: -1 and -1.0 then have one digest."""
    return json.loads(json.dumps(values), parse_int=float)
