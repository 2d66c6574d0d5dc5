"""Files that are written whole or not at all, and digests of plain values."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
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


def json_digest(values: Any, *, size: int = 8) -> str:
    """Return ``2 * size`` hex digits that identify JSON values, whatever the order of their keys."""
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=size).hexdigest()


def with_floats(values: Any) -> Any:
    """Return JSON values with every integer as a float: -1 and -1.0 then have one digest."""
    return json.loads(json.dumps(values), parse_int=float)
