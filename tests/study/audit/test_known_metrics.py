"""Whether known metrics are whole, and of the replicas and kept networks of their launch: a sentence each."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner

from study.audit.known_metrics import check_metrics
from study.audit.verify import verify
from study.cli import app
from study.report import build
from study.storage import metrics_table
from study.storage.store import Store
from tests.study import made_metrics
from trainables import weights


@pytest.fixture
def launch(trained_once: Store, tmp_path: Path) -> Store:
    """A launch with kept networks of one replica, of which there are metrics."""
    root = tmp_path / "runs" / "demo" / trained_once.root.name
    shutil.copytree(trained_once.root, root)
    store = Store(root)
    about = {"which": "last", "step": 300, "digest": store.plan().cells[0].digest}
    weights.write(store.weight_folder(0, 1), about, {"generator": {"w": torch.ones(2)}})
    measured(store)
    return store


def measured(store: Store, cell: int = 0, seed: int = 1, **changes: Any) -> None:
    plan = store.plan()
    own = weights.read(store.weight_folder(0, 1), "last").digest
    values = {"cell_name": plan.cells[0].name, "plan": plan.digest(), "networks_digest": own}
    store.metrics_path.unlink(missing_ok=True)
    metrics_table.add(store, [made_metrics.row(cell, seed, **(values | changes))])


def said(store: Store) -> list[str]:
    return [sentence.removeprefix("metrics of cell 0, seed 1 (inception, last, n 10000) ")
            for sentence in check_metrics(store.plan(), store).differences]  # fmt: skip


def test_what_agrees_is_counted(launch: Store) -> None:
    found = check_metrics(launch.plan(), launch)
    assert (found.differences, found.notes) == ((), ())
    assert found.compared == "1 row: replicas, digests of networks and features"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"cell_name": "another"}, "are of a cell named another, the plan's is "),
        ({"plan": "0123"}, "were measured under the plan 0123, spec.json is "),
        ({"weights_digest": ""}, "have neither the digest of weights nor that of a plugin"),
        ({"networks_digest": "0123"}, "are of networks with digest 0123, kept are "),
        ({"fid": float("nan"), "recall": None}, "must be finite, and are not: fid, recall"),
    ],
)
def test_what_does_not_agree_is_one_sentence(changes: dict[str, Any], sentence: str, launch: Store) -> None:
    measured(launch, **changes)
    (found,) = said(launch)
    assert found.startswith(sentence)


def test_numbers_of_broken_samples_are_named(launch: Store) -> None:
    (row,) = metrics_table.read(launch)
    metrics_table.add(launch, [row | {"broken": 2}])
    assert said(launch) == ["must be absent, as 2 samples were not finite"]


@pytest.mark.parametrize(("cell", "seed"), [(0, 77), (9, 1)])
def test_a_row_of_no_replica_is_named(cell: int, seed: int, launch: Store) -> None:
    measured(launch, cell=cell, seed=seed)
    assert check_metrics(launch.plan(), launch).differences == (
        f"metrics of cell {cell}, seed {seed} (inception, last, n 10000) are of no replica of the plan",
    )


def test_networks_that_are_not_kept_any_more_are_a_note(launch: Store) -> None:
    shutil.rmtree(launch.weights_path)
    found = check_metrics(launch.plan(), launch)
    assert found.differences == ()
    assert found.notes == (
        "metrics of cell 0, seed 1 (inception, last, n 10000) are of networks that are not kept any more",
    )


def test_a_file_that_something_else_has_written_is_named(launch: Store) -> None:
    pq.write_table(pq.read_table(launch.metrics_path).replace_schema_metadata(None), launch.metrics_path)
    assert said(launch) == [f"{launch.metrics_path} has no SHA-256: study metrics has not written it"]


def test_the_command_shows_and_compares_them_and_names_damage(launch: Store) -> None:
    def check() -> tuple[int, str]:
        done = CliRunner().invoke(app, ["verify", str(launch.root)], env={"COLUMNS": "400"})
        return done.exit_code, done.stdout

    code, text = check()
    assert (code, "Known metrics" in text) == (1, True)  # the page is older than they are
    build(launch)
    code, text = check()
    assert code == 0, text
    assert "metrics        agree       1 row" in text
    content = bytearray(launch.metrics_path.read_bytes())
    content[len(content) // 2] ^= 4
    launch.metrics_path.write_bytes(content)
    code, text = check()
    assert code == 1
    assert text.count("metrics.parquet cannot be read") == 1
    assert "delete it and measure again with study metrics" in text
    assert {check.name for check in verify(launch)} >= {"records", "metrics"}
