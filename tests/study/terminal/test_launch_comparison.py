"""The comparison of two launches on the terminal."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from study.audit.comparison import CellChange, LaunchComparison, Repeats, compare
from study.launch import Launch
from study.terminal import launch_comparison
from tests.study.conftest import C, D, M, N, make

BEFORE, AFTER = ((C, C, M, C), (C, M, N, D)), ((C, M, C, C), (C, M, M, D))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> LaunchComparison:
    return compare(*(Launch(make(tmp_path_factory.mktemp("out"), ends, name=name, page=False))
                     for name, ends in (("one", BEFORE), ("two", AFTER))))  # fmt: skip


@pytest.mark.parametrize(
    ("repeats", "sentence"),
    [
        (Repeats(couples=0, other_outcome=0, other_numbers=0), ""),
        (Repeats(couples=8, other_outcome=0, other_numbers=0), "and gave the same numbers."),
        (Repeats(couples=8, other_outcome=2, other_numbers=1), "training was not deterministic."),
    ],
)
def test_the_repetition_is_judged_by_equal_replicas(
    compared: LaunchComparison, repeats: Repeats, sentence: str
) -> None:
    said = launch_comparison.repetition(replace(compared, repeats=repeats))
    assert said.endswith(sentence)
    assert bool(said) is bool(sentence)


def test_a_cell_that_was_not_decided_has_no_difference(compared: LaunchComparison) -> None:
    cell = compared.cells[0]
    assert launch_comparison.numbers(cell)[:2] == ("3 of 4", "3 of 4")
    assert launch_comparison.numbers(cell)[3] == "4"
    undecided: CellChange = replace(cell, difference=None)
    assert set(launch_comparison.numbers(undecided)[2:]) == {"\N{EN DASH}"}
    assert launch_comparison.numbers(replace(cell, pairs=None))[3] == "unpaired"


def test_transitions_count_outcomes_before_in_rows_and_after_in_columns(compared: LaunchComparison) -> None:
    out = StringIO()
    Console(file=out, width=100).print(launch_comparison.transitions(compared))
    lines = [re.split("  +", line.strip()) for line in out.getvalue().splitlines()]
    assert lines[1] == ["before", "converged", "mode collapsed", "diverged"]
    assert lines[2] == ["converged", "3", "1", "\N{EN DASH}"]
    assert ["not learned", "\N{EN DASH}", "1", "\N{EN DASH}"] in lines


def test_a_kind_without_differences_is_one_line(compared: LaunchComparison, tmp_path: Path) -> None:
    store = make(tmp_path, BEFORE, page=False)
    out = StringIO()
    launch_comparison.show(compare(Launch(store), Launch(store)), Console(file=out, width=80))
    assert "Changes of the plan: none" in out.getvalue()
    assert "and gave the same numbers." in out.getvalue()
