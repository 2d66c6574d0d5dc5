"""What a sampler is told of a candidate: finite, and more successes are always more."""

import pytest

from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.search.proposals import told

C, N, D = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.DIVERGED


def made(**fields: object) -> Candidate:
    values: dict[str, object] = {"cell": 0, "name": "a", "point": {}, "outcomes": {C: 2, D: 1}}
    return Candidate(**{**values, **fields})  # type: ignore[arg-type]


def test_stopped_replicas_are_failures() -> None:
    with_stopped = made(stopped=3)
    assert (with_stopped.n, with_stopped.successes) == (6, 2)
    assert with_stopped.score < made().score


def test_where_none_succeeds_those_that_came_near_go_first() -> None:
    assert made(outcomes={N: 3}, near=0.6).score > made(outcomes={D: 3}, near=0.0).score
    assert made(outcomes={N: 3}, near=1.0).score < made(outcomes={C: 1, D: 2}).score


@pytest.mark.parametrize(("goal", "values"), [("success", 1), ("quality", 1), ("both", 2)])
def test_all_that_is_told_lies_between_0_and_1(goal: object, values: int) -> None:
    for candidate in (made(), made(quality=7.0), made(outcomes={D: 4}), made(quality=-1.0)):
        numbers = told(goal, candidate)  # type: ignore[arg-type]
        assert len(numbers) == values
        assert all(0 <= number <= 1 for number in numbers)


def test_what_is_expected_is_jeffreys_mean_whatever_the_quality() -> None:
    assert made().expected == made(quality=0.0).expected == (2 + 0.5) / (3 + 1)
