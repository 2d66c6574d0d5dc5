"""Deciding many traces by many rules at once gives what ``decide`` gives one by one."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.evidence.redecision import outcomes
from study.outcomes.course import OUTCOMES
from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, THRESHOLDS, OutcomeRule, changed, plausible
from tests.study.evidence.varied_traces import RING, some_trace, with_gaps
from tests.study.made_traces import REFERENCE, any_traces, from_rows, rows_of
from trainables.trace import ReplicaTrace

READ_RULE = replace(IMAGE_RULE, name="read", label_accuracy_min=0.8)
CLASSIFIER_RULE = replace(IMAGE_RULE, name="classifier", classification_error_max=0.13)
RULES = {"ring": MIXTURE_RULE, "image": IMAGE_RULE, "read": READ_RULE, "classifier": CLASSIFIER_RULE}


def at_once(traces: Sequence[ReplicaTrace], rules: Sequence[OutcomeRule]) -> list[list[Outcome]]:
    return [[OUTCOMES[code] for code in row] for row in outcomes(traces, rules)]


def one_by_one(traces: Sequence[ReplicaTrace], rules: Sequence[OutcomeRule]) -> list[list[Outcome]]:
    return [[decide(trace, rule).outcome for rule in rules] for trace in traces]


def some_rules(rng: np.random.Generator, rule: OutcomeRule, count: int = 12) -> list[OutcomeRule]:
    """The rule, and others with up to three thresholds elsewhere in their plausible ranges."""
    found = [rule]
    while len(found) < count:
        names = rng.choice([name for name in THRESHOLDS if plausible(rule, name)], rng.integers(1, 4), replace=False)
        values = {name: plausible(rule, name)[rng.integers(len(plausible(rule, name)))] for name in names}
        found += [other for other in [changed(rule, values)] if other is not None]
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), kind=st.sampled_from(list(RULES)))
def test_all_at_once_is_one_by_one(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    traces = [with_gaps(rng, some_trace(rng, "ring" if kind == "ring" else "image")) for _ in range(8)]
    rules = some_rules(rng, RULES[kind])
    assert at_once(traces, rules) == one_by_one(traces, rules)


@settings(max_examples=40, deadline=None)
@given(traces=st.lists(any_traces(), max_size=4), seed=st.integers(0, 99), kind=st.sampled_from(["ring", "image"]))
def test_traces_of_any_values_too(traces: list[ReplicaTrace], seed: int, kind: str) -> None:
    rules = some_rules(np.random.default_rng(seed), RULES[kind], 4)
    assert at_once(traces, rules) == one_by_one(traces, rules)


@pytest.mark.parametrize("rows", range(4, 10))
def test_hopping_is_that_of_each_trace_also_where_they_are_short(rows: int) -> None:
    """Traces with fewer rows than two windows hop within one, whatever the number that is decided at once."""
    rng = np.random.default_rng(rows)
    made = [rows_of("G" * (rows - 1), "mixture") for _ in range(40)]
    for row in (row for own in made for row in own[1:]):
        row["mode_share_eighth"] = 0.9 / 6 * rng.permutation([1.0] * 6 + [0.0] * 2)
    reference = {**REFERENCE["mixture"], "mode_weights": np.full(8, 1 / 8)}
    traces = [replace(from_rows(own, "mixture"), reference=reference) for own in made]
    found = at_once(traces, [MIXTURE_RULE])
    assert found == one_by_one(traces, [MIXTURE_RULE])
    assert [Outcome.MODE_HOPPING] in found


@pytest.mark.parametrize("kind", ["ring", "image", "classifier"])
def test_the_random_traces_reach_every_outcome_that_there_is(kind: str) -> None:
    rng = np.random.default_rng(0)
    traces = [some_trace(rng, "ring" if kind == "ring" else "image") for _ in range(400)]
    found = {own for row in at_once(traces, some_rules(rng, RULES[kind])) for own in row}
    apart = {
        "ring": {Outcome.MEMORIZED},
        "image": set(),
        "classifier": {Outcome.MEMORIZED, Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE, Outcome.MODE_HOPPING},
    }[kind]
    assert found == set(Outcome) - apart


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_trace_without_rows_or_snapshots_is_decided_like_one_by_one(count: int) -> None:
    columns = {"step": np.zeros(count, dtype=np.int64)} if count else {}
    empty = ReplicaTrace(seed=0, columns=columns, reference=RING)
    assert at_once([empty], [MIXTURE_RULE]) == one_by_one([empty], [MIXTURE_RULE]) == [[Outcome.UNDECIDED]]


def test_a_rule_of_an_older_edition_decides_nothing() -> None:
    trace = some_trace(np.random.default_rng(0), "ring")
    rules = [MIXTURE_RULE, replace(MIXTURE_RULE, edition=1)]
    (row,) = at_once([trace], rules)
    assert row == [decide(trace, MIXTURE_RULE).outcome, Outcome.UNDECIDED]
    assert row[0] is not Outcome.UNDECIDED


@pytest.mark.parametrize(
    ("change", "columns", "expected"),
    [
        ({"loss_bound": 1e5}, {"d_loss": 2e4}, [True, False]),
        ({"loss_bound": 1e3}, {"d_loss": 2e3}, [False, True]),
        ({"window": 6}, {"d_loss": [2e4] * 4 + [0.5]}, [True, False]),
        ({"grad_norm_bound": 1e5}, {"d_loss": np.inf}, [True, True]),
    ],
)
def test_bounds_and_windows_move_what_blows_up(
    change: Mapping[str, Any], columns: Mapping[str, Any], expected: list[bool]
) -> None:
    rng = np.random.default_rng(1)
    base = next(own for own in (some_trace(rng, "ring") for _ in range(99)) if len(own) > 10)
    loss = np.resize(np.asarray(columns["d_loss"], dtype=float), len(base))
    trace = replace(base, columns=base.columns | {"d_loss": loss, "g_grad_norm": np.ones(len(base))})
    (row,) = at_once([trace], [MIXTURE_RULE, replace(MIXTURE_RULE, **change)])
    assert [own is Outcome.DIVERGED for own in row] == expected


def test_hundreds_of_replicas_by_hundreds_of_rules_take_seconds() -> None:
    rng = np.random.default_rng(0)
    steps = 61
    base = next(own for own in (some_trace(rng, "ring") for _ in range(99)) if len(own) == 13)
    columns = {name: np.resize(values, (steps, *values.shape[1:])) for name, values in base.columns.items()}
    columns |= {"step": 100 * np.arange(steps), "d_loss": np.full(steps, 0.5), "g_grad_norm": np.ones(steps)}
    traces = [ReplicaTrace(seed=seed, columns=columns, reference=RING) for seed in range(720)]
    rules = some_rules(rng, MIXTURE_RULE, 150)
    began = time.process_time()
    outcomes(traces, rules)
    assert time.process_time() - began < 20  # 2 to 3 s; one by one 6 minutes
