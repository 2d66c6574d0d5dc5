"""Importance: how much each axis of a search decides success, and each class of failure, against what chance gives.

An importance alone misleads: it is never negative, so that irrelevant axes look as if they mattered a little, and in a
small search a lot. Here each comes with an interval over cells and with the share that chance reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from search_spaces import Space
from study.outcomes.outcome import Outcome
from study.search.anova import Floats, by_chance, encode, explained
from study.search.candidates import Candidate

Target = Literal["success"] | Outcome
FEW = 5
"""With fewer candidates nothing is said of what decides success."""
_CELLS = 3  # of a class of failure: with fewer, whatever these cells share would look decisive
_NOTHING = 1e-12  # a variance of rates below this is rounding
_LEVELS = (0.025, 0.975)
_CHANCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much of what all axes explain of a class's rate one axis explains.

    Attributes:
        share: in [0, 1]; the shares of a target sum to 1. All are 0 if the rate does not vary beyond noise.
        low, high: 95 % bootstrap interval of the share.
        chance: a share that an axis without any effect exceeds in 5 % of searches whose cells were drawn at random; 1
            if the rate does not vary. After a sampler that learns, it exceeds this (small) share more often.
        rank_stability: share of bootstrap resamples in which the axis has the same rank as here.
        n_cells: in which the axis is active.
    """

    axis: str
    target: Target
    share: float
    low: float
    high: float
    chance: float
    rank_stability: float
    n_cells: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the share can be told from that of an axis without effect, whatever proposed the cells."""
        return self.share > self.chance and self.low > 0


def importances(
    candidates: Sequence[Candidate], space: Space, *, resamples: int = 200, seed: int = 0
) -> tuple[Importance, ...]:
    """Return the importance of every axis for success and for each class of failure that at least 3 cells have.

    The rate of a cell is its plain share k / n of replicas, which no number of seeds biases; a prior would pull the
    cells of few seeds together, and a race gives few seeds to the bad ones. Replicas that were stopped early count as
    failures of no class. Each cell has the same weight. See :mod:`study.search.anova` for what an axis *explains*;
    what chance explains on average is subtracted, and shares are taken of what is left above 0.

    The bootstrap draws cells, not replicas. A resample holds the noise of the sample and its own, so chance is
    subtracted twice there (Davison & Hinkley 1997, section 2.4: the bias of the bootstrap estimates the bias).

    Args:
        resamples: of the bootstrap, and as many permutations, >= 1.

    Returns:
        For "success", then for the failures in the order of ``Outcome``: all axes, largest share first, those of equal
        share in the order of the space. Empty with fewer than ``FEW`` candidates that have a replica. The order of the
        candidates says nothing.

    Raises:
        ValueError: if ``resamples < 1``.
    """
    if resamples < 1:
        raise ValueError(f"resamples must be >= 1, got {resamples}")
    tried = sorted((own for own in candidates if own.n), key=lambda own: own.cell)
    if len(tried) < FEW:
        return ()
    return tuple(
        found for target in targets(tried) for found in _of_target(tried, space, target, resamples=resamples, seed=seed)
    )


def target_name(target: Target) -> str:
    """``success``, or the failure's name as it is stored."""
    return target.value if isinstance(target, Outcome) else target


def targets(candidates: Sequence[Candidate]) -> tuple[Target, ...]:
    """Return what there is to explain: success, and the failures that at least 3 cells have; empty without cells."""
    failures = [outcome for outcome in Outcome if outcome not in (Outcome.CONVERGED, Outcome.UNDECIDED)]
    seen = [each for each in failures if sum(own.outcomes.get(each, 0) > 0 for own in candidates) >= _CELLS]
    return ("success", *seen) if candidates else ()


def rates(candidates: Sequence[Candidate], target: Target) -> Floats:
    """``[N]``: the share of each cell's replicas that are of the class."""
    outcome = Outcome.CONVERGED if target == "success" else target
    return np.array([own.outcomes.get(outcome, 0) / own.n for own in candidates])


def _of_target(
    candidates: Sequence[Candidate], space: Space, target: Target, *, resamples: int, seed: int
) -> list[Importance]:
    columns, observed = encode(space, candidates), rates(candidates, target)
    rng, cells = np.random.default_rng(seed), len(candidates)
    drawn = rng.multinomial(cells, np.full(cells, 1 / cells), size=resamples).astype(np.float64)
    here, partial = explained(columns, observed, np.ones((1, cells)))
    there, _ = explained(columns, observed, drawn)
    none = by_chance(columns, partial[:, 0], rng, resamples)
    mean = none.mean(axis=1, keepdims=True)
    share, total = _shares(here - mean)
    resampled, _ = _shares(there - 2 * mean)
    low, high = np.quantile(resampled, _LEVELS, axis=1)
    reached = np.quantile(none, _CHANCE, axis=1) - mean[:, 0]
    chance = np.clip(reached / total[0], 0.0, 1.0) if total[0] > 0 else np.ones(len(columns))
    stable = np.mean(_ranks(resampled) == _ranks(share), axis=1)
    found = [
        Importance(
            axis=axis.name,
            target=target,
            share=float(share[row, 0]),
            low=float(low[row]),
            high=float(high[row]),
            chance=float(chance[row]),
            rank_stability=float(stable[row]),
            n_cells=columns[row].active.size,
        )
        for row, axis in enumerate(space.axes)
    ]
    return sorted(found, key=lambda own: -own.share)


def _shares(variances: Floats) -> tuple[Floats, Floats]:
    """``[D, B]`` shares over D axes, 0 where nothing is explained, and the ``[B]`` totals."""
    kept = np.where(variances > _NOTHING, variances, 0.0)
    total = kept.sum(axis=0)
    return kept / np.where(total > 0, total, 1.0), total


def _ranks(shares: Floats) -> Floats:
    """``[D, B]``: how many axes have a larger share."""
    ranks: Floats = (shares[None] > shares[:, None]).sum(axis=1).astype(np.float64)
    return ranks
