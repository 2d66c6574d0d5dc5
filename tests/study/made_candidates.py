"""Candidates made up for figures of a search: three points, of which two converged at all."""

from collections import Counter

from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate

C, M = Outcome.CONVERGED, Outcome.MODE_COLLAPSED


def candidate(cell: int, successes: int, n: int, **point: str | float) -> Candidate:
    outcomes = Counter({C: successes, M: n - successes})
    return Candidate(
        cell=cell,
        name=f"#{cell}",
        point=point,
        outcomes=outcomes,
        results=(True,) * successes + (False,) * (n - successes),
    )


FOUND = [
    candidate(3, 4, 4, optimizer="adam", lr=1e-3, beta1=0.5),
    candidate(1, 1, 2, optimizer="adam", lr=1e-2, beta1=0.1),
    candidate(2, 0, 2, optimizer="sgd", lr=1e-5),
]
