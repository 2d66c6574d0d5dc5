"""MLflow, and Tune's logger for it, against this project's view: what each keeps of a GAN that diverged."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from math import inf, isfinite, nan
from pathlib import Path
from sys import float_info

import mlflow
import pytest
from mlflow import MlflowClient
from ray.air.integrations.mlflow import MLflowLoggerCallback
from ray.tune.experiment import Trial

from study.evidence.estimates import summarize
from study.storage.store import Store
from study.tracking import local_uri
from study.tracking.runs import open_runs
from study.tracking.values import curves
from tests.contrast.scenes import ONE_OF_FIVE, decided, launch, pinned, rows_of


@pytest.fixture(scope="module")
def out(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a database. Tune's logger sets MLflow's address for the whole process; that is taken back."""
    folder = tmp_path_factory.mktemp("contrast")
    shutil.copy(empty_database, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield folder
        mlflow.set_tracking_uri(None)


def stored(folder: Path, like: str) -> dict[str, tuple[float, bool]]:
    """Metric to its last value and the NaN flag, as they stand in the table, of runs with such a name."""
    query = (
        "SELECT key, value, is_nan FROM latest_metrics JOIN runs ON runs.run_uuid = latest_metrics.run_uuid"
        " WHERE runs.name LIKE ?"
    )
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        return {key: (value, bool(flag)) for key, value, flag in database.execute(query, [like])}


@pytest.fixture(scope="module")
def logged(out: Path) -> str:
    """Id of the run that Tune's logger makes of a trial that diverged."""
    logger = MLflowLoggerCallback(tracking_uri=local_uri(out), experiment_name="stock")
    logger.setup()
    trial = Trial("gan", stub=True, trial_id="stock")
    logger.log_trial_start(trial)
    logger.log_trial_result(1, trial, {"training_iteration": 100, "fid": nan, "d_loss": inf, "g_loss": -inf})
    logger.log_trial_end(trial)
    run_id: str = logger._trial_runs[trial]
    return run_id


@pinned("study/tracking/values.py")
def test_stock_mlflow_stores_nan_as_zero_and_infinity_as_a_number(out: Path, logged: str) -> None:
    kept = stored(out, "%stock%")
    assert kept["fid"] == (0.0, True)
    assert (kept["d_loss"], kept["g_loss"]) == ((float_info.max, False), (-float_info.max, False))


@pinned("study/outcomes/decision.py")
def test_stock_tune_calls_a_gan_that_diverged_finished(out: Path, logged: str) -> None:
    run = MlflowClient(tracking_uri=local_uri(out)).get_run(logged)
    assert run.info.status == "FINISHED"
    assert "outcome" not in run.data.tags


def test_ours_sends_finite_numbers_and_says_what_became_of_the_gan(out: Path) -> None:
    cells = {"lucky": ONE_OF_FIVE}
    plan, records = launch(cells), decided(**cells)
    (block,) = plan.blocks()
    runs = open_runs(local_uri(out), plan, Store(out / plan.study / plan.launch))
    for (cell, seed), points in curves(block, rows_of(block, ONE_OF_FIVE), stamp=0).points.items():
        runs.curves(cell, seed, points)
    for record in records:
        runs.replica(record, (), record.rule)
    runs.cell(summarize(records)[0])
    kept = stored(out, "seed 0: diverged (lucky)") | stored(out, "lucky")
    assert not any(flag for _, flag in kept.values())
    assert all(isfinite(value) and abs(value) < 1e300 for value, _ in kept.values())
    assert (kept["success"], kept["success_rate"], kept["outcome_diverged"]) == ((0, False), (0.2, False), (4, False))
    experiment = MlflowClient(tracking_uri=local_uri(out)).get_experiment_by_name(plan.study)
    found = MlflowClient(tracking_uri=local_uri(out)).search_runs(
        [experiment.experiment_id], "tags.outcome = 'diverged'"
    )
    assert len(found) == 4
