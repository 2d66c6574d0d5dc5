"""Known metrics of kept generators, in ``metrics.parquet`` of a launch: sealed as records are; no verdict reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from study.storage.store import Store
from trainables.files import DamagedFile
from trainables.trace import read_table, write_table

NUMBERS = ("fid", "kid", "kid_std", "precision", "recall", "density", "coverage")
"""The metrics; absent if a sample is not finite."""
FEATURES = ("features", "weights_digest", "plugin_digest")
"""What tells one kind of features from another: their name, and what gives them."""
KEY = ("cell", "seed", "which", *FEATURES, "n")
"""What tells one row from another: what is measured again replaces its row."""
_AGAIN = "delete it and measure again with study metrics"
_SCHEMA = pa.schema(
    {
        "cell": pa.int64(),
        "cell_name": pa.string(),
        "seed": pa.int64(),
        "which": pa.string(),
        "step": pa.int64(),
        "networks_digest": pa.string(),
        "features": pa.string(),
        "weights_digest": pa.string(),
        "plugin_digest": pa.string(),
        "n": pa.int64(),
        "n_real": pa.int64(),
        "broken": pa.int64(),
        "draw_seed": pa.int64(),
        "plan": pa.string(),
        "data": pa.string(),
        **{name: pa.float64() for name in NUMBERS},
        "versions": pa.string(),
    }
)


def read(store: Store) -> list[dict[str, Any]]:
    """Return the rows; none if nothing was measured.

    Raises:
        DamagedFile: if the file is damaged or holds something else.
    """
    path = store.metrics_path
    if not path.exists():
        return []
    try:
        table = read_table(path)
    except DamagedFile as error:
        raise DamagedFile(f"{error}; {_AGAIN}") from None
    if not table.schema.equals(_SCHEMA):
        raise DamagedFile(f"{path} must hold the columns of this version, and holds others; {_AGAIN}")
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def add(store: Store, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows; those of the same key are replaced."""
    known = {tuple(row[name] for name in KEY): row for row in (*read(store), *rows)}
    table = pa.Table.from_pylist([dict(known[key]) for key in sorted(known)], schema=_SCHEMA)
    write_table(table, store.metrics_path)


def columns() -> tuple[str, ...]:
    """Return the names of the columns, in order."""
    return tuple(_SCHEMA.names)
