"""The observer that prints a launch and its progress."""

import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from study.evidence import reach
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.storage.records import Status
from study.storage.store import Store
from study.terminal.launches import describe
from study.terminal.progress import LiveProgress, Terminal
from tests.study.conftest import C, U, make, trace_of
from trainables import trace


@pytest.fixture
def planned(tmp_path: Path) -> Store:
    return make(tmp_path, ((U, U), (U, U)), page=False)


def test_a_log_has_a_line_per_block_and_the_time_left(planned: Store) -> None:
    ledger, text = Ledger(planned.plan(), planned), StringIO()
    first, second = ledger.plan.blocks()
    with LiveProgress(ledger, Console(file=text, width=200)) as progress:
        progress.block_started(first)
        ledger.end(first, Status.CRASHED, "no luck")
        progress.block_ended(first)
        progress.block_started(second)
        progress.rows(second, [], 500)
    lines = text.getvalue().splitlines()
    assert lines == [
        "2 blocks: starting workers, which load their libraries before they train",
        "  0 %  cells 0/2 · replicas 0/4 · 1 block running",
        "ls  (2 replicas, 0 s): crashed: no luck",
        " 50 %  cells 1/2 · replicas 0/4 · starting workers",
    ], "15 seconds have not passed since the last line"


class Clock:
    """Seconds that a test moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


def test_the_time_left_leaves_the_start_of_workers_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock, text = make(tmp_path, ((U, U),) * 2, page=False, block=1), Clock(monkeypatch), StringIO()
    ledger = Ledger(store.plan(), store)
    first, second, *_ = ledger.plan.blocks()
    steps = first.cell.config.steps
    with LiveProgress(ledger, Console(file=text, width=200)) as shown:
        clock.now = 100.0  # workers start
        shown.block_started(first)
        clock.now = 120.0
        shown.rows(first, [], steps)
        assert text.getvalue().endswith("· 1 block running\n"), "no block has ended"
        trace.write(trace_of(ledger.plan, first, [C], 0, {}), store.trace_path(first))
        ledger.end(first, Status.FINISHED)
        shown.block_ended(first)
        assert text.getvalue().endswith("· about 1 min 00 s left\n"), "three blocks of 20 seconds"
        shown.block_started(second)
        clock.now = 125.0
        ledger.end(second, Status.CRASHED, "no luck")
        shown.block_ended(second)
        assert text.getvalue().endswith("· about 50 s left\n"), "what a crashed block did not train is no pace"


def test_a_long_block_is_estimated_before_it_ends(planned: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, text = Clock(monkeypatch), StringIO()
    ledger = Ledger(planned.plan(), planned)
    block = ledger.plan.blocks()[0]
    with LiveProgress(ledger, Console(file=text, width=200)) as shown:
        shown.block_started(block)
        clock.now = 61.0
        shown.rows(block, [], block.cell.config.steps // 2)
    assert text.getvalue().endswith("· about 3 min 03 s left\n")


def test_a_launch_past_its_time_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(tmp_path, ((U, U), (U, U)), page=False, block=1, until_decided=True, least=1, budget=60.0)
    clock, text = Clock(monkeypatch), StringIO()
    ledger = Ledger(store.plan(), store)
    block = ledger.plan.blocks()[0]
    with LiveProgress(ledger, Console(file=text, width=200)) as shown:
        clock.now = 10.0
        shown.block_started(block)
        assert text.getvalue().endswith("· 1 block running, at most 50 s left\n")
        clock.now = 70.0
        shown.rows(block, [], 1)
    assert text.getvalue().endswith("· the time is over: waiting for 1 block to end\n")


def test_a_terminal_moves_while_workers_start(planned: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    ledger = Ledger(planned.plan(), planned)
    console = Console(file=StringIO(), width=80, force_terminal=True, record=True, get_time=lambda: clock.now)
    with LiveProgress(ledger, console) as shown:
        seen = []
        for clock.now in (0.0, 1.0, 2.1):
            console.export_text()
            console.print(shown)
            seen.append(console.export_text())
    assert all("starting workers" in text for text in seen)
    assert len(set(seen)) == 3


def test_names_are_no_markup_in_anything_that_is_said(tmp_path: Path) -> None:
    store = make(tmp_path, ((U, U), (U, U)), page=False)
    ledger, text = Ledger(store.plan(), store), StringIO()
    console = Console(file=text, width=200, force_terminal=True, color_system=None)
    terminal = Terminal(console)
    terminal.planned(store.plan())
    terminal.judge_tried("[/a]", "[/b] is said")
    terminal.classifier_trained("[/a]", "[/c]", 1.0)
    terminal.began(ledger)
    block = ledger.plan.blocks()[0]
    terminal.block_started(block)
    ledger.end(block, Status.CRASHED, "shape [/d]")
    terminal.block_ended(block)
    terminal.ended()
    for name in ("the rule, tried on [/a]: [/b] is said", "a classifier of [/c]", "crashed: shape [/d]"):
        assert name in text.getvalue()


def test_cells_that_need_no_more_seeds_are_named_once(tmp_path: Path) -> None:
    store = make(tmp_path, ((U, U), (U, U)), page=False, block=1, until_decided=True, least=1)
    ledger, text = Ledger(store.plan(), store), StringIO()
    with LiveProgress(ledger, Console(file=text, width=200)) as progress:
        for block in ledger.plan.blocks()[:2]:
            ledger.settle(frozenset({0}), 1.0)
            progress.block_ended(block)
    assert text.getvalue().count("no further seeds for: ls\n") == 1


def test_a_launch_is_announced_from_its_plan_to_its_workers(planned: Store) -> None:
    text = StringIO()
    terminal, plan = Terminal(Console(file=text, width=200)), planned.plan()
    terminal.planned(plan)
    terminal.connecting()
    terminal.connected(Allocation(cpus=1.0, gpus=0.5, at_a_time=1, cluster="2 CPUs"))
    terminal.classifier_trained("digits", "labels", 0.9722)
    terminal.ended()
    assert text.getvalue().splitlines() == [
        *describe(plan).plain.splitlines(),
        reach.sentence(plan),
        "starting Ray ...",
        "Ray with 2 CPUs: 1 block at a time, 1 CPU and 0.5 GPU each",
        "features of digits: a classifier of labels, 97.2% right on held-out images",
    ]


def test_blocks_before_the_launch_has_begun_are_an_error(planned: Store) -> None:
    with pytest.raises(AssertionError, match="after the launch has begun"):
        Terminal(Console(file=StringIO())).block_started(planned.plan().blocks()[0])
