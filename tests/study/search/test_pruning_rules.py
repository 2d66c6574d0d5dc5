"""Successive halving and the median rule, against cases worked out by hand; nothing that is not finite gets in."""

from collections.abc import Sequence
from math import inf, nan
from random import Random

import pytest

from study.search.pruning_rules import Asha, Median, Ranking


def ended(rule: Ranking, block: str, steps: Sequence[int], values: Sequence[float]) -> None:
    """A block of an earlier process."""
    for step, value in zip(steps, values, strict=True):
        rule.take(block, step, value)
    rule.end(block)


def test_a_rung_keeps_the_best_third_of_those_recorded_so_far() -> None:
    asha = Asha(10)
    assert not asha.decide("a", 10, 0.1)  # one of one: nothing is known of others
    assert not asha.decide("b", 10, 0.0)
    assert asha.decide("c", 10, 0.05)  # third of three, and one may go on
    assert not asha.decide("d", 10, 0.2)
    assert asha.decide("e", 10, 0.15)  # second of five, and one may go on
    assert not asha.decide("f", 10, 0.15)  # shares the second place of six, and two may go on


def test_a_block_is_judged_once_at_every_rung() -> None:
    asha = Asha(10, reduction=2)
    for name, value in (("a", 0.5), ("b", 0.6), ("c", 0.7)):
        asha.decide(name, 10, value)
    assert not asha.decide("c", 15, 0.0)  # recorded at 10, and 20 is not reached
    assert not asha.decide("c", 20, 0.0)  # alone at 20
    assert asha.decide("a", 20, -0.0) is False
    assert asha.decide("b", 25, 0.0) is False
    assert asha.decide("d", 9, 0.0) is False


def test_only_the_first_report_at_a_rung_is_asked_for() -> None:
    asha = Asha(10)
    assert [asha.wants("a", step) for step in (5, 10)] == [False, True]
    asha.decide("a", 10, 0.5)
    assert [asha.wants("a", step) for step in (10, 20, 30)] == [False, False, True]


def test_a_lower_value_at_a_higher_rung_is_compared_with_that_rung_alone() -> None:
    asha = Asha(10, reduction=2)
    asha.decide("a", 10, 0.9)
    asha.decide("b", 10, 0.9)
    assert not asha.decide("a", 20, 0.1)
    assert asha.decide("b", 20, 0.05)


def test_equal_values_go_on_together() -> None:
    asha = Asha(1)
    assert not any(asha.decide(name, 1, 0.0) for name in "abcdefghi")


def test_halving_keeps_one_of_three_in_the_long_run() -> None:
    rng, asha = Random(0), Asha(1)
    stopped = sum(asha.decide(str(i), 1, rng.random()) for i in range(600))
    assert stopped / 600 == pytest.approx(2 / 3, abs=0.06)


def test_the_median_of_running_means_is_worked_out_by_hand() -> None:
    rule = Median(grace=10, min_samples=3)
    ended(rule, "a", [10, 20], [0.2, 0.4])  # 0.2, 0.3
    ended(rule, "b", [10, 20], [0.4, 0.8])  # 0.4, 0.6
    ended(rule, "c", [10, 20], [0.6, 0.8])  # 0.6, 0.7
    assert not rule.decide("d", 10, 0.4)  # the median is 0.4
    assert rule.decide("d", 20, 0.5)  # best value 0.5, the median is 0.6
    assert rule.decide("e", 10, 0.39)


def test_a_block_is_judged_by_its_best_value() -> None:
    rule = Median(grace=10, min_samples=1)
    ended(rule, "a", [10, 20], [0.5, 0.5])
    assert not rule.decide("b", 10, 0.6)
    assert not rule.decide("b", 20, 0.0)


def test_grace_and_few_others_stop_nothing() -> None:
    rule = Median(grace=20, min_samples=2)
    ended(rule, "a", [10, 20], [0.5, 0.5])
    assert not rule.decide("c", 20, 0.0)
    ended(rule, "b", [10, 20], [0.5, 0.5])
    assert not rule.decide("c", 10, 0.0)
    assert rule.decide("c", 20, 0.0)


def test_a_running_block_counts_once_it_has_reached_the_step_and_an_ended_one_always() -> None:
    rule = Median(grace=0, min_samples=1)
    rule.decide("a", 10, 0.5)
    assert not rule.decide("b", 20, 0.1)
    rule.end("a")
    assert rule.decide("b", 30, 0.1)


def test_dead_blocks_lower_the_median_instead_of_being_left_out() -> None:
    rule = Median(grace=0, min_samples=3)
    for name in "ab":
        ended(rule, name, [10], [0.0])
    ended(rule, "c", [10], [0.9])
    assert not rule.decide("d", 10, 0.1)


def test_a_report_that_comes_again_replaces_the_earlier_one() -> None:
    rule = Median(grace=0, min_samples=1)
    rule.decide("a", 10, 0.9)
    assert rule.decide("b", 10, 0.2)
    rule.decide("a", 10, 0.1)
    assert not rule.decide("b", 10, 0.2)


@pytest.mark.parametrize("make", [lambda: Asha(10, 2), lambda: Median(5, 2)], ids=["asha", "median"])
def test_replayed_blocks_leave_what_they_left_when_they_ran(make: type[Ranking]) -> None:
    rng = Random(1)
    ran, replayed = make(), make()
    series = {str(i): [rng.random() for _ in range(8)] for i in range(20)}
    steps = [5 * (i + 1) for i in range(8)]
    for name, values in series.items():
        for step, value in zip(steps, values, strict=True):
            ran.decide(name, step, value)
        ran.end(name)
        ended(replayed, name, steps, values)
    told = [[rule.decide("new", step, 0.45) for step in steps] for rule in (ran, replayed)]
    assert told[0] == told[1]
    assert any(told[0])


@pytest.mark.parametrize("rule", [Asha(1), Median(0, 1)], ids=["asha", "median"])
@pytest.mark.parametrize("value", [nan, inf, -inf, -0.1, 1.1])
def test_no_other_value_gets_in(rule: Ranking, value: float) -> None:
    with pytest.raises(ValueError, match=r"^value must be in \[0, 1\]"):
        rule.decide("a", 10, value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Asha(0), "min_step must be >= 1, got 0"),
        (lambda: Asha(1, 1), "reduction must be >= 2, got 1"),
        (lambda: Median(-1, 1), "grace must be >= 0, got -1"),
        (lambda: Median(0, 0), "min_samples must be >= 1, got 0"),
    ],
)
def test_numbers_out_of_range_are_refused(make: type[Ranking], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()
