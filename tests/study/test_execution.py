"""Running and resuming launches, without a cluster: what is checked first, and what a launch leaves behind."""

import dataclasses
import os
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import gethostname
from threading import Event
from typing import Any

import pytest
from PIL import Image

import study
from study import execution, signals
from study.design.plan import Block, Plan
from study.evidence.estimates import CellSummary
from study.scheduling import ray_cluster, ray_driver
from study.scheduling.agenda import Agenda, Allocation, Resources
from study.scheduling.ledger import Ledger
from study.scheduling.observer import BlockObserver, Observer
from study.scheduling.ray_cluster import ClusterLost
from study.storage import lock
from study.storage.new_launch import placed
from study.storage.records import Status
from study.storage.store import Store
from study.tracking import NullTracker
from tests.study import made_searches as searches
from tests.study.conftest import C, M, U, make, trace_of
from trainables import trace
from trainables.data import Digits, ImageFolder
from trainables.streams import EDITION


def of_images(root: str, folder: Path, **fields: int) -> Plan:
    """A plan of one cell on a folder of images in ``folder``."""
    changes = {"data.kind": "image_folder", "data.root": root, "data.side": 16, **fields}
    plan = study.plan("lsgan-stability", "smoke", set=changes)
    return dataclasses.replace(plan, folder=str(folder), cells=plan.cells[:1])


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

    def warned(self, sentence: str) -> None:
        self.events.append(f"warned {sentence}")

    def connecting(self) -> None:
        self.events.append("connecting")


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(resources: Resources, waiting: Callable[[], None], blocks: int) -> Any:
        raise ValueError("no cluster here")

    monkeypatch.setattr(ray_cluster, "connect", refuse)


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


def test_a_judge_that_cannot_judge_is_named_once_ray_is_there_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    started = Event()

    def connect(resources: Resources, waiting: Callable[[], None], blocks: int) -> Allocation:
        order.append("ray")
        started.set()
        return Allocation(cpus=1.0, gpus=0.0, at_a_time=1, cluster="none")

    def judge(plan: Plan, cache: Path) -> Any:
        assert started.wait(10), "Ray starts meanwhile"
        (cache / "classifier").write_text("trained")
        raise ValueError("it cannot judge")

    monkeypatch.setattr(ray_cluster, "connect", connect)
    monkeypatch.setattr(ray_cluster, "disconnect", lambda: order.append("left"))
    monkeypatch.setattr(execution, "try_judges", judge)
    out = tmp_path / "out"
    plan, watcher = make(tmp_path / "other", page=False).plan(), Watcher()
    with placed(plan, out) as (named, store), pytest.raises(ValueError, match="it cannot judge"):
        execution.start(named, store, Resources(), NullTracker(), [watcher])
    assert (order, watcher.events[-1]) == (["ray", "left"], "connecting")
    assert not out.exists()


def test_a_changed_plan_trains_no_more_seeds(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C), (U, U)), page=False)
    store.write_plan(dataclasses.replace(store.plan(), title="Another title"))
    with pytest.raises(ValueError, match=r"spec.json was changed after the first seed: spec.json is the plan \w{16}, "):
        execution.resume(store, Resources(), NullTracker())


def test_a_launch_that_another_process_trains_is_refused(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C), (U, U)), page=False)
    sentence = (
        rf"^{store.root} is in use by process {os.getpid()} on {re.escape(gethostname())}: wait until it has ended"
    )
    with lock.held(store.root), pytest.raises(ValueError, match=sentence):
        execution.resume(store, Resources(), NullTracker())
    assert not (store.root / lock.LOCK).exists()


def with_images(tmp_path: Path, ends: Any) -> Store:
    return make(tmp_path, ends, page=False, config={"data": Digits()}, meta={"data": "0123456789abcdef"})


@pytest.mark.usefixtures("no_cluster")
def test_images_that_have_changed_since_are_refused(tmp_path: Path) -> None:
    store = with_images(tmp_path, ((C, C), (U, U)))
    sentence = (
        r"^the data \(digits\) must be those that block c000-b000 was trained on to train more of .*: their digest was"
        r" 0123456789abcdef, and is \w{16} now; restore them, or run the study anew$"
    )
    with pytest.raises(ValueError, match=sentence):
        execution.resume(store, Resources(), NullTracker())


@pytest.mark.usefixtures("no_cluster")
@pytest.mark.parametrize("meta", [{"streams": EDITION + 1}, {"streams": 1}], ids=str)
def test_a_launch_is_not_gone_on_with_other_random_numbers(meta: dict[str, int], tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C), (U, U)), page=False, meta=meta)
    sentence = (
        rf"^{store.root} must be resumed by the version that began it, or the study run anew: block c000-b000 was"
        rf" trained with random numbers of edition {meta['streams']}, and this version draws edition {EDITION}$"
    )
    with pytest.raises(ValueError, match=sentence):
        execution.resume(store, Resources(), NullTracker())


def test_a_complete_launch_is_finished_whatever_its_random_numbers_are(tmp_path: Path) -> None:
    store = make(tmp_path, page=False, meta={"streams": 1})
    assert not execution.resume(store, Resources(), NullTracker()).interrupted


def test_a_complete_launch_is_finished_whatever_its_images_are_now(tmp_path: Path) -> None:
    store = with_images(tmp_path, ((C, C), (C, M)))
    assert not execution.resume(store, Resources(), NullTracker()).interrupted


def end_at_once(monkeypatch: pytest.MonkeyPatch, train: Callable[[Store, Ledger, Block], None]) -> None:
    """Replace Ray by a loop that stores made-up traces."""

    def run(ledger: Ledger, cache: Path, share: Any, observers: Sequence[BlockObserver], agenda: Agenda) -> bool:
        while (block := agenda.next()) is not None:
            train(ledger.store, ledger, block)
            for observer in observers:
                observer.block_ended(block)
        return agenda.finished()

    allocation = Allocation(cpus=1.0, gpus=0.0, at_a_time=1, cluster="none")
    monkeypatch.setattr(ray_cluster, "connect", lambda resources, waiting, blocks: allocation)
    monkeypatch.setattr(ray_driver, "run", run)


def test_the_tracker_gets_the_scores_of_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_at_once(monkeypatch, searches.train)
    plan, tracker = searches.plan(blocks=4), Recorder()
    result = execution.start(plan, Store(tmp_path / plan.study / plan.launch), Resources(), tracker)
    assert len(tracker.scores) == 4
    assert all(score is not None and 0 < score < 1 for score in tracker.scores)
    assert (result.interrupted, tracker.complete) == (False, [True])


@pytest.mark.parametrize("cut", [KeyboardInterrupt(), ClusterLost("Ray's process raylet was ended")])
def test_what_cuts_a_launch_short_leaves_no_tracked_run_open_and_loses_nothing(
    cut: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def train(store: Store, ledger: Ledger, block: Block) -> None:
        if block.cell.index == 1:
            raise cut
        trace.write(trace_of(ledger.plan, block, (C, M), 0, {}), store.trace_path(block))
        ledger.end(block, Status.FINISHED)

    class Closing(Recorder):
        def finish(self, store: Store, complete: bool) -> bool:
            order.append("tracker")
            return super().finish(store, complete)

    end_at_once(monkeypatch, train)
    monkeypatch.setattr(ray_cluster, "disconnect", lambda: order.append("ray"))
    store, tracker = make(tmp_path, ((U, U), (U, U)), page=False), Closing()
    with pytest.raises(type(cut)):
        execution.resume(store, Resources(), tracker)
    assert tracker.complete == [False]
    assert order[:2] == ["ray", "tracker"], "Ray, whose cluster is gone, would end this process before long"
    assert [record.status for record in store.records()] == [Status.FINISHED] * 2 + [Status.PLANNED] * 2


def test_a_ray_that_was_ended_with_this_process_is_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(store: Store, ledger: Ledger, block: Block) -> None:
        signals.received.append(signal.SIGTERM)
        raise ClusterLost("Ray's process raylet was ended")

    end_at_once(monkeypatch, train)
    monkeypatch.setattr(signals, "received", [])
    monkeypatch.setattr(ray_cluster, "disconnect", lambda: None)
    store = make(tmp_path, ((U, U), (U, U)), page=False)
    with pytest.raises(KeyboardInterrupt):
        execution.resume(store, Resources(), NullTracker())


def test_an_interruption_before_the_plan_is_stored_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(NullTracker):
        def start(self, plan: Plan, store: Store) -> None:
            raise KeyboardInterrupt

    end_at_once(monkeypatch, lambda store, ledger, block: None)
    plan = make(tmp_path / "other", page=False).plan()
    store = Store(tmp_path / plan.study / plan.launch)
    with pytest.raises(KeyboardInterrupt):
        execution.start(plan, store, Resources(), Slow())
    assert not store.root.exists()


def test_the_tracker_gets_no_score_of_a_grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_at_once(monkeypatch, train_one)
    store, tracker = make(tmp_path, ((U, U), (U, U)), page=False), Recorder()
    result = execution.resume(store, Resources(), tracker)
    assert tracker.scores == [None, None]
    assert [summary.rate.successes for summary in result.summaries] == [1, 1]


def train_one(store: Store, ledger: Ledger, block: Block) -> None:
    trace.write(trace_of(ledger.plan, block, (C, M), 0, {}), store.trace_path(block))
    ledger.end(block, Status.FINISHED)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_trace_is_set_aside_and_its_block_trained_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_at_once(monkeypatch, train_one)
    store, watcher = make(tmp_path, ((C, M), (C, M)), page=False), Watcher()
    path = store.trace_path(store.plan().blocks()[1])
    before = store.records()
    damage(path)
    damage(store.records_path)
    result = execution.resume(store, Resources(), NullTracker(), [watcher])
    assert {record.status for record in result.records} == {Status.FINISHED}
    assert [own.name for own in sorted(path.parent.iterdir())] == [path.name, f"{path.name}.damaged"]
    assert store.records() == before
    (warning,) = [event for event in watcher.events if event.startswith("warned")]
    assert warning == f"warned the trace of block c001-b000 is damaged: the block is trained anew ({path}.damaged)"


def test_a_checkpoint_that_a_worker_set_aside_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(store: Store, ledger: Ledger, block: Block) -> None:
        store.checkpoints_path.mkdir(exist_ok=True)
        (store.checkpoints_path / f"{block.name}.pt.damaged").write_text("")
        train_one(store, ledger, block)

    end_at_once(monkeypatch, train)
    store, watcher = make(tmp_path, ((C, C), (U, U)), page=False), Watcher()
    execution.resume(store, Resources(), NullTracker(), [watcher])
    sentence = "warned the checkpoint of block c001-b000 could not be used: the block was trained anew"
    assert any(event.startswith(sentence) for event in watcher.events)


class Refusing(NullTracker):
    """A tracker whose server is away."""

    def start(self, plan: Plan, store: Store) -> None:
        raise ValueError("the server is away")


def test_a_launch_that_its_tracker_refuses_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_at_once(monkeypatch, train_one)
    plan = make(tmp_path / "other", page=False).plan()
    with placed(plan, tmp_path / "runs") as (named, store), pytest.raises(ValueError, match="the server is away"):
        execution.start(named, store, Resources(), Refusing())
    assert not (tmp_path / "runs").exists()


def test_a_launch_whose_plan_cannot_be_written_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    end_at_once(monkeypatch, train_one)
    plan = make(tmp_path / "other", page=False).plan()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("study.files.written_whole", full)
    with placed(plan, tmp_path / "runs") as (named, store), pytest.raises(ValueError, match="No space left on device"):
        execution.start(named, store, Resources(), NullTracker())
    assert not (tmp_path / "runs").exists()


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
        execution.check(plan, tmp_path / "out" / "runs", Resources())


def test_absent_data_are_named_before_anything_starts(tmp_path: Path) -> None:
    absent = dataclasses.replace(searches.BASE, data=ImageFolder(root=str(tmp_path / "nowhere")))
    plan = searches.plan()
    assert plan.search is not None
    with pytest.raises(ValueError, match="nowhere"):
        execution.check(
            dataclasses.replace(plan, search=dataclasses.replace(plan.search, base=absent)),
            tmp_path / "out",
            Resources(),
        )
    assert not (tmp_path / "out").exists()


def test_observers_hear_what_the_data_are(tmp_path: Path) -> None:
    """In a folder that is relative to that of the plan."""
    for number in range(12):
        folder = tmp_path / "photos" / ("cat" if number < 7 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 20 * number).save(folder / f"{number}.png")
    (tmp_path / "photos" / "cat" / "1.heic").touch()
    plan = of_images("photos", tmp_path, batch_size=8)
    heard: list[str] = []

    class Listening(Observer):
        def data_loaded(self, data: str, sentence: str) -> None:
            heard.append(f"{data}: {sentence}")

    execution.check(plan, tmp_path / "out", Resources(), [Listening()])
    assert heard == ["image_folder: 12 images, classes 2: cat 7, dog 5; 1 file (1 .heic) left out"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"batch_size": 11},
            "batch_size must be between 1 and 10, as 10 of the 12 images are not held out, got 11: set",
        ),
        ({"batch_size": 2, "packing": 6}, "between 1 and 1, as 10 of .* packing takes 6 for each, got 2: add images "),
    ],
)
def test_images_that_fill_no_batch_are_refused_before_anything_starts(
    tmp_path: Path, no_cluster: None, fields: dict[str, int], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "try_judges", lambda plan, cache: {})
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.new("L", (8, 8), 20 * number).save(tmp_path / "photos" / f"{number}.png")
    plan, store = of_images("photos", tmp_path, **fields), Store(tmp_path / "runs" / "a" / "b")
    with pytest.raises(ValueError, match=sentence):
        execution.start(plan, store, Resources(), NullTracker())
    assert not (tmp_path / "runs").exists()


def test_images_that_cannot_be_judged_are_refused_for_that_before_their_batches(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for number in range(12):
        Image.new("L", (8, 8), 20 * number).save(tmp_path / "photos" / f"{number}.png")
    for batch in (11, 8):  # one that they do not fill, and one that they do
        plan, store = of_images("photos", tmp_path, batch_size=batch), Store(tmp_path / "runs" / "a" / "b")
        with pytest.raises(ValueError, match=r"^This rule cannot judge these data: 12 images are few, and 200 are"):
            execution.start(plan, store, Resources(), NullTracker())
        assert not (tmp_path / "runs").exists(), "no folder of launches appears for a cache of what is refused"


def test_a_search_whose_batches_are_larger_than_the_data_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its base is not: the size is an axis."""
    monkeypatch.setattr(execution, "try_judges", lambda plan, cache: {})
    (tmp_path / "photos").mkdir()
    for number in range(80):
        Image.new("L", (8, 8), 3 * number).save(tmp_path / "photos" / f"{number}.png")
    folder = {"data.kind": "image_folder", "data.root": str(tmp_path / "photos"), "data.side": 16}
    nets = {f"{player}.kind": "mlp" for player in ("generator", "discriminator")}
    plan = study.plan_search("mlp-size", on="digits", budget="10blocks", set=folder | nets)
    with pytest.raises(
        ValueError, match=r"^batch_size must be between 1 and 64, as 64 .*\(study search-mlp-size, cell #\d+ .*batch="
    ):
        execution.check(plan, tmp_path / "out", Resources())


@pytest.mark.parametrize("address", ["local", "auto"])
def test_a_block_larger_than_the_memory_is_refused_on_this_machine(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = study.plan("mixture-modes", "smoke", set={"latent.dim": 2**40})
    if address == "local":
        with pytest.raises(ValueError, match=r"^a block must fit into this machine's memory of"):
            execution.check(plan, tmp_path / "out", Resources())
    else:
        monkeypatch.setattr(ray_cluster, "_check_answers", lambda address: None)
        execution.check(plan, tmp_path / "out", Resources(address=address))


def test_classifiers_are_cached_for_all_launches_of_a_folder() -> None:
    assert execution.cache_of(Store(Path("runs/demo/one"))) == Path("runs/cache")
    assert execution.cache_of(Store(Path("runs/other/two"))) == Path("runs/cache")
