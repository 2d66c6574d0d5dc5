"""Seeds until decided: which cells get more, what is skipped, and that nothing is lost or trained twice."""

import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from rich.console import Console

from search_spaces import Factor, Level
from study import execution
from study.design.hypotheses import Hypothesis, Share
from study.design.plan import Block, Plan
from study.design.planning import plan_study
from study.design.study import Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.scheduling.agenda import Resources
from study.scheduling.ledger import Ledger
from study.scheduling.until_decided import Stopping, settled
from study.storage.records import Record, Status
from study.storage.store import Store
from study.terminal import launches
from study.terminal.progress import LiveProgress, Terminal
from study.tracking import NullTracker
from trainables import trace
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import Trace

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
BASE = GanConfig(
    data=Ring(modes=2),
    generator=Mlp(hidden=(4,)),
    discriminator=Mlp(hidden=(4,)),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    batch_size=4,
    steps=3,
    evaluation=Evaluation(every=1, samples=16),
)
RATE = Factor(
    name="rate",
    levels=tuple(
        Level(label=name, assign={"d_optimizer.lr": lr}) for name, lr in (("a", 1e-4), ("b", 1e-3), ("c", 1e-2))
    ),
    source="a test",
)


def share(cell: str, threshold: float) -> Hypothesis:
    """Success in fewer than so many: two failures decide it at 0.99, nothing does at 0."""
    return Share(
        name=f"{cell}-{threshold}",
        claim="c",
        source="s",
        where={"rate": cell},
        outcomes=(Outcome.CONVERGED,),
        side="below",
        threshold=threshold,
    )


SOON, NEVER = share("a", 0.99), share("b", 0.0)


def planned(*hypotheses: Hypothesis, seeds: int = 6, budget: float | None = None) -> Plan:
    profile = Profile(base=BASE, factors=(RATE,), seeds=seeds, block=2, rule=MIXTURE_RULE, note="a note")
    study = Study(
        name="test-study",
        title="A title",
        question="A question?",
        sources=(),
        hypotheses=hypotheses or (SOON, NEVER),
        contrasts=(),
        profiles={"quick": profile},
    )
    return plan_study(study, "quick", now=NOW, until_decided=True, budget=budget)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs" / "test-study" / "launch")


def fail(ledger: Ledger, *names: str) -> list[Block]:
    """Trains blocks as far as the ledger can tell: a stored trace of replicas that diverged."""
    own = [block for block in ledger.plan.blocks() if block.name in names]
    for block in own:
        meta = {"digest": block.cell.digest, "seeds": block.seeds, "complete": True, "steps": 2, "seconds": 1.0}
        rows = [{"replica": replica, "seed": seed, "step": step, "finite": False}
                for step in (0, 1, 2) for replica, seed in enumerate(block.seeds)]  # fmt: skip
        more = {"config": {}, "reference": {}, "plan": ledger.plan.digest()}
        trace.write(Trace(meta=meta | more, rows=rows), ledger.store.trace_path(block))
        ledger.end(block, Status.FINISHED)
    return own


def named(ledger: Ledger, name: str) -> Block:
    (block,) = [block for block in ledger.plan.blocks() if block.name == name]
    return block


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


# Which cells get more seeds


def test_a_cell_is_settled_once_every_hypothesis_about_it_is_decided(store: Store) -> None:
    ledger = Ledger(planned(), store)
    stopping = Stopping(ledger)
    assert ledger.settled == {2}, "nothing is declared about the third cell"
    (block,) = fail(ledger, "c000-b000")
    stopping.block_ended(block)
    assert ledger.settled == store.settled() == {0, 2}
    both = planned(SOON, share("a", 0.0))
    assert settled(both, Ledger(both, store, again=True).records) == {1, 2}


def test_a_cell_whose_hypothesis_is_open_stays_to_its_last_seed(store: Store) -> None:
    ledger = Ledger(planned(), store)
    stopping = Stopping(ledger)
    for block in fail(ledger, "c001-b000", "c001-b001", "c001-b002"):
        stopping.block_ended(block)
    assert 1 not in ledger.settled


def test_a_settled_cell_stays_so(store: Store) -> None:
    store.write_settled({1}, 0.0)
    ledger = Ledger(planned(), store)
    Stopping(ledger)
    assert ledger.settled == {1, 2}


def test_what_a_killed_driver_left_is_judged_at_once(store: Store) -> None:
    fail(Ledger(planned(), store), "c000-b000")
    again = Ledger(planned(), store, again=True)
    Stopping(again)
    assert again.settled == {0, 2}
    assert {record.status for record in again.records if record.cell == 0} == {Status.FINISHED, Status.SKIPPED}


def test_a_block_that_was_begun_before_its_cell_was_settled_counts(store: Store) -> None:
    ledger = Ledger(planned(), store)
    ledger.settle(frozenset({0}), 0.0)
    assert ledger.skips("c000-b001")
    fail(ledger, "c000-b001")
    assert not ledger.skips("c000-b001")
    assert ledger.of(named(ledger, "c000-b001"))[0].outcome is Outcome.DIVERGED


def test_a_launch_with_a_fixed_number_of_seeds_is_never_judged_on_the_way(store: Store) -> None:
    ledger = Ledger(dataclasses.replace(planned(), until_decided=False), store)
    stopping = Stopping(ledger)
    (block,) = fail(ledger, "c000-b000")
    stopping.block_ended(block)
    assert not store.settled_path.exists()


def test_a_budget_settles_every_cell_and_counts_the_time_of_earlier_processes(store: Store) -> None:
    clock = Clock()
    ledger = Ledger(planned(budget=60.0), store)
    stopping = Stopping(ledger, clock)
    clock.now += 40
    stopping.block_ended(fail(ledger, "c001-b000")[0])
    assert (ledger.settled, store.spent()) == (frozenset({2}), 40.0)

    again = Ledger(planned(budget=60.0), store, again=True)
    later = Stopping(again, clock)
    clock.now += 19
    later.block_ended(fail(again, "c001-b001")[0])
    assert again.settled == {2}
    clock.now += 1
    later.block_ended(fail(again, "c000-b000")[0])
    assert again.settled == {0, 1, 2}


@pytest.mark.parametrize(("field", "value"), [("least", 0), ("least", 7), ("budget", 0.0)])
def test_a_stopping_rule_that_makes_no_sense_is_refused(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be .* got {value:g}$"):
        dataclasses.replace(planned(), **{field: value})


# What a user sees


def test_the_progress_counts_without_what_is_skipped(store: Store) -> None:
    ledger = Ledger(planned(), store)
    stopping = Stopping(ledger)
    text = io.StringIO()
    with LiveProgress(ledger, Console(file=text, width=200)) as terminal:
        terminal.block_started(ledger.plan.blocks()[0])
        (block,) = fail(ledger, "c000-b000")
        stopping.block_ended(block)
        terminal.block_ended(block)
        terminal.block_ended(fail(ledger, "c001-b000")[0])
    assert "no further seeds for: a\n" in text.getvalue()
    # 2 of the 10 replicas that are left: 6 of cell b, 2 of each other
    assert " 20 %  cells 1/3 · replicas 2/10 (2 diverged), 8 skipped · at most about" in text.getvalue()
    assert " 40 %  cells 1/3 · replicas 4/10 (4 diverged), 8 skipped · at most about" in text.getvalue()


def test_a_plan_says_that_its_seeds_are_the_most() -> None:
    told = launches.describe(planned())
    assert "3 cells x 6 seeds = 18 replicas in 9 blocks at most; 2 per cell, then blocks of 2 until" in told
    assert f"plan {planned().digest()}" in told


def test_an_edited_plan_is_not_gone_on_with(store: Store) -> None:
    plan = planned()
    store.write_plan(plan)
    fail(Ledger(plan, store), "c000-b000")
    store.write_plan(dataclasses.replace(plan, hypotheses=(NEVER,)))
    with pytest.raises(ValueError, match=rf"after the first seed: .* are of the plan {plan.digest()}; put"):
        execution.resume(store, Resources(), NullTracker())


# For real


def by_cell(records: tuple[Record, ...]) -> Mapping[tuple[int, Status], int]:
    return Counter((record.cell, record.status) for record in records)


@pytest.mark.ray
@pytest.mark.slow
def test_a_launch_stops_where_its_hypotheses_are_decided(store: Store) -> None:
    plan, text = planned(), io.StringIO()
    done = execution.start(plan, store, Resources(), NullTracker(), [Terminal(Console(file=text, width=200))])
    assert not done.interrupted
    assert not done.crashes
    assert all(record.status.ended for record in done.records)
    found = by_cell(done.records)
    assert found[1, Status.FINISHED] == 6, "never decided"
    assert (found[2, Status.FINISHED], found[2, Status.SKIPPED]) == (2, 4), "nothing declared"
    # Decided by its first block; another may have begun before that ended.
    assert 2 <= found[0, Status.FINISHED] <= 4
    assert found[0, Status.FINISHED] + found[0, Status.SKIPPED] == 6
    traces = {path.stem for path in store.traces_path.rglob("*.parquet")}
    assert traces == {record.block for record in done.records if record.status is Status.FINISHED}
    assert {trace.read(path).meta["plan"] for path in store.traces_path.rglob("*.parquet")} == {plan.digest()}
    assert store.records() == done.records
    assert not store.tune_path.exists()

    times = {path: path.stat().st_mtime_ns for path in store.traces_path.rglob("*.parquet")}
    again = execution.resume(store, Resources(), NullTracker())
    assert again.records == done.records
    assert {path: path.stat().st_mtime_ns for path in store.traces_path.rglob("*.parquet")} == times


@pytest.mark.ray
@pytest.mark.slow
def test_a_launch_that_was_killed_goes_on_to_the_same_end(tmp_path: Path) -> None:
    """Two cells have a hypothesis that failures alone cannot decide; nothing is declared about the other four."""
    study = Path(sys.executable).with_name("study")
    small = ("--set", "steps=60", "--set", "batch_size=16", "--set", "evaluation.every=10", "--out", tmp_path)
    driver = subprocess.Popen(
        [study, "run", "mixture-modes", "--profile", "smoke", "--until-decided", "--seeds", "8", *small],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while len(list(tmp_path.rglob("traces/*/*.parquet"))) < 7:
        assert driver.poll() is None, driver.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=60)
    (root,) = (tmp_path / "mixture-modes").iterdir()
    store = Store(root)
    before = {path: path.stat().st_mtime_ns for path in store.traces_path.rglob("*.parquet")}
    assert len(before) < 12, "the launch was not killed in its middle"

    resumed = subprocess.run(
        [study, "resume", root], capture_output=True, text=True, check=False, timeout=240, env=dict(os.environ)
    )
    assert resumed.returncode == 0, resumed.stderr
    found = by_cell(store.records())
    assert {cell: found[cell, Status.FINISHED] for cell in range(6)} == {0: 8, 1: 2, 2: 8, 3: 2, 4: 2, 5: 2}
    assert sum(found.values()) == 48
    assert all(status.ended for _, status in found)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a replica was trained twice"
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "mixture-modes"]
    keys = [run.data.tags["stability.key"] for run in client.search_runs([experiment.experiment_id], max_results=1_000)]
    assert len(keys) == len(set(keys)) == 1 + 6 + 24, "skipped replicas have no run"
