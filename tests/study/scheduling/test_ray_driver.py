"""Which blocks are trained, in which order and on what: handing out without a cluster, and all of it on one."""

import copy
import dataclasses
import pickle
import signal
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.execution.tune_controller import _get_max_pending_trials
from ray.tune.search import ConcurrencyLimiter, Searcher, SearchGenerator

from study.audit.verify import verify
from study.design.plan import Block, Plan
from study.design.planning import plan_study
from study.outcomes.outcome import Outcome
from study.scheduling import ray_cluster, ray_driver
from study.scheduling.agenda import Agenda, Allocation, Planned, Resources
from study.scheduling.ledger import Ledger
from study.scheduling.ray_driver import Desk, Failures, Watcher
from study.storage.records import Status
from study.storage.store import Store
from study.studies import find
from trainables.trace import Row

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SMALL = {"batch_size": 4, "steps": 3, "evaluation.every": 1, "evaluation.samples": 16}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cpus": 0.0}, "--cpus-per-block must be > 0, got 0.0"),
        ({"cpus": float("nan")}, "--cpus-per-block must be > 0, got nan"),
        ({"gpus": -0.5}, "--gpus-per-block must be >= 0, got -0.5"),
        ({"gpus": 1.5}, "--gpus-per-block must be a whole number above 1, got 1.5"),
    ],
)
def test_shares_that_ray_cannot_give_are_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        Resources(**fields)


@pytest.fixture
def plan() -> Plan:
    """Four cells with two blocks of two seeds each."""
    return plan_study(find("wgan-clip"), "smoke", now=NOW, seeds=4, changes=SMALL)


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs" / plan.study / plan.launch)
    made.write_plan(plan)
    return made


# Handing out


def test_planned_blocks_come_in_order_and_once(plan: Plan, store: Store) -> None:
    agenda = Planned(Ledger(plan, store))
    given = []
    while not agenda.finished():
        given.append(agenda.next())
    assert given == [*plan.blocks()]
    assert agenda.next() is None


def test_a_block_that_is_settled_between_two_hand_outs_is_never_given(plan: Plan, store: Store) -> None:
    sequential = dataclasses.replace(plan, until_decided=True, least=2)
    ledger = Ledger(sequential, store)
    agenda = Planned(ledger)
    first = [agenda.next() for _ in range(4)]
    assert [block.name for block in first if block] == [f"c00{cell}-b000" for cell in range(4)]
    ledger.settle(frozenset({0, 2, 3}), 1.0)
    assert not agenda.finished()
    last = agenda.next()
    assert last is not None
    assert last.name == "c001-b001"
    assert agenda.finished()


def test_an_agenda_of_skipped_blocks_is_finished_without_being_asked(plan: Plan, store: Store) -> None:
    ledger = Ledger(dataclasses.replace(plan, until_decided=True, least=1), store)
    agenda = Planned(ledger)
    for _ in range(4):
        agenda.next()
    assert not agenda.finished()
    ledger.settle(frozenset(range(4)), 1.0)
    assert agenda.finished()


class Waiting:
    """An agenda that gives one block, waits for its end, and gives the next one."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.left = list(blocks)
        self.asked = 0
        self.open = True

    def next(self) -> Block | None:
        self.asked += 1
        if not self.left or not self.open:
            return None
        self.open = False
        return self.left.pop(0)

    def finished(self) -> bool:
        return not self.left


def desk_of(agenda: Agenda, failures: Failures | None = None) -> Desk:
    def task(block: Block) -> Any:
        return ("task", block.name)

    return Desk(agenda, task, failures or Failures())


def test_the_desk_asks_a_waiting_agenda_again_only_when_a_block_has_ended(plan: Plan) -> None:
    agenda = Waiting(plan.blocks()[:2])
    desk = desk_of(agenda)
    assert desk.suggest("t0") == {"block": "c000-b000", "task": ("task", "c000-b000")}
    assert [desk.suggest(f"w{i}") for i in range(50)] == [None] * 50
    assert agenda.asked == 2, "Tune asks ten times a second, and an answer may be costly"
    desk.on_trial_complete("t0")
    agenda.open = True
    assert desk.suggest("t1")["block"] == "c001-b000"
    assert not desk.idle
    assert desk.suggest("t2") == Searcher.FINISHED
    desk.on_trial_complete("t1", error=True)
    assert desk.idle


def test_an_agenda_that_waits_for_nothing_is_an_error_and_no_standstill(plan: Plan) -> None:
    agenda = Waiting(plan.blocks())
    agenda.open = False
    with pytest.raises(RuntimeError, match="the agenda waits for a block to end, and none is running"):
        desk_of(agenda).suggest("t0")


def test_after_a_failure_no_further_block_is_given(plan: Plan) -> None:
    failures = Failures()
    with pytest.raises(OSError, match="full"), failures.kept():
        raise OSError("full")
    agenda = Waiting(plan.blocks())
    with pytest.raises(OSError, match="full"):
        desk_of(agenda, failures).suggest("t0")
    assert agenda.asked == 0


class Told:
    """Who is told of the ends of blocks."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ends: list[tuple[str, Status]] = []

    def block_started(self, block: Block) -> None: ...
    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None: ...

    def block_ended(self, block: Block) -> None:
        self.ends.append((block.name, self.ledger.of(block)[0].status))


def test_an_agenda_is_told_of_a_crash_as_of_any_other_end(plan: Plan, store: Store, tmp_path: Path) -> None:
    ledger = Ledger(dataclasses.replace(plan, cells=plan.cells[:1]), store)
    told = Told(ledger)
    watcher = Watcher(ledger, [told], Failures())
    ledger.extend(plan)  # the watcher knows the ledger of now
    said = tmp_path / "error.txt"
    said.write_text("Failure # 1\nTraceback ...\nbad start\n\nFailure # 2\nTraceback ...\nout of luck\n\n")
    trial: Any = SimpleNamespace(config={"block": "c003-b001"}, error_file=str(said))
    watcher.on_trial_error(1, [trial], trial)
    assert told.ends == [("c003-b001", Status.CRASHED)]
    assert ledger.crashes == {"c003-b001": "out of luck"}
    assert ray_driver._reason(SimpleNamespace(error_file=str(tmp_path / "none"))) == (  # type: ignore[arg-type]
        "the worker died without a message"
    )


def test_what_a_worker_refuses_is_said_once_and_ends_its_cell(plan: Plan, store: Store) -> None:
    ledger = Ledger(plan, store)
    agenda, told = Planned(ledger), Told(ledger)
    watcher = Watcher(ledger, [told], Failures())
    for _ in range(2):
        agenda.next()
    refusal = {"sentence": "the data have too few images", "traceback": "Traceback ...\n"}
    for block in ("c000-b000", "c000-b001"):  # two that ran at the same time
        trial: Any = SimpleNamespace(config={"block": block}, last_result={"refusal": refusal})
        watcher.on_trial_complete(1, [trial], trial)
    cell = plan.cells[0].name
    assert ledger.crashes == {"c000-b000": f"cell {cell}: the data have too few images"}
    assert ray_driver.error_path(store, "c000-b000").read_text() == "Traceback ...\n"
    assert told.ends == [("c000-b000", Status.CRASHED), ("c000-b001", Status.CRASHED)]
    left = []
    while not agenda.finished():
        left.append(agenda.next())
    assert [block.cell.index for block in left if block] == [2, 3, 1, 2, 3]
    assert {record.status for record in Ledger(plan, store, again=True).records} == {Status.PLANNED}


def test_a_dead_process_of_ray_ends_the_launch(plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> None:
        raise ray_cluster.ClusterLost("gone")

    failures = Failures()
    monkeypatch.setattr(ray_driver, "check_alive", dead)
    with pytest.raises(OSError, match="gone"):
        Watcher(Ledger(plan, store), [], failures).on_step_begin(1, [])
    with pytest.raises(ray_cluster.ClusterLost):
        failures.raise_first()


def test_as_many_trials_may_wait_for_a_growing_cluster_as_may_run(plan: Plan) -> None:
    """What Tune makes of ``max_concurrent_trials`` with a searcher of ours."""
    limited = ConcurrencyLimiter(desk_of(Waiting(plan.blocks())), max_concurrent=5)
    assert _get_max_pending_trials(SearchGenerator(limited)) == 5


def test_nothing_of_a_desk_is_stored_with_the_experiment(plan: Plan, tmp_path: Path) -> None:
    desk = desk_of(Waiting(plan.blocks()))
    desk.save_to_dir(str(tmp_path))
    assert [*tmp_path.iterdir()] == []
    assert type(pickle.loads(pickle.dumps(desk))) is Searcher
    assert len(pickle.dumps(desk)) < 200


def test_a_task_survives_the_copies_that_tune_makes(plan: Plan, store: Store) -> None:
    share = Allocation(cpus=1.0, gpus=0.0, at_a_time=2, cluster="")
    ledger = Ledger(plan, store)
    task = ray_driver.task_of(ledger, store.root / "cache", share, plan.blocks()[5])
    assert copy.deepcopy(task) == pickle.loads(pickle.dumps(task)) == task
    assert (task.name, task.seeds, task.first) == ("c001-b001", (50_002, 50_003), 2)
    assert (task.origin["cell"], task.origin["plan"]) == (1, plan.digest())
    assert task.halt == store.halt_path(plan.blocks()[5]).absolute()


# On a cluster


class Search:
    """An agenda that grows the launch by a cell at a time, as a search does; halts the first block of the second cell.

    The next cell is proposed when a block has ended, whatever became of it.
    """

    def __init__(self, ledger: Ledger, whole: Plan) -> None:
        self.ledger = ledger
        self.whole = whole
        self.running = 0
        self.seen: list[str] = []

    def next(self) -> Block | None:
        if self.running or self.finished():
            return None
        self.running += 1
        self.ledger.extend(dataclasses.replace(self.whole, cells=self.whole.cells[: len(self.seen) + 1]))
        return self.ledger.plan.blocks()[len(self.seen)]

    def finished(self) -> bool:
        return len(self.seen) == len(self.whole.cells)

    def block_started(self, block: Block) -> None:
        if block.cell.index == 1:
            self.ledger.store.write_halt(block, "lost", 0)

    def rows(self, block: Block, rows: Sequence[Row], step: int) -> None:
        pass

    def block_ended(self, block: Block) -> None:
        self.running -= 1
        self.seen.append(block.name)


@pytest.fixture
def share() -> Iterator[Allocation]:
    yield ray_cluster.connect(Resources())
    ray_cluster.disconnect()


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Process ids of the workers that reported."""
    found: set[int] = set()
    usual = Watcher.on_trial_result

    def noted(self: Any, iteration: int, trials: Any, trial: Any, result: Any, **info: Any) -> None:
        found.add(result["pid"])
        usual(self, iteration, trials, trial, result, **info)

    monkeypatch.setattr(Watcher, "on_trial_result", noted)
    return found


@pytest.mark.ray
@pytest.mark.slow
def test_a_launch_grows_while_it_runs_and_its_halted_block_is_not_run_again(
    plan: Plan, store: Store, share: Allocation, workers: set[int]
) -> None:
    whole = dataclasses.replace(plan, seeds=plan.seeds[:2])
    ledger = Ledger(dataclasses.replace(whole, cells=()), store, plan_digest=whole.digest())
    search = Search(ledger, whole)
    assert ray_driver.run(ledger, store.root / "cache", share, [search], search)
    assert search.seen == [f"c00{cell}-b000" for cell in range(4)]
    assert len(workers) == 1, "a worker that is free gets the next block"
    assert ledger.plan == whole
    statuses = {record.cell: record.status for record in ledger.records}
    assert statuses == {0: Status.FINISHED, 1: Status.STOPPED, 2: Status.FINISHED, 3: Status.FINISHED}
    stored = store.trace(whole.blocks()[1])
    assert stored is not None
    assert stored.meta["stopped"] == {"rule": "lost", "step": 0}
    assert stored.meta["steps"] < 3
    assert Outcome.CONVERGED not in {record.outcome for record in ledger.of_cell(1)}

    again = Ledger(whole, store, again=True)
    assert Planned(again).finished()
    assert again.records == ledger.records
    ledger.write()
    store.write_plan(whole)
    assert not [difference for check in verify(store) for difference in check.differences]
    ray_driver.clean(store)
    assert not store.halts_path.exists()


@pytest.mark.ray
@pytest.mark.slow
def test_what_an_agenda_raises_ends_the_launch_as_it_is(plan: Plan, store: Store, share: Allocation) -> None:
    class Failing(Search):
        def next(self) -> Block | None:
            if self.seen and not self.running:
                raise ValueError("the study storage is locked")
            return super().next()

    ledger = Ledger(dataclasses.replace(plan, cells=()), store)
    search = Failing(ledger, dataclasses.replace(plan, seeds=plan.seeds[:2]))
    with pytest.raises(ValueError, match=r"^the study storage is locked$"):
        ray_driver.run(ledger, store.root / "cache", share, [search], search)
    assert ledger.records[0].status is Status.FINISHED


def test_ctrl_c_means_what_it_meant_before_after_tune_has_run() -> None:
    def run() -> None:
        with ray_driver.handler_kept(signal.SIGINT):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            raise OSError("full")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="full"):
        run()
    assert signal.getsignal(signal.SIGINT) is before
