"""Quality of the successes: how good two cells are where they work, with how often they do not.

Everything here is conditional on success. A cell that succeeds rarely may look best among its few successes, so the
shares of failures are part of every comparison, and a better quality is never a reason to call a cell better on its
own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import PermutationMethod, mannwhitneyu, wilcoxon

from study.evidence.inference.proportions import Rate, wilson

Floats = NDArray[np.float64]
Qualities = Sequence[float | None]
"""One entry per seed: the quality of a success, None for a failure."""

_ENUMERATED = 9_999  # splits of two samples: up to here all are tried, which is exact with ties too


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityComparison:
    """Quality among the successes of cell a against those of cell b."""

    test: Literal["Mann-Whitney", "Wilcoxon signed-rank"]
    n_a: int
    """Successes of a that entered the test; the pairs, in a paired one."""
    n_b: int
    failures_a: Rate
    """Share of all seeds of a that failed, those of no quality."""
    failures_b: Rate
    difference: float | None
    """Hodges-Lehmann's estimate of how much larger a is; None where a side has no success."""
    p: float
    """Two-sided; 1 where nothing can be told."""


def independent(a: Qualities, b: Qualities) -> QualityComparison:
    """Mann and Whitney's test that the successes of both cells have one distribution of quality.

    The difference is the median of all ``a_i - b_j``. Exact while all splits can be tried, and without ties up to 8
    successes on one side; from the normal distribution beyond. (Brunner & Munzel's test has no value where
    the samples do not overlap, and needs about 10 successes on each side.)

    Raises:
        ValueError: if a quality is not finite.
    """
    first, second = _successes(a), _successes(b)
    differences = np.subtract.outer(first, second).ravel()
    return QualityComparison(
        test="Mann-Whitney",
        n_a=len(first),
        n_b=len(second),
        failures_a=_failures(a),
        failures_b=_failures(b),
        difference=float(np.median(differences)) if differences.size else None,
        p=_mann_whitney(first, second) if np.any(differences) else 1.0,
    )


def paired(a: Qualities, b: Qualities) -> QualityComparison:
    """Wilcoxon's signed-rank test over the seeds on which both cells succeeded; entry i of a and of b is one seed.

    The difference is the median of the Walsh averages ``(d_i + d_j) / 2``, i <= j, of the differences d. Exact up to 50
    pairs without ties and zeros, and up to 13 with them.

    Raises:
        ValueError: if a and b differ in length, or a quality is not finite.
    """
    if len(a) != len(b):
        raise ValueError(f"a and b must have the same seeds, got {len(a)} and {len(b)}")
    shared = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    differences = _successes([x for x, _ in shared]) - _successes([y for _, y in shared])
    walsh = np.add.outer(differences, differences)[np.triu_indices(len(shared))] / 2
    return QualityComparison(
        test="Wilcoxon signed-rank",
        n_a=len(shared),
        n_b=len(shared),
        failures_a=_failures(a),
        failures_b=_failures(b),
        difference=float(np.median(walsh)) if walsh.size else None,
        p=float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0,
    )


def _mann_whitney(first: Floats, second: Floats) -> float:
    smaller, n = min(len(first), len(second)), len(first) + len(second)
    if smaller > 1 and comb(n, smaller) <= _ENUMERATED:
        p = mannwhitneyu(first, second, method=PermutationMethod(n_resamples=_ENUMERATED)).pvalue
    else:
        p = mannwhitneyu(first, second).pvalue
    return min(1.0, float(p))


def _successes(qualities: Qualities) -> Floats:
    found = [quality for quality in qualities if quality is not None]
    for quality in found:
        if not isfinite(quality):
            raise ValueError(f"quality must be finite, got {quality}")
    return np.array(found, dtype=np.float64)


def _failures(qualities: Qualities) -> Rate:
    return wilson(sum(quality is None for quality in qualities), len(qualities))
