"""The trace: what was measured along a replica's training, and its Parquet form.

One file per block, one row per replica and report. Scalars are float64 columns, histograms and quantiles are lists.
The file's metadata carries what made it: configuration, digest, seeds, versions, device, mode and the constants of
the data that a rule needs (true mode weights and the like). Column names come from ``probes``.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA_VERSION = 1
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


@dataclass(frozen=True, slots=True)
class Trace:
    """All replicas of one block.

    Attributes:
        meta: JSON values: ``config``, ``digest``, ``seeds``, ``replicas``, ``versions``, ``device``, ``mode``,
            ``reference``, ``seconds``, ``steps``, ``complete`` and so on.
        rows: in order of reports, then of replicas.
    """

    meta: Mapping[str, Any]
    rows: Sequence[Row]

    def replica(self, seed: int) -> ReplicaTrace:
        """The series of one seed; of length 0 if the trace holds none."""
        own = [row for row in self.rows if row["seed"] == seed]
        names = own[0].keys() if own else ()
        columns = {name: np.array([row[name] for row in own]) for name in names}
        reference = {name: np.asarray(value, dtype=np.float64) for name, value in self.meta["reference"].items()}
        return ReplicaTrace(seed=seed, columns=columns, reference=reference)


def write(trace: Trace, path: Path) -> None:
    """Writes the file whole or not at all (a temporary file beside it, then a rename).

    Raises:
        OSError: if the disk is full or the folder is not writable; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(list(trace.rows))
    table = table.replace_schema_metadata({"trace": json.dumps({**trace.meta, "schema": SCHEMA_VERSION})})
    unfinished = path.with_name(path.name + ".part")
    try:
        pq.write_table(table, unfinished, compression="zstd")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(path: Path) -> Trace:
    """Reads a block's trace.

    Raises:
        ValueError: if the file is not a trace, or was written by a newer schema.
    """
    # ParquetFile reads this file alone; read_table would add columns from folder names like "cell=3".
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    stored = (table.schema.metadata or {}).get(b"trace")
    if stored is None:
        raise ValueError(f"{path} holds no trace")
    meta = json.loads(stored)
    if meta["schema"] > SCHEMA_VERSION:
        raise ValueError(f"{path} has trace schema {meta['schema']}, this version reads up to {SCHEMA_VERSION}")
    return Trace(meta=meta, rows=table.to_pylist())
