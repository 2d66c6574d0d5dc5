"""Where a Ray that is started here keeps its sockets and logs: a folder of this user, with a short path."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
"""Most bytes in the path of a Unix socket."""

_INSIDE = len("/session_2026-01-02_03-04-05_678901_4194304/sockets/plasma_store")
"""Bytes that Ray adds to the folder for its longest socket."""

LONGEST = _LONGEST_SOCKET - _INSIDE
"""Most bytes in the path of a session folder."""


def session_folder() -> Path:
    """Return the first usable folder of ``ray`` and ``ray-<user id>`` in RAY_TMPDIR, TMPDIR and ``/tmp``.

    Raises:
        ValueError: if there is none: the paths are too long, or others own them.
    """
    tried = [*_candidates()]
    for folder in tried:
        if len(os.fsencode(folder)) <= LONGEST and _is_ours(folder):
            return folder
    raise ValueError(
        f"RAY_TMPDIR must be a folder that you can write to, with a path of at most {LONGEST - len('/ray')} characters"
        f" (Ray's sockets lie in it); none of {', '.join(map(str, tried))} will do"
    )


def _candidates() -> Iterator[Path]:
    bases = [os.environ.get("RAY_TMPDIR"), os.environ.get("TMPDIR"), "/tmp"]
    for base in dict.fromkeys(Path(base).absolute() for base in bases if base):
        yield base / "ray"
        yield base / f"ray-{os.geteuid()}"


def _is_ours(folder: Path) -> bool:
    """Whether this user owns the folder, or can make it; Ray writes beside whatever another user's Ray has left."""
    if os.path.exists(folder):
        return folder.is_dir() and folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK | os.X_OK)
    return os.access(folder.parent, os.W_OK | os.X_OK)
