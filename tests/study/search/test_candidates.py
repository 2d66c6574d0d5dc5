"""What a sampler is told of a candidate: finite, and more successes are always more."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.design.score import score
from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.search.proposals import told
from study.search.scoring import candidates
from study.storage.records import Status
from study.storage.search_log import read
from tests.study.made_searches import plan, searched

C, N, D = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.DIVERGED
qualities = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@given(st.integers(1, 50), st.data())
def test_one_more_success_is_worth_more_than_any_quality(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert 0 < score(k, n, data.draw(qualities)) < score(k + 1, n, data.draw(qualities)) < 1


@given(st.integers(0, 20), st.integers(0, 20), qualities)
def test_a_score_is_finite(k: int, failures: int, quality: float | None) -> None:
    assert math.isfinite(score(k, k + failures, quality))


def test_quality_breaks_ties() -> None:
    assert score(3, 5, 0.9) > score(3, 5, 0.5) > score(3, 5, None) == score(3, 5, math.nan)


def test_a_middling_quality_makes_it_the_posterior_mean() -> None:
    assert score(7, 10, 0.5) == (7 + 0.5) / (10 + 1)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"successes must be in \[0, 3\], got 4"):
        score(4, 3, None)


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


def test_candidates_are_read_from_records(tmp_path: object) -> None:
    store = searched(tmp_path, plan(blocks=3))  # type: ignore[arg-type]
    records = store.records()
    stopped = [replace(r, status=Status.STOPPED, outcome=Outcome.UNDECIDED) for r in records if r.cell == 1]
    found = candidates([{"lr": 1.0}, {"lr": 2.0}], [*(r for r in records if r.cell == 0), *stopped])
    assert [each.cell for each in found] == [0, 1]
    assert found[1].stopped == found[1].n == len(stopped)
    assert found[0].results == tuple(r.outcome is C for r in records if r.cell == 0)
    assert found[0].point == {"lr": 1.0}


def test_how_near_a_candidate_came_is_the_mean_over_all_of_its_replicas(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=3))
    for found in candidates(read(store.search_path).points, store.records()):
        own = [record for record in store.records() if record.cell == found.cell]
        qualities = [0.0 if record.outcome is D else record.evidence["quality"] for record in own]
        assert found.near == pytest.approx(sum(qualities) / len(own))
        assert found.near > 0 or set(found.outcomes) == {D}


def test_what_is_expected_is_jeffreys_mean_whatever_the_quality() -> None:
    assert made().expected == made(quality=0.0).expected == (2 + 0.5) / (3 + 1)
