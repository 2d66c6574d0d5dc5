"""A launch as CSV files, for a spreadsheet, R or whatever reads no Parquet.

==========================================  ====================================================================
file below ``csv/``                          carries
==========================================  ====================================================================
``<i> <cell>/seed <s> <outcome>.csv``        curves: ``step``, ``metric``, ``value``; those that the rule judges too
``replicas.csv``                             one row per replica that was trained: outcome, status, parameters
``cells.csv``                                one row per cell: success rate, interval and counts
``images.csv``                               the file of each picture by series and step; ``samples`` are the grids
==========================================  ====================================================================

Paths in the tables are relative to the folder ``csv``. Until the launch ends, the tables hold what the process
that trains it has seen.
"""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.search.importance import Importance
from study.storage.records import Record
from study.storage.store import Store
from study.tracking.folder_view import FolderView, Shown
from study.tracking.forms import form_of
from study.tracking.values import Point, outcomes_text
from study.tracking.view import View, series_of
from trainables.files import written_whole

_Row = Mapping[str, Any]


class CsvView(FolderView):
    """CSV files in the folder ``csv`` of a launch."""

    title = "CSV"

    def __init__(self, plan: Plan, store: Store) -> None:
        super().__init__(plan, store, store.root / "csv", ".csv")
        self._form = form_of(plan)
        self._replicas: dict[tuple[int, int], _Row] = {}
        self._cells: dict[int, _Row] = {}

    @classmethod
    def look(cls, store: Store) -> str:
        return str(store.root / "csv")

    def write_points(self, shown: Shown, points: Sequence[Point]) -> None:
        with shown.place.open("a", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            if file.tell() == 0:
                table.writerow(("step", "metric", "value"))
            table.writerows((own.step, name, value) for own in points for name, value in own.values.items())

    def write_outcome(self, shown: Shown, record: Record) -> None:
        self._replicas[record.cell, record.seed] = {
            "cell": record.cell,
            "cell_name": record.cell_name,
            "seed": record.seed,
            "outcome": record.outcome.value,
            "outcome_step": record.outcome_step,
            "status": record.status.value,
            "success": int(record.converged) if record.decided else None,
            "steps": record.steps,
            "curves": self._relative(shown.place),
            **self._form.params_of(self.cells[record.cell]),
        }

    def write_picture(self, shown: Shown, record: Record, path: Path) -> None:
        """Do nothing: the picture is a file of the launch, and ``finish`` lists it."""

    def write_cell(self, folder: Path, summary: CellSummary, metrics: dict[str, float]) -> None:
        cell = self.cells[summary.cell]
        shown = {"cell": cell.index, "cell_name": cell.name, **self._form.params_of(cell)}
        self._cells[summary.cell] = {**shown, "outcomes": outcomes_text(summary), **metrics}
        self._write_tables()

    def finish(self, complete: bool, found: Sequence[Importance] = ()) -> None:
        self._write_tables()

    def _write_tables(self) -> None:
        images = [row for replica in sorted(self._replicas) for row in self._pictures(*replica)]
        for name, rows in (("replicas", _sorted(self._replicas)), ("cells", _sorted(self._cells)), ("images", images)):
            _write(self.folder / f"{name}.csv", rows)

    def _pictures(self, cell: int, seed: int) -> Iterator[_Row]:
        known = {name: self._replicas[cell, seed][name] for name in ("cell", "cell_name", "seed", "outcome")}
        for path in self.store.pictures(cell, seed):
            series, step = series_of(path)
            yield {**known, "series": series, "step": step, "file": self._relative(path)}

    def _relative(self, path: Path) -> str:
        return Path(os.path.relpath(path, self.folder)).as_posix()


def _sorted(rows: Mapping[Any, _Row]) -> list[_Row]:
    return [rows[key] for key in sorted(rows)]


def _write(path: Path, rows: Sequence[_Row]) -> None:
    """Write a table whole or not at all; its columns are those of all rows, in order of appearance."""
    columns = dict.fromkeys(name for row in rows for name in row)
    with written_whole(path) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


VIEW: type[View] = CsvView
