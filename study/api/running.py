"""Run, resume and load launches."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from study.api.figures import draw
from study.design.plan import Plan
from study.launch import Launch
from study.scheduling.observer import Observer
from study.storage.store import Store

if TYPE_CHECKING:
    from study.execution import Result
    from study.search.optuna_adapter.dashboard import Mirror
    from study.tracking import Tracker

NOWHERE = "none"
"""Stands for "do not track" where a tracking or storage address is asked for."""


def run(
    plan: Plan,
    *,
    out: str | Path = "runs",
    observers: Sequence[Observer] = (),
    progress: bool | None = None,
    address: str = "local",
    cpus_per_block: float = 1.0,
    gpus_per_block: float | None = None,
    tracking_uri: str | None = None,
    storage: str | None = None,
) -> Launch:
    """Train what a plan lacks, decide what became of each replica, and write the report. Prints nothing.

    Args:
        out: folder of launches, of MLflow's database and of cached classifiers.
        observers: who hears of every event (:class:`study.Observer`).
        progress: whether a progress bar is shown; by default in notebooks alone.
        address: ``local`` starts a Ray of its own, ``auto`` joins this machine's cluster.
        cpus_per_block, gpus_per_block: of one stack of replicas; fractions share a device.
        tracking_uri: MLflow server; by default SQLite in ``out``; ``"none"`` for no tracking.
        storage: where optuna-dashboard finds a search; by default SQLite in ``out``; ``"none"`` for nowhere.

    Returns:
        The launch, finished. A warning names blocks that crashed.

    Raises:
        ValueError: if data, folder, cluster or tracker refuse; nothing was trained then.
        KeyboardInterrupt: if it was interrupted; :func:`resume` goes on.
        OSError: if the folder can no longer be written to; what was computed is kept.

    Examples:
        >>> import study
        >>> plan = study.plan("dirac", "smoke", seeds=1, set={"steps": 20, "evaluation.every": 10})
        >>> launch = study.run(plan, out=folder, tracking_uri="none")
        >>> launch.records.status.unique().tolist()
        ['finished']
    """
    from study import execution
    from study.scheduling.agenda import Resources

    folder = Path(out)
    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    tracker, mirror = tracker_at(folder, tracking_uri), mirror_at(folder, storage, plan)
    store = Store(folder / plan.study / plan.launch)
    watching = [*observers, *_bar(progress)]
    return _ended(store, lambda: execution.start(plan, store, resources, tracker, watching, mirror))


def resume(
    launch: Launch | str | Path,
    *,
    out: str | Path = "runs",
    observers: Sequence[Observer] = (),
    progress: bool | None = None,
    address: str = "local",
    cpus_per_block: float = 1.0,
    gpus_per_block: float | None = None,
    tracking_uri: str | None = None,
    storage: str | None = None,
) -> Launch:
    """Finish an interrupted launch: train what its plan still lacks. Nothing is trained twice.

    Args:
        launch: a launch, its folder, or its id in ``out``. All else as in :func:`run`.

    Raises:
        ValueError: if there is no such launch, or its plan was changed since its first seed; and as :func:`run`.

    Examples:
        >>> import study
        >>> study.resume(stored, tracking_uri="none").records.status.unique().tolist()
        ['finished']
    """
    from study import execution
    from study.scheduling.agenda import Resources

    store = launch.store if isinstance(launch, Launch) else store_of(launch, out)
    home = store.out
    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    tracker, mirror = tracker_at(home, tracking_uri), mirror_at(home, storage, store.plan())
    watching = [*observers, *_bar(progress)]
    return _ended(store, lambda: execution.resume(store, resources, tracker, watching, mirror))


def load(launch: str | Path, *, out: str | Path = "runs") -> Launch:
    """Load a stored launch, finished or not.

    Args:
        launch: its folder, or its id in ``out``.

    Raises:
        ValueError: if there is no such launch, or it cannot be read.

    Examples:
        >>> import study
        >>> launch = study.load(stored)
        >>> launch.cells.set_index("cell_name").rate.to_dict()["r1 / simultaneous"]
        1.0
    """
    return Launch(store_of(launch, out), draw=draw)


def store_of(launch: str | Path, out: str | Path) -> Store:
    """Return the folder of a launch.

    Raises:
        ValueError: if there is none of that path, or of that id in ``out``.
    """
    for root in (Path(launch), *sorted(Path(out).glob(f"*/{launch}"))):
        if (root / "spec.json").exists():
            return Store(root)
    raise ValueError(f"LAUNCH must be a launch's folder or the id of one in {out}, got {str(launch)!r}")


def tracker_at(out: Path, uri: str | None) -> "Tracker":
    """Return the tracker of an address: MLflow there, by default in ``out``; or none."""
    from study import tracking

    if uri == NOWHERE:
        return tracking.NullTracker()
    return tracking.MlflowTracker(tracking.local_uri(out) if uri is None else uri)


def mirror_at(out: Path, storage: str | None, plan: Plan) -> "Mirror | None":
    """Return what shows a search to Optuna's dashboard; None for a plan that is no search.

    Raises:
        ValueError: if ``out`` cannot be made.
    """
    if plan.search is None:
        return None
    from study.search.optuna_adapter.dashboard import NoMirror, OptunaMirror

    if storage == NOWHERE:
        return NoMirror()
    if storage is None:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ValueError(f"--out must be a writable folder, got {out}: {error.strerror}") from None
        storage = f"sqlite:///{out.absolute()}/optuna.db"
    return OptunaMirror(storage, f"{plan.study}/{plan.launch}", plan.search.space, plan.search.goal)


def _ended(store: Store, go: "Callable[[], Result]") -> Launch:
    result = go()
    if result.interrupted:
        raise KeyboardInterrupt(f"what was computed is kept; go on with study.resume({str(store.root)!r})")
    for block, reason in result.crashes.items():
        warnings.warn(f"block {block} crashed: {reason}", RuntimeWarning, stacklevel=3)
    return load(store.root)


def _bar(progress: bool | None) -> list[Observer]:
    """A progress bar, if one is wanted: where nothing is said, in a notebook."""
    if not (_in_notebook() if progress is None else progress):
        return []
    from study.terminal.progress import Terminal

    return [Terminal()]


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
