"""The thread through which a launch talks to a tracker, so that training never waits for it and never fails with it.

The driver's calls put into a queue. The thread takes what has gathered for a second, and for longer as the launch gets
old, joins the curves of each replica into one request, and sends; of the counts of a cell only the last ones. A request
that fails is tried once more. If that fails too, the server counts as down: what comes is dropped, and the server is
tried again after 1, 2, 4 ... 60 seconds. Files have a line of their own: they go to another store, which may lack a
package, a permission or a network while the server takes every number.

The curves of a replica on the server are always the first part of its trace: once a row was dropped, no later row of
this replica is sent, so the last step on the server says what is missing. ``finish`` sends all that is missing from
what the launch has stored, numbers first.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

from study.design.plan import Block, Cell, Plan
from study.evidence.estimates import CellSummary, summarize
from study.formatting import plural
from study.search.importance import Importance
from study.storage import kept_weights, metrics_table
from study.storage.records import Record
from study.storage.store import Store
from study.tracking import series, server
from study.tracking.forms import form_of
from study.tracking.tracker import TrackingUnreachable
from study.tracking.values import Curves, Point, Replica, curves, joined, known_metrics
from study.tracking.view import View
from trainables import trace
from trainables.trace import Row, Trace

_log = logging.getLogger(__name__)

_GATHER_SECONDS = 1.0
_GATHER_SHARE = 1 / 20
"""Share of a launch's time so far by which it is shown late: who waits for hours needs no second."""
_MOST_GATHER_SECONDS = 30.0
_RETRY_SECONDS = 1.0
_BACK_OFF_SECONDS = (1.0, 60.0)
_FILES_BACK_OFF_SECONDS = (60.0, 3600.0)
_PATIENCE_SECONDS = 30.0

_Job = Callable[[View], None]


@dataclass(frozen=True, slots=True)
class _File:
    """A job that sends a file."""

    send: _Job


@dataclass(frozen=True, slots=True)
class _Counts:
    """The counts of a cell so far, which the next ones replace."""

    summary: CellSummary
    score: float | None


_Item = Curves | _Counts | _Job | _File | Event | None
"""Curves to send, counts of a cell, something else to send, a mark to set when all before it is done, or the end."""


@dataclass(slots=True, kw_only=True)
class _Line:
    """One of the two ways to a server, each of which may be down while the other works.

    Attributes:
        takes: what is sent on it.
        back_off: seconds for which it is left alone after a failure, which double up to a largest number.
        retries: whether a request that failed is tried again at once.
        dropped: requests that were given up.
        why: the reason of the last failure.
    """

    takes: str
    back_off: tuple[float, float]
    retries: bool
    pause: float = 0.0
    down_until: float = 0.0
    dropped: int = 0
    why: str = ""

    def failed(self, why: str, *, alone: bool) -> None:
        """Count a request that was given up.

        Args:
            why: the reason.
            alone: whether the next request may succeed all the same.
        """
        self.dropped += 1
        self.why = why
        if not alone:
            first, most = self.back_off
            self.pause = min(max(first, 2 * self.pause), most)
            self.down_until = time.monotonic() + self.pause


def _numbers() -> _Line:
    return _Line(takes="everything", back_off=_BACK_OFF_SECONDS, retries=True)


class Writer:
    """Shows a launch in a view that may be slow, away or broken.

    Args:
        open_view: makes the view of a launch; what it raises is said before anything is trained.
        title: what sentences call it before it is open.
        load: imports what ``open_view`` needs; an import that fails there fails again in ``open_view``.
    """

    def __init__(
        self, open_view: Callable[[Plan, Store], View], title: str, load: Callable[[], object] = lambda: None
    ) -> None:
        self._open, self._title, self._load = open_view, title, load
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._hurry = Event()
        self._thread = Thread(target=self._work, name=f"{title}-writer", daemon=True)
        self._incomplete: set[Replica] = set()
        self._numbers = _numbers()
        self._files = _Line(takes="files", back_off=_FILES_BACK_OFF_SECONDS, retries=False)
        self._in_doubt = False
        self._silent = False
        self._warned: set[str] = set()

    def load(self) -> None:
        with suppress(ImportError):
            self._load()

    def start(self, plan: Plan, store: Store) -> None:
        """Open the view and start to write.

        Raises:
            TrackingUnreachable: if it cannot be used.
        """
        try:
            self._view = self._open(plan, store)
        except TrackingUnreachable:
            raise
        except Exception as error:  # of whatever library, or of a plugin
            raise TrackingUnreachable(f"{self._title} cannot be used: {server.reason(error, '')}") from None
        self._plan, self._store = plan, store
        self._rule = store.rule() if store.rule_path.exists() else plan.rule
        self._thread.start()

    def named(self) -> str:
        return self._view.name

    def cell_begins(self, cell: Cell) -> None:
        self._view.know(cell)

    def curves(self, block: Block, rows: Sequence[Row]) -> None:
        self._put(curves(block, rows, stamp=time.time_ns() // 1_000_000))

    def replica(self, record: Record, block: Block) -> None:
        self._put(partial(self._send_replica, record=record, block=block))
        self._put_pictures(record)

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        self._put(_Counts(summary, score))
        may_grow = self._plan.until_decided or self._plan.search is not None
        if not may_grow and summary.pending == summary.crashed == 0:
            blocks = [block for block in self._plan.blocks() if block.cell.index == summary.cell]
            self._put(partial(self._send_cell_curves, cell=summary.cell, blocks=blocks))
            self._put_cell_picture(self._plan, summary.cell)

    def finish(self, store: Store, complete: bool) -> bool:
        """Send what waits and whatever else is stored, the report included, and close the launch's runs.

        Gives up when the server has not answered for 30 s. Reads the stored traces again: a launch that was killed may
        have stored what it did not send.

        Raises:
            ValueError: if a file of the launch cannot be read.
        """
        begin = time.monotonic()
        self._silent = not (self._settle(begin) and self._answers(begin) and self._replay(complete, begin))
        self._hurry.set()
        self._put(None)
        if not self._silent:
            self._thread.join()
        return not self.lacking()

    def lacking(self) -> str:
        why = f" ({self._numbers.why})" if self._numbers.why else ""
        if self._silent:
            return f"what came after the last answer of its server{why}"
        files = (
            f"{plural(self._files.dropped, 'file')} ({self._files.why or self._numbers.why})"
            if self._files.dropped
            else ""
        )
        return " and ".join(filter(None, (f"some numbers{why}" if self._numbers.dropped else "", files)))

    def _replay(self, complete: bool, begin: float) -> bool:
        """Send everything that is stored, numbers first; return whether the server has answered to the end.

        Traces are sent block by block, so that little is in memory; what the view shows already is not read again.
        """
        self._numbers = _numbers()
        self._files = _Line(takes="files", back_off=(0.0, 0.0), retries=False)
        self._incomplete.clear()
        store, plan = self._store, self._store.plan()
        measured = _measured(store)
        self._put(lambda view: view.renew(self._rule.label()))
        self._put(lambda view: view.measured(measured))
        # A launch that was killed early has traces but no records.
        records = store.records() if store.records_path.exists() else ()
        told = {record.block for record in records if record.status.trained and self._rule.applied}
        for block in plan.blocks():
            stored = None if block.name in told else store.trace(block)  # those come with the outcomes
            if stored is not None:
                self.curves(block, stored.rows)
                if not self._settle(begin):
                    return False
        found = form_of(plan).importances(store)
        self._replay_outcomes(plan, records, complete)
        self._put(lambda view: view.finish(complete, found))
        if not self._settle(begin):
            return False
        self._replay_files(plan, records, complete, found)
        return self._settle(begin)

    def _replay_outcomes(self, plan: Plan, records: Sequence[Record], complete: bool) -> None:
        blocks = {block.name: block for block in plan.blocks()}
        of_cell: defaultdict[int, list[Block]] = defaultdict(list)
        for block in blocks.values():
            of_cell[block.cell.index].append(block)
        for record in records:
            self._put(partial(self._send_replica, record=record, block=blocks[record.block]))
        scores = form_of(plan).scores(records)
        for summary in summarize(records):
            self._put(_Counts(summary, scores.get(summary.cell)))
            if complete:
                self._put(partial(self._send_cell_curves, cell=summary.cell, blocks=of_cell[summary.cell]))

    def _replay_files(self, plan: Plan, records: Sequence[Record], complete: bool, found: Sequence[Importance]) -> None:
        page = self._store.report_path
        if page.exists():
            self._put(_File(lambda view: view.report(page)))
        if found:
            self._put(_File(lambda view: view.importances(found)))
        for record in records:
            self._put_pictures(record)
        for cell in plan.cells if complete else ():
            self._put_cell_picture(plan, cell.index)
        if complete or not plan.keeps_shown:  # before that, some of them will be removed
            for record in records:
                self._put_weights(record)

    def _put_pictures(self, record: Record) -> None:
        for path in self._store.pictures(record.cell, record.seed):
            self._put(_File(partial(_send_picture, record=record, path=path)))

    def _put_weights(self, record: Record) -> None:
        paths = kept_weights.files(self._store, record.cell, record.seed)
        if paths:
            self._put(_File(partial(_send_weights, record=record, paths=paths)))

    def _put_cell_picture(self, plan: Plan, cell: int) -> None:
        """Let a cell show the last grid of its first seed, which nobody has chosen."""
        grids = self._store.grids(cell, plan.seeds[0])
        if grids:
            self._put(_File(lambda view: view.cell_picture(cell, grids[-1])))

    def _send_replica(self, view: View, *, record: Record, block: Block) -> None:
        if view.shows(record, self._rule.label()):
            return
        points: Sequence[Point] = ()
        for stored, stamp in self._judgeable(block):
            own = stored.replica(record.seed)
            if len(own) and own.columns["step"][-1] > view.last_step(record.cell, record.seed):
                rows = [row for row in stored.rows if row["seed"] == record.seed]
                measured = curves(block, rows, stamp=stamp).points
                # A process that went on from a checkpoint was never told the rows before it.
                view.curves(record.cell, record.seed, measured.get((record.cell, record.seed), ()))
            points = series.judged(own, self._rule, stamp=stamp)
        view.replica(record, points, self._rule.label())

    def _send_cell_curves(self, view: View, *, cell: int, blocks: Sequence[Block]) -> None:
        if view.shows_cell_curves(cell, self._rule.label()):
            return
        replicas, stamp = [], 0
        for block in blocks:
            for stored, written in self._judgeable(block):
                replicas += [stored.replica(seed) for seed in block.seeds]
                stamp = max(stamp, written)
        view.cell_curves(cell, series.judged_together(replicas, self._rule, stamp=stamp), self._rule.label())

    def _judgeable(self, block: Block) -> Iterator[tuple[Trace, int]]:
        """Yield the block's trace if there is one that the rule can judge, and when it was written, in ms since 1970.

        That time is the stamp of what is judged: points that are sent again are then the same points.
        """
        path = self._store.trace_path(block)
        if self._rule.applied and path.exists():
            stamp = path.stat().st_mtime_ns // 1_000_000
            yield _read(path, stamp), stamp

    def _put(self, item: _Item) -> None:
        if self._thread.is_alive():
            self._queue.put(item)

    def _settle(self, begin: float) -> bool:
        """Wait for the queue, but no longer once the server has been silent for 30 s, counted from ``begin`` on."""
        done = Event()
        self._put(done)
        self._hurry.set()
        while not done.wait(0.05):
            silent = time.monotonic() - max(begin, self._view.heard)
            if silent > _PATIENCE_SECONDS or not self._thread.is_alive():
                return False
        self._hurry.clear()
        return True

    def _answers(self, begin: float) -> bool:
        """Whether the server works; tries it if it did not, however long it is still to be left alone."""
        if not self._in_doubt:
            return True
        dropped = self._numbers.dropped
        self._numbers.down_until = 0.0
        self._put(lambda view: view.attach())
        return self._settle(begin) and self._numbers.dropped == dropped

    def _work(self) -> None:
        began = time.monotonic()
        while True:
            waiting = [self._queue.get()]
            late = min(_MOST_GATHER_SECONDS, _GATHER_SHARE * (time.monotonic() - began))
            self._hurry.wait(max(_GATHER_SECONDS, late))
            try:
                while True:
                    waiting.append(self._queue.get_nowait())
            except Empty:
                pass
            for item in _gathered(waiting):
                if item is None:
                    return
                self._handle(item)

    def _handle(self, item: Curves | _Counts | _Job | _File | Event) -> None:
        if isinstance(item, Event):
            item.set()
        elif isinstance(item, Curves):
            self._send_curves(item)
        elif isinstance(item, _Counts):
            self._send(partial(_send_counts, counts=item), self._numbers)
        elif isinstance(item, _File):
            self._send(item.send, self._files)
        else:
            self._send(item, self._numbers)

    def _send_curves(self, curves: Curves) -> None:
        for replica, points in curves.points.items():
            if replica in self._incomplete:
                self._numbers.dropped += 1
            elif not self._send(partial(_send_points, replica=replica, points=points), self._numbers):
                self._incomplete.add(replica)

    def _send(self, job: _Job, line: _Line) -> bool:
        if time.monotonic() < max(line.down_until, self._numbers.down_until):  # files, too, need the server
            line.dropped += 1
            return False
        error = self._attempt(job, line)
        if error is not None and line.retries:
            if not self._view.is_refusal(error):
                time.sleep(_RETRY_SECONDS)
            error = self._attempt(job, line)
        if error is None:
            line.pause = 0.0
            return True
        line.failed(self._view.reason(error), alone=self._view.is_refusal(error))
        self._warn(line)
        return False

    def _attempt(self, job: _Job, line: _Line) -> Exception | None:
        """Do a job; return what went wrong.

        That may be anything: libraries pass on the errors of whatever drivers and stores they use. It is said and
        counted by the caller, and no reason to end the thread, with which everything that comes later would be lost.
        """
        try:
            if self._in_doubt:
                self._view.attach()
                self._in_doubt = False
            job(self._view)
            self._view.heard = time.monotonic()
        except Exception as error:
            # A request without an answer may have been carried out: look before any other number is sent.
            self._in_doubt |= line is self._numbers
            return error
        return None

    def _warn(self, line: _Line) -> None:
        if not self._warned & {line.takes, self._numbers.takes}:
            self._warned.add(line.takes)
            _log.warning(
                "%s does not take %s (%s); nothing is lost: `study sync %s` sends the rest later",
                self._view.name,
                line.takes,
                line.why,
                self._store.root,
            )


def _measured(store: Store) -> Mapping[Replica, Sequence[Point]]:
    """Return the known metrics, at the time when they were written: points that are sent again are the same ones."""
    rows = metrics_table.read(store)
    return known_metrics(rows, stamp=store.metrics_path.stat().st_mtime_ns // 1_000_000) if rows else {}


@lru_cache(maxsize=1)
def _read(path: Path, stamp: int) -> Trace:
    """Return a trace that was written at a time; the replicas of a block follow one another."""
    return trace.read(path)


def _gathered(items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield the items in order, neighboring curves as one, and of the counts of a cell the last."""
    neighbors: list[Curves] = []
    last = {item.summary.cell: item for item in items if isinstance(item, _Counts)}
    for item in items:
        if isinstance(item, _Counts) and item is not last[item.summary.cell]:
            continue
        if isinstance(item, Curves):
            neighbors.append(item)
            continue
        if neighbors:
            yield joined(neighbors)
            neighbors = []
        yield item
    if neighbors:
        yield joined(neighbors)


def _send_points(view: View, *, replica: Replica, points: Sequence[Point]) -> None:
    view.curves(*replica, points)


def _send_counts(view: View, *, counts: _Counts) -> None:
    view.cell(counts.summary, counts.score)


def _send_picture(view: View, *, record: Record, path: Path) -> None:
    view.replica_picture(record, path)


def _send_weights(view: View, *, record: Record, paths: Sequence[Path]) -> None:
    view.replica_weights(record, paths)
