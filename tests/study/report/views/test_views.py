"""The two views of a launch, and that the one of a grid is cheap."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.views import GridView, SearchView, grid, view_of
from study.storage.store import Store
from tests.study.made_searches import begin, plan, searched

C, D, U = Outcome.CONVERGED, Outcome.DIVERGED, Outcome.UNDECIDED


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> SearchView:
    found = view_of(Launch(searched(tmp_path_factory.mktemp("search"), plan(blocks=12))))
    assert isinstance(found, SearchView)
    return found


def test_a_grid_shows_its_cells_best_first_under_their_names(make: Callable[..., Store]) -> None:
    view = view_of(Launch(make([[D, D], [U, U], [C, D], [C, C]])))
    assert isinstance(view, GridView)
    assert [summary.cell for summary in view.cells] == [3, 2, 0, 1]
    assert view.compared == view.cells
    assert view.replicas == view.launch.replicas
    assert set(view.pictured) == {0, 1, 2, 3}
    assert list(view.files) == ["cells.csv", "records.csv"]


def test_a_large_grid_pictures_its_best_and_its_worst_cells(
    make: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "PICTURED", 2)
    view = view_of(Launch(make([[D, D], [C, D], [C, C]])))
    assert set(view.pictured) == {0, 2}
    assert view.words.pictured.startswith("Shown are the 2 cells with the highest and the lowest rates")


def test_a_search_shows_its_candidates_as_the_race_ranks_them(search: SearchView) -> None:
    ranked = [own.cell for own in search.candidates]
    assert [summary.cell for summary in search.cells][: len(ranked)] == ranked
    assert {summary.name for summary in search.compared} == {f"#{cell}" for cell in ranked[:12]}
    assert list(dict.fromkeys(record.cell for record in search.replicas))[: len(ranked)] == ranked
    assert {block.cell.index for block, _ in search.traces} == set(search.pictured)
    assert list(search.files) == ["candidates.csv", "importance.csv", "cells.csv", "records.csv"]


def test_a_search_explains_nothing_before_a_replica_has_ended(search: SearchView, tmp_path: Path) -> None:
    store, ledger = begin(tmp_path)
    ledger.write()
    assert "importance" not in [section.id for section in view_of(Launch(store)).sections]
    assert "importance" in [section.id for section in search.sections]


def test_a_view_of_a_grid_does_not_load_scikit_learn() -> None:
    program = "import sys, study.report.page; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=Path.cwd()).returncode == 0
