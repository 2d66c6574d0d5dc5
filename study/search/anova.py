"""How much of a rate's variance between cells each axis explains: PED-ANOVA on partial residuals.

PED-ANOVA (Watanabe et al. 2023, IJCAI) measures an axis by how the density of its values among the good trials
differs from that among all trials: ``(gamma'/gamma)^2 * D(p_good || p_all)`` with Pearson's divergence D. A trial here
is a replica and the good ones are those of the class asked about, so that no quantile has to be chosen and values
cannot tie; each cell has the same weight, shared by its replicas. Then ``p_good(x) / p_all(x) = m(x) / mean(m)``, where
``m(x)`` is the class's mean rate among cells at x, and the importance is a variance of main effects:

    ``v = beta * sum_x p(x) * (m(x) - mean(m))^2``

over the cells in which the axis is active, a share ``beta`` of all cells. That is the importance within regimes of its
conditional version (Baba et al. 2026, KDD): what differs between active and not is the effect of the axis
that decides it.

Two things differ from the papers. A sampler that learns proposes correlated axes: the values it happens to keep of an
irrelevant axis meet good values of the others, and look good. So ``m`` is the axis's own term of an additive model
(backfitting, Hastie & Tibshirani 1990, section 4.4), the same for independent axes, with less noise. And ``p`` is the
density of what was sampled, not uniform: values never tried count nothing. Interactions belong to no axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from search_spaces import Float, Int, Options, Space, Value
from study.search.candidates import Candidate

Floats = NDArray[np.float64]
STEPS = 50
"""Places that a range is divided into."""
WIDTH = 0.1
"""Standard deviation of the smoothing kernel, as a part of the range; what is narrower is not resolved. It does not
shrink with more cells: an importance means the same after 50 cells and after 5,000."""
_SWEEPS = 8  # of backfitting; the terms of independent axes are there after one


@dataclass(frozen=True, slots=True)
class Column:
    """One axis over N cells.

    Attributes:
        active: ``[A]``, the cells in which the axis is active.
        places: ``[A]``, where they stand on the axis: the number of the label, or of the step of the range.
        smooth: ``[N, G]``, the kernel of each cell's place over all G places; rows sum to 1, those of other cells to 0.
    """

    active: NDArray[np.intp]
    places: NDArray[np.intp]
    smooth: Floats


def encode(space: Space, candidates: Sequence[Candidate]) -> tuple[Column, ...]:
    """Return the axes of a space over N candidates, in its order."""
    found = []
    for axis in space.axes:
        active = np.array([row for row, own in enumerate(candidates) if axis.name in own.point], dtype=np.intp)
        values = [candidates[row].point[axis.name] for row in active]
        if isinstance(axis, Options):
            labels = [level.label for level in axis.levels]
            places, kernel = [labels.index(str(value)) for value in values], np.eye(len(labels))
        else:
            places, kernel = [min(STEPS - 1, int(STEPS * unit(axis.domain, value))) for value in values], _KERNEL
        smooth = np.zeros((len(candidates), len(kernel)))
        smooth[active] = kernel[places]
        found.append(Column(active, np.array(places, dtype=np.intp), smooth))
    return tuple(found)


def unit(domain: Float | Int, value: Value) -> float:
    """Where a number stands in its range, 0 to 1, on the range's scale."""
    x, low, high = float(value), float(domain.low), float(domain.high)
    return log(x / low) / log(high / low) if domain.log else (x - low) / (high - low)


def explained(columns: Sequence[Column], rates: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the variance that each of D axes explains, and the partial residuals that it was found from.

    Args:
        rates: ``[N]``, of each cell.
        weights: ``[B, N]``, how often each cell counts; B analyses at once.

    Returns:
        ``[D, B]``, variances of a rate, >= 0, and ``[D, B, N]``, the rates less the mean and the other axes' terms.
    """
    mean = (weights @ rates / weights.sum(axis=1))[:, None]
    terms = np.zeros((len(columns), *weights.shape))
    rest = rates - np.broadcast_to(mean, weights.shape)
    density = [weights @ column.smooth for column in columns]
    for _ in range(_SWEEPS):
        for place, column in enumerate(columns):
            rest += terms[place]
            terms[place, :, column.active] = _term(column, rest, weights, density[place])[:, column.places].T
            rest -= terms[place]
    partial = rest + terms
    found = [_variance(*each, weights) for each in zip(columns, partial, density, strict=True)]
    return np.array(found), partial


def by_chance(columns: Sequence[Column], partial: Floats, rng: np.random.Generator, count: int) -> Floats:
    """``[D, count]``: what each axis would explain if it did nothing: its residuals permuted among its cells.

    Residuals of a fit are smaller than the errors; they are scaled up by the degrees of freedom that the other axes'
    terms took (Freedman & Lane 1983 permute residuals likewise).

    Args:
        partial: ``[D, N]``, of :func:`explained`, each cell counting once.
    """
    taken = np.array([_freedom(column) for column in columns])
    cells = partial.shape[1]
    weights = np.ones((1, cells))
    found = []
    for place, column in enumerate(columns):
        left = cells - 1 - (taken.sum() - taken[place])
        permuted = np.zeros((count, cells))
        own = np.tile(partial[place, column.active], (count, 1))
        permuted[:, column.active] = rng.permuted(own, axis=1)
        variance = _variance(column, permuted, weights @ column.smooth, weights)
        found.append(variance * cells / max(left, 1.0))
    return np.array(found)


def _term(column: Column, rest: Floats, weights: Floats, density: Floats) -> Floats:
    """``[B, G]``: the mean of ``rest`` at each place of the axis, less the overall mean; 0 where nothing is."""
    sums = (weights * rest) @ column.smooth
    total = density.sum(axis=1, keepdims=True)
    mean = sums.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
    return np.where(density > 0, sums / np.where(density > 0, density, 1.0) - mean, 0.0)


def _variance(column: Column, rest: Floats, density: Floats, weights: Floats) -> Floats:
    term = _term(column, rest, weights, density)
    variance: Floats = (density * term**2).sum(axis=1) / weights.sum(axis=1)
    return variance


def _freedom(column: Column) -> float:
    """Degrees of freedom of the axis's term: the trace of its smoother, less the mean's one."""
    if not column.active.size:
        return 0.0
    density = column.smooth.sum(axis=0)[column.places]
    return float(np.sum(column.smooth[column.active, column.places] / density)) - 1.0


def _kernel() -> Floats:
    steps = (np.arange(STEPS) + 0.5) / STEPS
    kernel = np.exp(-0.5 * (np.subtract.outer(steps, steps) / WIDTH) ** 2)
    rows: Floats = kernel / kernel.sum(axis=1, keepdims=True)
    return rows


_KERNEL = _kernel()
