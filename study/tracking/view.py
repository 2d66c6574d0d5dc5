"""The interface of what shows a launch somewhere: one class per library, told by the thread of a ``Writer``."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from PIL import UnidentifiedImageError

from study.design.plan import Cell, Plan
from study.evidence.estimates import CellSummary
from study.search.importance import Importance
from study.storage.records import Record
from study.storage.store import Store
from study.tracking import server
from study.tracking.values import Point, Replica


class View:
    """A launch as one library shows it. Made once per process; all methods but ``know`` are called by one thread.

    A method may take its time and may raise: the writer tries it again, warns once, goes on, and sends from the stored
    files at the end what is missing. What is shown already may come again and must not show twice. Override what the
    library can show; the rest does nothing. Everything else is in the launch's folder (``store``), numbers included.

    Args:
        plan: what is trained.
        store: the launch's folder.
    """

    title: ClassVar[str] = "the tracker"
    """What sentences call it."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.store = plan, store
        self.cells = {cell.index: cell for cell in plan.cells}
        self.heard = time.monotonic()
        self.known_metrics: Mapping[Replica, Sequence[Point]] = {}

    @property
    def name(self) -> str:
        """What sentences call it, with where it is."""
        return self.title

    @classmethod
    def check(cls) -> None:
        """Raise TrackingUnreachable, in one sentence, if it cannot be used; asked before anything else happens."""

    @classmethod
    def look(cls, store: Store) -> str:
        """Return the command or the folder by which a person sees the launch; empty if it is not to be printed."""
        return ""

    def is_refusal(self, error: Exception) -> bool:
        """Whether only this one request failed, and the next one may succeed at once."""
        return isinstance(error, ValueError | UnidentifiedImageError)

    def reason(self, error: Exception) -> str:
        """Return what went wrong in one line without secrets."""
        return server.reason(error, "")

    def attach(self) -> None:
        """Find out what is shown by now; called after a failure, which may have shown a part."""

    def know(self, cell: Cell) -> None:
        """Take in a cell that the launch has, too; may be called from any thread."""
        self.cells[cell.index] = cell

    def renew(self, rule: str) -> None:
        """Take back what another rule than this one has judged; everything comes again."""

    def measured(self, found: Mapping[Replica, Sequence[Point]]) -> None:
        """Take in the known metrics of replicas (``study metrics``) before all comes again; show them with outcomes."""
        self.known_metrics = found

    def last_step(self, cell: int, seed: int) -> int:
        """Return the last step of a replica's curves that is shown; -1 if none is, or that is not known."""
        return -1

    def shows(self, record: Record, rule: str) -> bool:
        """Return whether all of a replica but its files is shown: it is not read again then. False if not known."""
        return False

    def shows_cell_curves(self, cell: int, rule: str) -> bool:
        """Return whether what the rule judged of a cell's replicas together is shown. False if not known."""
        return False

    def curves(self, cell: int, seed: int, points: Sequence[Point]) -> None:
        """Show measured numbers of a replica by step, in order of steps."""

    def replica(self, record: Record, judged: Sequence[Point], rule: str) -> None:
        """Show what became of a replica, what the rule judged step by step, and its ``known_metrics``."""

    def replica_picture(self, record: Record, path: Path) -> None:
        """Show a picture of a replica; ``series_of`` says of which series and step."""

    def replica_weights(self, record: Record, paths: Sequence[Path]) -> None:
        """Keep the files of its networks."""

    def cell(self, summary: CellSummary, score: float | None = None) -> None:
        """Show the success rate and the counts of a cell so far, and of a search its score."""

    def cell_curves(self, cell: int, judged: Sequence[Point], rule: str) -> None:
        """Show what the rule judged of all replicas of a cell together."""

    def cell_picture(self, cell: int, path: Path) -> None:
        """Show a picture of one of its replicas."""

    def importances(self, found: Sequence[Importance]) -> None:
        """Keep what decides the outcomes of a search, as a file."""

    def report(self, page: Path) -> None:
        """Keep the report."""

    def finish(self, complete: bool, found: Sequence[Importance] = ()) -> None:
        """End the launch: all its numbers are shown; files may follow.

        Args:
            complete: whether every planned replica was trained to its end.
            found: of a search, what decides its outcomes.
        """


def series_of(path: Path) -> tuple[str, int]:
    """Return the series and the step of a picture, which its name says: ``<series>-<step>.png``; grids: ``samples``."""
    name, _, step = path.stem.rpartition("-")
    return "samples" if name == "step" else name, int(step)
