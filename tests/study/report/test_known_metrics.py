"""Known metrics on the page, beside it and on the terminal, where they were measured and only there."""

import csv
from collections.abc import Callable

import pytest
from rich.console import Console

from study.launch import Launch
from study.report import build
from study.storage import metrics_table
from study.storage.store import Store
from study.terminal import launches
from tests.study import made_metrics
from tests.study.report.read_page import section

Make = Callable[..., Store]
SEED = 4_503_599_627_370_000
"""The first seed of the launch; the next ones follow by 7."""
pytestmark = pytest.mark.usefixtures("undrawn")
HEADING = "inception, weights 6726825d6726, last networks, n = 10\N{NARROW NO-BREAK SPACE}000"


def measured(store: Store) -> None:
    rows = [made_metrics.row(0, SEED + 7 * seed, fid=fid) for seed, fid in enumerate((30.0, 10.0, 12.0))]
    metrics_table.add(store, [*rows, made_metrics.row(0, SEED + 21, broken=1), made_metrics.row(2, SEED, fid=11.0)])


def terminal(store: Store, width: int) -> str:
    console = Console(width=width, record=True)
    launches.results(Launch(store), console)
    return console.export_text()


def test_the_page_has_a_table_per_kind_of_features(make: Make) -> None:
    store = make()
    build(store)
    assert "Known metrics" not in store.report_path.read_text("utf-8")
    assert not (store.report_path.parent / "metrics.csv").exists()
    measured(store)
    metrics_table.add(store, [made_metrics.row(0, SEED, fid=10.0, n=50)])
    build(store)
    text = section(store.report_path.read_text("utf-8"), "metrics")
    assert text.count("<h3>") == 2
    assert HEADING in text
    assert "4 of 5, 1 not finite" in text
    assert "12.000 (10.000 to 30.000)" in text
    assert "1 of 5" in text
    assert "1797" in text
    with (store.report_path.parent / "metrics.csv").open(newline="") as file:
        assert [row["fid"] for row in csv.DictReader(file)] == ["10.0", "30.0", "10.0", "12.0", "", "11.0"]


def test_the_best_cell_stands_first(make: Make) -> None:
    store = make()
    order = [summary.cell for summary in sorted(Launch(store).summaries, key=lambda own: -own.rate.rate)]
    metrics_table.add(store, [made_metrics.row(cell, SEED) for cell in range(4)])
    build(store)
    text = section(store.report_path.read_text("utf-8"), "metrics")
    names = {record.cell: record.cell_name for record in store.records()}
    assert sorted(range(4), key=lambda cell: text.index(names[cell])) == order


def test_the_terminal_has_medians_and_where_it_is_wide_ranges(make: Make) -> None:
    store = make()
    assert "Known metrics" not in terminal(store, 200)
    measured(store)
    wide, narrow = terminal(store, 200), terminal(store, 80)
    assert f"Known metrics by {HEADING}" in wide
    assert "12.000 (10.000 to 30.000)" in wide
    assert "12.000" in narrow
    assert "to 30.000" not in narrow
    assert all(len(line) <= 80 for line in narrow.splitlines())
