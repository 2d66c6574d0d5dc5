"""The trace: what was measured along a replica's training, and its Parquet form.

One file per block, one row per replica and report. Scalars are float64 columns, histograms and quantiles are lists.
The file's metadata carries what made it: configuration, digest, seeds, versions, device, mode and the constants of
the data that a rule needs (true mode weights and the like). Column names come from ``probes``.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from trainables.files import BLANK, DamagedFile, is_whole, seal, written_whole

SCHEMA_VERSION = 1
_METADATA = b"trace"
_SEAL = "seal"
"""Key of a Parquet file's metadata under which its own SHA-256 stands."""
_META: Mapping[str, type | tuple[type, ...]] = {
    "config": dict,
    "digest": str,
    "seeds": list,
    "reference": dict,
    "complete": bool,
    "versions": dict,
    "device": str,
    "mode": str,
    "seconds": (int, float),
    "steps": int,
    "plan": str,
    "streams": int,
}
"""What is read of a trace's metadata, and its type; the rest is not looked at."""
_ALWAYS = ("config", "digest", "seeds", "reference", "complete")
"""What all versions have written of it."""
_NONE = object()
_COLUMNS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "replica": pa.types.is_integer,
    "seed": pa.types.is_integer,
    "step": pa.types.is_integer,
    "finite": pa.types.is_boolean,
}
"""The columns that every trace has, without a missing value."""
Row = Mapping[str, Any]
"""One replica at one report: ``replica``, ``seed``, ``step``, ``finite`` and the probes' columns."""


@dataclass(frozen=True, slots=True)
class ReplicaTrace:
    """The series of one replica, in order of steps.

    Attributes:
        seed: the replica's seed.
        columns: name to ``[T]`` (scalars; ``step`` is int64, ``finite`` bool) or ``[T, K]`` (lists). A value that could
            not be measured because the replica is not finite is NaN.
        reference: constants of the data, such as ``mode_weights`` ``[M]`` or ``class_weights`` ``[K]``.
    """

    seed: int
    columns: Mapping[str, npt.NDArray[Any]]
    reference: Mapping[str, npt.NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.columns["step"]) if "step" in self.columns else 0


class Trace:
    """All replicas of one block, column by column.

    Attributes:
        meta: JSON values: ``config``, ``digest``, ``seeds``, ``replicas``, ``versions``, ``device``, ``mode``,
            ``reference``, ``seconds``, ``steps``, ``complete``, ``streams`` (the edition of the random numbers; 1 where
            it is absent) and so on.
    """

    def __init__(self, meta: Mapping[str, Any], rows: Sequence[Row]) -> None:
        """Take ``rows`` in order of reports, then of replicas; the first one names the columns of all."""
        self._hold(meta, pa.Table.from_pylist(list(rows)))

    @classmethod
    def from_table(cls, meta: Mapping[str, Any], table: pa.Table) -> Self:
        """Build the trace whose rows are the table's."""
        trace = cls.__new__(cls)
        trace._hold(meta, table)
        return trace

    def _hold(self, meta: Mapping[str, Any], table: pa.Table) -> None:
        self.meta = meta
        self.table = table

    @cached_property
    def rows(self) -> list[Row]:
        """All rows as Python values: slow for many traces, and not needed to decide them."""
        rows: list[Row] = self.table.to_pylist()
        return rows

    def replica(self, seed: int) -> ReplicaTrace:
        """Return the series of one seed, not to be written to; of length 0 if the trace holds none."""
        first, last = np.searchsorted(self._seeds, [seed, seed + 1])
        columns = {name: values[first:last] for name, values in self._columns.items()} if last > first else {}
        return ReplicaTrace(seed=seed, columns=columns, reference=self._reference)

    @cached_property
    def _reference(self) -> Mapping[str, npt.NDArray[np.float64]]:
        return {name: np.asarray(value, dtype=np.float64) for name, value in self.meta["reference"].items()}

    @cached_property
    def _seeds(self) -> npt.NDArray[Any]:
        """Ascending, one for each row of ``_columns``."""
        return self._columns.get("seed", np.zeros(0, dtype=np.int64))

    @cached_property
    def _columns(self) -> Mapping[str, npt.NDArray[Any]]:
        """All columns, seed by seed and in order of steps: a replica is then a slice."""
        if not self.table.num_rows:
            return {}
        order = np.lexsort(
            [_array(self.table.column(name)) for name in ("step", "seed") if name in self.table.column_names]
        )
        return {
            name: _array(column)[order]
            for name, column in zip(self.table.column_names, self.table.columns, strict=True)
        }


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Return ``[T]``, or ``[T, K]`` of lists of one length; lists that differ in length stay single objects."""
    if not pa.types.is_list(column.type):
        return _values(column.combine_chunks())
    lists = column.combine_chunks()
    lengths = np.diff(_values(lists.offsets))
    if lists.null_count or (lengths != lengths[0]).any():
        return np.array([*lists.to_pylist(), None], dtype=object)[:-1]  # None keeps it from looking for a shape
    return _values(lists.flatten()).reshape(len(lists), lengths[0])


def _values(array: pa.Array) -> npt.NDArray[Any]:
    """Return ``[T]``: numbers and truth values by DLPack where none is missing, for pyarrow's own way loads pandas."""
    kind, values = array.type, array
    if pa.types.is_boolean(kind):
        values = array.cast(pa.uint8())  # the standard has none of one bit each
    if array.null_count or not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        plain: npt.NDArray[Any] = array.to_numpy(zero_copy_only=False)
        return plain
    found = np.from_dlpack(values)
    return found.astype(bool) if pa.types.is_boolean(kind) else found


def write(trace: Trace, path: Path) -> None:
    """Write the file whole or not at all.

    Raises:
        OSError: if the disk is full or the folder is not writable; nothing is left behind.
    """
    write_table(
        trace.table.replace_schema_metadata({_METADATA: json.dumps({**trace.meta, "schema": SCHEMA_VERSION})}), path
    )


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet, whole or not at all, with the file's SHA-256 in its metadata.

    Raises:
        OSError: if the disk is full or the folder is not writable; nothing is left behind.
    """
    with written_whole(path) as unfinished:
        with pq.ParquetWriter(unfinished, table.schema, compression="zstd") as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({_SEAL: BLANK})
        seal(unfinished)


def read_table(path: Path) -> pa.Table:
    """Read what :func:`write_table` wrote; of a file of an earlier version, which has no SHA-256, what can be read.

    Raises:
        DamagedFile: if the file is damaged, or no Parquet file at all.
    """
    # ParquetFile reads this file alone; read_table would add columns from folder names like "cell=3".
    try:
        whole = is_whole(path)
        if whole is False:
            raise DamagedFile(f"{path} cannot be read: its bytes are not those that were written (SHA-256)")
        with pq.ParquetFile(path) as file:
            table = file.read(use_threads=False)  # the files are small: threads cost more than they save
        if whole is None:
            _check_unsealed(table, path)
        return table
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DamagedFile(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _check_unsealed(table: pa.Table, path: Path) -> None:
    """Raise DamagedFile or ArrowInvalid if a table whose file has no SHA-256 is damaged where Parquet does not look."""
    table.validate(full=True)  # or a text that is no UTF-8 would show only where it is used
    if _SEAL.encode() in (table.schema.metadata or {}):
        raise DamagedFile(f"{path} cannot be read: its own SHA-256 is damaged")
    names = table.column_names
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DamagedFile(f"{path} cannot be read: it has two columns {twice}")


def read(path: Path) -> Trace:
    """Read a block's trace.

    Raises:
        DamagedFile: if it is damaged or not a trace, or holds what no trace does.
        ValueError: if there is no file, or it was written by a newer schema.
    """
    if not path.exists():
        raise ValueError(f"no trace at {path}")
    table = read_table(path)
    meta = _meta(table)
    if meta is None or (table.num_rows and "seed" not in table.column_names):
        raise DamagedFile(f"{path} holds no trace")
    if meta["schema"] > SCHEMA_VERSION:
        raise ValueError(f"{path} has trace schema {meta['schema']}, this version reads up to {SCHEMA_VERSION}")
    if wrong := _wrong_in(meta) or _wrong_with(table):
        raise DamagedFile(f"{path} cannot be read: {wrong}")
    return Trace.from_table(meta, table)


def _wrong_in(meta: Mapping[str, Any]) -> str:
    """Say what is wrong with the metadata of a trace; empty if nothing is."""
    for name, kind in _META.items():
        value = meta.get(name, _NONE)
        if value is _NONE and name in _ALWAYS:
            return f"its metadata have no {name}"
        if value is not _NONE and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            return f"its metadata have {value!r:.40} as {name}"
    for name, values in meta["reference"].items():
        if not (isinstance(values, list) and all(type(value) in (int, float) for value in values)):
            return f"its metadata have {values!r:.40} as reference.{name}"
    if not all(type(seed) is int for seed in meta["seeds"]):
        return "its metadata have seeds that are no whole numbers"
    if not all(isinstance(version, str) for version in meta.get("versions", {}).values()):
        return "its metadata have versions that are no texts"
    return ""


def _wrong_with(table: pa.Table) -> str:
    """Say what is wrong with the columns of a trace; empty if nothing is."""
    if not table.num_rows:
        return ""
    for name, fits in _COLUMNS.items():
        if name not in table.column_names:
            return f"it has no column {name}"
        column = table.column(name)
        if not fits(column.type) or column.null_count:
            return f"its column {name} is {column.type}, {column.null_count} values missing"
    for field in table.schema:
        if not _is_measured(field.type):
            return f"its column {field.name} is {field.type}, and not numbers"
    seed, step = (_values(table.column(name).combine_chunks()) for name in ("seed", "step"))
    order = np.lexsort((step, seed))
    again = (np.diff(seed[order]) == 0) & (np.diff(step[order]) == 0)
    if again.any():
        place = order[np.argmax(again)]
        return f"it has two rows of seed {seed[place]} at step {step[place]}"
    return ""


def _is_measured(kind: pa.DataType) -> bool:
    """Return whether a column can hold what is measured: numbers or truth values, or lists of them."""
    inner = kind.value_type if pa.types.is_list(kind) else kind
    return bool(
        pa.types.is_integer(inner)
        or pa.types.is_floating(inner)
        or pa.types.is_boolean(inner)
        or pa.types.is_null(inner)
    )


def _meta(table: pa.Table) -> dict[str, Any] | None:
    """Return the metadata of a trace; None if the table has none, or they are damaged."""
    try:
        found = json.loads((table.schema.metadata or {})[_METADATA])
    except (KeyError, RecursionError, ValueError):
        return None
    return found if isinstance(found, dict) and type(found.get("schema")) is int else None
