"""Partial dependence: the predicted success rate along an axis, and over two, averaged over the other axes.

The model is a forest of extremely randomised trees (Geurts et al. 2006), which need no scale, see interactions and
take axes that are absent. Partial dependence (Friedman 2001, section 8.2) asks it for every tried cell, with the axis
moved and the rest as it is. Forests average and do not extrapolate: peaks come out lower and valleys higher than they
are, ends flatter (by a third, say, after 50 cells), and where no cell is near the curve is a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from search_spaces import Axis, Options, Space, Value
from study.search.anova import Floats, unit
from study.search.candidates import Candidate
from study.search.importance import rates

NEAR = 0.05
"""Cells within this part of a range of a value are near it."""
_TREES = 10  # per resample: the mean is over all of them
_LEAF = 2  # cells: a cell alone is too noisy, more of them flatten the curve
_FEW = 1e-9  # weight of a cell that is not in the resample: it counts where no cell of the resample can
_LEVELS = (0.025, 0.975)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependence:
    """The success rate along one axis, entry i at value i.

    Attributes:
        values: ascending numbers, or the labels.
        mean: predicted, averaged over the cells in which the axis is active; in [0, 1].
        low, high: 95 % bootstrap band over cells, those that the model learns from and those it is averaged over. It
            holds the noise of the cells, not what the forest smooths away.
        n_near: cells near the value, or with the label.
    """

    axis: str
    values: tuple[Value, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_near: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The success rate over two axes.

    Attributes:
        rows, columns: values of the first axis, and of the second.
        mean: predicted, a row per value of the first axis; None where the two axes do not exist together.
        n_near: cells near both values.
    """

    first: str
    second: str
    rows: tuple[Value, ...]
    columns: tuple[Value, ...]
    mean: tuple[tuple[float | None, ...], ...]
    n_near: tuple[tuple[int, ...], ...]


def dependences(
    candidates: Sequence[Candidate], space: Space, *, at: int = 21, resamples: int = 50, seed: int = 0
) -> tuple[Dependence, ...]:
    """Partial dependence on every axis that is active in some candidate, in the order of the space, from one model.

    Cells count by their replicas.

    Args:
        at: values per range, at most, ends included; >= 2.
        resamples: of the bootstrap, each with a small forest; >= 1.

    Raises:
        ValueError: if ``at`` or ``resamples`` is too small.
    """
    model = _Model(candidates, space, resamples=resamples, seed=seed)
    return tuple(model.along(axis.name, at) for axis in space.axes if model.rows_with(axis.name).size)


def surface(
    candidates: Sequence[Candidate],
    space: Space,
    first: str,
    second: str,
    *,
    at: int = 15,
    resamples: int = 50,
    seed: int = 0,
) -> Surface:
    """Partial dependence on two axes at once.

    Raises:
        ValueError: as :func:`dependences`; if both are one axis, or one is not of the space or active in no candidate.
    """
    if first == second:
        raise ValueError(f"first and second must be different axes, got {first} twice")
    model = _Model(candidates, space, resamples=resamples, seed=seed)
    model.check(first)
    model.check(second)
    return model.over(first, second, at)


_Moved = tuple[NDArray[np.intp], Floats]
"""Which cells, and their features after a move."""


class _Model:
    """Forests on resamples of the cells, and the cells as features.

    Features are a range's place in [0, 1] and one column per label, NaN where the axis is inactive.
    """

    def __init__(self, candidates: Sequence[Candidate], space: Space, *, resamples: int, seed: int) -> None:
        if resamples < 1:
            raise ValueError(f"resamples must be >= 1, got {resamples}")
        self._space = space
        self._axes = {axis.name: axis for axis in space.axes}
        tried = [own for own in candidates if own.n]
        self._points: list[Mapping[str, Value]] = [own.point for own in tried]
        self._spans = _spans(space)
        self._features = self._encoded()
        self._grown = _grown(self._features, rates(tried, "success"), [own.n for own in tried], resamples, seed)

    def check(self, axis: str) -> None:
        if axis not in self._axes:
            raise ValueError(f"axis must be one of {', '.join(self._axes)}, got {axis!r}")
        if not self.rows_with(axis).size:
            raise ValueError(f"axis must be active in at least one candidate that was tried, got {axis!r}")

    def rows_with(self, axis: str) -> NDArray[np.intp]:
        return np.array([row for row, point in enumerate(self._points) if axis in point], dtype=np.intp)

    def along(self, name: str, at: int) -> Dependence:
        values, near = self._values(name, at), self._near(name, at)
        rows = self.rows_with(name)
        predicted = self._predicted([(rows, self._moved(self._features[rows], name, value)) for value in values])
        mean = predicted.mean(axis=0)
        low, high = np.quantile(predicted, _LEVELS, axis=0)
        return Dependence(
            axis=name,
            values=values,
            mean=tuple(mean.tolist()),
            low=tuple(np.minimum(low, mean).tolist()),
            high=tuple(np.maximum(high, mean).tolist()),
            n_near=tuple(near.sum(axis=1).tolist()),
        )

    def over(self, first: str, second: str, at: int) -> Surface:
        if list(self._axes).index(first) > list(self._axes).index(second):  # an axis may decide later ones
            return _turned(self.over(second, first, at))
        rows, columns = self._values(first, at), self._values(second, at)
        cells = self.rows_with(first)
        moved: list[_Moved] = []
        for one in rows:
            there = self._moved(self._features[cells], first, one)
            both = ~np.isnan(there[:, self._spans[second].start])
            moved += [(cells[both], self._moved(there[both], second, other)) for other in columns]
        predicted = iter(self._predicted([each for each in moved if len(each[0])]).mean(axis=0).tolist())
        known = [next(predicted) if len(each[0]) else None for each in moved]
        near = np.einsum("in,jn->ij", self._near(first, at).astype(int), self._near(second, at).astype(int))
        return Surface(
            first=first,
            second=second,
            rows=rows,
            columns=columns,
            mean=tuple(tuple(known[start : start + len(columns)]) for start in range(0, len(known), len(columns))),
            n_near=tuple(map(tuple, near.tolist())),
        )

    def _values(self, name: str, at: int) -> tuple[Value, ...]:
        if at < 2:
            raise ValueError(f"at must be >= 2, got {at}")
        return self._axes[name].values(at)

    def _near(self, name: str, at: int) -> NDArray[np.bool_]:
        """``[V, N]``: which cells are near each value."""
        axis, features = self._axes[name], self._features[:, self._spans[name]]
        if isinstance(axis, Options):
            return np.asarray(features.T == 1)
        places = np.array([unit(axis.domain, value) for value in self._values(name, at)])
        return np.asarray(np.abs(features[:, 0] - places[:, None]) <= NEAR)

    def _moved(self, here: Floats, name: str, value: Value) -> Floats:
        """Cells with another value of an axis. Axes that it decides come from the cells that have that value."""
        moved = here.copy()
        moved[:, self._spans[name]] = _features(self._axes[name], value)
        donors = np.array([row for row, point in enumerate(self._points) if point.get(name) == value], dtype=np.intp)
        for other in self._decided_by(name):
            span = self._spans[other]
            moved[:, span] = self._features[np.resize(donors, len(moved)), span] if donors.size else np.nan
        return moved

    def _decided_by(self, name: str) -> list[str]:
        decided = [name]
        for axis in self._space.axes:
            if any(other in decided for other in axis.when):
                decided.append(axis.name)
        return decided[1:]

    def _encoded(self) -> Floats:
        features = np.full((len(self._points), max(span.stop for span in self._spans.values())), np.nan)
        for row, point in enumerate(self._points):
            for name, value in point.items():
                features[row, self._spans[name]] = _features(self._axes[name], value)
        return features

    def _predicted(self, moved: Sequence[_Moved]) -> Floats:
        """``[B, V]``: each forest's mean over the cells of each entry, as often as its resample drew them."""
        if not moved:
            return np.zeros((1, 0))
        rows = np.concatenate([each for each, _ in moved])
        features = np.concatenate([each for _, each in moved])
        starts = np.cumsum([0, *(len(each) for each, _ in moved[:-1])])
        means = []
        for forest, times in self._grown:
            weights = times[rows] + _FEW
            sums = np.add.reduceat(forest.predict(features) * weights, starts)
            means.append(sums / np.add.reduceat(weights, starts))
        return np.clip(means, 0.0, 1.0)


def _features(axis: Axis, value: Value) -> list[float]:
    if isinstance(axis, Options):
        return [float(label == value) for label in axis.labels]
    return [unit(axis.domain, value)]


def _spans(space: Space) -> dict[str, slice]:
    """Where each axis's features are."""
    spans, start = {}, 0
    for axis in space.axes:
        stop = start + (len(axis.labels) if isinstance(axis, Options) else 1)
        spans[axis.name], start = slice(start, stop), stop
    return spans


def _grown(
    features: Floats, observed: Floats, replicas: Sequence[int], resamples: int, seed: int
) -> list[tuple[ExtraTreesRegressor, Floats]]:
    """One small forest per resample of the cells, and how often that has each cell; none without cells."""
    rng, cells = np.random.default_rng(seed), len(observed)
    found = []
    for _ in range(resamples if cells else 0):
        times = rng.multinomial(cells, np.full(cells, 1 / cells)).astype(np.float64)
        drawn = times > 0
        forest = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, random_state=int(rng.integers(2**31)))
        forest.fit(features[drawn], observed[drawn], sample_weight=(times * replicas)[drawn])
        found.append((forest, times))
    return found


def _turned(surface: Surface) -> Surface:
    return Surface(
        first=surface.second,
        second=surface.first,
        rows=surface.columns,
        columns=surface.rows,
        mean=tuple(zip(*surface.mean, strict=True)),
        n_near=tuple(zip(*surface.n_near, strict=True)),
    )
