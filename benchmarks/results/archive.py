"""Launches in the repository: what their numbers follow from, in one small file each.

An archive holds the plan, the rule, the records and the traces of one launch; ``study verify`` computes all records
anew from them, and the report can be written again. Pictures, kept networks and Ray's own files are left out, and of a
launch with thousands of replicas the traces, too.
"""

import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from study.storage.store import Store

FOLDER = Path(__file__).parents[2] / "docs" / "results" / "launches"
SUFFIX = ".tar.xz"
KEPT = (
    "spec.json", "rule.json", "judges.json", "settled.json", "records.parquet", "search.jsonl", "metrics.parquet",
)  # fmt: skip
FOLDERS = ("traces", "plugins", "rules")


def name_of(store: Store) -> str:
    """Return the file name of a launch: a study has one launch of each profile, its newest."""
    plan = store.plan()
    return f"{plan.study}-{plan.profile}{SUFFIX}"


def pack(store: Store, folder: Path = FOLDER, *, traces: bool = True) -> Path:
    """Write the archive of a finished launch, in place of an earlier one; equal launches give equal bytes.

    Args:
        traces: whether they are taken in; those of thousands of replicas are too large.

    Raises:
        ValueError: if some replica has not ended, or a record does not follow from the traces.
    """
    from study.audit.verify import verify

    waiting = [record for record in store.records() if not record.status.ended]
    if waiting:
        raise ValueError(f"{store.root} must be finished: {len(waiting)} replicas have not ended")
    wrong = [sentence for check in verify(store) for sentence in check.differences]
    if wrong:
        raise ValueError(f"{store.root} must be as it was written: {wrong[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name_of(store)
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for file in _files(store.root, FOLDERS if traces else FOLDERS[1:]):
            archive.add(file, arcname=str(file.relative_to(store.out)), filter=_bare)
    return path


def unpack(path: Path, out: Path) -> Store:
    """Put the launch of an archive below ``out``, as ``study`` expects it."""
    with tarfile.open(path) as archive:
        archive.extractall(out, filter="data")
    return Store((out / _plan(path)).parent)


def study_of(path: Path) -> str:
    """Return the name of the study of an archive."""
    return _plan(path).parts[0]


def _plan(path: Path) -> Path:
    with tarfile.open(path) as archive:
        return Path(next(name for name in archive.getnames() if name.endswith("/spec.json")))


def archives(folder: Path = FOLDER) -> list[Path]:
    """Return all archives in the order of their names."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def has_traces(path: Path) -> bool:
    """Whether the records of an archive can be decided again."""
    with tarfile.open(path) as archive:
        return any("/traces/" in name for name in archive.getnames())


def _files(root: Path, folders: Sequence[str]) -> Iterator[Path]:
    yield from (root / name for name in KEPT if (root / name).exists())
    for folder in folders:
        yield from (path for path in sorted((root / folder).rglob("*")) if path.is_file())


def _bare(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out whose file it is, and when it was written."""
    entry.mtime, entry.mode = 0, 0o644
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
