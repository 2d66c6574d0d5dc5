"""A lock that a living process holds on a folder. The system takes it back when the process ends, however it ends."""

import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = "driver.lock"
"""Name of the file in the folder; it says who holds the lock."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class InUse(ValueError):
    """A folder that another living process holds."""


@contextmanager
def held(folder: Path, renamed: Path | None = None) -> Iterator[str]:
    """Hold the lock of a folder; yield what the user should know of it, which is "" where locks work.

    The file goes when the lock is given back; where it was left by a process that was killed, it counts for nothing.

    Args:
        folder: the folder, which exists.
        renamed: what the folder may be called when the lock is given back.

    Raises:
        InUse: if a living process holds it; names the process and its host.
        OSError: if the folder cannot be written to.
    """
    descriptor, caveat = _acquired(folder)
    try:
        yield caveat
    finally:
        for place in (folder, renamed or folder):
            _remove(place / LOCK, descriptor)
        os.close(descriptor)


def _acquired(folder: Path) -> tuple[int, str]:
    path = folder / LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            caveat = _lock(folder, descriptor)
            if _is_there(path, descriptor):  # else its last holder has just removed it
                os.truncate(descriptor, 0)
                os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
                return descriptor, caveat
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(folder: Path, descriptor: int) -> str:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        raise InUse(f"{folder} is in use by {holder}: wait until it has ended, or end it, and try again") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return f"{folder} lies where files cannot be locked: make sure that no other process writes to this launch"
    return ""


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 1_000, 0))
        return f"process {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):  # between its lock and its first word
        return "another process"


def _is_there(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _remove(path: Path, descriptor: int) -> None:
    with suppress(OSError):
        if _is_there(path, descriptor):
            path.unlink()
