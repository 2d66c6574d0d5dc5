"""A view in files below the launch's folder, with one folder or file per replica named by cell, seed and outcome.

It is written while the launch trains, and only the process that began a replica's file appends to it: the first time
that a process shows a replica, what an earlier one has left of it is removed, and the end of the launch sends every row
that is stored.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from study.design.plan import Plan
from study.evidence.estimates import CellSummary
from study.storage.records import Record, Status
from study.storage.store import Store
from study.tracking.values import Point, cell_metrics
from study.tracking.view import View, series_of


@dataclass(slots=True)
class Shown:
    """What is shown of a replica by this process.

    Attributes:
        place: its file or folder.
        steps: the steps of its rows.
        record: what became of it, if that is known.
        metrics: the known metrics of its rows.
        pictures: series and step of each.
    """

    place: Path
    steps: set[int] = field(default_factory=set)
    record: Record | None = None
    metrics: Sequence[Point] = ()
    pictures: set[tuple[str, int]] = field(default_factory=set)


class FolderView(View):
    """The parts that the file formats share: names, what is shown already, and beginning anew.

    Args:
        plan: what is trained.
        store: the launch's folder.
        folder: the folder of this view in it.
        suffix: of a replica's file; empty if it is a folder.
    """

    def __init__(self, plan: Plan, store: Store, folder: Path, suffix: str = "") -> None:
        super().__init__(plan, store)
        self.folder, self._suffix = folder, suffix
        self._shown: dict[tuple[int, int], Shown] = {}
        self._rates: dict[int, dict[str, float]] = {}

    @property
    def name(self) -> str:
        return f"{self.title} in {self.folder}"

    def write_points(self, shown: Shown, points: Sequence[Point]) -> None:
        """Append numbers of a replica."""
        raise NotImplementedError

    def write_outcome(self, shown: Shown, record: Record) -> None:
        """Write what became of a replica, whose place has its last name."""
        raise NotImplementedError

    def write_picture(self, shown: Shown, record: Record, path: Path) -> None:
        """Write or list a picture of a replica."""
        raise NotImplementedError

    def write_cell(self, folder: Path, summary: CellSummary, metrics: dict[str, float]) -> None:
        """Write the rate and the counts of a cell.

        Args:
            folder: the cell's folder.
            summary: the cell.
            metrics: the numbers by name, finite.
        """
        raise NotImplementedError

    def attach(self) -> None:
        """Begin every replica anew: a failed write may have left a part of a row."""
        self._shown.clear()
        self._rates.clear()

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        """Write the rows that are not shown; if rows before them are lacking, write the replica anew, in order."""
        shown = self._of(cell, seed)
        news = [point for point in points if point.step not in shown.steps]
        if news and shown.steps and news[0].step < max(shown.steps):
            shown, news = self._begin(cell, seed), list(points)
        if news:
            self.write_points(shown, news)
            shown.steps |= {point.step for point in news}

    def replica(self, record: Record, judged: Sequence[Point], rule: str) -> None:
        if record.status in (Status.PLANNED, Status.SKIPPED):
            return
        shown = self._of(record.cell, record.seed)
        if shown.record != record:
            self._write_record(shown, record, judged)
        found = self.known_metrics.get((record.cell, record.seed), ())
        if shown.metrics != found:
            self.write_points(shown, [point for point in found if point not in shown.metrics])
            shown.metrics = found

    def _write_record(self, shown: Shown, record: Record, judged: Sequence[Point]) -> None:
        if judged and shown.record is None:
            self.write_points(shown, judged)
        place = self._cell_folder(record.cell) / f"seed {record.seed} {became(record)}{self._suffix}"
        if place != shown.place:
            if shown.place.exists():
                shown.place.rename(place)
            shown.place = place
        self.write_outcome(shown, record)
        shown.record = record

    def replica_picture(self, record: Record, path: Path) -> None:
        shown = self._of(record.cell, record.seed)
        place = series_of(path)
        if place not in shown.pictures:
            self.write_picture(shown, record, path)
            shown.pictures.add(place)

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        known = self._rates.get(summary.cell)
        metrics = cell_metrics(summary, known or {}) | ({} if score is None else {"score": score})
        if metrics == known:
            return
        folder = self._cell_folder(summary.cell)
        if known is None:
            self.clear_cell(folder)
        self.write_cell(folder, summary, metrics)
        self._rates[summary.cell] = metrics

    def clear_cell(self, folder: Path) -> None:
        """Remove what an earlier process has written of a cell's rate, if it cannot just be written over."""

    def _of(self, cell: int, seed: int) -> Shown:
        found = self._shown.get((cell, seed))
        return self._begin(cell, seed) if found is None else found

    def _begin(self, cell: int, seed: int) -> Shown:
        """Make the folder for a replica, and remove what there is of it."""
        folder = self._cell_folder(cell)
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob(f"seed {seed} *"), folder / f"seed {seed}{self._suffix}"):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        shown = Shown(folder / f"seed {seed}{self._suffix}")
        self._shown[cell, seed] = shown
        return shown

    def _cell_folder(self, index: int) -> Path:
        """Return the folder of a cell: its number, which is its own, and its name as far as a file may have it."""
        name = re.sub(r"[^\w\-+=., ]+", "-", self.cells[index].name)[:80].strip(" .")
        return self.folder / f"{index:03d} {name}"


def became(record: Record) -> str:
    """Return the outcome of a replica, or its status if it has none."""
    shown: str = record.outcome.value if record.decided else record.status.value
    return shown.replace("_", " ")
