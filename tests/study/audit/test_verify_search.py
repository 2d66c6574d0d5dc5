"""Verification of what only a search has: early ends against the log."""

from pathlib import Path

from study.audit.verify import verify
from study.storage.search_log import Log, Stop
from tests.study.made_searches import begin, plan, searching
from tests.study.terminal.test_progress import stop


def early_end(out: Path, *, audited: bool | None) -> list[str]:
    """What is found of a search whose first block ended early; nothing in its log, or that it was audited."""
    store, ledger = begin(out, plan(blocks=1))
    block = searching(ledger).next()
    assert block is not None
    if audited is not None:
        Log(store.search_path).stopped(Stop(block=block.name, rule="asha", step=200, audited=audited), 1.0)
    stop(store, ledger, block)
    ledger.write()
    checks = verify(store)
    assert not [check for check in checks if check.differences and check.name != "search"]
    return [sentence for check in checks for sentence in check.differences]


def test_an_early_end_that_the_log_has_is_right(tmp_path: Path) -> None:
    assert early_end(tmp_path, audited=False) == []


def test_an_early_end_that_nobody_decided_is_named(tmp_path: Path) -> None:
    expected = ["block c000-b000 ended early, and search.jsonl does not say so"]
    assert early_end(tmp_path / "silent", audited=None) == expected
    assert early_end(tmp_path / "audited", audited=True) == expected
