"""Launches in the repository: what their numbers follow from, in one small file each.

An archive holds the plan, the rule, the records and the traces of one launch; ``study verify`` computes all records
anew from them, and the report can be written again. Pictures, kept networks and Ray's own files are left out, and of a
launch with thousands of replicas the traces, too.
"""

import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from study.audit.verify import verify
from study.design.planning import plan_study
from study.formatting import plural
from study.storage.records import Status
from study.storage.store import Store
from study.studies import studies

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
    """Write the archive of a finished launch, in place of an older one; equal launches give equal bytes.

    Args:
        traces: whether they are taken in; those of thousands of replicas are too large.

    Raises:
        ValueError: if the launch has no traces, is not what it was planned to be, is of a shipped study but not of the
            profile as that study declares it, or is older than the one that would be replaced.
    """
    if not store.traces_path.exists():
        raise ValueError(f"{store.root} must have traces: its records cannot be verified without")
    for sentence in (*wrong(store), *_undeclared(store)):
        raise ValueError(f"{store.root} {sentence}")
    path = folder / name_of(store)
    if path.exists() and (newer := _plan(path).parent.name) > store.plan().launch:
        raise ValueError(f"{store.root} must be newer than the launch that it would replace, {newer}")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:xz", preset=9) as archive:
        for file in _files(store.root, FOLDERS if traces else FOLDERS[1:]):
            archive.add(file, arcname=str(file.relative_to(store.out)), filter=_bare)
    return path


def wrong(store: Store) -> Iterator[str]:
    """Yield what keeps a launch from being published: ``must be ...``.

    Every planned replica has ended and has a record of this plan, no seed was left out before others, outcomes are
    decided by the declared rule, and where there are traces, all follows from them. Records without traces have to be
    believed.
    """
    plan, records = store.plan(), store.records()
    waiting = sum(not record.status.ended for record in records)
    if waiting:
        yield f"must be finished: {plural(waiting, 'replica')} have not ended"
    planned = Counter((cell.index, seed) for cell in plan.cells for seed in plan.seeds)
    if missing := planned - Counter((record.cell, record.seed) for record in records):
        yield f"must have a record of every planned replica: {len(missing)} have none"
    if others := sum(record.plan != plan.digest() for record in records):
        yield f"must have records of its plan, {plan.digest()}: {others} do not say that they are"
    trained = {(record.cell, record.seed) for record in records if record.status is not Status.SKIPPED}
    for cell in plan.cells:
        own = [seed for seed in plan.seeds if (cell.index, seed) in trained]
        if own != [*plan.seeds[: len(own)]]:
            yield f"must have trained the first seeds of each cell, and cell {cell.name} has skipped some of them"
    if store.rule() != plan.rule:
        yield f"must be decided by its declared rule, {plan.rule.label()}: study decide {store.root} does that"
    if store.traces_path.exists():
        for sentence in (own for check in verify(store) for own in check.differences):
            yield f"must be as it was written: {sentence}"


def _undeclared(store: Store) -> Iterator[str]:
    """Yield where a launch is not what the shipped study of its name declares; its seeds may be more or fewer."""
    plan = store.plan()
    if plan.study not in studies():
        return
    declared = studies()[plan.study]
    if plan.profile not in declared.profiles:
        yield f"must be of a profile of the study, got {plan.profile}"
        return
    own = plan_study(declared, plan.profile, now=datetime.fromisoformat(plan.created))
    for name, of in (
        ("hypotheses", lambda planned: planned.hypotheses),
        ("cells", lambda planned: [(cell.name, cell.digest) for cell in planned.cells]),
        ("rule", lambda planned: planned.rule),
        ("first seed", lambda planned: min(planned.seeds)),
    ):
        if of(own) != of(plan):
            yield f"must have the {name} of the study's profile {plan.profile}, and has others"


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
