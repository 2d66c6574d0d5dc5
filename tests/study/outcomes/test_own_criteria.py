"""Criteria of the user's own, on any column of a trace."""

from dataclasses import replace

import numpy as np
import pytest

from study.design.parsing import assign_flat
from study.outcomes.decision import Decision, decide, undecidable
from study.outcomes.futility import _with_best
from study.outcomes.measures import criteria_of, measure, missed
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE, OutcomeRule, OwnCriterion
from study.outcomes.snapshots import judge
from study.report import rule_words
from tests.study.made_traces import trace_of
from trainables.trace import ReplicaTrace

LOW = replace(MIXTURE_RULE, own_criteria=(OwnCriterion(column="height", at_most=0.0625),))
HIGH = replace(MIXTURE_RULE, own_criteria=(OwnCriterion(column="height", at_least=0.0625),))


def with_height(heights: list[float], letters: str = "PPGGGGG") -> ReplicaTrace:
    """A trace of points, the last five rows of which are good, with a column of its own."""
    made = trace_of(letters, "mixture")
    column = np.array(([0.0] + heights * 10)[: len(made)])
    return ReplicaTrace(seed=made.seed, columns={**made.columns, "height": column}, reference=made.reference)


def test_without_any_a_rule_is_the_one_that_it_was() -> None:
    assert MIXTURE_RULE.own_criteria == ()
    assert LOW.digest() != MIXTURE_RULE.digest() != HIGH.digest() != LOW.digest()
    assert MIXTURE_RULE.label() == "modes@a2b408a1"


@pytest.mark.parametrize(
    ("rule", "height", "outcome"),
    [
        (LOW, 0.04, Outcome.CONVERGED),
        (LOW, 0.0625, Outcome.CONVERGED),
        (LOW, 0.07, Outcome.NOT_LEARNED),
        (HIGH, 0.07, Outcome.CONVERGED),
        (HIGH, 0.04, Outcome.NOT_LEARNED),
        (LOW, float("nan"), Outcome.NOT_LEARNED),
    ],
)
def test_a_snapshot_must_reach_it_to_be_good(rule: OutcomeRule, height: float, outcome: Outcome) -> None:
    trace = with_height([height])
    assert decide(trace, MIXTURE_RULE).outcome is Outcome.CONVERGED
    found: Decision = decide(trace, rule)
    assert found.outcome is outcome
    if height == height:
        assert found.evidence["height"] == pytest.approx(height)
        assert [each.measure for each in missed(found.evidence, rule)] == ["height"] * (
            outcome is not Outcome.CONVERGED
        )


def test_it_is_of_no_help_that_it_has_changed() -> None:
    """A column in units of its own says nothing of whether anything was learned."""
    untrained = trace_of("UUUUUUU", "mixture")
    column = np.linspace(0, 100, len(untrained))
    moved = ReplicaTrace(seed=0, columns={**untrained.columns, "height": column}, reference=untrained.reference)
    assert decide(moved, HIGH).outcome is Outcome.NOT_LEARNED


def test_a_trace_without_the_column_is_undecided_and_says_so() -> None:
    trace = trace_of("PPGGGGG", "mixture")
    assert decide(trace, LOW).outcome is Outcome.UNDECIDED
    assert undecidable(trace, LOW).startswith("the trace has no height: ")


def test_the_best_possible_row_reaches_it() -> None:
    """Else a search would call a block lost that may still converge."""
    for rule in (LOW, HIGH):
        assert judge(_with_best(measure(with_height([9.0 if rule is LOW else 0.0]), rule), rule), rule).good[-1]


def test_it_is_said_in_words_and_has_its_threshold() -> None:
    (sentence, *_) = rule_words.sentences(LOW, [], labeled=True)
    assert "the column height is at most 0.0625" in sentence
    assert criteria_of(LOW)[-1].threshold(LOW) == 0.0625
    assert criteria_of(HIGH)[-1].threshold(HIGH) == 0.0625
    assert len(criteria_of(MIXTURE_RULE)) == len(criteria_of(LOW)) - 1


def test_it_is_read_from_text() -> None:
    values = [{"column": "height", "at_most": 0.0625}]
    assert assign_flat(MIXTURE_RULE, {"own_criteria": values}) == LOW


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([{"column": "height"}], "own criterion height must have one finite threshold"),
        (
            [{"column": "height", "at_least": 1.0, "at_most": 2.0}],
            "own criterion height must have one finite threshold",
        ),
        ([{"column": "../x", "at_most": 2.0}], "column must be the name of a column, got '../x'"),
        ([{"column": "a", "at_most": 2.0}] * 2, "own_criteria must name each column once, got a, a"),
    ],
)
def test_what_is_none_is_refused_in_one_sentence(values: list[dict[str, float]], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        assign_flat(MIXTURE_RULE, {"own_criteria": values})
