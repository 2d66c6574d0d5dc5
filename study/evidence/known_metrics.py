"""Medians and ranges of known metrics over the replicas of each cell; no verdict rests on them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from study.storage.metrics_table import FEATURES, NUMBERS
from study.storage.records import Record

SHOWN = tuple(name for name in NUMBERS if name != "kid_std")
"""The metrics that are summarized; ``kid_std`` is the error of one replica's ``kid``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and range of one metric over replicas."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMetrics:
    """What was measured of one cell.

    Attributes:
        cell: its index.
        name: its name.
        replicas: how many were measured.
        planned: how many the launch has.
        broken: how many of the measured ones made samples that are not finite; they are in no spread.
        n_real: numbers of real samples, ascending.
        spreads: metric to its spread; empty if all are broken.
    """

    cell: int
    name: str
    replicas: int
    planned: int
    broken: int
    n_real: Sequence[int]
    spreads: Mapping[str, Spread]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMetrics:
    """One measurement: all rows with the same features and number of samples, which alone compare.

    Attributes:
        features: name of the extractor.
        weights_digest: SHA-256 of its file of weights; empty if it has none.
        plugin_digest: digest of its plugin; empty if it is built in.
        which: ``last`` or ``best``.
        n: generated samples per replica.
        cells: in order of their indices.
    """

    features: str
    weights_digest: str
    plugin_digest: str
    which: str
    n: int
    cells: Sequence[CellMetrics]


def known_metrics(rows: Iterable[Mapping[str, Any]], records: Iterable[Record]) -> tuple[KnownMetrics, ...]:
    """Summarize the rows of ``metrics.parquet`` per cell; rows that are of none of the records are left out.

    Args:
        rows: of :func:`study.storage.metrics_table.read`.
        records: all replicas of the launch.
    """
    planned: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for record in records:
        planned[record.cell][record.seed] = record.cell_name
    found: defaultdict[tuple[Any, ...], defaultdict[int, list[Mapping[str, Any]]]]
    found = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["seed"] in planned.get(row["cell"], {}):
            found[tuple(row[name] for name in (*FEATURES, "which", "n"))][row["cell"]].append(row)
    return tuple(
        KnownMetrics(
            **dict(zip((*FEATURES, "which", "n"), key, strict=True)),
            cells=[_cell(cell, planned[cell], own) for cell, own in sorted(cells.items())],
        )
        for key, cells in sorted(found.items())
    )


def _cell(cell: int, planned: Mapping[int, str], rows: Sequence[Mapping[str, Any]]) -> CellMetrics:
    whole = [row for row in rows if not row["broken"]]
    return CellMetrics(
        cell=cell,
        name=planned[rows[0]["seed"]],
        replicas=len(rows),
        planned=len(planned),
        broken=len(rows) - len(whole),
        n_real=sorted({row["n_real"] for row in rows}),
        spreads={name: _spread([row[name] for row in whole]) for name in SHOWN} if whole else {},
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median=median(values), low=min(values), high=max(values))
