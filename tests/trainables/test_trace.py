"""The trace's file: everything comes back, whole or not at all."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.made_damage import read_with_a_flipped_bit
from trainables import trace
from trainables.files import DamagedFile, is_whole
from trainables.trace import SCHEMA_VERSION, Trace, read, write

NAN = float("nan")
LARGEST_SEED = 2**53 - 1


def row(replica: int, seed: int, step: int, **columns: Any) -> dict[str, Any]:
    own = {"finite": True, "d_loss": 0.1 * step, "mode_share_r3": [0.25, 0.75]}
    return {"replica": replica, "seed": seed, "step": step} | own | columns


META: dict[str, Any] = {"config": {}, "digest": "", "seeds": [], "reference": {}, "complete": True}
EXAMPLE = Trace(
    meta={
        **META,
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
    write(Trace(meta=META, rows=[]), tmp_path / "block.parquet")
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

    def full(where: Path, *_: Any, **__: Any) -> None:
        Path(where).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "ParquetWriter", full)
    with pytest.raises(OSError, match="No space left"):
        write(Trace(meta=META, rows=[row(0, 1, 0)]), path)
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
    old = Trace(meta={**EXAMPLE.meta, "schema": 0}, rows=EXAMPLE.rows)
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


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no trace at .*gone\.parquet$"):
        read(tmp_path / "gone.parquet")


@pytest.mark.parametrize("where", [0.1, 0.3, 0.5, 0.9])
def test_a_file_with_lost_bytes_is_refused(where: float, tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    write(EXAMPLE, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(where * len(content))])
    with pytest.raises(ValueError, match=r"block\.parquet cannot be read: "):
        read(path)


def test_a_file_with_wrong_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    write(EXAMPLE, path)
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"block\.parquet cannot be read: "):
        read(path)


def test_a_trace_whose_rows_name_no_seed_is_refused(tmp_path: Path) -> None:
    write(Trace(meta=META, rows=[{"step": 1}]), tmp_path / "block.parquet")
    with pytest.raises(ValueError, match="holds no trace"):
        read(tmp_path / "block.parquet")


def by_rows(stored: Trace, seed: int) -> dict[str, np.ndarray]:
    """The series of a seed in order of steps, taken from Python values one by one."""
    own = sorted((row for row in stored.rows if row["seed"] == seed), key=lambda row: row["step"])
    return {name: np.array([row[name] for row in own]) for name in (own[0] if own else ())}


def test_columns_are_what_the_rows_say_whatever_their_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [
        row(place, seed, step, d_loss=float(rng.normal()), mode_share_r3=rng.random(8).tolist())
        for step in (0, 10, 20)
        for place, seed in enumerate((31, 7, 2**40, 8))
    ]
    write(Trace(meta=META, rows=[rows[place] for place in rng.permutation(12)]), tmp_path / "b.parquet")
    stored = read(tmp_path / "b.parquet")
    for seed in (31, 7, 2**40, 8, 9):
        own, expected = stored.replica(seed).columns, by_rows(stored, seed)
        assert own.keys() == expected.keys()
        for name, values in expected.items():
            assert own[name].dtype == values.dtype
            assert own[name].tolist() == values.tolist()


@pytest.mark.parametrize("lists", [[[1.0], [1.0, 2.0]], [[1.0], None], [None, None], [[], []], [[], None]])
def test_lists_of_no_common_length_are_kept_as_they_are(lists: list[Any]) -> None:
    stored = Trace(meta=META, rows=[row(0, 7, step, some=own) for step, own in enumerate(lists)])
    assert stored.replica(7).columns["some"].tolist() == lists


def test_missing_numbers_are_not_a_number() -> None:
    stored = Trace(meta=META, rows=[row(0, 7, 0, d_loss=None), row(0, 7, 1, d_loss=2.0)])
    assert repr(stored.replica(7).columns["d_loss"].tolist()) == "[nan, 2.0]"


def test_reading_costs_milliseconds_per_block(tmp_path: Path) -> None:
    """With Python objects for every value it was over ten times as much."""
    rows = [
        row(place, place, step, **{f"m{number}": float(step) for number in range(20)}, shares=[0.1] * 24)
        for step in range(21)
        for place in range(5)
    ]
    write(Trace(meta=META, rows=rows), tmp_path / "block.parquet")
    began = time.process_time()
    for _ in range(20):
        stored = read(tmp_path / "block.parquet")
        for seed in range(5):
            stored.replica(seed)
    assert time.process_time() - began < 20 * 0.010


def test_of_a_hundred_flipped_bits_each_is_seen_or_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    write(EXAMPLE, path)
    refused, others = read_with_a_flipped_bit(path, read)
    assert len(refused) >= 95
    assert all(sentence.startswith(f"{path} cannot be read: ") for sentence in refused)
    whole = ({**EXAMPLE.meta, "schema": SCHEMA_VERSION}, repr(EXAMPLE.rows))
    assert all((found.meta, repr(found.rows)) == whole for found in others)


def test_a_trace_is_a_parquet_file_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    write(EXAMPLE, path)
    assert pq.read_table(path).num_rows == len(EXAMPLE.rows)


def test_a_trace_of_an_earlier_version_has_no_digest_and_is_read(tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    write(EXAMPLE, path)
    pq.write_table(pq.read_table(path), path)
    assert is_whole(path) is None
    assert repr(read(path).rows) == repr(EXAMPLE.rows)


@pytest.mark.parametrize("meta", [b"{", b"\xff", b"[]", b'{"seeds": [1]}', b'{"schema": "one"}'])
def test_metadata_that_are_damaged_are_no_trace(meta: bytes, tmp_path: Path) -> None:
    path = tmp_path / "block.parquet"
    pq.write_table(pa.table({"seed": [1]}).replace_schema_metadata({b"trace": meta}), path)
    with pytest.raises(DamagedFile, match=r"block\.parquet holds no trace"):
        read(path)
