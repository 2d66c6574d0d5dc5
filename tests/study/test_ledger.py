"""The ledger and the folder it writes to: what is planned, what crashed, and by which rule it was decided."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest

from study.ledger import Ledger, redecide
from study.outcome import Outcome
from study.plan import plan
from study.records import Status
from study.spec import LaunchSpec
from study.store import Store, write_text
from study.studies import find

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def spec() -> LaunchSpec:
    return plan(find("wgan-clip"), "smoke", now=NOW)


@pytest.fixture
def store(spec: LaunchSpec, tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs" / spec.study / spec.launch)
    made.write_spec(spec)
    return made


def test_every_planned_replica_has_a_row_from_the_start(spec: LaunchSpec, store: Store) -> None:
    rows = Ledger(spec, store).records
    assert [(row.cell, row.replica) for row in rows] == [(cell, i) for cell in range(4) for i in range(2)]
    assert {row.status for row in rows} == {Status.PLANNED}
    assert {row.outcome for row in rows} == {Outcome.UNDECIDED}


def test_a_crash_is_remembered_until_the_block_is_run_again(spec: LaunchSpec, store: Store) -> None:
    ledger = Ledger(spec, store)
    ledger.end(spec.blocks()[1], Status.CRASHED, "out of luck")
    ledger.write()
    assert ledger.crashes == {"c001-b000": "out of luck"}
    assert [row.cell for row in store.records() if row.status is Status.CRASHED] == [1, 1]
    assert Ledger(spec, store).records == store.records()
    assert redecide(spec, store, spec.rule).records == store.records()
    assert {row.status for row in Ledger(spec, store, again=True).records} == {Status.PLANNED}


def test_the_rule_in_force_is_kept_beside_the_records(spec: LaunchSpec, store: Store) -> None:
    assert store.rule() == spec.rule
    other = dataclasses.replace(spec.rule, quality_min=0.25)
    redecide(spec, store, other).write()
    assert store.rule() == other
    assert store.spec() == spec
    assert {row.rule for row in store.records()} == {other.label()}


def test_a_spec_survives_its_file(spec: LaunchSpec, store: Store) -> None:
    assert store.spec() == spec


def test_a_folder_without_a_launch_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no launch at .*: it has no spec"):
        Store(tmp_path).spec()


def test_a_spec_that_was_damaged_is_named_with_the_place(spec: LaunchSpec, store: Store) -> None:
    store.spec_path.write_text(store.spec_path.read_text().replace('"window": 3', '"window": "three"'))
    with pytest.raises(ValueError, match=r"spec.json cannot be read: rule.window"):
        store.spec()


def test_a_text_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "first")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "broken \ud800")
    assert path.read_text() == "first"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]
