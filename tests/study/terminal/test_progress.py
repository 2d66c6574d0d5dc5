"""The observer that prints a launch and its progress."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from study.evidence import reach
from study.outcomes.outcome import Outcome
from study.scheduling.agenda import Allocation
from study.scheduling.ledger import Ledger
from study.storage.records import Status
from study.storage.store import Store
from study.terminal.launches import describe
from study.terminal.progress import LiveProgress, Terminal
from tests.study.conftest import make

U = Outcome.UNDECIDED


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
    assert lines[:2] == ["2 blocks: starting workers", "ls  (2 replicas, 0 s): crashed: no luck"]
    assert lines[2].startswith(" 50 %  cells 1/2 · replicas 0/4 · about ")
    assert len(lines) == 3, "15 seconds have not passed since the last line"


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
