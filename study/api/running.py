"""Run, resume and load launches."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from study.api.arguments import check_kind
from study.api.figures import draw
from study.design.plan import Keep, Plan
from study.launch import Launch
from study.scheduling.observer import Observer
from study.storage.lookup import check_local, folder_of
from study.storage.new_launch import placed
from study.storage.store import Store

if TYPE_CHECKING:
    from study.execution import Result
    from study.search.optuna_adapter.dashboard import Mirror
    from study.terminal.progress import Terminal


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
    tracker: str | Sequence[str] | None = None,
    storage: str | None = None,
    keep: Keep | None = None,
) -> Launch:
    """Train a plan, decide the outcome of each replica, and write the report. Prints nothing.

    Args:
        plan: what to train. If another launch has its id, this one gets the id with ``-2`` at its end.
        out: folder of launches, MLflow's database and cached classifiers.
        observers: receive every event (:class:`study.Observer`).
        progress: whether to show a progress bar; by default only in notebooks.
        address: ``local`` starts Ray on this machine, ``auto`` joins this machine's cluster.
        cpus_per_block: CPUs of one block of replicas; a fraction shares a CPU.
        gpus_per_block: GPUs of one block; a fraction shares a GPU; by default 0.25 if there are any.
        tracking_uri: MLflow server; by default that of ``MLFLOW_TRACKING_URI``, else SQLite in ``out``; ``"none"`` for
            no MLflow.
        tracker: what shows the launch besides its report: ``mlflow`` (the default), ``tensorboard``, ``wandb``, ``csv``
            or that of a plugin; several as a list. :func:`resume` goes on with the same ones.
        storage: database of optuna-dashboard; by default SQLite in ``out``; ``"none"`` for no dashboard.
        keep: networks to keep of every replica: ``none``, ``last``, ``best`` or ``both``; by default the plan's choice,
            else the last ones of the replicas that the report shows (in ``standard`` and ``paper``, of all).

    Returns:
        The finished launch. A warning names blocks that crashed.

    Raises:
        ValueError: if data, folder, cluster, tracker or ``keep`` are unusable; nothing has been trained then.
        KeyboardInterrupt: if interrupted; :func:`resume` goes on.
        OSError: if the folder is no longer writable, or a process of Ray has died; the results so far are kept.

    Examples:
        >>> import study
        >>> plan = study.plan("dirac", "smoke", seeds=1, set={"steps": 20, "evaluation.every": 2})
        >>> launch = study.run(plan, out=folder, tracking_uri="none")
        >>> launch.records.status.unique().tolist()
        ['finished']
    """
    from study import execution
    from study.scheduling.agenda import Resources
    from study.tracking import tracker_at

    check_kind("plan", plan, Plan, "a Plan, as study.plan returns")
    plan = plan if keep is None else replace(plan, keep=keep)
    check_local(out)
    folder = Path(out)
    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    bar = _bar(progress)
    watching = [*observers, *bar, _Warner()]
    with placed(plan, folder) as (named, store), ExitStack() as stack:
        for each in bar:
            stack.enter_context(each)
        shown, mirror = tracker_at(folder, tracking_uri, tracker), mirror_at(folder, storage, named)
        return _ended(store, lambda: execution.start(named, store, resources, shown, watching, mirror))


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
    tracker: str | Sequence[str] | None = None,
    storage: str | None = None,
) -> Launch:
    """Finish an interrupted launch: train the missing blocks of its plan. Nothing is trained twice.

    Args:
        launch: a launch, its folder, or its id in ``out``.
        out: folder of launches.
        observers: as in :func:`run`.
        progress: as in :func:`run`.
        address: as in :func:`run`.
        cpus_per_block: as in :func:`run`.
        gpus_per_block: as in :func:`run`.
        tracking_uri: as in :func:`run`.
        tracker: as in :func:`run`; by default those of the launch.
        storage: as in :func:`run`.

    Raises:
        ValueError: if there is no such launch, another process trains it, or its plan or its data have changed since
            its first seed; and as :func:`run`.

    Examples:
        >>> import study
        >>> study.resume(interrupted, tracking_uri="none").records.status.unique().tolist()
        ['finished']
    """
    from study import execution
    from study.scheduling.agenda import Resources
    from study.tracking import tracker_at

    store = launch.store if isinstance(launch, Launch) else store_of(launch, out)
    store.plan().check_trained_here("resumed")
    home = store.out
    resources = Resources(address=address, cpus=cpus_per_block, gpus=gpus_per_block)
    shown, mirror = tracker_at(home, tracking_uri, tracker, store), mirror_at(home, storage, store.plan())
    bar = _bar(progress)
    watching = [*observers, *bar, _Warner()]
    with ExitStack() as stack:
        for each in bar:
            stack.enter_context(each)
        return _ended(store, lambda: execution.resume(store, resources, shown, watching, mirror))


def load(launch: str | Path, *, out: str | Path = "runs") -> Launch:
    """Load a stored launch, finished or not.

    Args:
        launch: its folder, or its id in ``out``.
        out: folder of launches.

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
    """Return the folder of a launch, given by its path or by its id in ``out``.

    Raises:
        ValueError: if there is no such launch.
    """
    check_kind("launch", launch, (str, Path), "a folder or an id")
    return Store(folder_of(launch, out))


def mirror_at(out: Path, storage: str | None, plan: Plan) -> "Mirror | None":
    """Return the writer of a search for Optuna's dashboard; None if the plan is not a search.

    Raises:
        ValueError: if ``out`` cannot be created.
    """
    if plan.search is None:
        return None
    from study.search.optuna_adapter.dashboard import NoMirror, OptunaMirror
    from study.tracking import NOWHERE

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
        raise KeyboardInterrupt(f"the results so far are kept; go on with study.resume({str(store.root)!r})")
    for block, reason in result.crashes.items():
        warnings.warn(f"block {block} crashed: {reason}", RuntimeWarning, stacklevel=3)
    return load(store.root)


class _Warner(Observer):
    """The observer that passes warnings on as Python's."""

    def warned(self, sentence: str) -> None:
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)


def _bar(progress: bool | None) -> "list[Terminal]":
    """Return the observer that shows progress if it is wanted, by default in a notebook; else none."""
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
