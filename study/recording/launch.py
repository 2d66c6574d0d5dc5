"""The launch that loops of the user's own record into: several processes may make it, join it and end in it at once."""

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from shutil import rmtree
from uuid import uuid4

from study import report
from study.design import recorded_cells
from study.design.plan import Block, Plan
from study.design.recording import RecordedCell
from study.design.values import differences, exact
from study.recording.given import Given
from study.storage import lock
from study.storage.lookup import check_writable
from study.storage.recording_log import RecordingLog
from study.storage.records import Record, Status, decide_block
from study.storage.store import Store
from study.tracking import Tracker, TrackingUnreachable, sync
from study.validation.judges import judged, try_recorded
from trainables.config import Setting
from trainables.files import DamagedFile, set_aside

_PATIENCE = 600.0
"""Seconds that a process waits for others to be done with the launch's files."""
_DRAFT = re.compile("[0-9a-f]{32}")
_OWN = ("launch", "created", "versions", "folder")
"""Fields of a plan that the first process has chosen for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a replica is recorded.

    Attributes:
        plan: of the launch when the replica began.
        block: of the replica alone.
        caveat: what the user should know; empty if nothing.
    """

    plan: Plan
    block: Block
    caveat: str = ""

    @property
    def seed(self) -> int:
        return self.block.seeds[0]


def opened(plan: Plan, out: Path, real: Given) -> Store:
    """Return the launch of a plan: the one that is there, or a new one, once the rule has been tried on the data.

    Raises:
        ValueError: if the launch that is there has another plan, the rule cannot judge the data, or the folder cannot
            be written.
    """
    store = Store(out / plan.study / plan.launch)
    _clean(store)
    if not store.plan_path.exists():
        check_writable(out)
        assert plan.recording is not None
        judge = try_recorded(plan.recording.base, real.source, plan.rule, out / "cache", plan.study)
        _create(store, plan, {judged(plan.recording.base): judge.to_json()})
    _check_same(store.plan(), plan, store)
    return store


def _clean(store: Store) -> None:
    """Remove the drafts that processes have left which were killed while they made the launch, a moment's work."""
    for draft in store.root.parent.glob(f".{store.root.name}-*"):
        with suppress(FileNotFoundError):  # its process is done with it, or another one removes it, too
            if (
                _DRAFT.fullmatch(draft.name[len(store.root.name) + 2 :])
                and time.time() - draft.stat().st_mtime > _PATIENCE
            ):
                rmtree(draft, ignore_errors=True)


def _create(store: Store, plan: Plan, judges: dict[str, dict[str, object]]) -> None:
    """Make the folder of a launch with its plan in it, unless another process has just done so."""
    draft = Store(store.root.with_name(f".{store.root.name}-{uuid4().hex}"))
    try:
        draft.write_plan(plan)
        draft.write_judges(judges)
        draft.write_plugins(plan)
        with suppress(OSError):  # a folder that is there, and not empty, is another process's
            os.rename(draft.root, store.root)
    except OSError as error:
        raise ValueError(f"out must be a writable folder, got {store.out}: {error.strerror}") from None
    finally:
        rmtree(draft.root, ignore_errors=True)


def _check_same(there: Plan, wanted: Plan, store: Store) -> None:
    """Raise ValueError if a launch was begun with other settings."""
    if there.recording is None:
        raise ValueError(f"launch must be one that study.Recorder made, got {store.root}: give it another name")
    plans = (asdict(replace(own, cells=(), factors=(), seeds=(), recorded=(), contrasts=())) for own in (there, wanted))
    first, second = ({name: value for name, value in own.items() if name not in _OWN} for own in plans)
    if first["recording"]["data"] != second["recording"]["data"]:
        raise ValueError(
            f"data must be those of the launch {store.root}, whose digest is {there.recording.data}, got digest"
            f" {wanted.recording.data if wanted.recording else ''}: give the launch another name (launch=)"
        )
    for path, (then, now) in differences(first, second).items():
        name = path.removeprefix("recording.base.").removeprefix("recording.").removeprefix("evaluation.")
        raise ValueError(
            f"{name} must be {exact(then)}, as in the launch {store.root}, got {exact(now)}: give the launch another"
            " name (launch=)"
        )


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """Hold the launch's files; wait while another process does.

    Raises:
        InUse: if it does for ten minutes.
    """
    end = time.monotonic() + _PATIENCE
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(lock.held(store.root))
                break
            except lock.InUse:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        yield


def begin(store: Store, cell: RecordedCell, seed: int) -> Place:
    """Give a replica its place in the launch.

    Raises:
        ValueError: if the cell does not fit the others, or the replica has ended.
    """
    with alone(store):
        log = RecordingLog(store.recording_path)
        _check_cell(log.cells, cell, store)
        log.began(cell, seed)
        plan = store.plan()
        block = _block(plan, cell, seed)
        caveat = ""
        try:
            ended = store.trace(block) is not None
        except DamagedFile:
            aside, ended = set_aside(store.trace_path(block)), False
            caveat = f"the trace of seed {seed} in cell {block.cell.name} was damaged and is recorded anew ({aside})"
        if ended:
            raise ValueError(
                f"seed {seed} of cell {block.cell.name} must not be recorded twice, and has ended in {store.root}: take"
                " another seed, cell or launch"
            )
        write_records(store, plan, {block.name: Status.PLANNED})
    return Place(plan=plan, block=block, caveat=caveat)


def _check_cell(known: Sequence[RecordedCell], cell: RecordedCell, store: Store) -> None:
    levels = recorded_cells.levels_of(cell.settings)
    for other in known:
        theirs = recorded_cells.levels_of(other.settings)
        if set(theirs) != set(levels):
            raise ValueError(
                f"cell must name {', '.join(theirs) or 'nothing'}, as the cells of the launch {store.root} do, got"
                f" {', '.join(levels) or 'nothing'}: give the launch another name (launch=)"
            )
        if theirs == levels and other.steps != cell.steps:
            raise ValueError(
                f"steps must be {other.steps or 'left out'}, as for the other seeds of cell"
                f" {recorded_cells.named(other.settings)} in {store.root}, got {cell.steps or 'none'}"
            )


def _block(plan: Plan, cell: RecordedCell, seed: int) -> Block:
    wanted = recorded_cells.levels_of(cell.settings)
    (place,) = (own.index for own in plan.cells if own.levels == wanted)
    return plan.block_of(place, plan.recorded[place].index(seed))


def ended(store: Store, settings: Mapping[str, Setting], seed: int) -> int | None:
    """Return the last step of a replica that has ended; None if it has not."""
    plan, wanted = store.plan(), recorded_cells.levels_of(settings)
    for cell, seeds in zip(plan.cells, plan.recorded, strict=True):
        if cell.levels == wanted and seed in seeds:
            trace = store.trace(plan.block_of(cell.index, seeds.index(seed)))
            return None if trace is None else int(trace.meta["steps"])
    return None


def write_records(store: Store, plan: Plan, statuses: dict[str, Status]) -> None:
    """Write the records of a launch: those of blocks whose status is given, or that have none, are decided.

    Args:
        store: the launch, which this process holds.
        plan: its plan as it is now.
        statuses: what happened to the process of a block, by its name.
    """
    rule = store.rule()
    known = _known(store)
    rows: list[Record] = []
    for block in plan.blocks():
        status = statuses.get(block.name)
        stored = known.get(block.name)
        if status is None and stored is not None and (stored.status.trained or not store.trace_path(block).exists()):
            rows.append(stored)
            continue
        trace = store.trace(block)
        status = Status.FINISHED if trace is not None else status or Status.PLANNED
        rows += decide_block(replace(plan, rule=rule), block, trace, status, plan.digest())
    store.write_decided(rule, tuple(sorted(rows, key=lambda own: (own.cell, own.replica))))


def _known(store: Store) -> dict[str, Record]:
    """Return the stored records by block; none if they are damaged, as the traces give them again."""
    try:
        stored = store.records() if store.records_path.exists() else ()
    except DamagedFile:
        set_aside(store.records_path)
        stored = ()
    return {record.block: record for record in stored}


def end(store: Store, place: Place, status: Status) -> None:
    """Take in a replica that has ended; its trace is written already if it has one."""
    with alone(store):
        write_records(store, store.plan(), {place.block.name: status})


def show(store: Store, tracker: Tracker) -> str:
    """Write the report and fill the tracker, unless another process has done so since the records were written.

    Returns:
        What the tracker does not show, and why; empty if it shows everything.
    """
    with alone(store):
        newer = store.report_path.exists() and _written(store.report_path) >= _written(store.records_path)
        if newer:
            return ""
        report.build(store)
        try:
            return "" if sync(store, tracker) else tracker.lacking()
        except TrackingUnreachable as error:
            return str(error)


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns
