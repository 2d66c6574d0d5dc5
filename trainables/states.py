"""States of networks and optimizers on disk: written whole, with the file's own SHA-256 at its end."""

from collections.abc import Mapping
from os import SEEK_END
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

from trainables.files import BLANK, is_whole, seal, written_whole
from trainables.later import torch

_END, _END_FIELDS = b"PK\x05\x06", 18
"""How the last record of a zip file begins, and the bytes that follow in it."""


def save(state: Mapping[str, Any], path: Path, *, by_many: bool = False) -> None:
    """Write a state whole or not at all; ``torch.load`` reads it.

    Args:
        state: what ``torch.save`` can write and ``torch.load`` reads with ``weights_only``.
        path: the file that there is to be.
        by_many: whether several processes may write the file at once.

    Raises:
        OSError: if the disk is full or the folder is not writable; nothing is left behind.
    """
    with written_whole(path, by_many=by_many) as unfinished:
        torch.save(dict(state), unfinished)
        with unfinished.open("ab") as file:
            file.write(BLANK.encode())
        seal(unfinished)


def load(path: Path, *, map_location: "torch.device | None" = None) -> dict[str, Any] | None:
    """Read a state; None if the file is damaged or holds anything else, such as a program, which is not run.

    Raises:
        OSError: if it cannot be read.
    """
    if not is_intact(path):
        return None
    try:
        state = torch.load(path, weights_only=True, map_location=map_location)
    except torch.OutOfMemoryError:  # a RuntimeError, too, of a file that may well be whole
        raise
    except (EOFError, RuntimeError, UnpicklingError):
        return None
    return state if isinstance(state, dict) else None


def is_intact(path: Path) -> bool:
    """Return whether the file has the bytes that were written; of an earlier version's, by the zip file's checksums.

    ``torch.load`` looks at neither: of a damaged file it gives other weights, or ends the process.

    Raises:
        OSError: if it cannot be read.
    """
    whole = is_whole(path)
    if whole is not None:
        return whole
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, SEEK_END) - len(_END) - _END_FIELDS))
        if not file.read().startswith(_END):  # what follows the archive was its SHA-256
            return False
    try:
        with ZipFile(path) as archive:
            # torch compresses nothing: what says otherwise is damaged, and would run into errors of any kind.
            plain = all(each.compress_type == ZIP_STORED and each.header_offset >= 0 for each in archive.infolist())
            return plain and archive.testzip() is None
    except (BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError):  # whichever the damage runs into
        return False
