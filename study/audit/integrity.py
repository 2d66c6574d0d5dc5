"""Whether files have the bytes that were written, and all traces the same data and one edition of random numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

from study.audit.reproduce import Check
from study.design.plan import Plan
from study.formatting import joined, plural
from study.storage import kept_weights, sealed_lines
from study.storage.store import Store
from trainables.data import DataConfig, in_files
from trainables.files import ASIDE, is_whole
from trainables.streams import EDITION


def check_bytes(plan: Plan, store: Store) -> Check:
    """Check that the binary files have the bytes that were written, as far as their versions kept a SHA-256.

    Traces, records and log that are damaged cannot be read, which names them before this check or after it.
    """
    traces = [path for block in plan.blocks() if (path := store.trace_path(block)).exists()]
    states = {path: is_whole(path) for path in sorted(store.checkpoints_path.glob("*.pt"))}
    known = [*states.values(), *map(is_whole, (store.records_path, *traces))]
    logs = (path for path in (store.search_path, store.recording_path) if path.exists())
    known += [sealed_lines.sealed(path) or None for path in logs]
    without = known.count(None)
    return Check(
        name="bytes",
        compared=f"the SHA-256 of {plural(len(known) - without, 'file')}",
        differences=tuple(
            f"{path} is damaged; {store.resume_command} trains its block anew"
            for path, whole in states.items()
            if whole is False
        ),
        notes=tuple(_notes(without, store)),
    )


def check_weights(plan: Plan, store: Store) -> Check:
    """Check that kept networks have the bytes that were written, and are of the plan's cells.

    Nothing else follows from them: no number of the report does.
    """
    kept = kept_weights.replicas(store)
    digests = {cell.index: cell.digest for cell in plan.cells}
    others = [
        f"{store.weight_folder(cell, seed)} is of a configuration with digest {found}, the plan's cell has"
        f" {digests.get(cell, 'none')}"
        for cell, seed, found in kept_weights.configurations(store)
        if found != digests.get(cell)
    ]
    return Check(
        name="weights",
        compared=f"the SHA-256 of the kept networks of {plural(len(kept), 'replica')}",
        differences=(*kept_weights.damage(store), *others),
    )


def _notes(without: int, store: Store) -> Sequence[str]:
    aside = sorted(path.name for path in store.root.rglob(f"*{ASIDE}"))
    notes = []
    if without:
        notes.append(f"{plural(without, 'file')} of an earlier version without SHA-256: damage may not show")
    if aside:
        notes.append(f"set aside as damaged: {joined(aside)}")
    return notes


def check_data(plan: Plan, metas: Mapping[str, Mapping[str, Any]]) -> Check:
    """Check that all traces on one set of data in files were trained on the same data.

    Args:
        plan: the plan of the launch.
        metas: block name to the metadata of its trace.
    """
    found: dict[DataConfig, dict[str, list[str]]] = {}
    for block in plan.blocks():
        data, digest = block.cell.config.data, metas.get(block.name, {}).get("data")
        if digest is not None and in_files(data):
            found.setdefault(data, {}).setdefault(digest, []).append(block.name)
    traces = sum(len(blocks) for digests in found.values() for blocks in digests.values())
    return Check(
        name="data",
        compared=f"digests of the data in {plural(traces, 'trace')}",
        differences=tuple(_changed(data, digests) for data, digests in found.items() if len(digests) > 1),
    )


def check_streams(metas: Mapping[str, Mapping[str, Any]]) -> Check:
    """Check that all traces have random numbers of one edition, and say so if it is not the one that is drawn here.

    Args:
        metas: block name to the metadata of its trace.
    """
    blocks: dict[int, list[str]] = {}
    for name, meta in metas.items():
        blocks.setdefault(meta.get("streams", 1), []).append(name)
    trained = [f"{plural(len(own), 'block')} ({own[0]}{' ...' * (len(own) > 1)}) edition {edition}"
               for edition, own in sorted(blocks.items())]  # fmt: skip
    notes = [
        f"the random numbers are of edition {edition}, and this version draws edition {EDITION}: no training can be"
        " repeated here to the bit"
        for edition in sorted(blocks)
        if edition != EDITION
    ]
    return Check(
        name="streams",
        compared=f"the edition of the random numbers of {plural(len(metas), 'trace')}",
        differences=(f"the random numbers changed during the launch: {joined(trained)}",) if len(blocks) > 1 else (),
        notes=tuple(notes),
    )


def _changed(data: DataConfig, digests: Mapping[str, Sequence[str]]) -> str:
    """Say which blocks were trained on which of several states of one data set."""
    trained = [
        f"{plural(len(blocks), 'block')} ({blocks[0]}{' ...' * (len(blocks) > 1)}) on those with digest {digest}"
        for digest, blocks in digests.items()
    ]
    return f"the data ({data.kind}) changed during the launch: {joined(trained)}"
