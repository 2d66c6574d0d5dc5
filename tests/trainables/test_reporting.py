"""The steps at which replicas are measured: one in each interval, drawn so that no oscillation stays in step."""

from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.reporting import planned_step, report_steps

plans = given(steps=st.integers(1, 400), every=st.integers(1, 60))


@plans
def test_reports_ascend_from_step_0_to_the_last_as_many_as_there_are_intervals(steps: int, every: int) -> None:
    found = report_steps(steps, every)
    assert all(early < late for early, late in pairwise(found))
    assert (found[0], found[-1], len(found)) == (0, steps, ceil(steps / every) + 1)


@plans
def test_a_report_lies_nearer_to_its_multiple_than_half_an_interval(steps: int, every: int) -> None:
    for k, step in enumerate(report_steps(steps, every)[1:-1], 1):
        assert 2 * abs(step - k * every) < every


@pytest.mark.parametrize("every", [1, 2])
def test_the_shortest_intervals_have_no_room_to_draw(every: int) -> None:
    assert report_steps(7, every) == (*range(0, 7, every), 7)


def test_the_draws_are_a_function_of_the_arguments_alone() -> None:
    """Pinned: a checkpoint, a stored trace and another machine must meet the same steps."""
    assert report_steps(250, 100) == (0, 53, 227, 250)
    assert report_steps(40, 10) == (0, 6, 22, 28, 40)
    np.random.default_rng(3).random()
    report_steps.cache_clear()
    assert report_steps(250, 100) == (0, 53, 227, 250)


@settings(max_examples=30)
@given(steps=st.integers(1, 300), more=st.integers(1, 300), every=st.integers(1, 30))
def test_a_longer_training_has_the_reports_of_a_shorter_one_but_its_last_two(steps: int, more: int, every: int) -> None:
    begin = report_steps(steps, every)[:-2]
    assert report_steps(steps + more, every)[: len(begin)] == begin


@pytest.mark.parametrize("every", [3, 10, 25])
def test_every_step_of_an_interval_is_equally_likely(every: int) -> None:
    """With 2,000 reports; each phase is within 5 standard deviations of its share. At an even distance, half is out."""
    reach = (every - 1) // 2
    phases = [(step + reach) % every for step in report_steps(2_000 * every, every)[1:-1]]
    counts = np.bincount(phases, minlength=every)[: 2 * reach + 1]
    share = 1 / (2 * reach + 1)
    assert counts.sum() == len(phases)
    assert np.abs(counts - share * len(phases)).max() < 5 * np.sqrt(len(phases) * share * (1 - share))


@pytest.mark.parametrize("period", [50, 25, 10])
def test_an_oscillation_in_step_with_the_reports_is_seen_in_both_of_its_states(period: int) -> None:
    """Good for a fifth of the period around its multiples, so that reports at multiples of 50 would all be good."""
    every, steps = 50, 2_500

    def good(step: int) -> bool:
        return (step + period // 10) % period < period // 5

    assert all(good(step) for step in range(0, steps + 1, every))
    seen = [good(step) for step in report_steps(steps, every)[1:]]
    assert 0.05 <= sum(seen) / len(seen) <= 0.5


@plans
def test_a_row_at_a_multiple_stands_for_the_report_of_its_interval(steps: int, every: int) -> None:
    planned = report_steps(steps, every)
    multiples = [*range(0, steps, every), steps]
    assert tuple(planned_step(step, steps, every) for step in multiples) == planned
    assert tuple(planned_step(step, steps, every) for step in planned) == planned


def test_another_step_stands_for_itself() -> None:
    assert [planned_step(step, 250, 100) for step in (101, 199, 300)] == [101, 199, 300]


@pytest.mark.parametrize(("steps", "every", "name"), [(0, 1, "steps"), (1, 0, "every")])
def test_a_plan_of_reports_needs_steps(steps: int, every: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be >= 1, got 0$"):
        report_steps(steps, every)
