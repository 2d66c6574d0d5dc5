"""The columns of a trace as numbers, whatever the trace holds."""

from math import inf, nan
from typing import Any

import numpy as np
import pytest

from study.outcomes.columns import Columns
from trainables.trace import ReplicaTrace


def columns(reference: dict[str, Any] | None = None, **values: Any) -> Columns:
    arrays = {name: np.array(value) for name, value in values.items()}
    return Columns(ReplicaTrace(seed=0, columns=arrays, reference=reference or {}))


def test_columns_are_in_the_order_of_steps() -> None:
    rows = columns(step=[20, 0, 10], loss=[2.0, 0.0, 1.0], shares=[[2.0, 2.5], [0.0, 0.5], [1.0, 1.5]])
    assert rows.steps.tolist() == [0, 10, 20]
    assert rows.numbers("loss").tolist() == [0.0, 1.0, 2.0]
    assert rows.lists("shares", 2).tolist() == [[0.0, 0.5], [1.0, 1.5], [2.0, 2.5]]


def test_rows_of_one_step_keep_their_order() -> None:
    assert columns(step=[5, 5, 0], loss=[1.0, 2.0, 0.0]).numbers("loss").tolist() == [0.0, 1.0, 2.0]


def test_infinite_values_are_missing_unless_asked_for() -> None:
    rows = columns(step=[0, 1, 2], loss=[inf, 1.0, -inf])
    np.testing.assert_equal(rows.numbers("loss"), [nan, 1.0, nan])
    np.testing.assert_equal(rows.numbers("loss", infinite=True), [inf, 1.0, -inf])


@pytest.mark.parametrize("values", [["a", "b"], [None, {}], [[1.0], [2.0]]], ids=["text", "objects", "lists"])
def test_a_column_that_holds_no_numbers_is_missing(values: list[Any]) -> None:
    np.testing.assert_equal(columns(step=[0, 1], loss=values).numbers("loss"), [nan, nan])


def test_an_absent_or_misshapen_column_is_missing() -> None:
    rows = columns(step=[0, 1], shares=[[1.0, 2.0], [3.0, 4.0]])
    np.testing.assert_equal(rows.numbers("loss"), [nan, nan])
    np.testing.assert_equal(rows.lists("shares", 3), np.full((2, 3), nan))
    assert (rows.has("shares"), rows.has("loss")) == (True, False)


def test_constants_are_flat_and_empty_if_absent() -> None:
    rows = columns({"weights": np.array([[0.5, 0.5]])}, step=[0])
    assert rows.constants("weights").tolist() == [0.5, 0.5]
    assert rows.constants("variance").size == 0
