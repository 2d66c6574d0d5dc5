from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import beta

from study.evidence.inference.proportions import wilson
from study.evidence.reliability import least, reliable_cells, seeds_needed
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

C, D, U = Outcome.CONVERGED, Outcome.DIVERGED, Outcome.UNDECIDED
RECORD = Record(
    launch="l", study="s", profile="p", cell=0, cell_name="c", levels={}, digest="", config={}, block="b", replica=0,
    seed=0, status=Status.FINISHED, outcome=C, outcome_step=None, ever_good=True, evidence={}, rule="r", steps=1,
    planned_steps=1, seconds=1.0, mode="stack[1]", device="cpu", versions={},
)  # fmt: skip


def cell(number: int, outcomes: list[Outcome]) -> list[Record]:
    changes: list[dict[str, Any]] = [{"cell": number, "replica": i, "outcome": own} for i, own in enumerate(outcomes)]
    return [replace(RECORD, **change) for change in changes]


@pytest.mark.parametrize(("successes", "n"), [(5, 5), (29, 29), (30, 31), (0, 4)])
def test_limit_is_the_beta_quantile(successes: int, n: int) -> None:
    expected = beta.ppf(0.05, successes, n - successes + 1) if successes else 0
    assert least(wilson(successes, n)) == pytest.approx(expected, abs=1e-9)


def test_no_replica_shows_nothing() -> None:
    assert least(wilson(0, 0)) == 0


def test_fewest_seeds_are_29_in_a_row() -> None:
    assert seeds_needed() == 29
    assert 0.9**29 <= 0.05 < 0.9**28


def test_a_cell_is_reliable_from_29_of_29_on() -> None:
    records = [*cell(0, [C] * 28), *cell(1, [C] * 29), *cell(2, [C] * 45 + [D]), *cell(3, [C] * 44 + [D])]
    assert reliable_cells(records) == {1, 2}


def test_undecided_replicas_do_not_count() -> None:
    assert reliable_cells(cell(0, [C] * 28 + [U] * 5)) == frozenset()


def test_seeds_chosen_while_looking_need_more() -> None:
    assert reliable_cells(cell(0, [C] * 29), anytime=True) == frozenset()
    assert reliable_cells(cell(0, [C] * 80), anytime=True) == {0}
