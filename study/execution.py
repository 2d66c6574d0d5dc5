"""Conducting a launch from its plan to its report. Everything a user's mistake can break is checked before compute."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.console import Console

from study import formatting, report
from study.design.plan import Block, Plan
from study.evidence.estimates import CellSummary, summarize
from study.outcomes.futility import Reference
from study.scheduling import ray_driver
from study.scheduling.agenda import Agenda, Allocation, Observer, Planned, Resources
from study.scheduling.ledger import Ledger
from study.scheduling.until_decided import Stopping
from study.search.scoring import candidate
from study.storage.records import Record
from study.storage.store import Store
from study.terminal.progress import Terminal
from study.tracking import Tracker
from trainables import features, games, probes
from trainables.config import Config
from trainables.data import ImageTruth
from trainables.trace import Row

if TYPE_CHECKING:
    from study.search.optuna_adapter.dashboard import Mirror


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a launch ended.

    Attributes:
        crashes: block name to the reason why it has no complete trace.
        interrupted: whether some blocks were never brought to an end.
        shown: whether the tracker shows everything; if not, ``study sync`` will.
    """

    records: tuple[Record, ...]
    summaries: tuple[CellSummary, ...]
    crashes: dict[str, str]
    interrupted: bool
    shown: bool
    report: Path


def cache_of(store: Store) -> Path:
    """Trained feature nets, shared by all launches of one ``--out``."""
    return store.root.parent.parent / "cache"


def check(plan: Plan, out: Path) -> None:
    """Raises ValueError if data are absent, damaged or too few, or the folder cannot be written to; starts nothing."""
    sets = {config.data for config in plan.configs()}
    for data in sets:
        data.check()
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"--out must be a writable folder, got {out}: {existing} is not")
    for data in sets:  # image files are decoded here, once; what cannot be decoded is named before anything starts
        source = data.load(device=torch.device("cpu"), dtype=torch.float32)
        for config in (config for config in plan.configs() if config.data == data):
            games.build(config).check(source)


def start(
    plan: Plan,
    store: Store,
    resources: Resources,
    tracker: Tracker,
    console: Console,
    mirror: "Mirror | None" = None,
) -> Result:
    """Runs a new launch to its end.

    Args:
        mirror: who shows a search beside the tracker, if anybody.
    """
    console.print(describe(plan), soft_wrap=not console.is_terminal)
    check(plan, store.root.parent.parent)
    console.print("starting Ray ...", style="dim")
    share = ray_driver.connect(resources)
    try:
        _make(store.root)
        try:
            tracker.start(plan)
        except ValueError:
            shutil.rmtree(store.root, ignore_errors=True)
            raise
        store.write_plan(plan)
        ledger = Ledger(plan, store, again=True)
        return _conduct(ledger, _guide(ledger, mirror), share, tracker, console)
    finally:
        ray_driver.disconnect()


def resume(
    store: Store, resources: Resources, tracker: Tracker, console: Console, mirror: "Mirror | None" = None
) -> Result:
    """Finishes what the plan of an interrupted launch still lacks."""
    plan = store.plan()
    console.print(describe(plan), soft_wrap=not console.is_terminal)
    check(plan, store.root.parent.parent)
    ledger = Ledger(plan, store, again=True)
    _check_plan(ledger)
    guide = _guide(ledger, mirror)
    share = None
    if not guide.agenda.finished():
        console.print("starting Ray ...", style="dim")
        share = ray_driver.connect(resources)
    try:
        tracker.start(plan)
        return _conduct(ledger, guide, share, tracker, console)
    finally:
        ray_driver.disconnect()


def _check_plan(ledger: Ledger) -> None:
    """Raises ValueError if replicas were trained under another plan; those of older versions do not know theirs."""
    now = ledger.plan.digest()
    for record in ledger.records:
        if record.plan not in ("", now):
            raise ValueError(
                f"{ledger.store.plan_path} must be as it was planned to train more: it has digest {now} now, and block"
                f" {record.block} was trained under {record.plan}"
            )


def describe(plan: Plan) -> str:
    """What a launch will train, and the digest of all that is decided before it does."""
    if plan.search is not None:
        return (
            f"[bold]{plan.study}[/] on {plan.profile}, launch {plan.launch}: {_budget(plan)} in blocks of {plan.block}"
            f" seeds, at most {len(plan.seeds)} per candidate, sampler {plan.search.sampler}\nplan {plan.digest()}"
        )
    cells, blocks, most = len(plan.cells), len(plan.blocks()), ""
    if plan.until_decided:
        most = f" at most; {plan.least} per cell, then blocks of {plan.block} until the hypotheses are decided"
    return (
        f"[bold]{plan.study}[/] ({plan.profile}), launch {plan.launch}: {cells} cell{'s' if cells != 1 else ''} x"
        f" {len(plan.seeds)} seeds = {cells * len(plan.seeds)} replicas in {blocks} block{'s' if blocks != 1 else ''}"
        f"{most}\n"
        f"plan {plan.digest()}"
    )


def _budget(plan: Plan) -> str:
    assert plan.search is not None
    blocks = plan.search.blocks
    if blocks is None:
        return f"blocks for {formatting.duration(plan.budget or 0)}"
    return f"at most {blocks} block{'s' * (blocks != 1)}"


@dataclass(frozen=True, slots=True)
class _Guide:
    """Who says which block is next, and who has to hear of blocks for that."""

    agenda: Agenda
    observers: tuple[Observer, ...]
    close: Callable[[], None]


def _guide(ledger: Ledger, mirror: "Mirror | None") -> _Guide:
    """Of a plan its blocks in order, until it is decided; of a search its next decision."""
    plan, cache = ledger.plan, cache_of(ledger.store)
    if plan.search is None:
        stopping = Stopping(ledger)  # settles what is decided already
        return _Guide(Planned(ledger), (stopping,), lambda: None)
    from study.scheduling.adaptive import Searching
    from study.search.optuna_adapter.dashboard import NoMirror  # Optuna takes its time, and only a search needs it

    (config,) = plan.configs()
    searching = Searching(ledger, NoMirror() if mirror is None else mirror, lambda block: _constants(config, cache))
    return _Guide(searching, (searching,), searching.close)


@lru_cache(maxsize=1)
def _constants(config: Config, cache: Path) -> Reference:
    """What the traces of a configuration's data carry for their readers."""
    device = torch.device("cpu")
    source = config.data.load(device=device, dtype=torch.float32)
    truth = source.truth
    found = features.obtain(truth, source.digest, cache) if isinstance(truth, ImageTruth) else None
    constants = probes.constants(probes.probes_for(config, source, found, device=device))
    return {name: np.array(values) for name, values in constants.items()}


def _conduct(ledger: Ledger, guide: _Guide, share: Allocation | None, tracker: Tracker, console: Console) -> Result:
    cache = cache_of(ledger.store)
    ended = True
    if share is not None:
        device = f"{share.cpus:g} CPU" + (f" and {share.gpus:g} GPU" if share.gpus else "")
        console.print(
            f"Ray with {share.cluster}: {share.at_a_time} block{'s' if share.at_a_time != 1 else ''} at a time,"
            f" {device} each",
            style="dim",
        )
        _train_features(ledger.plan, cache, console)
        ledger.write()
        with Terminal(ledger, console) as terminal:
            observers = [*guide.observers, terminal, _Tracking(ledger, tracker)]
            ended = ray_driver.run(ledger, cache, share, observers, guide.agenda)
    ledger.write()
    guide.close()
    return finish(ledger, tracker, interrupted=not ended)


def finish(ledger: Ledger, tracker: Tracker, *, interrupted: bool) -> Result:
    """Records, report and the tracker's closing, from what is on disk."""
    summaries = summarize(ledger.records)
    page = report.build(ledger.store)
    complete = all(record.status.ended for record in ledger.records)
    if complete:
        _tell_source(ledger)
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


def _tell_source(ledger: Ledger) -> None:
    """The page of the search whose candidate a launch has confirmed says so from now on."""
    chosen = ledger.plan.selection
    source = None if chosen is None else Store(ledger.store.root.parent / chosen.launch)
    if source is not None and source.search_path.exists() and source.report_path.exists():
        report.build(source)


def _make(root: Path) -> None:
    try:
        root.mkdir(parents=True)
    except FileExistsError:
        raise ValueError(f"the launch {root} exists already") from None
    except OSError as error:
        raise ValueError(f"--out must be a writable folder, got {root.parent.parent}: {error.strerror}") from None


def _train_features(plan: Plan, cache: Path, console: Console) -> None:
    """The classifier of each image data set, once, before the workers need it."""
    for data in {config.data for config in plan.configs()}:
        source = data.load(device=torch.device("cpu"), dtype=torch.float32)
        if isinstance(source.truth, ImageTruth):
            found = features.obtain(source.truth, source.digest, cache)
            console.print(
                f"features of {data.kind}: a classifier of {found.task}, {found.accuracy:.1%} right on held-out images",
                style="dim",
            )


class _Tracking:
    """Hands a launch's events to the tracker."""

    def __init__(self, ledger: Ledger, tracker: Tracker) -> None:
        self._ledger, self._tracker = ledger, tracker

    def block_started(self, block: Block) -> None:
        """The block's cell may be new to the tracker, which makes its runs when there is something to write."""
        self._tracker.cell_begins(block.cell)

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        self._tracker.curves(block, rows)

    def block_ended(self, block: Block) -> None:
        own = self._ledger.of(block)
        for record in own:
            self._tracker.replica(record, self._ledger.store.pictures(record.cell, record.seed))
        cell = block.cell
        known = self._ledger.of_cell(cell.index)
        found = None if self._ledger.plan.search is None else candidate(cell.levels, known)
        for summary in summarize(known):
            self._tracker.cell(summary, None if found is None else found.score)
