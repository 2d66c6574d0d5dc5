"""The trace's file: everything comes back, whole or not at all."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainables import trace
from trainables.trace import SCHEMA_VERSION, Trace, read, write

NAN = float("nan")
LARGEST_SEED = 2**53 - 1


def row(replica: int, seed: int, step: int, **columns: Any) -> dict[str, Any]:
    own = {"finite": True, "d_loss": 0.1 * step, "mode_share_r3": [0.25, 0.75]}
    return {"replica": replica, "seed": seed, "step": step} | own | columns


EXAMPLE = Trace(
    meta={
        "config": {"steps": 20, "clip": None},
        "seeds": [7, LARGEST_SEED],
        "reference": {"std": [0.01], "w": [0.5, 0.5]},
    },
    rows=[
        row(0, 7, 0, d_loss=NAN),
        row(1, LARGEST_SEED, 0, d_loss=NAN),
        row(0, 7, 10),
        row(1, LARGEST_SEED, 10, finite=False, d_loss=NAN, mode_share_r3=[NAN, NAN]),
    ],
)


def test_everything_comes_back(tmp_path: Path) -> None:
    write(EXAMPLE, tmp_path / "block.parquet")
    found = read(tmp_path / "block.parquet")
    assert found.meta == {**EXAMPLE.meta, "schema": SCHEMA_VERSION}
    assert repr(found.rows) == repr(EXAMPLE.rows)  # as text: NaN is not equal to itself


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    write(EXAMPLE, tmp_path / "cell=3" / "block.parquet")
    assert read(tmp_path / "cell=3" / "block.parquet").rows[0].keys() == EXAMPLE.rows[0].keys()


def test_a_trace_without_rows_comes_back(tmp_path: Path) -> None:
    write(Trace(meta={"reference": {}}, rows=[]), tmp_path / "block.parquet")
    found = read(tmp_path / "block.parquet")
    assert list(found.rows) == []
    assert len(found.replica(7)) == 0


def test_replica_gives_the_series_of_one_seed(tmp_path: Path) -> None:
    write(EXAMPLE, tmp_path / "block.parquet")
    own = read(tmp_path / "block.parquet").replica(LARGEST_SEED)
    assert own.seed == LARGEST_SEED
    assert len(own) == 2
    assert own.columns["step"].dtype == np.int64
    assert own.columns["step"].tolist() == [0, 10]
    assert own.columns["finite"].dtype == np.bool_
    assert own.columns["finite"].tolist() == [True, False]
    assert own.columns["mode_share_r3"].shape == (2, 2)
    assert np.isnan(own.columns["mode_share_r3"]).tolist() == [[False, False], [True, True]]
    assert own.reference["std"].tolist() == [0.01]
    assert own.reference["w"].dtype == np.float64


def test_an_unknown_seed_has_a_series_of_length_zero() -> None:
    assert len(EXAMPLE.replica(99)) == 0
    assert EXAMPLE.replica(99).reference["w"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("before", [False, True], ids=["new", "replacing"])
def test_a_failed_write_leaves_what_was_there(before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "block.parquet"
    if before:
        write(EXAMPLE, path)
    content = path.read_bytes() if before else None

    def full(table: pa.Table, where: Path, **_: Any) -> None:
        Path(where).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write(Trace(meta={"reference": {}}, rows=[row(0, 1, 0)]), path)
    assert sorted(tmp_path.iterdir()) == ([path] if before else [])
    assert (path.read_bytes() if before else None) == content


def test_a_newer_schema_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    write(EXAMPLE, tmp_path / "block.parquet")
    monkeypatch.undo()
    with pytest.raises(
        ValueError, match=f"has trace schema {SCHEMA_VERSION + 1}, this version reads up to {SCHEMA_VERSION}$"
    ):
        read(tmp_path / "block.parquet")


def test_a_file_written_again_has_todays_schema(tmp_path: Path) -> None:
    old = dataclasses.replace(EXAMPLE, meta={**EXAMPLE.meta, "schema": 0})
    write(old, tmp_path / "block.parquet")
    assert read(tmp_path / "block.parquet").meta["schema"] == SCHEMA_VERSION


def test_another_parquet_file_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"step": [1]}), tmp_path / "other.parquet")
    with pytest.raises(ValueError, match="holds no trace"):
        read(tmp_path / "other.parquet")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(ValueError, match=r"broken\.parquet cannot be read: "):
        read(tmp_path / "broken.parquet")
