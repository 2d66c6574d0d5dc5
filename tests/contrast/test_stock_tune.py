"""Ray Tune with its searchers and schedulers against this project: what each makes of seeds that diverge."""

import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from math import inf, isfinite, nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState
from ray.train._internal.storage import StorageContext
from ray.tune import ExperimentAnalysis, ResultGrid
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import AsyncHyperBandScheduler, MedianStoppingRule, TrialScheduler
from ray.tune.search import Repeater, Searcher
from ray.tune.search.optuna import OptunaSearch

from study.design.plan import Block
from study.design.search import Policy
from study.evidence.estimates import summarize
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from study.search import confirmation
from study.search.candidates import Candidate
from study.search.early_stopping import EarlyStopping
from study.search.scoring import candidates
from study.storage import search_log
from study.storage.records import read, write
from study.storage.search_log import Proposal, Stop
from tests.contrast.scenes import FIVE_OF_FIVE, ONE_OF_FIVE, REFERENCE, decided, launch, pinned, rows_at

CONTROLLER = cast(TuneController, SimpleNamespace(get_live_trials=list))
"""The schedulers driven here ask theirs for nothing else."""
STEP = "training_iteration"
LR = {"lr": FloatDistribution(0.0, 1.0)}


class Told(Searcher):
    """Proposes one setting over and over, and keeps what it is told of it."""

    def __init__(self) -> None:
        super().__init__(metric="fid", mode="min")
        self.values: list[float] = []

    def suggest(self, trial_id: str) -> dict[str, Any]:
        return {"lr": 0.1}

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        assert result is not None
        self.values.append(float(result["fid"]))

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_text(json.dumps(self.values))

    def restore(self, checkpoint_path: str) -> None:
        self.values = json.loads(Path(checkpoint_path).read_text())


def repeated(fids: Sequence[float | None]) -> float:
    """What Repeater tells of one setting whose seeds ended so; None: without any result."""
    told = Told()
    repeater = Repeater(told, repeat=len(fids))
    for seed in range(len(fids)):
        repeater.suggest(f"seed {seed}")
    for seed, fid in enumerate(fids):
        repeater.on_trial_complete(f"seed {seed}", None if fid is None else {"fid": fid})
    (value,) = told.values
    return value


def ours(*fids: float) -> Candidate:
    """The candidate that the search makes of the same seeds."""
    (candidate,) = candidates([{"lr": 0.1}], decided(cell=fids))
    return candidate


@pytest.mark.parametrize("dead", [nan, None])
@pinned("study/search/candidates.py")
def test_stock_repeater_tells_the_mean_of_the_seeds_that_lived(dead: float | None) -> None:
    assert repeated([dead, dead, 20.0, dead, dead]) == 20.0 == repeated([20.0] * 5)


def test_ours_counts_the_seeds_that_died() -> None:
    one, five = ours(*ONE_OF_FIVE), ours(*[20.0] * 5)
    assert (one.successes, one.n, one.outcomes[Outcome.DIVERGED]) == (1, 5, 4)
    assert (one.score, five.score) == (pytest.approx(0.29), pytest.approx(0.957, abs=0.001))


def failing(probability: float) -> np.ndarray:
    """``[200, 5]``: settings of five seeds, FID about 20 for those that live; the first seed always does."""
    rng = np.random.default_rng(5)
    fids = rng.normal(20.0, 1.0, (200, 5))
    return np.where((rng.random((200, 5)) < probability) & (np.arange(5) > 0), nan, fids)


@pinned("study/search/candidates.py")
def test_stock_repeater_tells_the_same_however_often_seeds_die() -> None:
    for probability in (0.0, 0.5, 0.8):
        assert np.mean([repeated(row) for row in failing(probability)]) == pytest.approx(20.0, abs=0.2)


def test_ours_tells_less_the_more_often_seeds_die() -> None:
    means = [np.mean([ours(*row).score for row in failing(probability)[:20]]) for probability in (0.0, 0.5, 0.8)]
    assert means[0] > means[1] + 0.2 > means[2] + 0.3


@pinned("study/search/candidates.py")
def test_stock_repeater_tells_nan_where_every_seed_dies() -> None:
    with pytest.warns(RuntimeWarning, match="empty slice"):
        assert np.isnan(repeated([nan] * 5))


def test_ours_is_finite_where_every_seed_dies() -> None:
    assert 0 < ours(*[nan] * 5).score < ours(*ONE_OF_FIVE).score


@pinned("study/search/candidates.py")
def test_stock_repeater_loses_the_seeds_that_ended_before_a_save(tmp_path: Path) -> None:
    repeater = Repeater(Told(), repeat=5)
    for seed in range(5):
        repeater.suggest(f"seed {seed}")
    repeater.on_trial_complete("seed 0", {"fid": 20.0})
    repeater.save(str(tmp_path / "state"))
    resumed = Repeater(Told(), repeat=5)
    resumed.restore(str(tmp_path / "state"))
    with pytest.raises(KeyError, match="seed 1"):
        resumed.on_trial_complete("seed 1", {"fid": 21.0})


def test_ours_makes_the_candidates_anew_from_the_records(tmp_path: Path) -> None:
    records, points = decided(cell=ONE_OF_FIVE), {0: {"lr": 0.1}}
    write(records, tmp_path / "records.parquet")
    assert candidates(points, read(tmp_path / "records.parquet")) == candidates(points, records)


def test_ours_makes_the_proposals_anew_from_the_log(tmp_path: Path) -> None:
    path, proposal = tmp_path / "search.jsonl", Proposal(point={"lr": 0.1})
    kept = search_log.Log(path)
    kept.proposed(proposal, at=0.0)
    kept.raced(0, at=1.0)
    with path.open("a") as file:
        file.write('{"event": "cell", "at": 2')  # killed while it wrote
    assert list(search_log.read(path).events) == [proposal, 0]


def at_the_rung(fids: Sequence[float]) -> tuple[AsyncHyperBandScheduler, list[Trial], list[str]]:
    """ASHA after trials with these FIDs have come to its first rung one by one."""
    asha = AsyncHyperBandScheduler(metric="fid", mode="min", grace_period=10, max_t=1000, reduction_factor=2)
    trials = [Trial("gan", stub=True, trial_id=str(index)) for index in range(len(fids))]
    said = []
    for trial, fid in zip(trials, fids, strict=True):
        asha.on_trial_add(CONTROLLER, trial)
        said.append(asha.on_trial_result(CONTROLLER, trial, {STEP: 10, "fid": fid}))
    return asha, trials, said


@pinned("study/search/early_stopping.py")
def test_stock_asha_lets_nan_go_on_to_the_end_of_its_budget() -> None:
    asha, trials, said = at_the_rung([20.0, 10.0, 30.0, nan])
    assert said[2:] == [TrialScheduler.STOP, TrialScheduler.CONTINUE]
    for step in (20, 40, 80, 160, 320, 640, 999):
        result = {STEP: step, "fid": nan}
        assert asha.on_trial_result(CONTROLLER, trials[3], result) == TrialScheduler.CONTINUE


@pinned("study/search/early_stopping.py")
def test_stock_median_rule_lets_nan_go_on_after_a_good_start() -> None:
    rule = MedianStoppingRule(metric="fid", mode="min", grace_period=10, min_samples_required=2, time_attr=STEP)
    first, second, bad, diverged = [Trial("gan", stub=True, trial_id=str(index)) for index in range(4)]

    def said(trial: Trial, step: int, fid: float) -> str:
        return rule.on_trial_result(CONTROLLER, trial, {STEP: step, "fid": fid})

    for step in (10, 20, 40, 80, 160, 320):
        assert {said(first, step, 20.0), said(second, step, 20.0)} == {TrialScheduler.CONTINUE}
        assert said(diverged, step, 19.0 if step == 10 else nan) == TrialScheduler.CONTINUE
    assert said(bad, 320, 30.0) == TrialScheduler.STOP


def stopping(policy: Policy) -> EarlyStopping:
    return EarlyStopping(IMAGE_RULE, policy, audit=0.0, seed=0, reference=lambda block: REFERENCE)


def blocks(**cells: Sequence[float]) -> dict[str, Block]:
    """The one block of each cell."""
    return {block.cell.name: block for block in launch(cells).blocks()}


def test_ours_stops_a_block_at_the_rung_whose_seeds_died() -> None:
    cells = {"one": FIVE_OF_FIVE, "two": FIVE_OF_FIVE, "lucky": ONE_OF_FIVE}
    early, said = stopping("asha"), {}
    for name, block in blocks(**cells).items():
        said[name] = [early.observe(block, rows_at(block, step, cells[name])) for step in (0, 100)]
    assert said["one"] == said["two"] == [None, None]
    lucky = blocks(**cells)["lucky"].name
    assert said["lucky"] == [None, Stop(block=lucky, rule="asha", step=100, audited=False)]


@pytest.mark.parametrize("policy", ["lost", "median"])
def test_ours_stops_a_block_whose_seeds_died_after_a_good_start(policy: Policy) -> None:
    """One replica is good and then diverges, the other one has been too far from the data for too long."""
    (block,) = blocks(cell=(20.0, 500.0)).values()
    early = stopping(policy)
    assert early.observe(block, [*rows_at(block, 0, (20.0, 500.0)), *rows_at(block, 100, (20.0, 500.0))]) is None
    stop = early.observe(block, rows_at(block, 200, (nan, 500.0)))
    assert stop == Stop(block=block.name, rule="lost", step=200, audited=False)


def searched(fid: float, steps: Sequence[float] = ()) -> optuna.Study:
    """Optuna's study after Tune's OptunaSearch was told of one trial."""
    search = OptunaSearch(LR, metric="fid", mode="min", seed=0)
    search.suggest("trial")
    for step, value in enumerate(steps):
        search.on_trial_result("trial", {STEP: step + 1, "fid": value})
    search.on_trial_complete("trial", {"fid": fid})
    assert search._ot_study is not None
    return search._ot_study


@pinned("study/search/adapter")
def test_stock_optuna_search_leaves_a_trial_with_nan_running(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        study = searched(nan)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]
    assert "The value nan is not acceptable" in caplog.text


@pinned("study/search/early_stopping.py")
def test_stock_optuna_search_has_no_place_for_a_pruner() -> None:
    assert "pruner" not in inspect.signature(OptunaSearch).parameters
    assert isinstance(searched(20.0, steps=[900.0, 900.0]).pruner, optuna.pruners.NopPruner)


def grid_of(folder: Path, cells: Mapping[str, Sequence[float]]) -> ResultGrid:
    """What ``Tuner.fit`` returns, one trial for each seed of each cell."""
    trials = [_trial(folder, cell, seed, fid) for cell, fids in cells.items() for seed, fid in enumerate(fids)]
    snapshot = str(folder / "contrast" / "experiment_state.json")
    return ResultGrid(ExperimentAnalysis(snapshot, trials=trials, default_metric="fid", default_mode="min"))


def _trial(folder: Path, cell: str, seed: int, fid: float) -> Trial:
    name = f"{cell}-{seed}"
    storage = StorageContext(str(folder), experiment_dir_name="contrast", trial_dir_name=name)
    trial = Trial("gan", stub=True, trial_id=name, config={"cell": cell, "seed": seed}, storage=storage)
    result = {"fid": fid, STEP: 300, "config": trial.config}
    trial.update_last_result(result)
    trial.set_status(Trial.TERMINATED)
    path = folder / "contrast" / name / "result.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(result) + "\n")
    return trial


CELLS = {"reliable": FIVE_OF_FIVE, "lucky": ONE_OF_FIVE}


@pinned("study/search/confirmation.py")
def test_stock_get_best_result_is_the_luckiest_seed(tmp_path: Path) -> None:
    grid = grid_of(tmp_path, CELLS)
    assert grid.get_best_result().config == {"cell": "lucky", "seed": 2}


@pinned("study/search/confirmation.py")
@pytest.mark.parametrize("fid", [nan, inf])
def test_stock_get_best_result_says_nothing_of_what_it_left_out(tmp_path: Path, fid: float) -> None:
    grid = grid_of(tmp_path, {"lucky": [fid, fid, 20.0, fid, fid]})
    assert grid.get_best_result().metrics["fid"] == 20.0
    assert (len(grid), grid.num_terminated, grid.num_errors) == (5, 5, 0)


def test_ours_takes_the_cell_that_trains_most_often() -> None:
    reliable, lucky = summaries = summarize(decided(**CELLS))
    assert confirmation.best(summaries).name == "reliable"
    assert (lucky.rate.successes, lucky.rate.n, lucky.outcomes[Outcome.DIVERGED]) == (1, 5, 4)
    assert (reliable.rate.successes, reliable.rate.n) == (5, 5)
    assert isfinite(lucky.rate.low)
