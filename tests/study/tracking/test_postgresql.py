"""MLflow on PostgreSQL, as a team has it: launches go on while the database is away, and nothing is missing then."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from study.storage.store import Store
from study.tracking import port_for
from tests.made_postgresql import Postgresql, postgresql, why_not

pytestmark = [
    pytest.mark.slow,
    pytest.mark.ray,
    pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is PostgreSQL"),
]
STUDY = ("wgan-clip", "--profile", "smoke", "--set", "steps=600", "--set", "evaluation.every=20")


@dataclass(frozen=True)
class Served:
    database: Postgresql
    uri: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with postgresql(port_for(None)) as database, server(database, tmp_path / "files") as uri:
        yield Served(database, uri)


@contextmanager
def server(database: Postgresql, files: Path) -> Iterator[str]:
    port = port_for(None)
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database.uri, "--artifacts-destination", str(files)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        uri = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.2)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def started(out: Path, uri: str) -> "subprocess.Popen[str]":
    """A launch that trains by now."""
    command = [sys.executable, "-m", "study", "run", *STUDY, "--out", str(out), "--tracking-uri", uri]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = ""
    while " running" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return process


def shown(uri: str, store: Store) -> dict[tuple[int, int], dict[str, list[tuple[int, float]]]]:
    """Every curve of every replica's run, by cell and seed; each run is there once."""
    client = MlflowClient(tracking_uri=uri)
    found: dict[tuple[int, int], Any] = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id], max_results=1_000):
            place = run.data.tags.get("stability.key", "").split("/")
            if place[0] == store.plan().launch and len(place) == 3:
                cell, seed = (int(part.partition("=")[2]) for part in place[1:])
                assert (cell, seed) not in found
                found[cell, seed] = {
                    key: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]
                    for key in run.data.metrics
                }
    return found


def check_whole(uri: str, store: Store) -> None:
    """Every curve has the points of the traces, each once."""
    found = shown(uri, store)
    assert found.keys() == {(record.cell, record.seed) for record in store.records()}
    for block in store.plan().blocks():
        trace = store.trace(block)
        assert trace is not None
        for seed in block.seeds:
            steps = sorted(row["step"] for row in trace.rows if row["seed"] == seed)
            curves = found[block.cell.index, seed]
            for name in ("g_param_norm", "score_real"):
                (key,) = [key for key in curves if key.rpartition("/")[2] == name]
                assert [step for step, _ in sorted(curves[key])] == steps


def test_a_database_that_is_away_for_a_while_is_made_up_for(served: Served, tmp_path: Path) -> None:
    process = started(tmp_path / "runs", served.uri)
    served.database.crash()
    time.sleep(5)
    served.database.start()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    (spec,) = (tmp_path / "runs").glob("*/*/spec.json")
    store = Store(spec.parent)
    if "does not show everything" in said:
        synced(store, served.uri)
    check_whole(served.uri, store)


def test_a_database_that_does_not_come_back_stops_nothing_and_sync_fills_it(served: Served, tmp_path: Path) -> None:
    process = started(tmp_path / "runs", served.uri)
    served.database.crash()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    (spec,) = (tmp_path / "runs").glob("*/*/spec.json")
    store = Store(spec.parent)
    assert f"does not show everything yet; fill it with: study sync {store.root}" in " ".join(said.split())
    served.database.start()
    synced(store, served.uri)
    check_whole(served.uri, store)


def synced(store: Store, uri: str) -> None:
    command = [sys.executable, "-m", "study", "sync", str(store.root), "--tracking-uri", uri]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
