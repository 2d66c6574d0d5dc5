"""How much of the variance between seeds is left when only some sources of randomness vary.

A measure Y of a replica is a function of independent parts of its seed: initial weights, data and noise
(``trainables.streams.Held``), and what evaluation draws. For a set u of them, with all others ~u held, the law of total
variance says::

    V = Var(Y) = E[Var(Y | X_~u)] + Var(E[Y | X_~u])

The first term is what u decides alone *and* together with others, on average over the numbers at which these are held.
Its share ``T_u = E[Var(Y | X_~u)] / V``, in [0, 1], is the **total-effect index** of u (Homma & Saltelli 1996; Sobol'
2001; Saltelli et al. 2008, Global Sensitivity Analysis, chapter 4). It is not the first-order index
``Var(E[Y | X_u]) / V``, which holds u itself and varies all others, and is never larger. Bouthillier et al. 2021 vary
one source at one held setting and report the standard deviation, which is the root of such a variance.

Total effects add up to 1 where Y is a sum of functions of one source each, and to more otherwise, for what sources
decide together counts for each of them. The **excess** over 1 of d sources is the sum over all interactions of their
share times the number of sources in them less one: the interactions' share lies between ``excess / (d - 1)`` and
``excess``. What evaluation draws is in every total effect, so that its share is d - 1 times in the excess, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan

import numpy as np
from numpy.typing import NDArray

from study.design.plan import Cell, Plan
from study.formatting import did_you_mean, joined, percent, quoted
from study.storage.records import Record
from trainables.config import RecordedConfig, digest
from trainables.streams import GROUPS, Group, Held

Floats = NDArray[np.float64]
SUCCESS = "success"
"""The measure that is 1 for replicas that converged and 0 for all others with an outcome."""
_WORDS: Mapping[Group, str] = {"init": "the initial weights vary", "data": "the data vary", "noise": "the noise varies"}
_FEWEST = 8
"""Replicas with nothing held that a sentence about shares needs: fewer give intervals of no width by chance."""
_RESAMPLES = 4_000
_SEED = 20_210_303


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """The variance with some sources varied and all others held.

    Attributes:
        varied: the sources that differ between the replicas; empty where evaluation alone does.
        settings: number of held settings, which is that of the cells that vary just these.
        replicas: those of these cells that have the measure; ``left_out`` have an outcome without it.
        variance: over seeds, mean over settings.
        share: of the whole variance; ``low`` to ``high`` is its interval. NaN where nothing varies or is known.
    """

    varied: tuple[Group, ...]
    settings: int
    replicas: int
    left_out: int
    variance: float
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceComponents:
    """The components of one measure.

    Attributes:
        measure: its name.
        whole: with nothing held; its share is 1.
        parts: with something held, fewest varied sources first.
        excess: sum of the shares of the single sources minus 1, with its interval; absent unless all were varied alone.
    """

    measure: str
    whole: Component
    parts: tuple[Component, ...]
    excess: tuple[float, float, float] | None


def variance_components(
    plan: Plan, records: Sequence[Record], measure: str = SUCCESS, *, cell: str | None = None, confidence: float = 0.95
) -> VarianceComponents:
    """Estimate the total effects of the sources that a launch held and varied.

    Half the mean squared difference of two replicas is an unbiased estimate of a variance. ``E[Var(Y | X_~u)]`` takes
    pairs of two seeds in one cell that varies u, and the mean over these cells. V takes pairs that share nothing: of
    two seeds in the cell with nothing held, and of two seeds at two held settings; these estimates are averaged by
    their degrees of freedom, the number of seeds or of settings less one. A quotient may exceed 1 by chance.

    Intervals are percentiles of a bootstrap that draws with replacement seeds, the same for all cells, and held
    settings, apart for each set of varied sources (Owen 2007, the pigeonhole bootstrap). Of s settings s - 1 are drawn,
    without which the variance of a mean of s would come out as its (s - 1) / s (McCarthy & Snowden 1985). A single
    setting is taken as it is: its interval says nothing about other settings.

    Args:
        plan: of the launch.
        records: its replicas; those without an outcome count for nothing.
        measure: ``success``, or the name of a number in the records' evidence.
        cell: number or name of the cell with nothing held; by default the only one.
        confidence: of the intervals, in (0, 1).

    Raises:
        ValueError: if there is no such cell or measure, confidence is out of its range, no other cell is the same with
            something held, or fewer than two replicas of the cell have the measure.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be in (0, 1), got {confidence}")
    known = {SUCCESS: None} | dict.fromkeys(name for record in records for name in record.evidence)
    if measure not in known:
        near = did_you_mean(measure, known)
        raise ValueError(f"measure must be one of {', '.join(known)}, got {quoted(measure)}{near}")
    whole = _whole(plan, cell)
    tables = {
        varied: _Table.of([own.index for own in cells], records, measure)
        for varied, cells in _held_cells(plan, whole).items()
    }
    if np.count_nonzero(np.isfinite(tables[GROUPS].values)) < 2:
        raise ValueError(f"cell {quoted(whole.name)} must have at least 2 replicas with {measure}, got fewer")
    return _estimated(measure, tables, confidence)


def components_if_held(plan: Plan, records: Sequence[Record]) -> VarianceComponents | None:
    """Return the components of success; None unless one cell has nothing held and others are the same but for that.

    None, too, as long as fewer than two replicas of that cell have an outcome.
    """
    free = [cell for cell in plan.cells if _held(cell) == Held()]
    if len(free) != 1 or len(_cells_by_varied(plan, free[0])) < 2:
        return None
    if sum(record.cell == free[0].index and record.decided for record in records) < 2:
        return None
    return variance_components(plan, records)


def said(found: VarianceComponents) -> str:
    """Say in one sentence how much of the variance each source leaves when all others are held.

    Nothing is said of fewer than eight replicas with nothing held, nor of a share whose interval is a point: too few
    seeds succeeded, or failed.
    """
    known = [part for part in found.parts if len(part.varied) == 1 and part.low < part.high]
    if not known or found.whole.replicas < _FEWEST:
        return ""
    shares = joined(
        f"{percent(part.share)} (95 % interval {percent(part.low)} to {percent(part.high)})"
        f" where {_WORDS[part.varied[0]]}"
        for part in known
    )
    text = f"With all other sources held, what is left of the variance of {found.measure} is {shares}"
    if found.excess is None or not isfinite(found.excess[0]):
        return f"{text}."
    share, low, high = found.excess
    return (
        f"{text}; the shares sum to {percent(1 + share)} ({percent(1 + low)} to {percent(1 + high)}), where effects"
        " that add up would give 100 %."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """``values [S, N]`` of S cells and N seeds, NaN where a replica has none; ``left_out`` have an outcome, though.

    What it estimates is over pairs of replicas, each as often as both were drawn: cells ``settings [B, S]`` times and
    seeds ``seeds [B, N]`` times. One that was drawn twice is no pair with itself.
    """

    values: Floats
    left_out: int

    @classmethod
    def of(cls, cells: Sequence[int], records: Sequence[Record], measure: str) -> "_Table":
        place = {seed: column for column, seed in enumerate(sorted({record.seed for record in records}))}
        values, left_out = np.full((len(cells), len(place)), np.nan), 0
        for record in records:
            if record.cell in cells and record.decided:
                value = float(record.converged) if measure == SUCCESS else record.evidence.get(measure, np.nan)
                values[cells.index(record.cell), place[record.seed]] = value
                left_out += not np.isfinite(value)
        return cls(values=values, left_out=left_out)

    def within(self, settings: Floats, seeds: Floats) -> Floats:
        """Return the mean over cells of half the mean squared difference of two seeds, ``[B]``.

        Of a cell whose seeds were drawn once each, that is the unbiased variance.
        """
        n, x, xx = self._sums(seeds)
        pairs = np.square(n) - np.square(seeds) @ self._known.T
        variances = _quotients(np.maximum(n * xx - np.square(x), 0), pairs)
        weights = np.where(np.isfinite(variances), settings, 0)
        return _quotients((weights * np.nan_to_num(variances)).sum(1), weights.sum(1))

    def across(self, settings: Floats, seeds: Floats) -> Floats:
        """Return half the mean squared difference of two replicas of two cells and two seeds, ``[B]``.

        All pairs, without those of one cell and without those of one seed.
        """
        n, x, xx = self._sums(seeds)
        every = np.square((settings * n).sum(1))
        apart = (settings * n).sum(1) * (settings * xx).sum(1) - np.square((settings * x).sum(1))
        cells = np.square(settings)
        apart -= (cells * (n * xx - np.square(x))).sum(1)
        every -= (cells * np.square(n)).sum(1)
        known, values, own = self._known, self._centered, np.square(seeds)
        m, y, yy = settings @ known, settings @ values, settings @ np.square(values)
        apart -= (own * (m * yy - np.square(y))).sum(1)
        every -= (own * np.square(m)).sum(1) - (own * (cells @ known)).sum(1)
        return _quotients(np.maximum(apart, 0), every)

    def _sums(self, seeds: Floats) -> tuple[Floats, Floats, Floats]:
        """Return number, sum and sum of squares of each cell's values, ``[B, S]``."""
        return seeds @ self._known.T, seeds @ self._centered.T, seeds @ np.square(self._centered).T

    @property
    def _known(self) -> Floats:
        return np.isfinite(self.values).astype(np.float64)

    @property
    def _centered(self) -> Floats:
        """About the mean of all, so that little cancels; 0 where there is none."""
        known = np.isfinite(self.values)
        return np.where(known, self.values - self.values[known].mean(), 0.0) if known.any() else np.zeros(known.shape)


def _quotients(values: Floats, wholes: Floats) -> Floats:
    """Return values over wholes, NaN where the whole is 0 or unknown."""
    return np.divide(values, wholes, out=np.full_like(values, np.nan), where=wholes > 0)


def _whole(plan: Plan, wanted: str | None) -> Cell:
    if wanted is not None:
        cell = plan.cell(wanted)
        if _held(cell) != Held():
            raise ValueError(f"cell must have nothing held, got {quoted(cell.name)}")
        return cell
    free = [cell for cell in plan.cells if _held(cell) == Held()]
    if len(free) != 1:
        raise ValueError(f"cell must be given unless a launch has one with nothing held, got {len(free)} of them")
    return free[0]


def _held(cell: Cell) -> Held | None:
    """Return what a cell holds; None of a recorded training, of which that is not known."""
    return None if isinstance(cell.config, RecordedConfig) else cell.config.held


def _held_cells(plan: Plan, whole: Cell) -> Mapping[tuple[Group, ...], list[Cell]]:
    """Return the cells that are ``whole`` but for what they hold, itself among them, by the sources that vary."""
    found = _cells_by_varied(plan, whole)
    if len(found) < 2:
        raise ValueError(f"a launch must have cells that are {quoted(whole.name)} with something held, got none")
    return {varied: found[varied] for varied in sorted(found, key=lambda own: (len(own), *map(GROUPS.index, own)))}


def _cells_by_varied(plan: Plan, whole: Cell) -> dict[tuple[Group, ...], list[Cell]]:
    found: dict[tuple[Group, ...], list[Cell]] = {}
    for cell in plan.cells:
        if isinstance(cell.config, RecordedConfig):
            continue
        if digest(replace(cell.config, held=Held())) == whole.digest:
            varied = tuple(group for group in GROUPS if group not in cell.config.held.groups)
            found.setdefault(varied, []).append(cell)
    return found


def _estimated(measure: str, tables: Mapping[tuple[Group, ...], _Table], confidence: float) -> VarianceComponents:
    """Estimate from all tables, of which that of ``GROUPS`` has the cell with nothing held."""
    rng = np.random.default_rng(_SEED)
    count = tables[GROUPS].values.shape[1]
    seeds = _drawn(rng, count, count)
    settings = {varied: _drawn(rng, len(table.values), len(table.values) - 1) for varied, table in tables.items()}
    inside = {varied: table.within(settings[varied], seeds) for varied, table in tables.items()}
    inside[GROUPS] = whole = _whole_variance(tables, settings, seeds, inside[GROUPS])
    shares = {varied: _quotients(own, whole) for varied, own in inside.items()}

    def component(varied: tuple[Group, ...]) -> Component:
        share, low, high = _interval(shares[varied], confidence)
        return Component(
            varied=varied,
            settings=len(tables[varied].values),
            replicas=int(np.isfinite(tables[varied].values).sum()),
            left_out=tables[varied].left_out,
            variance=float(inside[varied][0]),
            share=share,
            low=low,
            high=high,
        )

    singles: list[tuple[Group, ...]] = [(group,) for group in GROUPS]
    apart = all(single in tables for single in singles)
    excess = _interval(np.sum([shares[single] for single in singles], axis=0) - 1, confidence) if apart else None
    parts = tuple(component(varied) for varied in tables if varied != GROUPS)
    return VarianceComponents(measure=measure, whole=component(GROUPS), parts=parts, excess=excess)


def _drawn(rng: np.random.Generator, count: int, draws: int) -> Floats:
    """Return how often each was drawn with replacement, ``[1 + resamples, count]``: first each once; one is kept."""
    once = np.ones((1, count))
    if draws < 1:
        return np.ones((1 + _RESAMPLES, count))
    return np.concatenate([once, rng.multinomial(draws, np.full(count, 1 / count), _RESAMPLES)])


def _whole_variance(
    tables: Mapping[tuple[Group, ...], _Table],
    settings: Mapping[tuple[Group, ...], Floats],
    seeds: Floats,
    free: Floats,
) -> Floats:
    """Return the mean of the estimates of the whole variance, ``[B]``, each weighed by its degrees of freedom."""
    found = [(np.isfinite(tables[GROUPS].values).sum() - 1, free)]
    for varied, table in tables.items():
        if len(table.values) > 1:
            found.append((len(table.values) - 1, table.across(settings[varied], seeds)))
    estimates = np.array([own for _, own in found])
    weights = np.where(np.isfinite(estimates), np.array([[weight] for weight, _ in found]), 0)
    return _quotients((weights * np.nan_to_num(estimates)).sum(0), weights.sum(0).astype(np.float64))


def _interval(values: Floats, confidence: float) -> tuple[float, float, float]:
    """Return an estimate, which is the first value, and percentiles of the others; NaN without it."""
    known = values[1:][np.isfinite(values[1:])]
    if not (isfinite(values[0]) and known.size):
        return nan, nan, nan
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(values[0]), float(low), float(high)
