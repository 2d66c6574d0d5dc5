"""The columns of a replica's trace as arrays of numbers, whatever the trace holds."""

from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
import numpy.typing as npt

from trainables.trace import ReplicaTrace, Row

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Reference = Mapping[str, Floats]
"""Constants of the data that a rule needs; see ``ReplicaTrace.reference``."""


class Columns:
    """A trace's columns as float64 arrays in order of steps; columns that are missing or misshapen are NaN.

    Attributes:
        each: rows of each replica: all, or the given number where replicas of the same steps are joined.
    """

    def __init__(self, trace: ReplicaTrace, each: int | None = None) -> None:
        self._trace = trace
        self.each = len(trace) if each is None else each
        self._order = np.arange(len(trace))
        steps = np.nan_to_num(self.numbers("step"), nan=0.0)
        self._order = np.argsort(steps, kind="stable")
        self.steps = steps[self._order].astype(np.int64)

    def numbers(self, name: str, *, infinite: bool = False) -> Floats:
        """Return a column ``[T]`` of numbers; infinite values become NaN unless ``infinite`` is set."""
        return self._array(name, (), infinite=infinite)

    def lists(self, name: str, size: int) -> Floats:
        """Return a column ``[T, size]`` of lists."""
        return self._array(name, (size,), infinite=False)

    def has(self, name: str) -> bool:
        """Return whether the trace has this column."""
        return name in self._trace.columns

    def constants(self, name: str) -> Floats:
        """Return constants ``[K]`` of the data; empty if the trace does not have them."""
        return np.ravel(self._trace.reference.get(name, np.zeros(0)))

    def _array(self, name: str, inner: tuple[int, ...], *, infinite: bool) -> Floats:
        shape = (len(self._trace), *inner)
        try:
            values = np.asarray(self._trace.columns.get(name, nan), dtype=np.float64)
        except (TypeError, ValueError):
            values = np.asarray(nan)
        if values.shape != shape:
            return np.full(shape, nan)
        return np.where(np.isfinite(values) | infinite, values, nan)[self._order]


def trace_of(rows: Sequence[Row], reference: Reference) -> ReplicaTrace:
    """Return the trace of one replica from rows that are not stored yet; the first one names the columns."""
    columns = {name: np.array([row.get(name) for row in rows]) for name in rows[0]}
    return ReplicaTrace(seed=rows[0].get("seed", 0), columns=columns, reference=reference)
