"""Logs: files of JSON lines, each on the disk before it takes effect, that only grow.

Each line ends in ``sha256``: the digest of the file up to there, so that damage to any byte shows. A last line that is
cut off, as a killed process leaves it, did not happen.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from trainables.files import DamagedFile

_SEALED = re.compile(rb', "sha256": "([0-9a-f]{64})"}')
"""The end of a line; those of earlier versions have none."""


class SealedLines:
    """A log that one process appends to.

    Raises:
        OSError: if it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        _cut(path)
        self._bytes = sha256(path.read_bytes() if path.exists() else b"")

    def append(self, line: Mapping[str, Any], *, allow_nan: bool = False) -> None:
        """Put a line on the disk.

        Raises:
            ValueError: if it holds what JSON cannot, NaN and infinities among it unless they are allowed.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        digest = self._bytes.copy()
        text = json.dumps(line, allow_nan=allow_nan).encode()
        digest.update(text)
        whole = text[:-1] + f', "sha256": "{digest.hexdigest()}"}}\n'.encode()
        with self._path.open("ab") as file:
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        self._bytes.update(whole)


def _cut(path: Path) -> None:
    """Remove a last line that an earlier process did not finish."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)


def whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines that were written to their end.

    Raises:
        DamagedFile: at one that is not as it was written.
    """
    try:
        *lines, rest = path.read_bytes().split(b"\n") if path.exists() else [b""]
    except OSError as error:
        raise DamagedFile(f"{path} cannot be read: {error.strerror}") from None
    before, sealed_before = sha256(), False
    for number, line in enumerate([*lines, rest], 1):
        is_whole = number <= len(lines)
        if end := _SEALED.search(line):
            digest = before.copy()
            digest.update(line[: end.start()] + b"}")
            if end.end() < len(line) or digest.hexdigest().encode() != end[1]:
                raise DamagedFile(f"{path} cannot be read: line {number} is not as it was written (SHA-256)")
        elif sealed_before and is_whole:  # only earlier versions write lines without one, and before all others
            raise DamagedFile(f"{path} cannot be read: line {number} has no SHA-256, and one before it has")
        sealed_before = sealed_before or end is not None
        before.update(line + b"\n")
        if is_whole:
            yield line


def sealed(path: Path) -> bool:
    """Return whether every whole line has its digest; those that earlier versions wrote have none."""
    return all(_SEALED.search(line) for line in path.read_bytes().split(b"\n")[:-1])
