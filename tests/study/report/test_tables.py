import csv
from io import StringIO
from typing import Any

import pytest

from study.evidence.estimates import summarize
from study.evidence.inference.proportions import clopper_pearson
from study.outcomes.outcome import Outcome
from study.report import build, tables

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_every_replica_is_a_row_with_its_levels_and_evidence(make: Any) -> None:
    store = make([[C, D], [U, M]])
    read = rows(tables.records(store.records()))
    assert [row["outcome"] for row in read] == ["converged", "diverged", "undecided", "mode_collapsed"]
    assert [row["evidence.quality"] for row in read] == ["0.412", "0.412", "", "0.412"]
    assert read[0]["level.objective"] == "ls(0,1,1)"
    assert [row["outcome_step"] for row in read] == ["", "600", "", "600"]


def test_columns_that_the_first_row_lacks_stand_with_their_kind(make: Any) -> None:
    header = tables.records(make([[U, M]]).records()).splitlines()[0].split(",")
    assert header.index("evidence.quality") == header.index("borderline") + 1


def test_cells_have_counts_rates_and_both_limits(make: Any) -> None:
    read = rows(tables.cells(summarize(make([[C, C, D], [U, U, U]]).records())))
    exact = clopper_pearson(2, 3)
    assert (read[0]["converged"], read[0]["n"], read[0]["outcome.diverged"]) == ("2", "3", "1")
    assert float(read[0]["exact_low"]) == exact.low
    assert float(read[0]["rate"]) == 2 / 3
    assert (read[1]["n"], read[1]["rate"], read[1]["pending"]) == ("0", "", "3")


@pytest.mark.usefixtures("undrawn")
def test_the_report_writes_both_files(make: Any) -> None:
    store = make([[C, D]])
    folder = build(store).parent
    assert (folder / "records.csv").read_text(encoding="utf-8") == tables.records(store.records())
    assert (folder / "cells.csv").read_text(encoding="utf-8") == tables.cells(summarize(store.records()))
