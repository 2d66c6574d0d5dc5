"""The race over seeds: which candidate gets the next block, and when a new one is wanted instead.

A candidate starts with one block. The *incumbent* is the candidate with the highest lower end of the anytime interval
of its success rate. Another candidate may get a further block only while its anytime interval overlaps the incumbent's,
that is, while the evidence does not separate the two at any moment (Hoeffding races, Maron & Moore 1994, with the
betting intervals of ``evidence.inference.confidence_sequences``). Among these candidates the block goes to the one that
is most probably better than the incumbent. New candidates get at least every second block, so that a race between good
candidates never ends the search (SMAC shares the time equally, too: Hutter et al. 2011).
"""

from collections.abc import Container, Sequence
from functools import lru_cache
from itertools import accumulate
from math import inf

import numpy as np
from scipy.stats import beta

from study.design.search import Goal
from study.evidence.inference import confidence_sequences
from study.search.candidates import Candidate

LIKELY = 0.25
"""A challenger gets a block while it is better than the incumbent with at least this probability."""
_NODES = (np.arange(64) + 0.5) / 64


def interval(candidate: Candidate) -> tuple[float, float]:
    """Return the anytime 95 % interval of a candidate's success rate; (0, 1) without replicas."""
    return _interval(candidate.results)


def incumbent(candidates: Sequence[Candidate]) -> Candidate | None:
    """Return the incumbent: highest lower end of the interval; among equals the higher score, then the earlier one."""
    return max(candidates, key=_shown, default=None)


def ranked(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Sort the candidates, the one that has shown most first."""
    return sorted(candidates, key=_shown, reverse=True)


def best(candidates: Sequence[Candidate], goal: Goal, floor: float) -> Candidate | None:
    """Return the incumbent; with the goal ``quality`` the best quality with an expected rate >= floor, if any."""
    able = [each for each in candidates if goal == "quality" and each.quality is not None and each.expected >= floor]
    return max(able, key=lambda each: (each.quality or 0.0, each.score), default=None) or incumbent(candidates)


def leader(candidates: Sequence[Candidate], goal: Goal, floor: float) -> Candidate | None:
    """Return the best candidate, which is to be confirmed; None if it has no success."""
    found = best(candidates, goal, floor)
    return found if found is not None and found.successes else None


def front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the Pareto front of score and quality, best score first."""
    able = sorted((own for own in candidates if own.quality is not None), key=_paired, reverse=True)
    before = [-inf, *accumulate((own.quality or 0.0 for own in able), max)]
    return [own for own, known in zip(able, before, strict=False) if (own.quality or 0.0) > known]


def challenger(
    candidates: Sequence[Candidate],
    *,
    most: int,
    busy: Container[int],
    goal: Goal = "success",
    floor: float = 0.0,
    likely: float = LIKELY,
) -> Candidate | None:
    """Return the candidate that gets the next block of the race; None if a new one should.

    With the goal ``quality`` a rival is one whose successes are of higher quality than the leader's and whose interval
    does not lie below the floor.

    Args:
        candidates: those with at least one replica that has ended.
        most: seeds that no candidate exceeds.
        busy: cells that get no block now, whatever they have shown: they are being trained, or have all their blocks.
        likely: the least probability of being better than the incumbent.
    """
    first = leader(candidates, goal, floor)
    if first is None:
        return None  # nothing to be better than: a new candidate says more than further seeds of a failure
    free = [each for each in candidates if each.n < most and each.cell not in busy]
    others = [each for each in free if each.cell != first.cell]
    rival = _finer(others, first, floor) if goal == "quality" else _likelier(others, first, likely)
    if rival is not None:
        return rival if rival.n < first.n or first not in free else first
    return first if first in free and first.n < most // 2 else None


def _likelier(others: Sequence[Candidate], best: Candidate, likely: float) -> Candidate | None:
    low = interval(best)[0]
    rivals = [each for each in others if interval(each)[1] >= low and better(each, best) >= likely]
    return max(rivals, key=lambda each: (better(each, best), each.score, -each.cell), default=None)


def _finer(others: Sequence[Candidate], best: Candidate, floor: float) -> Candidate | None:
    known = best.quality or 0.0
    rivals = [each for each in others if (each.quality or 0.0) > known and interval(each)[1] >= floor]
    return max(rivals, key=lambda each: (each.quality or 0.0, each.score, -each.cell), default=None)


def left(candidate: Candidate, best: Candidate | None, most: int) -> bool:
    """Whether a candidate has left the race for the success rate, as things stand; a leader that falls may let it back.

    It has all its seeds, or no success, or is hardly better than the best.
    """
    if candidate.n >= most or candidate.successes == 0:
        return True
    return best is not None and best.cell != candidate.cell and better(candidate, best) < LIKELY


def better(one: Candidate, other: Candidate) -> float:
    """Return the probability that one's success rate is above the other's, under independent Jeffreys priors."""
    return _better(one.successes, one.n, other.successes, other.n)


def _paired(candidate: Candidate) -> tuple[float, float, int]:
    return candidate.score, candidate.quality or 0.0, -candidate.cell


def _shown(candidate: Candidate) -> tuple[float, float, int]:
    return interval(candidate)[0], candidate.score, -candidate.cell


@lru_cache(maxsize=100_000)
def _better(k: int, n: int, successes: int, of: int) -> float:
    """``P(X > Y)``: the mean of X's upper tail over 64 even quantiles of Y."""
    there = beta.ppf(_NODES, successes + 0.5, of - successes + 0.5)
    return float(np.mean(beta.sf(there, k + 0.5, n - k + 0.5)))


@lru_cache(maxsize=100_000)
def _interval(results: tuple[bool, ...]) -> tuple[float, float]:
    return confidence_sequences.interval([float(result) for result in results])
