"""Where launches lie: the folder of one that a user names, and what can be a folder of launches. Light to load."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from study.formatting import did_you_mean, joined, quoted

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""How an address such as ``s3://bucket`` begins, also after it has become a path, which has one slash of two."""


def folder_of(launch: str | Path, out: str | Path) -> Path:
    """Return the folder of a launch, given by its path, by its id in ``out``, or by its study and id: ``study/id``.

    Raises:
        ValueError: if there is no such launch, or several studies have one of this id.
    """
    root = Path(launch)
    if str(launch) and os.path.isfile(root / "spec.json"):  # which is False, and no error, for what can be no path
        return root if len(root.parts) > 1 else root.absolute()  # whose parents are asked for, which "." has not
    if len(root.parts) == 2 and os.path.isfile(Path(out) / root / "spec.json"):
        return Path(out) / root
    known: dict[str, list[Path]] = {}
    for path in sorted(Path(out).glob("*/[!.]*/spec.json")):
        known.setdefault(path.parent.name, []).append(path.parent)
    found = known.get(str(launch), [])
    if len(found) > 1:  # recorded launches have the id "recorded" unless they are given another one
        folders = joined(map(str, found))
        raise ValueError(f"LAUNCH must be one launch, got {quoted(str(launch))}, the id of {folders}: give its folder")
    if found:
        return found[0]
    near = did_you_mean(launch, known)
    raise ValueError(f"LAUNCH must be a launch's folder or the id of one in {out}, got {quoted(str(launch))}{near}")


def check_local(out: str | Path) -> None:
    """Raise ValueError if a folder of launches is an address, which would become a folder of that name here, or ""."""
    if not str(out):
        raise ValueError("--out must be a folder, got '': the working folder is '.'")
    if _ADDRESS.match(str(out)):
        raise ValueError(f"--out must be a folder of this machine, got the address {str(out)!r}; mount it as a folder")


def check_writable(out: Path) -> None:
    """Raise ValueError unless launches can be written to a folder. Makes it and a file in it, and takes both away."""
    check_local(out)
    missing = [folder for folder in (out, *out.absolute().parents) if not os.path.lexists(folder)]
    made: list[Path] = []
    try:
        for folder in reversed(missing):
            folder.mkdir()
            made.append(folder)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ValueError(f"--out must be a writable folder, got {out}: {error.strerror}") from None
    finally:
        for folder in reversed(made):
            with suppress(OSError):  # somebody else has put something into it
                folder.rmdir()
