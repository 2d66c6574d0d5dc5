"""Files that are written whole or not at all, files that know whether they are damaged, and digests of plain values."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any


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
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_sealed(path: Path, content: bytes, *, by_many: bool = False) -> None:
    """Write a file that begins with the SHA-256 of its content, for :func:`read_sealed`; whole or not at all.

    Raises:
        OSError: as :func:`written_whole`.
    """
    with written_whole(path, by_many=by_many) as unfinished:
        unfinished.write_bytes(sha256(content).digest() + content)


def read_sealed(path: Path) -> bytes | None:
    """Return the content of a file that :func:`write_sealed` has written; None if a single bit of it has changed."""
    stored = path.read_bytes()
    seal, content = stored[: sha256().digest_size], stored[sha256().digest_size :]
    return content if sha256(content).digest() == seal else None


def json_digest(values: Any, *, size: int = 8) -> str:
    """Return ``2 * size`` hex digits that identify JSON values, whatever the order of their keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=size).hexdigest()


def with_floats(values: Any) -> Any:
    """Return JSON values with every integer as a float: -1 and -1.0 then have one digest."""
    return json.loads(json.dumps(values), parse_int=float)
