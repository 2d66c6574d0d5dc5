"""The log of a search: cut off lines did not happen, strange ones are named."""

from pathlib import Path

import pytest

from study.scheduling.ledger import Ledger
from study.storage.search_log import read
from tests.study.made_searches import begin, go, plan, searched, searching


def test_a_line_that_was_cut_off_did_not_happen(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6))
    go(store, ledger, searching(ledger), at_most=3)
    whole = store.search_path.read_text()
    store.search_path.write_text(whole + whole.splitlines()[0][:40])
    again = Ledger(store.plan(), store)
    assert len(go(store, again, searching(again))) == 3
    assert sum(read(store.search_path).blocks) == 6


def test_a_strange_line_is_named(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=2))
    with store.search_path.open("a") as file:
        file.write('{"event": "cake", "at": 1}\n')
    with pytest.raises(ValueError, match=r"search.jsonl cannot be read: line 4 is no line of a search: 'cake'"):
        store.plan()


def test_a_line_of_no_text_is_named(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=2))
    with store.search_path.open("ab") as file:
        file.write(b"\xcb\xfe\n")
    with pytest.raises(ValueError, match=r"search.jsonl cannot be read: line 4 is no line of a search: 'utf-8' codec"):
        store.plan()


def test_a_log_that_lacks_a_trained_candidate_is_refused(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6))
    first = store.search_path.read_text().splitlines()[0]
    store.search_path.write_text(first + "\n")
    with pytest.raises(ValueError, match=r"search.jsonl must have every candidate that was trained, and has 1: .* 1$"):
        store.plan()
