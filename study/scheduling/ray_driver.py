"""The driver's side of Ray: runs the blocks of a launch through Tune and keeps records as they finish.

Nothing that was computed depends on this process: a finished block is a trace on disk, an unfinished one a checkpoint
beside it. ``run`` on the same folder again plans what has no trace, and a block goes on from its checkpoint, whether
the driver was interrupted, crashed or was killed.
"""

import errno
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from ray import tune
from ray.air._internal import usage
from ray.tune import Callback, CheckpointConfig, FailureConfig, RunConfig, TuneConfig, Tuner
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from study.design import plugin_use
from study.design.plan import Block
from study.files import write_text
from study.scheduling.agenda import Agenda, Allocation
from study.scheduling.keeping import keep_of
from study.scheduling.ledger import Ledger
from study.scheduling.observer import BlockObserver
from study.scheduling.ray_cluster import check_alive, last_words
from study.storage.records import Status
from study.storage.store import Store
from trainables.tune_trainable import BlockTask, BlockTrainable, Packed, hung_path, packed

RETRIES = 2
"""How often a crashed block is started again, from its last checkpoint."""


_LEAST_FREE_BYTES = 1 << 20


_EXPERIMENT = "blocks"


def task_of(ledger: Ledger, cache: Path, share: Allocation, block: Block) -> BlockTask:
    """Return what a worker needs to know of a block."""
    plan, store = ledger.plan, ledger.store
    origin = {"launch": plan.launch, "study": plan.study, "profile": plan.profile, "plan": ledger.plan_digest}
    return BlockTask(
        name=block.name,
        config=block.cell.config,
        seeds=block.seeds,
        first=block.first,
        trace=store.trace_path(block).absolute(),
        samples=(store.samples_path / f"cell={block.cell.index}").absolute(),
        cache=cache.absolute(),
        folder=plan.folder,
        checkpoint=store.checkpoint_path(block).absolute(),
        halt=store.halt_path(block).absolute(),
        picture_every=_picture_every(block),
        threads=max(1, int(share.cpus)),
        keep=keep_of(plan, store, block),
        origin={**origin, "cell": block.cell.index, "cell_name": block.cell.name},
    )


def _picture_every(block: Block) -> int:
    """About five pictures per replica, evenly over its training."""
    config = block.cell.config
    return max(1, round(config.steps / config.evaluation.every / 5))


def run(ledger: Ledger, cache: Path, share: Allocation, observers: Sequence[BlockObserver], agenda: Agenda) -> bool:
    """Trains every block that the agenda hands out.

    Returns:
        Whether the agenda is finished and every block that it handed out has ended; not so after an interruption.

    Raises:
        OSError: if the launch's folder can no longer be written to; what was computed before is kept.
        ClusterLost: if a process of a Ray that was started here has ended.
        Exception: whatever an observer or the agenda raises.
    """
    if agenda.finished():
        return True
    failures = Failures()
    needed = plugin_use.loaded(ledger.plan.plugins)
    desk = Desk(agenda, lambda block: packed(task_of(ledger, cache, share, block), needed), failures)
    tuner = _tuner(ledger.store, share, desk, Watcher(ledger, observers, failures))
    try:
        advice = f"the results so far are kept; go on with: {ledger.store.resume_command}"
        with handler_kept(signal.SIGINT), last_words(advice), _uncounted():
            tuner.fit()
    except Exception as error:  # Tune wraps what it meets; a full disk shows itself in many places and in the end here
        if shutil.disk_usage(ledger.store.root).free < _LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(ledger.store.root)) from error
        failures.raise_first()
        raise
    failures.raise_first()
    return agenda.finished() and desk.idle


@contextmanager
def _uncounted() -> Iterator[None]:
    """Keep Tune from loading MLflow, Weights & Biases and Comet, to count callbacks of theirs: seconds, for no use."""
    counting = usage.tag_callbacks
    usage.tag_callbacks = lambda callbacks: False
    try:
        yield
    finally:
        usage.tag_callbacks = counting


@contextmanager
def handler_kept(number: signal.Signals) -> Iterator[None]:
    """Restore the handler of a signal: Tune leaves its own in place, which would swallow the next Ctrl-C."""
    handler = signal.getsignal(number)
    try:
        yield
    finally:
        if handler is not None and current_thread() is main_thread():
            signal.signal(number, handler)


def error_path(store: Store, block: str) -> Path:
    """Return the file with the whole error of a block that crashed; Tune puts it there, too."""
    return store.tune_path / _EXPERIMENT / block / "error.txt"


def clean(store: Store) -> None:
    """Remove checkpoints, halt files and Tune's folder once every block has ended: nobody needs them any more."""
    for folder in (store.checkpoints_path, store.halts_path, store.tune_path):
        shutil.rmtree(folder, ignore_errors=True)


def _tuner(store: Store, share: Allocation, desk: "Desk", watcher: "Watcher") -> Tuner:
    shutil.rmtree(store.tune_path, ignore_errors=True)  # of an earlier attempt: what it computed lies in our own files
    return Tuner(
        tune.with_resources(BlockTrainable, {"CPU": share.cpus, "GPU": share.gpus}),
        tune_config=TuneConfig(
            search_alg=desk,
            num_samples=-1,  # as many as the desk hands out
            reuse_actors=True,
            max_concurrent_trials=share.at_a_time,  # also how many may be pending, so that a cluster grows to that size
            trial_name_creator=_block_name,
            trial_dirname_creator=_block_name,
        ),
        run_config=RunConfig(
            name=_EXPERIMENT,
            storage_path=str(store.tune_path.absolute()),
            failure_config=FailureConfig(max_failures=RETRIES),
            checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            callbacks=[watcher],
            verbose=0,
        ),
    )


def _block_name(trial: Trial) -> str:
    return str(trial.config["block"])


class Failures:
    """Keep our first exception: Tune would retry the block and log or wrap the error."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self._first = self._first or error
            raise

    def raise_first(self) -> None:
        if self._first is not None:
            raise self._first


class Desk(Searcher):
    """Where Tune gets its next trial: a block of the agenda, whenever fewer run than may.

    An agenda that has nothing for now is asked again when a block has ended. Tune stores searchers with its experiment,
    which is never restored: nothing is stored of a desk.
    """

    def __init__(self, agenda: Agenda, task: Callable[[Block], Packed], failures: Failures) -> None:
        super().__init__()
        self._agenda = agenda
        self._task = task
        self._failures = failures
        self._running: set[str] = set()
        self._waits = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Searcher, ()

    def save(self, checkpoint_path: str) -> None:
        """Nothing to be stored."""

    @property
    def idle(self) -> bool:
        """Whether every block that was handed out has ended."""
        return not self._running

    def suggest(self, trial_id: str) -> Any:
        self._failures.raise_first()  # no further block after a failure to write
        if self._waits:
            return None
        with self._failures.kept():
            block = self._agenda.next()
            if block is not None:
                self._running.add(trial_id)
                return {"block": block.name, "task": self._task(block)}
            if self._agenda.finished():
                return Searcher.FINISHED
            if self.idle:
                raise RuntimeError("the agenda waits for a block to end, and none is running")
        self._waits = True
        return None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._running.discard(trial_id)
        self._waits = False


class Watcher(Callback):
    """Tune's events, in our words. A failure to write stops the launch instead of vanishing in Tune's log.

    Tune stores callbacks with its experiment, which is never restored: what is stored of a watcher, which holds the
    ledger and the terminal, is nothing.
    """

    def __init__(self, ledger: Ledger, observers: Sequence[BlockObserver], failures: Failures) -> None:
        self._ledger = ledger
        self._observers = tuple(observers)
        self._failures = failures

    def __reduce__(self) -> tuple[Any, ...]:
        return Callback, ()

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        with self._failures.kept():
            check_alive()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        with self._failures.kept():
            for observer in self._observers:
                observer.block_started(self._block(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        with self._failures.kept():
            for observer in self._observers:
                observer.rows(self._block(trial), result["rows"], result["step"])

    def on_trial_complete(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        refusal = trial.last_result.get("refusal")
        if refusal is None:
            self._end(trial, Status.FINISHED, "")
            return
        _release(trial)
        block = self._block(trial)
        with self._failures.kept():
            write_text(error_path(self._ledger.store, block.name), refusal["traceback"])
            self._ledger.refuse(block, refusal["sentence"])
            for observer in self._observers:
                observer.block_ended(block)

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        hung = hung_path(self._ledger.store.checkpoint_path(self._block(trial)))
        self._end(trial, Status.CRASHED, _hang(hung) or _reason(trial))

    def _end(self, trial: Trial, status: Status, reason: str) -> None:
        _release(trial)
        block = self._block(trial)
        with self._failures.kept():
            self._ledger.end(block, status, reason)
            for observer in self._observers:
                observer.block_ended(block)

    def _block(self, trial: Trial) -> Block:
        return self._ledger.block(_block_name(trial))


def _release(trial: Trial) -> None:
    """Forget the task of a trial that has ended: Tune keeps all trials until the last one ends."""
    trial.config["task"] = None


def _hang(path: Path) -> str:
    """Say that a worker stood still, and where that is written; empty if none did."""
    try:
        said = path.read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return ""
    return f"{said}; where it stood: {path}" if said else ""


def _reason(trial: Trial) -> str:
    """Return the last line of what a trial died of.

    Tune has written it on this machine already; into the launch's folder, where it reads errors, it comes afterwards.
    """
    try:
        lines = Path(trial.error_file or "").read_text(encoding="utf-8").strip().splitlines()
    except OSError:  # the disk was too full for the message
        lines = []
    return lines[-1] if lines else "the worker died without a message"
