"""The statistics of stability as plain functions of counts and arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from study.evidence.inference import confidence_sequences, paired, survival
from study.evidence.inference.multiple import holm
from study.evidence.inference.paired import Pairs
from study.evidence.inference.paired_exact import exact_interval
from study.evidence.inference.proportions import boschloo, clopper_pearson, wilson
from study.evidence.inference.survival import Lifetimes, LogRank, SurvivalCurve

__all__ = [
    "boschloo",
    "clopper_pearson",
    "confidence_sequence",
    "holm",
    "kaplan_meier",
    "logrank",
    "mcnemar",
    "newcombe",
    "paired_difference",
    "wilson",
]


def mcnemar(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return the two-sided exact p-value of the hypothesis that two settings succeed equally often on the same seeds.

    A binomial test against 1/2: of the seeds on which exactly one setting succeeded, on how many was it ``a``
    (McNemar 1947, Psychometrika 12).

    Args:
        a: ``[N]`` truth values: whether the first setting succeeded on seed i.
        b: ``[N]`` truth values of the second setting, on the same seeds.

    Returns:
        p in (0, 1]; 1 if the two never differ.

    Raises:
        ValueError: if the two are not ``[N]`` truth values of one length.

    Examples:
        >>> import study
        >>> study.mcnemar([True] * 10, [False] * 6 + [True] * 4)
        0.03125
    """
    return paired.mcnemar(_pairs(a, b))


def newcombe(a: npt.ArrayLike, b: npt.ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return a confidence interval of the difference of two success rates on the same seeds, a minus b.

    Newcombe 1998, Statistics in Medicine 17:2635, method 10 (for pairs): an approximation, which may leave out 0 where
    :func:`mcnemar` does not reject. :func:`paired_difference` never does.

    Args:
        a: ``[N]`` truth values: whether the first setting succeeded on seed i.
        b: ``[N]`` truth values of the second setting, on the same seeds.
        confidence: in (0, 1).

    Returns:
        Both ends, in [-1, 1]; (-1, 1) if there are no pairs.

    Raises:
        ValueError: if the two are not ``[N]`` truth values of one length, or confidence is not in (0, 1).

    Examples:
        >>> import study
        >>> low, high = study.newcombe([True] * 10, [False] * 6 + [True] * 4)
        >>> round(low, 2), round(high, 2)
        (0.2, 0.83)
    """
    return paired.newcombe_paired(_pairs(a, b), confidence)


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact confidence interval of the difference of two success rates on the same seeds, a minus b.

    It inverts the exact unconditional score test (Hsueh, Liu & Chen 2001, Biometrics 57), with McNemar's exact test at
    difference 0: it leaves out 0 exactly where :func:`mcnemar` is below ``1 - confidence``. With more than 100 pairs it
    is Newcombe's interval, widened to 0 where McNemar's test does not reject.

    Args:
        a: ``[N]`` truth values: whether the first setting succeeded on seed i.
        b: ``[N]`` truth values of the second setting, on the same seeds.
        confidence: in (0, 1).

    Returns:
        Both ends, in [-1, 1]; (-1, 1) if there are no pairs.

    Raises:
        ValueError: if the two are not ``[N]`` truth values of one length, or confidence is not in (0, 1).

    Examples:
        >>> import study
        >>> low, high = study.paired_difference([True] * 10, [False] * 6 + [True] * 4)
        >>> round(low, 2), round(high, 2)
        (0.11, 0.88)
    """
    return exact_interval(_pairs(a, b), confidence)


def confidence_sequence(
    values: Sequence[float], low: float = 0.0, high: float = 1.0, confidence: float = 0.95
) -> tuple[float, float]:
    """Return an interval of the mean that is valid at all times at once, however often one looks.

    Betting on bounded values with the Krichevsky-Trofimov mixture (Waudby-Smith & Ramdas 2024, JRSS B 86, section 4):
    one may look after every seed, and stop for any reason.

    Args:
        values: in order of observation, each in ``[low, high]``; 0 and 1 for failure and success.
        low: smallest possible value.
        high: largest possible value.
        confidence: in (0, 1).

    Returns:
        Both ends; (low, high) if there are no values.

    Raises:
        ValueError: if ``low >= high``, or a value lies outside.

    Examples:
        >>> import study
        >>> low, high = study.confidence_sequence([1, 1, 1, 1, 0, 1, 1, 1, 1, 1])
        >>> round(low, 2), round(high, 2)
        (0.46, 1.0)
    """
    return confidence_sequences.interval(values, low, high, confidence)


def kaplan_meier(time: npt.ArrayLike, failed: npt.ArrayLike, confidence: float = 0.95) -> SurvivalCurve:
    """Estimate the share of replicas that have not failed by each step.

    Kaplan & Meier 1958, JASA 53; the interval is that of ``log(-log S)`` with Greenwood's variance.

    Args:
        time: ``[N]``, at least 0: step of the failure, or the last step at which a replica had not failed.
        failed: ``[N]`` truth values; where false the lifetime is censored.
        confidence: in (0, 1).

    Returns:
        The curve with its interval, a value at time 0 and at each failure or censoring.

    Raises:
        ValueError: if the two differ in length, or a time is negative or not finite.

    Examples:
        >>> import study
        >>> study.kaplan_meier([100, 200, 300, 300], [True, True, False, False]).survival.tolist()
        [1.0, 0.75, 0.5, 0.5]
    """
    return survival.kaplan_meier(_lifetimes(time, failed), confidence=confidence)


def logrank(
    time_a: npt.ArrayLike,
    failed_a: npt.ArrayLike,
    time_b: npt.ArrayLike,
    failed_b: npt.ArrayLike,
    *,
    paired: bool = False,
) -> LogRank:
    """Test whether two settings fail at the same rate over time, by permutation.

    Mantel's statistic (1966, Cancer Chemotherapy Reports 50), compared with its values over all ways to divide the
    replicas between the settings; or, of pairs, over all ways to swap some of them (O'Brien & Fleming 1987, Biometrics
    43). Exact for up to 14 pairs or 8 against 8 replicas, with 19,999 fixed draws beyond.

    Args:
        time_a: ``[N]`` of one setting, as in :func:`kaplan_meier`.
        failed_a: ``[N]`` truth values.
        time_b: ``[M]`` of the other setting.
        failed_b: ``[M]`` truth values.
        paired: whether replica i of both settings ran on the same seed; replicas count as independent otherwise.

    Returns:
        The statistic ``z``, its two-sided ``p``, and the ``least`` p that so many replicas can give.

    Raises:
        ValueError: if times and failures of a setting differ in length, a time is negative or not finite, or paired
            settings differ in length.

    Examples:
        >>> import study
        >>> early, late, failed = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [True] * 5
        >>> found = study.logrank(early, failed, late, failed)
        >>> round(found.p, 4), round(found.least, 4)
        (0.0079, 0.0079)
        >>> study.logrank(early, failed, late, failed, paired=True).p  # five pairs cannot fall below it
        0.0625
    """
    return survival.logrank(_lifetimes(time_a, failed_a), _lifetimes(time_b, failed_b), paired=paired)


def _pairs(a: npt.ArrayLike, b: npt.ArrayLike) -> Pairs:
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"a and b must be [N] of one length, got {list(first.shape)} and {list(second.shape)}")
    for name, values in (("a", first), ("b", second)):
        if values.size and not np.isin(values, (0, 1)).all():
            raise ValueError(f"{name} must hold truth values, got {values[~np.isin(values, (0, 1))][0]}")
    one, other = first.astype(bool), second.astype(bool)
    counts = ((one & other), (one & ~other), (~one & other), (~one & ~other))
    both, only_a, only_b, neither = (int(np.count_nonzero(each)) for each in counts)
    return Pairs(both=both, only_a=only_a, only_b=only_b, neither=neither)


def _lifetimes(time: npt.ArrayLike, failed: npt.ArrayLike) -> Lifetimes:
    return Lifetimes(time=np.asarray(time, dtype=np.float64), failed=np.asarray(failed, dtype=bool))
