"""Data frames of records and summaries for notebooks."""

from dataclasses import replace
from typing import Any

import pytest

from study.evidence import frames
from study.evidence.estimates import summarize
from study.storage.store import Store
from tests.study.conftest import C, M


@pytest.fixture(name="launch")
def launch_fixture(make: Any) -> Store:
    launch: Store = make([[C, M]] * 4)
    return launch


@pytest.mark.parametrize(
    ("labels", "kind"),
    [(("0.1", "1e-4"), "f"), (("1", "16"), "i"), (("0.1", "none"), "O"), (("(0,1,1)", "2"), "O"), (("nan", "1"), "O")],
)
def test_levels_are_numbers_where_all_their_labels_are(launch: Store, labels: tuple[str, str], kind: str) -> None:
    records = [replace(row, levels={"seed": row.levels["bn"], "lr": labels[row.cell % 2]}) for row in launch.records()]
    for frame in (frames.records(records), frames.cells(summarize(records))):
        kinds = {"f": "f", "i": "i", "O": "OTU"}[kind]
        assert frame.lr.dtype.kind in kinds
        if kind == "f":
            assert set(frame.lr) == {0.1, 1e-4}
    assert set(frames.records(records).level_seed) == {row.levels["bn"] for row in launch.records()}


def test_levels_that_some_cells_do_not_have_are_missing_numbers(launch: Store) -> None:
    first, *others = launch.records()
    records = [replace(first, levels={"lr": "0.5"}), *(replace(row, levels={}) for row in others)]
    lr = frames.records(records).lr
    assert lr[0] == 0.5
    assert lr[1:].isna().all()
