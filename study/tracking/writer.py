"""The thread through which a launch talks to MLflow, so that training never waits for a server and never fails with it.

The driver's calls put into a queue. The thread takes what has gathered for a second, joins the curves of each replica
into one request, and sends. A request that fails is tried once more. If that fails too, the server counts as down: what
comes is dropped, and the server is tried again after 1, 2, 4 ... 60 seconds.

The curves of a replica on the server are always the first part of its trace: once a row was dropped, no later row of
this replica is sent, so the last step on the server says what is missing. ``finish`` sends all that is missing from
what the launch has stored.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING

from study.design.plan import Block, Cell, Plan
from study.evidence.estimates import CellSummary, summarize
from study.storage.records import Record
from study.storage.store import Store
from study.tracking import server
from study.tracking.forms import form_of
from study.tracking.values import Curves, Point, Replica, curves, joined
from trainables.trace import Row

if TYPE_CHECKING:  # importing mlflow takes seconds, and most commands do not need it
    from study.tracking.runs import Runs

_log = logging.getLogger(__name__)

_GATHER_SECONDS = 1.0
_RETRY_SECONDS = 1.0
_BACK_OFF_SECONDS = (1.0, 60.0)
_PATIENCE_SECONDS = 30.0

_Job = Callable[["Runs"], None]
_Item = Curves | _Job | Event | None
"""Curves to send, something else to send, a mark to set when all before it is done, or the end."""


class MlflowTracker:
    """Shows a launch in MLflow; see ``runs`` for what is shown where.

    Args:
        uri: an MLflow tracking URI: ``sqlite:///<file>``, ``http(s)://<server>``, another database.
        artifacts: folder for the artifacts of new experiments; by default ``mlartifacts`` beside a SQLite file, and
            the server's choice otherwise.
    """

    def __init__(self, uri: str, artifacts: Path | None = None) -> None:
        self._uri = uri
        self._artifacts = artifacts if artifacts is not None else server.artifact_folder(uri)
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._hurry = Event()
        self._thread = Thread(target=self._work, name="mlflow-writer", daemon=True)
        self._incomplete: set[Replica] = set()
        self._dropped = 0
        self._in_doubt = False
        self._down_until = 0.0
        self._back_off = _BACK_OFF_SECONDS[0]
        self._warned = False

    def start(self, plan: Plan) -> None:
        """Find or makes the launch's run; within about 10 s, plus 3 s each for importing mlflow and a new database.

        Raises:
            TrackingUnreachable: if the server does not answer, or the database cannot be written.
        """
        server.check(self._uri)
        from study.tracking import runs

        self._launch = plan.launch
        self._errors = runs.ERRORS
        self._is_refusal = runs.is_refusal
        self._runs: Runs = runs.open_runs(self._uri, self._artifacts, plan)
        self._thread.start()

    def cell_begins(self, cell: Cell) -> None:
        self._runs.know(cell)

    def curves(self, block: Block, rows: Sequence[Row]) -> None:
        self._put(curves(block, rows, stamp=time.time_ns() // 1_000_000))

    def replica(self, record: Record, grids: Sequence[Path]) -> None:
        self._put(lambda runs: runs.replica(record, grids))

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        self._put(lambda runs: runs.cell(summary, score))

    def finish(self, store: Store, complete: bool) -> bool:
        """Send what waits and whatever else is stored, the report included, and closes the launch's runs.

        Gives up when the server has not answered for 30 s. Reads the stored traces again: a launch that was killed may
        have stored what it did not send.

        Raises:
            ValueError: if a file of the launch cannot be read.
        """
        begin = time.monotonic()
        if self._settle(begin) and self._answers(begin) and self._replay(store, begin):
            found = form_of(store.plan()).importances(store)
            self._put(lambda runs: runs.finish(store.report_path, complete, found))
            shown = self._settle(begin) and not self._dropped
        else:
            shown = False
        self._hurry.set()
        self._put(None)
        if shown:
            self._thread.join()
        return shown

    def _replay(self, store: Store, begin: float) -> bool:
        """Tells everything that is stored, block by block so that little is in memory; true if all of it was sent."""
        self._dropped = 0
        self._incomplete.clear()
        plan = store.plan()
        for block in plan.blocks():
            trace = store.trace(block)
            if trace is not None:
                self.curves(block, trace.rows)
                if not self._settle(begin):
                    return False
        # A launch that was killed early has traces but no records.
        records = store.records() if store.records_path.exists() else ()
        for record in records:
            self.replica(record, store.pictures(record.cell, record.seed))
        scores = form_of(plan).scores(records)
        for summary in summarize(records):
            self.cell(summary, scores.get(summary.cell))
        return self._settle(begin)

    def _put(self, item: _Item) -> None:
        if self._thread.is_alive():
            self._queue.put(item)

    def _settle(self, begin: float) -> bool:
        """Wait for the queue, but no longer once the server has been silent for 30 s, counted from ``begin`` on."""
        done = Event()
        self._put(done)
        self._hurry.set()
        while not done.wait(0.05):
            silent = time.monotonic() - max(begin, self._runs.heard)
            if silent > _PATIENCE_SECONDS or not self._thread.is_alive():
                return False
        self._hurry.clear()
        return True

    def _answers(self, begin: float) -> bool:
        """Whether the server works; tries it if it did not, however long it is still to be left alone."""
        if not self._in_doubt:
            return True
        dropped = self._dropped
        self._down_until = 0.0
        self._put(lambda runs: runs.attach())
        return self._settle(begin) and self._dropped == dropped

    def _work(self) -> None:
        while True:
            waiting = [self._queue.get()]
            self._hurry.wait(_GATHER_SECONDS)
            try:
                while True:
                    waiting.append(self._queue.get_nowait())
            except Empty:
                pass
            for item in _gathered(waiting):
                if item is None:
                    return
                if isinstance(item, Event):
                    item.set()
                elif isinstance(item, Curves):
                    self._send_curves(item)
                else:
                    self._send(item)

    def _send_curves(self, curves: Curves) -> None:
        for replica, points in curves.points.items():
            if replica in self._incomplete:
                self._dropped += 1
            elif not self._send(partial(_send_curves, replica=replica, points=points)):
                self._incomplete.add(replica)

    def _send(self, job: _Job) -> bool:
        if time.monotonic() < self._down_until:
            self._dropped += 1
            return False
        error = self._attempt(job)
        if error is not None:
            if not self._is_refusal(error):
                time.sleep(_RETRY_SECONDS)
            error = self._attempt(job)
        if error is None:
            self._back_off = _BACK_OFF_SECONDS[0]
            return True
        self._dropped += 1
        self._warn(error)
        if not self._is_refusal(error):
            self._down_until = time.monotonic() + self._back_off
            self._back_off = min(2 * self._back_off, _BACK_OFF_SECONDS[1])
        return False

    def _attempt(self, job: _Job) -> Exception | None:
        try:
            if self._in_doubt:
                self._runs.attach()
                self._in_doubt = False
            job(self._runs)
        except self._errors as error:
            # A request without an answer may have been carried out: look before anything else is sent.
            self._in_doubt = True
            return error
        return None

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "MLflow at %s does not take everything (%s); training goes on and loses nothing, and "
                "`study sync %s` shows the rest later",
                server.without_password(self._uri),
                server.reason(error),
                self._launch,
            )


def cell_views(out: Path) -> dict[str, str]:
    """Study to the address, below the UI's root, of its table of cells sorted by success rate."""
    from study.tracking import runs

    return runs.cell_views(server.local_uri(out))


def _gathered(items: Sequence[_Item]) -> Iterator[_Item]:
    """Yield the items in order, neighboring curves as one."""
    neighbors: list[Curves] = []
    for item in items:
        if isinstance(item, Curves):
            neighbors.append(item)
            continue
        if neighbors:
            yield joined(neighbors)
            neighbors = []
        yield item
    if neighbors:
        yield joined(neighbors)


def _send_curves(runs: "Runs", *, replica: Replica, points: Sequence[Point]) -> None:
    runs.curves(*replica, points)
