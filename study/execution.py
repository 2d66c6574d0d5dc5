"""Run and resume launches, from the plan to the report. Silent: observers show the progress.

Mistakes of the user are found before any training.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from study import report, signals
from study.beside import beside
from study.design import plugin_use
from study.design.plan import Block, Cell, Plan
from study.design.search_cells import tried
from study.evidence.estimates import CellSummary, summarize
from study.outcomes.columns import Reference
from study.outcomes.rule import EDITION
from study.scheduling import keeping, memory, ray_cluster
from study.scheduling.agenda import Agenda, Allocation, Planned, Resources
from study.scheduling.ledger import Ledger, failures
from study.scheduling.observer import BlockObserver, Observer
from study.scheduling.until_decided import Stopping
from study.search.scoring import candidate
from study.storage import lock
from study.storage.lookup import check_writable
from study.storage.records import Record
from study.storage.store import Store
from study.tracking import Tracker
from study.validation.competence import USUAL_IMAGES, Competence
from study.validation.judges import try_judges
from trainables import features, games, probes, streams, watchdog
from trainables.config import Config, located
from trainables.data import DataConfig, ImageTruth, Source, cache, contents, in_files
from trainables.data.walking import locate
from trainables.files import ASIDE, DamagedFile, set_aside
from trainables.trace import Row

if TYPE_CHECKING:
    from study.search.optuna_adapter.dashboard import Mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a launch ended.

    Attributes:
        crashes: name of each block without a complete trace, and the reason.
        interrupted: whether some blocks did not run to their end.
        shown: whether the tracker shows everything; ``study sync`` sends the rest.
    """

    records: tuple[Record, ...]
    summaries: tuple[CellSummary, ...]
    crashes: dict[str, str]
    interrupted: bool
    shown: bool
    report: Path


def cache_of(store: Store) -> Path:
    """Return the folder of trained feature nets, shared by all launches of one ``--out``."""
    return store.out / "cache"


def check(plan: Plan, out: Path, resources: Resources, observers: Sequence[Observer] = ()) -> Mapping[DataConfig, str]:
    """Check the data of a plan and the folder of launches before anything starts; tell observers what the data are.

    Of a search also the cells that it may propose: some random ones, and those at the ends of its space.

    Returns:
        The digest of each data set, its folder absolute.

    Raises:
        ValueError: if a plugin has changed since the plan, data are absent, damaged or too few, a block does not fit
            into the memory of this machine and is to be trained on it, the folder is not writable, or the cluster does
            not answer.
    """
    plugin_use.loaded(plan.plugins)
    cells = plan.cells if plan.search is None else tuple(tried(plan.search))
    if resources.address == "local":
        memory.check(cells, min(plan.block, len(plan.seeds)), plan.study)
    configs = plan.located()
    sets = dict.fromkeys(config.data for config in configs)
    for data in sets:
        data.check()
    check_writable(out)
    watchdog.limit()
    ray_cluster.check_reachable(resources.address)
    digests: dict[DataConfig, str] = {}
    for data in sets:  # decodes all images once, so that damaged files are named before training
        with cache.verified():
            source = data.load(device=torch.device("cpu"), dtype=torch.float32)
        digests[data] = source.digest
        if isinstance(source.truth, ImageTruth):
            _notify(observers, partial(_tell_data, kind=data.kind, sentence=contents.sentence(data, source.truth)))
        _check_batches(plan, cells, data, source)
    return digests


def _check_batches(plan: Plan, cells: Sequence[Cell], data: DataConfig, source: Source) -> None:
    """Raise ValueError if the data are too few for a cell that is trained on them."""
    for cell in cells:
        config = located(cell.config, plan.folder)
        if config.data == data:
            try:
                games.build(config).check(source)
            except ValueError as error:
                if isinstance(source.truth, ImageTruth) and len(source.truth.images) < USUAL_IMAGES:
                    try_judges(plan, None)  # whether so few can be judged at all is the graver question
                raise ValueError(f"{error} (study {plan.study}, cell {cell.name})") from None


def start(
    plan: Plan,
    store: Store,
    resources: Resources,
    tracker: Tracker,
    observers: Sequence[Observer] = (),
    mirror: "Mirror | None" = None,
) -> Result:
    """Run a new launch to its end.

    Args:
        plan: what to train.
        store: the launch's folder, which must not exist yet.
        resources: the cluster, and the resources of one block.
        tracker: receives curves and records.
        observers: receive every event.
        mirror: shows a search in Optuna's dashboard, if given.

    Raises:
        ValueError: if data, folder, cluster or tracker are unusable; no seed has been trained then.
        OSError: if the launch's folder is no longer writable, or Ray was ended from outside; the results so far are
            kept.
    """
    plan = replace(plan, folder=plan.folder or os.getcwd())
    _notify(observers, lambda each: each.planned(plan))
    check(plan, store.out, resources, observers)
    with _judging(plan, cache_of(store)) as judged, _connected(plan, resources, tracker, observers) as allocation:
        judges = judged()
        for name, judge in judges.items():
            _notify(observers, partial(_tell, name=name, judge=judge))
        _notify(observers, lambda each: each.connected(allocation))
        store.create(plan, {name: judge.to_json() for name, judge in judges.items()})
        try:
            tracker.start(plan, store)
        except BaseException:  # Ctrl-C, too: nothing is left of a launch that has trained nothing
            store.withdraw()
            raise
        ledger = Ledger(plan, store, again=True)
        guide = _guide(ledger, mirror)
        return _carry_out(ledger, guide, allocation, tracker, observers)


@contextmanager
def _connected(
    plan: Plan, resources: Resources, tracker: Tracker, observers: Sequence[Observer]
) -> Iterator[Allocation]:
    """Start or join Ray, which takes seconds in processes of its own; what comes next is imported meanwhile."""

    def load() -> None:
        import_module("study.scheduling.ray_driver")
        tracker.load()

    _notify(observers, lambda each: each.connecting())
    loading = beside(load)
    try:
        blocks = ray_cluster.MANY if plan.search is not None else len(plan.blocks())
        waiting = partial(_notify, observers, lambda each: each.connecting())
        allocation = ray_cluster.connect(resources, waiting, blocks=blocks)
        loading.result()
        yield allocation
    finally:
        ray_cluster.disconnect()


@contextmanager
def _judging(plan: Plan, cache: Path) -> Iterator[Callable[[], Mapping[str, Competence]]]:
    """Try the judges of a plan beside what is done meanwhile; yield the call that waits for what was found.

    The cache of their classifiers appears in its place only if they can judge, and only by this call, which raises
    ValueError if one cannot.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = cache if cache.exists() else Path(folder)
        found = beside(lambda: try_judges(plan, place))

        def judged() -> Mapping[str, Competence]:
            judges = found.result()
            if place != cache and os.listdir(place):
                shutil.copytree(place, cache, dirs_exist_ok=True)
            return judges

        yield judged


def resume(
    store: Store,
    resources: Resources,
    tracker: Tracker,
    observers: Sequence[Observer] = (),
    mirror: "Mirror | None" = None,
) -> Result:
    """Train the missing blocks of an interrupted launch; arguments and errors as :func:`start`.

    Damaged traces are set aside and their blocks trained anew.

    Raises:
        ValueError: also if another process holds the launch, its plan has changed, or its data, or its traces have
            random numbers of another edition.
    """
    with lock.held(store.root) as caveat:
        if caveat:
            _warn(observers, caveat)
        return _resume(store, resources, tracker, observers, mirror)


def _resume(
    store: Store,
    resources: Resources,
    tracker: Tracker,
    observers: Sequence[Observer],
    mirror: "Mirror | None",
) -> Result:
    plan = store.plan()
    plan.check_trained_here("resumed")
    if not plan.rule.applied:
        raise ValueError(
            f"{store.root} must be resumed by the version that planned it: its outcome rule is of edition"
            f" {plan.rule.edition}, and this version has edition {EDITION}"
        )
    _notify(observers, lambda each: each.planned(plan))
    traces = _metas_of_traces(plan, store, observers)
    ledger = Ledger(plan, store, again=True)
    store.check_plan(ledger.records)
    digests = check(plan, store.out, resources, observers)
    guide = _guide(ledger, mirror)
    if guide.agenda.finished():
        tracker.start(plan, store)
        ledger.write()
        guide.close()
        return finish(ledger, tracker, interrupted=False)
    _check_data(plan, store, digests, {name: meta["data"] for name, meta in traces.items() if meta.get("data")})
    _check_streams(store, traces)
    with _connected(plan, resources, tracker, observers) as allocation:
        _notify(observers, lambda each: each.connected(allocation))
        tracker.start(plan, store)
        return _carry_out(ledger, guide, allocation, tracker, observers)


def _metas_of_traces(plan: Plan, store: Store, observers: Sequence[Observer]) -> Mapping[str, Mapping[str, Any]]:
    """Return what each block's trace says of itself, by the block's name; set damaged traces aside."""
    found: dict[str, Mapping[str, Any]] = {}
    for block in plan.blocks():
        try:
            trace = store.trace(block)
        except DamagedFile:
            aside = set_aside(store.trace_path(block))
            _warn(observers, f"the trace of block {block.name} is damaged: the block is trained anew ({aside})")
            continue
        if trace is not None:
            found[block.name] = trace.meta
    return found


def _warn(observers: Sequence[Observer], sentence: str) -> None:
    _notify(observers, lambda each: each.warned(sentence))


def _check_data(plan: Plan, store: Store, digests: Mapping[DataConfig, str], trained_on: Mapping[str, str]) -> None:
    """Raise ValueError if data in files have changed since blocks were trained on them.

    Other data are computed from their configuration, on some processors with other last bits.
    """
    for block in plan.blocks():
        data, then = block.cell.config.data, trained_on.get(block.name)
        if then is not None and in_files(data) and then != (now := digests[locate(data, plan.folder)]):
            raise ValueError(
                f"the data ({data.kind}) must be those that block {block.name} was trained on to train more of"
                f" {store.root}: their digest was {then}, and is {now} now; restore them, or run the study anew"
            )


def _check_streams(store: Store, traces: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise ValueError if blocks were trained with random numbers of another edition: seeds would not pair cells."""
    for name, meta in traces.items():
        if (then := meta.get("streams", 1)) != streams.EDITION:
            raise ValueError(
                f"{store.root} must be resumed by the version that began it, or the study run anew: block {name} was"
                f" trained with random numbers of edition {then}, and this version draws edition {streams.EDITION}"
            )


def _tell_data(observer: Observer, *, kind: str, sentence: str) -> None:
    observer.data_loaded(kind, sentence)


def _tell(observer: Observer, *, name: str, judge: Competence) -> None:
    observer.judge_tried(name, judge.sentence)


def _notify(observers: Sequence[Observer], event: Callable[[Observer], None]) -> None:
    for observer in observers:
        event(observer)


@dataclass(frozen=True, slots=True)
class _Guide:
    """The agenda that chooses the next block, the observers that it relies on, and the score of a cell in a search."""

    agenda: Agenda
    observers: tuple[BlockObserver, ...]
    close: Callable[[], None] = lambda: None
    score: Callable[[Cell, Sequence[Record]], float | None] = lambda cell, records: None


def _guide(ledger: Ledger, mirror: "Mirror | None") -> _Guide:
    """Choose how the launch goes on: its blocks in order, in order until it is decided, or as a search decides."""
    plan, cache = ledger.plan, cache_of(ledger.store)
    if plan.until_decided:
        return _Guide(Planned(ledger), (Stopping(ledger),))  # Stopping settles decided cells at once
    if plan.search is None:
        return _Guide(Planned(ledger), ())
    from study.scheduling.adaptive import Searching
    from study.search.optuna_adapter.dashboard import NoMirror  # imports Optuna, which is slow, for searches only

    (config,) = plan.located()
    searching = Searching(
        ledger, plan.search, NoMirror() if mirror is None else mirror, lambda block: _constants(config, cache)
    )
    return _Guide(searching, (searching,), searching.close, _score)


def _score(cell: Cell, records: Sequence[Record]) -> float | None:
    tried = candidate(cell.levels, records)
    return None if tried is None else tried.score


@lru_cache(maxsize=1)
def _constants(config: Config, cache: Path) -> Reference:
    """Return the constants of a configuration's data that its traces carry."""
    device = torch.device("cpu")
    source = config.data.load(device=device, dtype=torch.float32)
    truth = source.truth
    classifier = features.obtain(truth, source.digest, cache) if isinstance(truth, ImageTruth) else None
    constants = probes.constants(probes.probes_for(config, source, classifier, device=device))
    return {name: np.array(values) for name, values in constants.items()}


def _carry_out(
    ledger: Ledger, guide: _Guide, allocation: Allocation, tracker: Tracker, observers: Sequence[Observer]
) -> Result:
    """Train what is left and finish the launch. What cuts the training short leaves no tracked run open."""
    try:
        ended = _train(ledger, guide, allocation, tracker, observers)
    except (KeyboardInterrupt, ray_cluster.ClusterLost) as error:
        ray_cluster.disconnect()  # first: without its cluster, Ray would end this process before long
        ledger.write()
        tracker.finish(ledger.store, False)
        if signals.received:  # by a whole group of processes: Ray's were ended as this one is
            raise KeyboardInterrupt from error
        raise
    return finish(ledger, tracker, interrupted=not ended)


def _train(
    ledger: Ledger, guide: _Guide, allocation: Allocation, tracker: Tracker, observers: Sequence[Observer]
) -> bool:
    """Train the blocks of the agenda; return whether all of them have ended."""
    from study.scheduling import ray_driver  # Tune, which is slow to import: see _connected

    cache = cache_of(ledger.store)
    _train_classifiers(ledger.plan, cache, observers)
    ledger.write()
    aside = _aside(ledger.store)
    try:
        _notify(observers, lambda each: each.began(ledger))
        watching = [*guide.observers, *observers, *keeping.observers(ledger), _Tracking(ledger, tracker, guide)]
        ended = ray_driver.run(ledger, cache, allocation, watching, guide.agenda)
    finally:
        _notify(observers, lambda each: each.ended())
    for path in sorted(_aside(ledger.store) - aside):
        block = path.name.partition(".")[0]
        _warn(observers, f"the checkpoint of block {block} could not be used: the block was trained anew ({path})")
    for failure in failures(ledger):
        _warn(
            observers, f"{failure}: such replicas are undecided, their traces are kept, and study decide decides again"
        )
    ledger.write()
    guide.close()
    return ended


def _aside(store: Store) -> frozenset[Path]:
    """Return the checkpoints that workers have set aside."""
    return frozenset(store.checkpoints_path.glob(f"*{ASIDE}"))


def finish(ledger: Ledger, tracker: Tracker, *, interrupted: bool) -> Result:
    """Write the report of a launch from its files, close its tracker, and return its result."""
    from study.scheduling import ray_driver

    summaries = summarize(ledger.records)
    page = report.build(ledger.store)
    complete = all(record.status.ended for record in ledger.records)
    if complete:
        _update_source(ledger)
        if ledger.plan.keeps_shown:
            keeping.prune_cells(ledger, report.pictured(ledger.store))
    shown = tracker.finish(ledger.store, complete)
    if complete:
        ray_driver.clean(ledger.store)
    return Result(
        records=ledger.records,
        summaries=summaries,
        crashes=ledger.crashes,
        interrupted=interrupted,
        shown=shown,
        report=page,
    )


def _update_source(ledger: Ledger) -> None:
    """Write the report of the search again whose candidate this launch has confirmed."""
    chosen = ledger.plan.selection
    source = None if chosen is None else Store(ledger.store.root.parent / chosen.launch)
    if source is not None and source.search_path.exists() and source.report_path.exists():
        report.build(source)


def _train_classifiers(plan: Plan, cache: Path, observers: Sequence[Observer]) -> None:
    """Train the classifier of each image data set, once, before the workers need it."""
    for data in {config.data for config in plan.located()}:
        source = data.load(device=torch.device("cpu"), dtype=torch.float32)
        if isinstance(source.truth, ImageTruth):
            classifier = features.obtain(source.truth, source.digest, cache)
            for observer in observers:
                observer.classifier_trained(data.kind, classifier.task, classifier.accuracy)


class _Tracking:
    """The observer that passes a launch's events to the tracker."""

    def __init__(self, ledger: Ledger, tracker: Tracker, guide: _Guide) -> None:
        self._ledger, self._tracker, self._guide = ledger, tracker, guide

    def block_started(self, block: Block) -> None:
        """Announce the block's cell, which may be new to the tracker."""
        self._tracker.cell_begins(block.cell)

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        self._tracker.curves(block, rows)

    def block_ended(self, block: Block) -> None:
        for record in self._ledger.of(block):
            self._tracker.replica(record, block)
        cell = block.cell
        records = self._ledger.of_cell(cell.index)
        for summary in summarize(records):
            self._tracker.cell(summary, self._guide.score(cell, records))
