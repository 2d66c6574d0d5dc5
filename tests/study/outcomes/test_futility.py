"""What is certain of a replica before its training ends, held against every way in which it might go on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from study.outcomes.decision import decide
from study.outcomes.futility import FutilityMonitor, is_futile, reports
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE, OutcomeRule
from tests.study.made_traces import (
    EVERY,
    HEALTH,
    KINDS,
    REFERENCE,
    ROWS,
    RULES,
    WEIGHTS,
    any_traces,
    from_rows,
    mixture,
    rows_of,
)
from trainables.reporting import report_steps
from trainables.trace import ReplicaTrace

LETTERS = "GCPU"
STEADY = st.sampled_from([0.5, 0.9, 1.0])
BROKEN: Mapping[str, Mapping[str, Any]] = {"D": {"finite": False}, "B": {"d_loss": 1e6}, "I": {"g_grad_norm": inf}}
"""Non-finite by the flag, a loss out of bounds, and a norm that is infinite."""
RULE = replace(MIXTURE_RULE, window=2, tolerated_alternations=1, steadiness_min=1.0)


def course_of(letters: str, kind: str = "mixture") -> list[dict[str, Any]]:
    rows = rows_of("".join("G" if x in BROKEN else x for x in letters), kind)
    return [row | dict(BROKEN.get(x, {})) for row, x in zip(rows, "U" + letters, strict=True)]


def trace_of(letters: str, kind: str = "mixture") -> ReplicaTrace:
    return from_rows(course_of(letters, kind), kind)


def some_of(letters: str, seen: Sequence[bool]) -> ReplicaTrace:
    """``seen`` says which rows were, that of step 0 first."""
    rows = [row for row, there in zip(course_of(letters), seen, strict=False) if there]
    return from_rows(rows, "mixture")


def lost(letters: str, planned: int, rule: OutcomeRule = RULE, kind: str = "mixture") -> bool:
    return is_futile(trace_of(letters, kind), rule, planned * EVERY, EVERY)


def converges(letters: str, rule: OutcomeRule = RULE, kind: str = "mixture") -> bool:
    return decide(trace_of(letters, kind), rule).outcome is Outcome.CONVERGED


def assert_sharp(planned: int, rule: OutcomeRule, kind: str, letters: str) -> None:
    """Every partial trace is lost if and only if all its continuations fail, each of them decided."""
    ends = {"".join(ways): converges("".join(ways), rule, kind) for ways in product(letters, repeat=planned)}
    for count in range(planned + 1):
        for begin in map("".join, product(letters, repeat=count)):
            hope = any(good for whole, good in ends.items() if whole.startswith(begin))
            assert lost(begin, planned, rule, kind) is not hope, begin


@pytest.mark.parametrize(("window", "tolerated"), [(1, 1), (2, 0)])
def test_lost_is_exactly_when_no_continuation_converges(window: int, tolerated: int) -> None:
    assert_sharp(4, replace(RULE, window=window, tolerated_alternations=tolerated), "mixture", "GCP")


def test_lost_is_exact_with_rows_out_of_bounds_and_a_window_longer_than_the_plan() -> None:
    assert_sharp(3, replace(RULE, window=2), "image", "GCPBD")
    assert_sharp(2, replace(RULE, window=4), "image", "GCPBD")


@pytest.mark.slow
@pytest.mark.parametrize(("window", "tolerated"), [(1, 1), (2, 0), (2, 1), (3, 1)])
def test_lost_is_exact_on_longer_plans(window: int, tolerated: int) -> None:
    assert_sharp(7, replace(RULE, window=window, tolerated_alternations=tolerated), "mixture", "GCP")


@settings(max_examples=40)
@given(
    kind=st.sampled_from(KINDS),
    letters=st.text(LETTERS + "B", max_size=14),
    left=st.integers(0, 6),
    window=st.integers(1, 4),
    tolerated=st.integers(0, 3),
    data=st.data(),
)
def test_long_courses_are_lost_if_and_only_if_the_best_that_may_come_fails(
    kind: str, letters: str, left: int, window: int, tolerated: int, data: st.DataObject
) -> None:
    rule = replace(RULES[kind], window=window, tolerated_alternations=tolerated, steadiness_min=data.draw(STEADY))
    found = lost(letters, max(1, len(letters) + left), rule, kind)
    left = max(left, 1 - len(letters))
    assert found is not converges(letters + left * "G", rule, kind)
    other = data.draw(st.text(LETTERS + "BD", min_size=left, max_size=left))
    assert not (found and converges(letters + other, rule, kind))


@pytest.mark.parametrize("broken", ["D", "I"])
def test_a_number_that_is_not_finite_is_lost_at_once(broken: str) -> None:
    assert not lost("GG", 100)
    assert lost("GG" + broken, 100)


def test_out_of_bounds_is_lost_after_a_whole_window_of_the_plan() -> None:
    assert not lost("B", 100)
    assert not lost("BGB", 100)
    assert lost("GBB", 100)
    assert lost("B", 1)


def test_a_bad_snapshot_is_lost_as_soon_as_it_lies_in_the_last_window() -> None:
    assert not lost("PGP", 5)
    assert lost("PGP", 4)


def test_too_many_alternations_are_lost_however_much_is_left() -> None:
    assert lost("GGCC", 1_000)  # two at the least, in the end, and one is tolerated
    assert not lost("GGCC", 1_000, replace(RULE, tolerated_alternations=2))
    assert lost("GGCCGGCC", 1_000, replace(RULE, tolerated_alternations=3))


def test_without_room_above_the_untrained_quality_nothing_can_be_good() -> None:
    rows = course_of("")
    high = {**rows[0], **mixture(0.95 * WEIGHTS, 0.97, 0.1)}
    assert is_futile(from_rows([high], "mixture"), RULE, 10 * EVERY, EVERY)
    assert not is_futile(from_rows(rows, "mixture"), RULE, 10 * EVERY, EVERY)


def test_a_classifier_is_lost_by_its_own_criterion() -> None:
    rule = replace(RULE, classification_error_max=0.1)
    rows = [{"step": step, **HEALTH, "classification_error": x} for step, x in zip((0, 1, 2), (0.9, 0.05, 0.3))]  # noqa: B905
    assert not is_futile(from_rows(rows, "image"), rule, 4, 1)
    assert is_futile(from_rows(rows, "image"), rule, 3, 1)
    assert is_futile(from_rows([rows[0] | {"classification_error": 0.05}], "image"), rule, 3, 1)


def test_nothing_seen_is_not_lost() -> None:
    assert not is_futile(from_rows([], "mixture"), RULE, 300, EVERY)
    assert not lost("", 3)


@pytest.mark.parametrize(("planned", "every"), [(250, 100), (300, 100), (5, 100), (7, 2)])
def test_the_plan_has_all_reports_but_that_of_step_0(planned: int, every: int) -> None:
    assert (0, *reports(planned, every).tolist()) == report_steps(planned, every)


@pytest.mark.parametrize("letters", ["GGCCG", "GGGGP", "PPPGG", "GGPGG", "PPPGC", "CCGG", "GPP"])
def test_only_the_number_of_a_report_counts_and_not_where_it_was_drawn(letters: str) -> None:
    drawn = report_steps(5 * 100, 100)
    rows = [row | {"step": step} for row, step in zip(course_of(letters), drawn, strict=False)]
    assert [row["step"] for row in rows] != [100 * i for i in range(len(rows))]
    assert is_futile(from_rows(rows, "mixture"), RULE, 5 * 100, 100) is lost(letters, 5)


@pytest.mark.parametrize(("planned", "every", "name"), [(0, 1, "steps"), (1, 0, "every")])
def test_a_plan_needs_steps(planned: int, every: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be >= 1, got 0$"):
        reports(planned, every)


@pytest.mark.parametrize("planned", [5, 4])
def test_a_step_that_is_no_report_of_the_plan_is_refused(planned: int) -> None:
    with pytest.raises(ValueError, match=f"^step must be a report of the plan, up to {planned}, got 6$"):
        is_futile(trace_of("GGG"), RULE, planned, EVERY)


@settings(max_examples=40)
@given(
    letters=st.text(LETTERS + "B", min_size=3, max_size=12).map(lambda text: text + "GGG"),
    seen=st.lists(st.booleans(), min_size=16, max_size=16),
    window=st.integers(1, 3),
)
def test_no_part_of_a_converged_trace_is_lost(letters: str, seen: list[bool], window: int) -> None:
    rule = replace(RULE, window=window, tolerated_alternations=2)
    if converges(letters, rule):
        assert not is_futile(some_of(letters, seen), rule, len(letters) * EVERY, EVERY)


def test_without_its_first_reports_a_replica_is_lost_exactly_when_no_past_and_future_converge() -> None:
    planned, missing = 5, 2
    for rest in (text for n in range(1, 4) for text in map("".join, product("GCP", repeat=n))):
        wholes = (
            "".join(before) + rest + after * (planned - missing - len(rest))
            for before in product("GCP", repeat=missing)
            for after in "GP"
        )
        seen = [True, *missing * [False], *len(rest) * [True]]
        found = is_futile(some_of(missing * "P" + rest, seen), RULE, planned * EVERY, EVERY)
        assert found is not any(map(converges, wholes)), rest


def test_what_is_missing_may_lie_in_the_last_window() -> None:
    seen = [True, *4 * [False], True]
    assert not is_futile(some_of("PPPPG", seen), RULE, 5 * EVERY, EVERY)
    assert is_futile(some_of("PPPPP", seen), RULE, 5 * EVERY, EVERY)


def test_a_lapse_is_not_lost_while_enough_good_rows_may_follow() -> None:
    rule = replace(RULE, steadiness_min=0.9)
    assert not lost("GGCC", 30, rule)
    assert lost("GGCC", 15, rule)


def test_without_step_0_alternations_do_not_count() -> None:
    seen = [False, *8 * [True]]
    assert lost("GGCCGGCC", 50)
    assert not is_futile(some_of("GGCCGGCC", seen), RULE, 50 * EVERY, EVERY)
    assert is_futile(some_of("GGCCGGCC", seen), RULE, 9 * EVERY, EVERY)


def test_reports_out_of_bounds_on_both_sides_of_a_gap_are_no_window() -> None:
    assert lost("GBB", 50)
    assert not is_futile(some_of("GBGB", [True, True, True, False, True]), RULE, 50 * EVERY, EVERY)
    assert is_futile(some_of("BBGG", [True, True, True, False, True]), RULE, 50 * EVERY, EVERY)


@settings(max_examples=40)
@given(any_traces())
def test_every_trace_is_lost_or_not(trace: ReplicaTrace) -> None:
    assert is_futile(trace, RULE, 9, 1) in (True, False)


@settings(max_examples=25)
@given(
    letters=st.text(LETTERS + "B", min_size=1, max_size=10),
    first=st.integers(0, 3),
    sizes=st.lists(st.integers(1, 3), min_size=11, max_size=11),
)
@example(letters="PGGCC", first=0, sizes=[1] * 11)
@example(letters="PPGBB", first=0, sizes=[1] * 11)
def test_report_by_report_says_what_the_whole_says(letters: str, first: int, sizes: list[int]) -> None:
    rows, planned = course_of(letters)[first:], (len(letters) + 2) * EVERY
    outlook = FutilityMonitor(RULE, planned, EVERY, REFERENCE["mixture"])
    at = 0
    for size in sizes:
        outlook.add(rows[at : at + size])
        at += size
        assert outlook.lost is is_futile(from_rows(rows[:at], "mixture"), RULE, planned, EVERY)


def test_a_worker_that_goes_back_to_its_checkpoint_is_believed() -> None:
    outlook = FutilityMonitor(RULE, 10 * EVERY, EVERY, REFERENCE["mixture"])
    outlook.add(course_of("PPPCC"))
    assert not outlook.lost
    outlook.add(course_of("GG")[1:])
    assert not outlook.lost  # as it would be, had the collapse come after
    outlook.add(course_of("GGCC")[3:])
    assert outlook.lost


def test_rows_that_nobody_asked_about_are_replaced_like_those_seen() -> None:
    outlook = FutilityMonitor(RULE, 10 * EVERY, EVERY, REFERENCE["mixture"])
    outlook.add(course_of("GGCC"))
    outlook.add(course_of("G")[1:])
    assert not outlook.lost


@pytest.mark.parametrize(
    ("letters", "quality"), [("", 0.0), ("P", 0.3), ("G", 0.9), ("GC", 0.0), ("GB", 0.9), ("GBB", 0.0), ("GD", 0.0)]
)
def test_the_current_quality_is_that_of_the_latest_snapshot_and_nothing_for_a_dead_or_collapsed_one(
    letters: str, quality: float
) -> None:
    outlook = FutilityMonitor(RULE, 100 * EVERY, EVERY, REFERENCE["mixture"])
    outlook.add(course_of(letters))
    assert outlook.quality == pytest.approx(quality)


@pytest.mark.parametrize("value", [nan, None, inf, -inf, 7.0, -3.0])
def test_quality_stays_in_its_range_whatever_is_measured(value: float | None) -> None:
    outlook = FutilityMonitor(RULES["image"], 100 * EVERY, EVERY, REFERENCE["image"])
    rows = rows_of("P", "image")
    rows[1]["frechet_classifier"] = value
    outlook.add(rows)
    assert 0 <= outlook.quality <= 1
    assert np.isfinite(outlook.quality)


def test_quality_of_images_is_that_of_the_rule() -> None:
    outlook = FutilityMonitor(RULES["image"], 100 * EVERY, EVERY, REFERENCE["image"])
    outlook.add(rows_of("PG", "image"))
    assert outlook.quality == pytest.approx(1 - ROWS["image"]["G"]["frechet_classifier"] / 100)
