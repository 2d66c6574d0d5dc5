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


def test_a_row_names_the_plan_however_it_is_decided(spec: LaunchSpec, store: Store) -> None:
    assert {row.plan for row in Ledger(spec, store).records} == {spec.digest()}
    other = dataclasses.replace(spec.rule, quality_min=0.25)
    assert {row.plan for row in redecide(spec, store, other).records} == {spec.digest()}


def test_blocks_of_settled_cells_are_skipped_beyond_the_least(spec: LaunchSpec, store: Store) -> None:
    sequential = dataclasses.replace(spec, seeds=tuple(range(6)), until_decided=True, least=2)
    ledger = Ledger(sequential, store)
    ledger.end(sequential.blocks()[-1], Status.CRASHED, "out of luck")
    ledger.settle(frozenset({1, 3}), 7.5)
    assert [row.replica for row in ledger.records if row.status is Status.SKIPPED] == [2, 3, 4, 5, 2, 3]
    assert [(row.cell, row.replica) for row in ledger.records if row.status is Status.CRASHED] == [(3, 4), (3, 5)]
    assert {row.cell for row in ledger.records if row.status is Status.SKIPPED} == {1, 3}
    assert (ledger.skips("c001-b001"), ledger.skips("c001-b000"), ledger.skips("c002-b001")) == (True, False, False)
    assert (store.settled(), store.spent()) == (frozenset({1, 3}), 7.5)
    assert all(record.status is Status.SKIPPED for record in Ledger(sequential, store, again=True).records[-4:])


def test_a_launch_with_a_fixed_number_of_seeds_skips_nothing(spec: LaunchSpec, store: Store) -> None:
    store.write_settled({0, 1, 2, 3}, 1.0)
    assert {row.status for row in Ledger(spec, store).records} == {Status.PLANNED}


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
