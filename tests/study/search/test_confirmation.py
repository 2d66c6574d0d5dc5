"""Confirming the best cell of a launch: which one, on which seeds, and what is said of both rates."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.design.plan import Plan
from study.design.planning import plan_study
from study.evidence.estimates import CellSummary, by_rate
from study.evidence.inference.proportions import wilson
from study.outcomes.outcome import Outcome
from study.scheduling.ledger import Ledger
from study.search import confirmation
from study.storage.store import Store
from study.studies import find

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = datetime(2026, 3, 5, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def plan() -> Plan:
    return plan_study(find("wgan-clip"), "smoke", now=NOW, seeds=5)


def summary(plan: Plan, cell: int, successes: int, n: int) -> CellSummary:
    counts: dict[Outcome, int] = {outcome: 0 for outcome in Outcome if outcome is not Outcome.UNDECIDED}
    return CellSummary(
        cell=cell,
        name=plan.cells[cell].name,
        levels=plan.cells[cell].levels,
        rate=wilson(successes, n),
        ever_good=wilson(successes, n),
        outcomes=counts | {Outcome.CONVERGED: successes, Outcome.DIVERGED: n - successes},
        crashed=0,
        pending=len(plan.seeds) - n,
        seconds=1.0,
    )


def summaries(plan: Plan, *counts: tuple[int, int]) -> list[CellSummary]:
    return [summary(plan, cell, *count) for cell, count in enumerate(counts)]


# Which cell


@pytest.mark.parametrize(
    ("counts", "chosen"),
    [
        ([(1, 5), (4, 5), (3, 5), (0, 5)], 1),
        ([(2, 2), (5, 5), (4, 5), (0, 0)], 1),  # of equal rates the one known better
        ([(0, 0), (5, 5), (5, 5), (4, 5)], 1),  # of equals the first
        ([(0, 0), (0, 0), (0, 5), (0, 0)], 2),
        ([(0, 5), (0, 2), (0, 0), (0, 2)], 0),
    ],
)
def test_the_best_cell_is_the_first_of_the_report(counts: list[tuple[int, int]], chosen: int, plan: Plan) -> None:
    own = summaries(plan, *counts)
    assert confirmation.best(own).cell == by_rate(own)[0].cell == chosen
    (cell,) = confirmation.plan_confirmation(plan, own, now=LATER).cells
    assert (cell.digest, cell.config, cell.index) == (plan.cells[chosen].digest, plan.cells[chosen].config, 0)


def test_a_cell_can_be_named(plan: Plan) -> None:
    own = summaries(plan, (5, 5), (4, 5), (3, 5), (2, 5))
    made = confirmation.plan_confirmation(plan, own, now=LATER, cell=plan.cells[2].name)
    assert made.cells[0].digest == plan.cells[2].digest
    assert made.selection is not None
    assert (made.selection.successes, made.selection.n, made.selection.of_cells) == (3, 5, 0)


def test_mistakes_are_named(plan: Plan) -> None:
    nothing = summaries(plan, *[(0, 0)] * 4)
    some = summaries(plan, (5, 5), (0, 0), (3, 5), (2, 5))
    with pytest.raises(ValueError, match=r"^LAUNCH must have at least one decided replica to confirm .* has none$"):
        confirmation.plan_confirmation(plan, nothing, now=LATER)
    with pytest.raises(ValueError, match=r"^--cell must be one of .*, got 'best'$"):
        confirmation.plan_confirmation(plan, some, now=LATER, cell="best")
    with pytest.raises(ValueError, match=r"^--cell must have a decided replica, and .* has none$"):
        confirmation.plan_confirmation(plan, some, now=LATER, cell=plan.cells[1].name)
    with pytest.raises(ValueError, match=r"^--seeds must be in \[1, 10000\], got 0$"):
        confirmation.plan_confirmation(plan, some, now=LATER, seeds=0)


# Its launch


def test_seeds_are_fresh_and_the_same_every_time(plan: Plan) -> None:
    own = summaries(plan, *[(5, 5)] * 4)
    made = confirmation.plan_confirmation(plan, own, now=LATER)
    assert made.seeds == tuple(range(1_000_000, 1_000_010))
    assert made.seeds == confirmation.plan_confirmation(plan, own, now=NOW).seeds
    assert confirmation.plan_confirmation(plan, own, now=LATER, seeds=3).seeds == (1_000_000, 1_000_001, 1_000_002)
    again = confirmation.plan_confirmation(made, summaries(made, (8, 10)), now=LATER)
    assert set(again.seeds).isdisjoint(made.seeds + plan.seeds)


def test_twice_the_seeds_that_the_cell_had_where_the_number_was_open(plan: Plan) -> None:
    sequential = dataclasses.replace(plan, until_decided=True, budget=60.0)
    made = confirmation.plan_confirmation(sequential, summaries(plan, (2, 2), (0, 5), (0, 5), (0, 5)), now=LATER)
    assert len(made.seeds) == 4
    assert (made.until_decided, made.budget) == (False, None)


def test_a_confirmation_says_what_it_confirms(plan: Plan, tmp_path: Path) -> None:
    rule = dataclasses.replace(plan.rule, quality_min=0.25)
    made = confirmation.plan_confirmation(plan, summaries(plan, (5, 5), (4, 5), (0, 0), (0, 5)), now=LATER, rule=rule)
    assert (made.launch, made.profile) == ("20260305-050607-smoke-confirm", "smoke-confirm")
    assert (made.study, made.rule, made.hypotheses, made.contrasts) == (plan.study, rule, (), ())
    assert made.selection is not None
    assert (made.selection.launch, made.selection.plan) == (plan.launch, plan.digest())
    assert (made.selection.cell, made.selection.of_cells) == (plan.cells[0].name, 3)
    store = Store(tmp_path)
    store.write_plan(made)
    assert store.plan() == made
    assert store.plan().digest() == made.digest()


# What is said of it


def test_both_rates_are_told(plan: Plan) -> None:
    made = confirmation.plan_confirmation(plan, summaries(plan, (5, 5), (4, 5), (3, 5), (0, 5)), now=LATER)
    assert confirmation.sentence(made, [summary(made, 0, 14, 20)]) == (
        "Selected with 5 of 5 [0.57, 1.00] among 4 cells: optimistic; confirmed 14 of 20 [0.48, 0.85] on fresh seeds."
    )
    assert str(confirmation.sentence(made, [summary(made, 0, 0, 0)])).endswith("; not confirmed yet on fresh seeds.")
    assert confirmation.sentence(plan, summaries(plan, (5, 5))) is None


def test_a_named_cell_is_told_so(plan: Plan) -> None:
    own = summaries(plan, (5, 5), (4, 5), (3, 5), (0, 5))
    made = confirmation.plan_confirmation(plan, own, now=LATER, cell=plan.cells[1].name)
    assert str(confirmation.sentence(made, [])).startswith("Named by the user, 4 of 5 [0.38, 0.96] in the launch")


def test_a_launch_without_an_outcome_cannot_be_confirmed(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path / plan.study / plan.launch)
    store.write_plan(plan)
    Ledger(plan, store).write()
    done = CliRunner().invoke(app, ["confirm", str(store.root), "--out", str(tmp_path)], env={"COLUMNS": "140"})
    assert done.exit_code == 2
    assert "LAUNCH must have at least one decided replica to confirm a cell of it, and has none" in done.stderr
    assert [path.name for path in store.root.parent.iterdir()] == [plan.launch]
