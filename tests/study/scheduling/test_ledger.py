"""The ledger and the folder it writes to: what is planned, what crashed, and by which rule it was decided."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from study.design.plan import Block, Plan
from study.design.planning import plan_study
from study.outcomes.outcome import Outcome
from study.scheduling import ledger as ledger_module
from study.scheduling.ledger import Ledger, redecide
from study.storage.records import Status
from study.storage.store import Store
from study.studies import find
from trainables import trace
from trainables.trace import Trace

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def plan() -> Plan:
    return plan_study(find("wgan-clip"), "smoke", now=NOW)


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs" / plan.study / plan.launch)
    made.write_plan(plan)
    return made


def test_every_planned_replica_has_a_row_from_the_start(plan: Plan, store: Store) -> None:
    rows = Ledger(plan, store).records
    assert [(row.cell, row.replica) for row in rows] == [(cell, i) for cell in range(4) for i in range(2)]
    assert {row.status for row in rows} == {Status.PLANNED}
    assert {row.outcome for row in rows} == {Outcome.UNDECIDED}


def test_a_crash_is_remembered_until_the_block_is_run_again(plan: Plan, store: Store) -> None:
    ledger = Ledger(plan, store)
    ledger.end(plan.blocks()[1], Status.CRASHED, "out of luck")
    ledger.write()
    assert ledger.crashes == {"c001-b000": "out of luck"}
    assert [row.cell for row in store.records() if row.status is Status.CRASHED] == [1, 1]
    assert Ledger(plan, store).records == store.records()
    assert redecide(plan, store, plan.rule).records == store.records()
    assert {row.status for row in Ledger(plan, store, again=True).records} == {Status.PLANNED}


def test_the_rule_in_force_is_kept_beside_the_records(plan: Plan, store: Store) -> None:
    assert store.rule() == plan.rule
    other = dataclasses.replace(plan.rule, quality_min=0.25)
    redecide(plan, store, other).write()
    assert store.rule() == other
    assert store.plan() == plan
    assert {row.rule for row in store.records()} == {other.label()}


def test_a_row_names_the_plan_however_it_is_decided(plan: Plan, store: Store) -> None:
    assert {row.plan for row in Ledger(plan, store).records} == {plan.digest()}
    other = dataclasses.replace(plan.rule, quality_min=0.25)
    assert {row.plan for row in redecide(plan, store, other).records} == {plan.digest()}


def test_blocks_of_settled_cells_are_skipped_beyond_the_least(plan: Plan, store: Store) -> None:
    sequential = dataclasses.replace(plan, seeds=tuple(range(6)), until_decided=True, least=2)
    ledger = Ledger(sequential, store)
    ledger.end(sequential.blocks()[-1], Status.CRASHED, "out of luck")
    ledger.settle(frozenset({1, 3}), 7.5)
    assert [row.replica for row in ledger.records if row.status is Status.SKIPPED] == [2, 3, 4, 5, 2, 3]
    assert [(row.cell, row.replica) for row in ledger.records if row.status is Status.CRASHED] == [(3, 4), (3, 5)]
    assert {row.cell for row in ledger.records if row.status is Status.SKIPPED} == {1, 3}
    assert (ledger.skips("c001-b001"), ledger.skips("c001-b000"), ledger.skips("c002-b001")) == (True, False, False)
    assert (store.settled(), store.spent()) == (frozenset({1, 3}), 7.5)
    assert all(record.status is Status.SKIPPED for record in Ledger(sequential, store, again=True).records[-4:])


def stop(plan: Plan, store: Store, place: int) -> Block:
    """A block that was ended early: one replica diverged, the other was going on."""
    block = plan.blocks()[place]
    step = block.cell.config.evaluation.every
    meta = {"digest": block.cell.digest, "seeds": block.seeds, "steps": step, "seconds": 1.0, "complete": True}
    more = {"config": {}, "reference": {}, "stopped": {"rule": "asha", "step": step}}
    rows = [{"replica": replica, "seed": seed, "step": step, "finite": replica > 0}
            for replica, seed in enumerate(block.seeds)]  # fmt: skip
    trace.write(Trace(meta=meta | more, rows=rows), store.trace_path(block))
    return block


def test_a_block_that_was_halted_is_stopped_now_and_after_a_restart(plan: Plan, store: Store) -> None:
    ledger = Ledger(plan, store)
    block = stop(plan, store, 1)
    ledger.end(block, Status.FINISHED)
    assert [(row.status, row.outcome) for row in ledger.of(block)] == [
        (Status.STOPPED, Outcome.DIVERGED),
        (Status.STOPPED, Outcome.UNDECIDED),
    ]
    assert Ledger(plan, store, again=True).records == ledger.records


def test_a_ledger_grows_with_its_launch_and_keeps_what_it_knows(plan: Plan, store: Store) -> None:
    small = dataclasses.replace(plan, cells=plan.cells[:2])
    store.write_plan(small)
    ledger = Ledger(small, store)
    digest = ledger.plan_digest
    ledger.end(small.blocks()[1], Status.CRASHED, "out of luck")
    ledger.extend(plan)
    assert ledger.plan is plan
    assert [block.name for block in ledger.blocks] == [block.name for block in plan.blocks()]
    assert [row.status for row in ledger.records[::2]] == [
        Status.PLANNED, Status.CRASHED, Status.PLANNED, Status.PLANNED
    ]  # fmt: skip
    assert [row.cell for row in ledger.of_cell(3)] == [3, 3]
    assert ledger.block("c003-b000") == plan.blocks()[3]
    assert {row.plan for row in ledger.records} == {digest}, "the plan is older than the cells"
    ledger.write()
    assert store.records() == ledger.records


def test_a_ledger_takes_no_other_launch_and_loses_no_cell(plan: Plan, store: Store) -> None:
    ledger = Ledger(plan, store)
    for other in (dataclasses.replace(plan, launch="other"), dataclasses.replace(plan, cells=plan.cells[1:])):
        with pytest.raises(ValueError, match="must keep its 4 cells as it grows"):
            ledger.extend(other)
    assert ledger.plan is plan


def test_the_tally_is_that_of_the_records(plan: Plan, store: Store) -> None:
    sequential = dataclasses.replace(plan, seeds=tuple(range(6)), until_decided=True, least=2)
    ledger = Ledger(sequential, store)
    blocks = sequential.blocks()
    ledger.end(stop(sequential, store, 1), Status.FINISHED)
    ledger.end(blocks[-1], Status.CRASHED, "out of luck")
    ledger.end(blocks[-1], Status.CRASHED, "again")
    ledger.settle(frozenset({0, 1}), 7.5)
    ledger.refuse(blocks[2], "no data")
    rows, tally = ledger.records, ledger.tally
    assert tally.statuses == Counter(row.status for row in rows)
    assert len(tally.statuses) == 4
    assert tally.outcomes == Counter(row.outcome for row in rows if row.decided) == {Outcome.DIVERGED: 1}
    assert tally.planned == Counter(row.cell for row in rows if row.status is Status.PLANNED)
    assert tally.steps == sum(own.cell.config.steps for own in blocks if not ledger.skips(own.name))


def test_records_that_take_long_to_write_are_written_less_often(
    plan: Plan, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = [100.0], []

    def slow(rows: object) -> None:
        now[0] += 2.0
        written.append(now[0])

    monkeypatch.setattr(ledger_module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(store, "write_records", slow)
    ledger = Ledger(plan, store)
    for _ in range(500):
        ledger.end(plan.blocks()[0], Status.CRASHED)
        now[0] += 1.0
    assert written == [102.0, 304.0, 506.0], "a hundredth of the time"


def test_a_launch_with_a_fixed_number_of_seeds_skips_nothing(plan: Plan, store: Store) -> None:
    store.write_settled({0, 1, 2, 3}, 1.0)
    assert {row.status for row in Ledger(plan, store).records} == {Status.PLANNED}
