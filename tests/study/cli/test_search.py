"""``study search`` as a user meets it: mistakes, a real search, a killed one, and what comes of it."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest
from rich.console import Console
from typer.testing import CliRunner

from study.cli import app
from study.storage.records import Status
from study.storage.search_log import read
from study.storage.store import Store
from study.terminal import launches
from tests.study.made_searches import begin, plan

SMALL = ("--set", "steps=60", "--set", "batch_size=16", "--set", "evaluation.every=10", "--tracking-uri", "none")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["cosmos", "--on", "ring"], "SPACE must be one of"),
        (["wgan-clip", "--on", "mars"], "--on must be one of ring"),
        (["wgan-clip", "--on", "ring", "--budget", "0blocks"], "--budget must be at least one block"),
        (["wgan-clip", "--on", "ring", "--sampler", "gp"], "the axes beta1, beta2, alpha, momentum are conditional"),
        (["wgan-clip", "--on", "ring", "--goal", "luck"], "--goal must be one of"),
        (["wgan-clip", "--on", "ring", "--confirm", "-1"], "--confirm must be in [0, 10000], got -1"),
        (["wgan-clip", "--on", "ring", "--seeds", "1000000000000"], "--seeds must be <= 10000, got 1000000000000"),
        (["wgan-clip", "--on", "ring", "--seed", "-1"], "--seed must be in [0, 2^32), got -1"),
        (["wgan-clip", "--on", "ring", "--budget", "1h", "--out", "/dev/null"], "--out must be a writable folder, got"),
        (["wgan-clip", "--on", "ring", "--set", "clip=0.1"], "clip is set by the space wgan-clip"),
        (
            ["wgan-clip", "--on", "ring", "--storage", "sqlite:////nowhere/x.db"],
            "--storage must be none, or an Optuna storage",
        ),
        (["wgan-clip", "--on", "ring", "--warm-start", "nothing"], "LAUNCH must be a launch's folder"),
        (["gp-architectures", "--on", "ring"], "(space gp-architectures, point "),
    ],
)
def test_a_mistake_is_one_sentence_and_trains_nothing(tmp_path: Path, options: list[str], sentence: str) -> None:
    budget = [] if "--budget" in options else ["--budget", "4blocks"]
    out = [] if "--out" in options else ["--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["search", *options, *budget, *out], env={"COLUMNS": "300"})
    assert result.exit_code == 2, result.output
    assert sentence in result.output
    assert "Traceback" not in result.output
    assert not list(tmp_path.rglob("spec.json"))


def test_a_search_that_was_refused_is_not_in_the_dashboard(tmp_path: Path) -> None:
    command = ["search", "lsgan-bn", "--on", "lsun-bedroom", "--budget", "4blocks", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, [*command, "--set", f"data.root={tmp_path}", "--tracking-uri", "none"])
    assert result.exit_code == 2, result.output
    assert "LSUN" in result.output
    assert optuna.get_all_study_names(f"sqlite:///{tmp_path}/optuna.db") == []


def test_a_search_without_a_result_says_so(tmp_path: Path) -> None:
    store, _ = begin(tmp_path, plan(blocks=4))
    result = CliRunner().invoke(app, ["status", str(store.root)])
    assert result.exit_code == 0, result.output
    assert result.output.endswith("no candidate has a result yet\n")


@pytest.mark.parametrize("tracked", [True, False])
def test_mlflow_is_pointed_to_only_if_it_was_told(tmp_path: Path, tracked: bool) -> None:
    store, console = Store(tmp_path / "study" / "launch"), Console(record=True, file=io.StringIO())
    launches.paths(store, store.report_path, console, tracked=tracked)
    assert ("MLflow" in console.export_text()) is tracked


@pytest.mark.ray
@pytest.mark.slow
def test_a_search_that_was_killed_goes_on_without_repeating_or_losing_a_trial(tmp_path: Path) -> None:
    study = Path(sys.executable).with_name("study")
    driver = subprocess.Popen(
        [study, "search", "wgan-clip", "--on", "ring", "--budget", "10blocks", "--seeds", "4", "--block", "2", *SMALL,
         "--stop", "none", "--out", tmp_path],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while len(list(tmp_path.rglob("traces/*/*.parquet"))) < 4:
        assert driver.poll() is None, driver.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    driver.send_signal(signal.SIGKILL)
    driver.communicate(timeout=60)
    (root,) = (tmp_path / "search-wgan-clip").iterdir()
    store = Store(root)
    before = {path: path.stat().st_mtime_ns for path in store.traces_path.rglob("*.parquet")}
    known = read(store.search_path)
    assert len(before) < 10, "the search was not killed in its middle"

    command = [study, "resume", root, "--tracking-uri", "none"]
    resumed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=dict(os.environ))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    history = read(store.search_path)
    assert history.events[: len(known.events)] == known.events, "a decision was lost"
    assert sum(history.blocks) == 10
    assert history.ended
    points = [json.dumps(point, sort_keys=True) for point in history.points]
    assert len(set(points)) == len(points), "a point was proposed twice"
    records = store.records()
    assert len({(record.cell, record.seed) for record in records}) == len(records) == 20
    assert all(record.status is Status.FINISHED for record in records)
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a block was trained twice"
    trials = optuna.load_study(study_name=f"search-wgan-clip/{root.name}", storage=f"sqlite:///{tmp_path}/optuna.db")
    assert [trial.params for trial in trials.trials] == history.points
    assert all(trial.state.is_finished() for trial in trials.trials), "the search is over"

    # 60 steps teach nothing, so a cell is named to be confirmed.
    confirmed = subprocess.run(
        [study, "confirm", root, "--cell", store.plan().cells[1].name, "--seeds", "2", "--tracking-uri", "none"],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert confirmed.returncode == 0, confirmed.stdout + confirmed.stderr
    best = subprocess.run([study, "best", root], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(best.stdout)["config"]["kind"] == "gan"
    assert "confirmed " in best.stderr
