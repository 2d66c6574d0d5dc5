"""The worker's side of Ray: one Tune trial trains one block. The only module here that knows Ray, files and clocks.

A trial's configuration is the block's name and its ``BlockTask``. A block whose complete trace exists is done at once:
a worker that died right after it had written the trace has lost nothing.
"""

import json
import pickle
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ray import tune

from trainables import features, pictures, plugins, probes, process, states, trace
from trainables.config import Config, digest, located, to_dict, trained
from trainables.data import ImageTruth, in_files
from trainables.files import DamagedFile, set_aside
from trainables.loop import Loop
from trainables.plugins import Plugin
from trainables.reporting import report_steps
from trainables.streams import EDITION
from trainables.trace import Row, Trace
from trainables.versions import check_kin, device_name, kin, versions
from trainables.watchdog import Watchdog, limit
from trainables.weights import Keep, Keeper

_REPORTS_PER_CHECKPOINT = 5
_OF_WEIGHTS = ("block", "config", "digest", "data", "sampling_statistics", "mode", "device", "versions")
"""What the description of kept weights repeats of the trace's metadata."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockTask:
    """What a worker needs to know of a block.

    Attributes:
        first: number of the block's first replica in its cell.
        trace: where the finished trace goes.
        samples: folder of the cell's sample pictures; one folder per seed inside.
        cache: folder of trained feature nets.
        folder: what relative folders of data are relative to; empty for the worker's working folder.
        checkpoint: where the state of the unfinished block goes, to be found by whoever trains it on.
        halt: a file whose appearance ends the block at its next report; it says why: ``{"rule": ..., "step": ...}``.
        picture_every: reports between two pictures; the last report always has one.
        threads: torch threads, the block's share of the CPUs.
        origin: JSON values copied into the trace's metadata (launch, study, cell, and so on).
        keep: what is kept of the trained networks, before the trace is written; absent for nothing.
    """

    name: str
    config: Config
    seeds: tuple[int, ...]
    first: int
    trace: Path
    samples: Path
    cache: Path
    checkpoint: Path
    halt: Path
    picture_every: int
    threads: int
    origin: Mapping[str, Any]
    folder: str = ""
    keep: Keep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A task on its way to a worker: first the source of the plugins, then the task, whose classes they may define.

    Attributes:
        kin: what the worker's machine must have in common with the driver's.
        plugins: what the launch needs beside this package.
        cache: the task's own.
        task: a pickled ``BlockTask``, by which classes are named and not brought along.
    """

    kin: Mapping[str, str]
    plugins: tuple[Plugin, ...]
    cache: Path
    task: bytes

    def open(self) -> BlockTask:
        """Return the task.

        Raises:
            ValueError: if this machine has other versions than the driver, or lacks an installed plugin, or has another
                one than planned.
        """
        check_kin(self.kin)
        plugins.restore(self.plugins, self.cache / "plugins")
        task = pickle.loads(self.task)
        assert isinstance(task, BlockTask)
        return task


def packed(task: BlockTask, needed: Sequence[Plugin]) -> Packed:
    """Return a task for a worker."""
    return Packed(kin=kin(), plugins=tuple(needed), cache=task.cache, task=pickle.dumps(task))


class BlockTrainable(tune.Trainable):
    """Advances a block to its next report per Tune iteration.

    Every result holds ``rows`` (those of the trace that no result of this worker held before), ``step``,
    ``finite_share`` in [0, 1] and ``done``. The first result of a block that goes on from a checkpoint has all rows
    since step 0: those in the checkpoint may never have reached the driver. Training ends early for two reasons only:
    no replica is finite any more, or somebody wrote the halt file. In the latter case the trace's metadata says so
    under ``stopped``, with the file's content; it is absent from all others.

    A ValueError would come again at every try, so it is no crash, which Tune repeats: the result has it under
    ``refusal``, as a sentence and a traceback, and is the last one.

    Checkpoints are files of the launch, not of Tune: Tune removes an older one before its own state, written from time
    to time, knows of the newer, so that a driver killed in between names a checkpoint that is gone.
    """

    def setup(self, config: dict[str, Any]) -> None:
        self._watchdog = Watchdog(limit())
        self._take(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._take(new_config)
        return True

    def _take(self, config: Mapping[str, Any]) -> None:
        packed: Packed = config["task"]
        self._refusal: dict[str, str] | None = None
        self._name = config["block"]
        self._foreign = bool(packed.plugins)
        try:
            self._begin(packed.open())
        except ValueError as error:
            self._refusal = _refusal(error)

    def step(self) -> dict[str, Any]:
        if self._refusal is None:
            try:
                return self._advance()
            except ValueError as error:
                self._refusal = _refusal(error)
            finally:
                self._watchdog.rest()
        return {"block": self._name, "step": 0, "rows": [], "finite_share": 0.0, "done": True, "refusal": self._refusal}

    def _begin(self, task: BlockTask) -> None:
        process.prepare(task.threads)
        self._task = task
        self._rows: list[Row] = []
        self._told = 0
        self._due = frozenset(report_steps(task.config.steps, task.config.evaluation.every))
        self._seconds = 0.0
        self._loop: Loop | None = None
        hung_path(task.checkpoint).unlink(missing_ok=True)  # of an earlier try
        if stored_trace(task) is not None:
            return
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype: torch.dtype = getattr(torch, trained(task.config).dtype)
        self._device = device
        config = located(task.config, task.folder)
        self._source = config.data.load(device=device, dtype=dtype)
        truth = self._source.truth
        self._features = (
            features.obtain(truth, self._source.digest, task.cache) if isinstance(truth, ImageTruth) else None
        )
        self._probes = probes.probes_for(config, self._source, self._features, device=device)
        self._loop = Loop(config, task.seeds, self._source, self._probes, device=device)
        self._keeper = Keeper(task.keep, task.seeds, probes.constants(self._probes))
        self._continue()

    def _advance(self) -> dict[str, Any]:
        task, loop = self._task, self._loop
        if loop is None:
            return self._result(step=task.config.steps, rows=[], finite_share=1.0, done=True)
        began = time.perf_counter()
        self._watchdog.watch(hung_path(task.checkpoint))
        self._watchdog.beat()
        if not self._rows:
            self._report()
        while loop.step < task.config.steps:
            self._watchdog.beat()
            if self._foreign:
                with plugins.no_global_draws():
                    loop.advance()
                self._foreign = False  # one step tells, and looking costs
            else:
                loop.advance()
            if loop.step in self._due:
                break
        self._watchdog.beat()
        self._report()
        alive = float(loop.finite.double().mean())
        whole = loop.step == task.config.steps or alive == 0
        stopped = None if whole else self._halted()
        done = whole or stopped is not None
        self._seconds += time.perf_counter() - began
        self._draw_pictures(done)
        if done:
            why = {} if stopped is None else {"stopped": stopped}
            self._write_weights(loop)
            trace.write(Trace(meta=self._meta() | why, rows=self._rows), task.trace)
            task.checkpoint.unlink(missing_ok=True)
        elif self._reports() % _REPORTS_PER_CHECKPOINT == 0:
            self._keep()
        fresh, self._told = self._rows[self._told :], len(self._rows)
        return self._result(step=loop.step, rows=fresh, finite_share=alive, done=done)

    def _result(self, **values: Any) -> dict[str, Any]:
        return {"block": self._task.name, **values}

    def _halted(self) -> dict[str, Any] | None:
        """Read what the halt file says, if there is one; it is written whole or not at all."""
        if not self._task.halt.exists():
            return None
        found: dict[str, Any] = json.loads(self._task.halt.read_text(encoding="utf-8"))
        return found

    def _report(self) -> None:
        assert self._loop is not None
        rows = [{**row, "replica": self._task.first + row["replica"]} for row in self._loop.report()]
        self._rows += rows
        self._keeper.see(rows, self._loop.weights, self._loop.sampling_seeds)

    def _write_weights(self, loop: Loop) -> None:
        meta = self._meta()
        about = {name: meta[name] for name in (*self._task.origin, *_OF_WEIGHTS)}
        about["classes"] = located(self._task.config, self._task.folder).data.classes
        self._keeper.write(loop.step, loop.weights, loop.sampling_seeds, about)

    def _draw_pictures(self, done: bool) -> None:
        assert self._loop is not None
        if not done and self._reports() % self._task.picture_every:
            return
        with torch.no_grad():
            samples = self._loop.sample(pictures.samples_needed(self._source), pictures.labels_shown(self._source))
        figures = self._loop.figures()
        for i, (seed, own) in enumerate(zip(self._task.seeds, samples, strict=True)):
            drawn = {name: pictures.draw(figure, i) for name, figure in figures.items()}
            for name, pixels in {"step": pictures.picture(own, self._source), **drawn}.items():
                pictures.save(pixels, self._task.samples / f"seed={seed}" / f"{name}-{self._loop.step:07d}.png")

    def _meta(self) -> dict[str, Any]:
        assert self._loop is not None
        task = self._task
        return {
            **task.origin,
            "block": task.name,
            "config": to_dict(task.config),
            "digest": digest(task.config),
            "seeds": list(task.seeds),
            "data": self._source.digest,
            "streams": EDITION,
            "reference": probes.constants(self._probes),
            "features": self._features.meta() if self._features else None,
            "sampling_statistics": task.config.evaluation.batch_norm.kind,
            "mode": f"stack[{len(task.seeds)}]",
            "device": device_name(self._device),
            "threads": task.threads,
            "versions": versions(),
            "steps": self._loop.step,
            "seconds": self._seconds,
            "complete": True,
        }

    def _reports(self) -> int:
        """Count the reports, that of step 0 left out."""
        return len(self._rows) // len(self._task.seeds) - 1

    def _keep(self) -> None:
        """Write the checkpoint whole or not at all."""
        assert self._loop is not None
        state = {"loop": self._loop.state_dict(), "rows": self._rows, "seconds": self._seconds}
        state["keeper"] = self._keeper.state_dict()
        made_by = {"digest": digest(self._task.config), "data": self._source.digest, "streams": EDITION}
        states.save({**state, **made_by}, self._task.checkpoint)

    def _continue(self) -> None:
        """Go on from the block's checkpoint, if it has one that can be used; set one that cannot be used aside."""
        assert self._loop is not None
        path = self._task.checkpoint
        if not path.exists():
            return
        state = states.load(path, map_location=self._device) or {}
        if (state.get("digest"), state.get("streams")) != (digest(self._task.config), EDITION):
            set_aside(path)
            return
        if in_files(self._task.config.data):
            check_same_data(state.get("data"), self._source.digest, path)
        self._loop.load_state_dict(state["loop"])
        self._rows = state["rows"]
        self._seconds = state["seconds"]
        if "keeper" in state:  # earlier versions kept none
            self._keeper.load_state_dict(state["keeper"])


def hung_path(checkpoint: Path) -> Path:
    """Return the file that says where a block stood when its worker was ended for standing still."""
    return checkpoint.with_suffix(".hung.txt")


def check_same_data(then: str | None, now: str, checkpoint: Path) -> None:
    """Raise ValueError if a checkpoint was trained on other images; earlier versions did not keep the digest."""
    if then not in (None, now):
        raise ValueError(
            f"{checkpoint} was trained on data with digest {then}, and the data have digest {now} now: restore them, or"
            " remove it to train its block anew"
        )


def _refusal(error: ValueError) -> dict[str, str]:
    return {"sentence": str(error) or type(error).__name__, "traceback": "".join(traceback.format_exception(error))}


def stored_trace(task: BlockTask) -> Trace | None:
    """Return the block's complete trace, if it is on disk and was made by this configuration and these seeds.

    One that is damaged is set aside.
    """
    if not task.trace.exists():
        return None
    try:
        stored = trace.read(task.trace)
    except DamagedFile:
        set_aside(task.trace)
        return None
    same = stored.meta["digest"] == digest(task.config) and tuple(stored.meta["seeds"]) == task.seeds
    return stored if same and stored.meta["complete"] else None
