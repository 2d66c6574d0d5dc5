"""Where a launch lies that a user names by its folder or its id. Loads nothing."""

from pathlib import Path

from study.formatting import did_you_mean, quoted


def folder_of(launch: str | Path, out: str | Path) -> Path:
    """Return the folder of a launch, given by its path or by its id in ``out``.

    Raises:
        ValueError: if there is no such launch.
    """
    for root in (Path(launch), *sorted(Path(out).glob(f"*/{launch}"))):
        if (root / "spec.json").exists():
            return root
    known = [path.parent.name for path in Path(out).glob("*/*/spec.json")]
    near = did_you_mean(launch, known)
    raise ValueError(f"LAUNCH must be a launch's folder or the id of one in {out}, got {quoted(str(launch))}{near}")
