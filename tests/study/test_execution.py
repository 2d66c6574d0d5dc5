"""Running and resuming launches, without a cluster: what is checked first, and what a launch leaves behind."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from study import execution
from study.design.plan import Block, Plan
from study.evidence.estimates import CellSummary
from study.scheduling import ray_driver
from study.scheduling.agenda import Agenda, Allocation, Resources
from study.scheduling.ledger import Ledger
from study.scheduling.observer import BlockObserver, Observer
from study.storage.records import Status
from study.storage.store import Store
from study.tracking import NullTracker
from tests.study import made_searches as searches
from tests.study.conftest import C, M, U, make, trace_of
from trainables import trace
from trainables.data import ImageFolder


class Recorder(NullTracker):
    """A tracker that notes what it is asked to show."""

    def __init__(self) -> None:
        self.scores: list[float | None] = []
        self.complete: list[bool] = []

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        self.scores.append(score)

    def finish(self, store: Store, complete: bool) -> bool:
        self.complete.append(complete)
        return complete


class Watcher(Observer):
    """An observer that notes the events around a launch."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def planned(self, plan: Plan) -> None:
        self.events.append(f"planned {plan.launch}")

    def connecting(self) -> None:
        self.events.append("connecting")


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(resources: Resources) -> Any:
        raise ValueError("no cluster here")

    monkeypatch.setattr(ray_driver, "connect", refuse)


@pytest.mark.usefixtures("no_cluster")
def test_a_complete_launch_is_finished_without_a_cluster(tmp_path: Path) -> None:
    store, tracker, watcher = make(tmp_path, page=False), Recorder(), Watcher()
    result = execution.resume(store, Resources(), tracker, [watcher])
    assert (result.interrupted, result.crashes, result.shown) == (False, {}, True)
    assert result.report.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [summary.rate.successes for summary in result.summaries] == [2, 1]
    assert (watcher.events, tracker.complete) == ([f"planned {store.plan().launch}"], [True])


@pytest.mark.usefixtures("no_cluster")
def test_a_launch_that_lacks_blocks_needs_a_cluster(tmp_path: Path) -> None:
    store, watcher = make(tmp_path, ((C, C), (U, U)), page=False), Watcher()
    with pytest.raises(ValueError, match="no cluster here"):
        execution.resume(store, Resources(), NullTracker(), [watcher])
    assert watcher.events[-1] == "connecting"


@pytest.mark.usefixtures("no_cluster")
def test_a_launch_without_a_cluster_leaves_no_folder(tmp_path: Path) -> None:
    plan = make(tmp_path / "other", page=False).plan()
    store = Store(tmp_path / plan.study / plan.launch)
    with pytest.raises(ValueError, match="no cluster here"):
        execution.start(plan, store, Resources(), NullTracker())
    assert not store.root.exists()


def test_a_changed_plan_trains_no_more_seeds(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C), (U, U)), page=False)
    store.write_plan(dataclasses.replace(store.plan(), title="Another title"))
    with pytest.raises(ValueError, match=r"must be as it was planned to train more: it has digest \w{16} now"):
        execution.resume(store, Resources(), NullTracker())


def end_at_once(monkeypatch: pytest.MonkeyPatch, train: Callable[[Store, Ledger, Block], None]) -> None:
    """Replace Ray by a loop that stores made-up traces."""

    def run(ledger: Ledger, cache: Path, share: Any, observers: Sequence[BlockObserver], agenda: Agenda) -> bool:
        while (block := agenda.next()) is not None:
            train(ledger.store, ledger, block)
            for observer in observers:
                observer.block_ended(block)
        return agenda.finished()

    allocation = Allocation(cpus=1.0, gpus=0.0, at_a_time=1, cluster="none")
    monkeypatch.setattr(ray_driver, "connect", lambda resources: allocation)
    monkeypatch.setattr(ray_driver, "run", run)


def test_the_tracker_gets_the_scores_of_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_at_once(monkeypatch, searches.train)
    plan, tracker = searches.plan(blocks=4), Recorder()
    result = execution.start(plan, Store(tmp_path / plan.study / plan.launch), Resources(), tracker)
    assert len(tracker.scores) == 4
    assert all(score is not None and 0 < score < 1 for score in tracker.scores)
    assert (result.interrupted, tracker.complete) == (False, [True])


def test_the_tracker_gets_no_score_of_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(store: Store, ledger: Ledger, block: Block) -> None:
        trace.write(trace_of(ledger.plan, block, (C, M), 0, {}), store.trace_path(block))
        ledger.end(block, Status.FINISHED)

    end_at_once(monkeypatch, train)
    store, tracker = make(tmp_path, ((U, U), (U, U)), page=False), Recorder()
    result = execution.resume(store, Resources(), tracker)
    assert tracker.scores == [None, None]
    assert [summary.rate.successes for summary in result.summaries] == [1, 1]


def test_a_launch_that_is_not_complete_says_so_to_its_tracker(tmp_path: Path) -> None:
    store, tracker = make(tmp_path, ((C, M), (U, U)), page=False), Recorder()
    result = execution.finish(Ledger(store.plan(), store), tracker, interrupted=True)
    assert (result.interrupted, result.shown, tracker.complete) == (True, False, [False])
    assert {record.status for record in result.records} == {Status.FINISHED, Status.PLANNED}


@pytest.mark.parametrize("blocked", [lambda root: root.write_text(""), lambda root: root.mkdir() or root.chmod(0o500)])
def test_a_folder_that_cannot_be_written_is_refused(
    blocked: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make(tmp_path / "made", page=False).plan()
    blocked(tmp_path / "out")
    make_folder = Path.mkdir

    def mkdir(folder: Path, *arguments: Any, **options: Any) -> None:
        if folder.parent == tmp_path / "out" and folder.parent.is_dir():  # root may write anywhere
            raise PermissionError(13, "Permission denied")
        make_folder(folder, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got .*/out/runs: (Not a|Permission)"):
        execution.check(plan, tmp_path / "out" / "runs")


def test_absent_data_are_named_before_anything_starts(tmp_path: Path) -> None:
    absent = dataclasses.replace(searches.BASE, data=ImageFolder(root=str(tmp_path / "nowhere")))
    plan = searches.plan()
    assert plan.search is not None
    with pytest.raises(ValueError, match="nowhere"):
        execution.check(
            dataclasses.replace(plan, search=dataclasses.replace(plan.search, base=absent)), tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_classifiers_are_cached_for_all_launches_of_a_folder() -> None:
    assert execution.cache_of(Store(Path("runs/demo/one"))) == Path("runs/cache")
    assert execution.cache_of(Store(Path("runs/other/two"))) == Path("runs/cache")
