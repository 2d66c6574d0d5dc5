"""The race over seeds: who may go on, and who does."""

from collections.abc import Container
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.outcomes.outcome import Outcome
from study.search import race
from study.search.candidates import Candidate

C, D = Outcome.CONVERGED, Outcome.DIVERGED


def runner(cell: int, results: str) -> Candidate:
    """``runner(0, "110")``: two successes, then a failure."""
    own = tuple(result == "1" for result in results)
    return Candidate(cell=cell, name=str(cell), point={}, outcomes={C: sum(own), D: len(own) - sum(own)}, results=own)


def chosen(*results: str, most: int = 20, busy: Container[int] = ()) -> int | None:
    found = race.challenger([runner(i, own) for i, own in enumerate(results)], most=most, busy=busy)
    return None if found is None else found.cell


def test_nobody_races_alone_among_nobody() -> None:
    assert chosen() is None


def test_the_incumbent_has_shown_most() -> None:
    best = race.incumbent([runner(0, "11"), runner(1, "1111111101"), runner(2, "0000")])
    assert best is not None
    assert best.cell == 1


def test_who_is_told_apart_from_the_incumbent_gets_no_more_seeds() -> None:
    assert race.interval(runner(0, "0" * 8))[1] < race.interval(runner(1, "1" * 20))[0]
    found = race.challenger([runner(0, "0" * 8), runner(1, "1" * 20)], most=40, busy={1}, likely=0.0)
    assert found is None


def test_a_candidate_that_may_be_better_catches_up_with_the_incumbent() -> None:
    assert chosen("1111111101", "11") == 1


def test_where_nothing_succeeds_nothing_races() -> None:
    assert chosen("00", "00", "00") is None


def test_at_equal_seeds_the_incumbent_goes_first() -> None:
    assert chosen("1111", "1111") == 0


def test_a_candidate_that_trains_waits() -> None:
    assert chosen("1111111101", "11", busy={1}) != 1


def test_without_a_rival_the_incumbent_gets_half_of_the_most() -> None:
    assert chosen("1" * 9, most=20) == 0
    assert chosen("1" * 10, most=20) is None


def test_nobody_exceeds_the_most() -> None:
    assert chosen("1111", "1111", most=4) is None


@pytest.mark.parametrize(("one", "other"), [("11", "1111111101"), ("10", "11"), ("0000", "1111")])
def test_better_is_a_probability_and_antisymmetric(one: str, other: str) -> None:
    p, q = race.better(runner(0, one), runner(1, other)), race.better(runner(1, other), runner(0, one))
    assert 0 <= p <= 1
    assert p + q == pytest.approx(1, abs=0.02)


def test_better_is_right_where_it_is_known() -> None:
    # Beta(1.5, 0.5) above Beta(0.5, 1.5): by numeric integration 0.8634 (scipy.integrate.quad)
    from scipy.integrate import quad
    from scipy.stats import beta

    exact = quad(lambda x: beta.pdf(x, 1.5, 0.5) * beta.cdf(x, 0.5, 1.5), 0, 1)[0]
    assert race.better(runner(0, "1"), runner(1, "0")) == pytest.approx(exact, abs=0.01)


def of_quality(cell: int, results: str, quality: float | None) -> Candidate:
    return replace(runner(cell, results), quality=quality)


def test_with_quality_as_the_goal_the_best_of_the_reliable_ones_leads() -> None:
    found = [of_quality(0, "1111111111", 0.7), of_quality(1, "1111111110", 0.8), of_quality(2, "1000000000", 0.99)]
    best = race.leader(found, "quality", 0.8)
    assert best is not None
    assert best.cell == 1


def test_one_lucky_seed_of_high_quality_meets_no_floor() -> None:
    found = [of_quality(0, "1" * 19 + "0", 0.8), of_quality(1, "1", 1.0)]
    assert race.best(found, "quality", 0.8) is found[0]
    assert race.best(found, "quality", 0.7) is found[1]


def test_without_a_reliable_one_what_has_shown_most_leads() -> None:
    found = [of_quality(0, "10", 0.7), of_quality(1, "1110", 0.6)]
    best = race.leader(found, "quality", 0.8)
    assert best is not None
    assert best.cell == 1


def test_nothing_leads_where_nothing_succeeds() -> None:
    assert race.leader([runner(0, "00")], "success", 0.8) is None


@given(st.lists(st.tuples(st.text("01", min_size=1, max_size=6), st.sampled_from([0.2, 0.5, 0.8])), max_size=8))
def test_the_front_is_what_nobody_beats_in_score_and_quality_at_once(drawn: list[tuple[str, float]]) -> None:
    found = [of_quality(i, r, q if "1" in r else None) for i, (r, q) in enumerate(drawn)]
    able = [own for own in found if own.quality is not None]
    pairs = {(own.score, own.quality or 0.0) for own in able}
    ahead = {(s, q) for s, q in pairs if not any(t >= s and p >= q and (t, p) != (s, q) for t, p in pairs)}
    front = race.front(found)
    assert [own.score for own in front] == sorted((own.score for own in front), reverse=True)
    assert {(own.score, own.quality) for own in front} == ahead
    assert len(front) == len(ahead), "of equal candidates the earliest"


def test_with_quality_as_the_goal_the_finer_one_races_while_it_may_be_reliable() -> None:
    found = [of_quality(0, "1111111111", 0.7), of_quality(1, "11", 0.9), of_quality(2, "0000000001", 0.99)]
    rival = race.challenger(found, most=20, busy=(), goal="quality", floor=0.8)
    assert rival is not None
    assert rival.cell == 1


@pytest.mark.parametrize(
    ("results", "has_left"),
    [("1111", False), ("11111111", True), ("0000", True), ("1000", True), ("11", False)],
)
def test_a_candidate_leaves_the_race_with_all_its_seeds_or_without_a_hope(results: str, has_left: bool) -> None:
    assert race.left(runner(0, results), runner(1, "1111111"), most=8) is has_left


def test_the_best_has_not_left() -> None:
    best = runner(0, "1000")
    assert not race.left(best, best, most=8)
