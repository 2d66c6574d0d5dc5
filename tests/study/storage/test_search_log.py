"""The log of a search: cut off lines did not happen, strange ones are named."""

import json
from pathlib import Path

import pytest

from study.scheduling.ledger import Ledger
from study.storage.sealed_lines import sealed
from study.storage.search_log import Log, Stop, read
from tests.made_damage import read_with_a_flipped_bit
from tests.study.made_searches import begin, go, plan, searched, searching
from trainables.files import DamagedFile


def unseal(path: Path) -> None:
    """Make a log one of an earlier version."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    old = [{name: value for name, value in line.items() if name != "sha256"} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in old))


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
    unseal(store.search_path)
    with store.search_path.open("a") as file:
        file.write('{"event": "cake", "at": 1}\n')
    with pytest.raises(ValueError, match=r"search.jsonl cannot be read: line 4 is no line of a search: 'cake'"):
        store.plan()


def test_a_line_of_no_text_is_named(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=2))
    unseal(store.search_path)
    with store.search_path.open("ab") as file:
        file.write(b"\xcb\xfe\n")
    with pytest.raises(ValueError, match=r"search.jsonl cannot be read: line 4 is no line of a search: 'utf-8' codec"):
        store.plan()


def test_a_line_without_a_digest_after_one_that_has_it_is_damage(tmp_path: Path) -> None:
    path = searched(tmp_path, plan(blocks=2)).search_path
    with path.open("a") as file:
        file.write('{"event": "end", "at": 9, "why": "enough"}\n')
    with pytest.raises(DamagedFile, match="line 4 has no SHA-256, and one before it has"):
        read(path)


def test_a_log_that_lacks_a_trained_block_is_refused(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6))
    path = store.trace_path(store.plan().blocks()[0])
    (path.parent / "c000-b999.parquet").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"search.jsonl must have every block that was trained, and lacks c000-b999$"):
        store.plan()


def test_a_copy_of_a_folder_of_traces_is_no_candidate(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6))
    (store.traces_path / "cell=0 (copy)").mkdir()
    assert len(store.plan().blocks()) == 6


def test_a_log_that_lacks_a_trained_candidate_is_refused(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6))
    first = store.search_path.read_text().splitlines()[0]
    store.search_path.write_text(first + "\n")
    with pytest.raises(ValueError, match=r"search.jsonl must have every candidate that was trained, and has 1: .* 1$"):
        store.plan()


def test_of_a_hundred_flipped_bits_each_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    path = searched(tmp_path, plan(blocks=6)).search_path
    whole = read(path)
    refused, others = read_with_a_flipped_bit(path, read)
    assert len(refused) >= 95
    assert all(sentence.startswith(f"{path} cannot be read: ") for sentence in refused)
    assert all(found == whole for found in others)


def test_a_line_that_is_taken_out_is_seen(tmp_path: Path) -> None:
    path = searched(tmp_path, plan(blocks=6)).search_path
    first, _, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, *others]))
    with pytest.raises(DamagedFile, match="line 2 is not as it was written"):
        read(path)


def test_a_log_of_an_earlier_version_has_no_digests_and_is_gone_on_with(tmp_path: Path) -> None:
    path = searched(tmp_path, plan(blocks=6)).search_path
    unseal(path)
    assert not sealed(path)
    Log(path).stopped(Stop(block="c000-b000", rule="asha", step=200, audited=True), 1e6)
    assert len(read(path).stops) == 1
    path.write_text(path.read_text().replace('"at": 0', '"at": 1', 1))
    with pytest.raises(DamagedFile):
        read(path)
