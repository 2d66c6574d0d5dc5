"""The progress of a search on the terminal: its launch grows, and blocks may end early."""

import dataclasses
import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from study.design.plan import Block, Plan
from study.scheduling.ledger import Ledger
from study.storage.store import Store
from study.terminal.progress import LiveProgress
from tests.study.made_searches import begin, plan, searching, stop, train


def said(planned: Plan, out: Path, end: Callable[[Store, Ledger, Block], None] = train, blocks: int = 3) -> str:
    store, ledger = begin(out, planned)
    search, text = searching(ledger), io.StringIO()
    with LiveProgress(ledger, Console(file=text, width=200)) as terminal:
        for _ in range(blocks):
            block = search.next()
            assert block is not None
            terminal.block_started(block)
            terminal.rows(block, [], 1_000)
            end(store, ledger, block)
            search.block_ended(block)
            terminal.block_ended(block)
    return text.getvalue()


def test_a_search_is_counted_in_candidates_and_by_its_budget_of_blocks(tmp_path: Path) -> None:
    text = said(plan(blocks=12), tmp_path)
    assert text.startswith("starting workers, which load their libraries before they train\n")
    assert re.search(
        r"\n  8 %  1 candidate · 1 of 12 blocks · best [012] of 2 \[\d\.\d\d, \d\.\d\d\] #0 · at most", text
    )
    assert re.search(r"\n 25 %  2 candidates \(1 raced on\) · 3 of 12 blocks · best ", text)
    assert max(map(len, text.splitlines())) < 120


def test_the_live_line_keeps_all_numbers_on_a_narrow_terminal(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=200))
    search, console = searching(ledger), Console(file=io.StringIO(), width=45, force_terminal=True, record=True)
    with LiveProgress(ledger, console) as terminal:
        for _ in range(3):
            block = search.next()
            assert block is not None
            terminal.block_started(block)
            train(store, ledger, block)
            search.block_ended(block)
            terminal.block_ended(block)
        assert len(console.export_text().splitlines()[0]) <= 45, "a line breaks between words"
        console.print(terminal)
    drawn = console.export_text()
    text = " ".join(re.sub(r"\d:\d\d:\d\d", "", drawn).split())
    for part in ("2 % ", "2 candidates (1 raced on)", "· 3 of 200 blocks · best", " left"):
        assert part in text
    assert "0:00:0" in drawn
    assert "…" not in drawn


def test_a_candidate_is_introduced_by_its_first_block_and_numbered_after_it(tmp_path: Path) -> None:
    lines = said(plan(blocks=12), tmp_path).splitlines()
    assert [line for line in lines if re.fullmatch(r"#0 optimizer=adam / lr=0\.001 / beta1=0\.5: [012] of 2", line)]
    assert [line for line in lines if re.fullmatch(r"#\d: [0-4] of 4 \[\d\.\d\d, \d\.\d\d\]", line)]


def test_a_search_with_a_budget_of_time_says_what_is_left_of_it(tmp_path: Path) -> None:
    planned = plan()
    assert planned.search is not None
    timed = dataclasses.replace(planned, budget=3_600.0, search=dataclasses.replace(planned.search, blocks=None))
    text = said(timed, tmp_path)
    assert "\n  0 %  1 candidate · 1 blocks · best " in text
    assert re.search(r" · (59 min \d\d s|1 h 00 min) left\n", text)
    assert "about" not in text


def test_a_block_that_was_given_up_says_when(tmp_path: Path) -> None:
    text = said(plan(blocks=12), tmp_path, stop, blocks=1)
    assert ": 0 of 2, stopped at step 300\n" in text


def test_a_search_past_its_time_says_what_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan()
    assert planned.search is not None
    timed = dataclasses.replace(planned, budget=60.0, search=dataclasses.replace(planned.search, blocks=None))
    _, ledger = begin(tmp_path, timed)
    block, text, now = searching(ledger).next(), io.StringIO(), [0.0]
    assert block is not None
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with LiveProgress(ledger, Console(file=text, width=200)) as terminal:
        terminal.block_started(block)
        now[0] = 61.0
        terminal.rows(block, [], 10)
    assert text.getvalue().endswith("· the time is over: waiting for 1 block to end\n")
