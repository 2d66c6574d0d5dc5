"""The log of a recorded launch: ``recording.jsonl`` in its folder, one line per cell and per seed as loops begin them.

``cell``: the settings and the last step of a cell that is new; ``seed``: a seed that a loop begins in a cell. Several
processes append to it, one at a time: whoever does holds the launch's lock.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.design import recorded_cells
from study.design.plan import Plan
from study.design.recording import RecordedCell, RecordingSpec
from study.storage.sealed_lines import SealedLines, whole_lines


class RecordingLog:
    """The log, read anew and then appended to.

    Raises:
        DamagedFile: if a line has not the bytes that were written.
        ValueError: if a whole line is no line of such a log.
    """

    def __init__(self, path: Path) -> None:
        self.cells = read(path)
        self._lines = SealedLines(path)

    def began(self, cell: RecordedCell, seed: int) -> None:
        """Note that a loop begins a seed, in a cell that may be new; nothing if that is noted already.

        Raises:
            OSError: if it cannot be written.
        """
        levels = [recorded_cells.levels_of(own.settings) for own in self.cells]
        wanted = recorded_cells.levels_of(cell.settings)
        if wanted not in levels:
            self._append({"event": "cell", "settings": dict(cell.settings), "steps": cell.steps})
            levels.append(wanted)
        place = levels.index(wanted)
        if seed not in self.cells[place].seeds:
            self._append({"event": "seed", "cell": place, "seed": seed})

    def _append(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        _take_in(self.cells, line)


def read(path: Path) -> list[RecordedCell]:
    """Read a log: the cells in the order in which they came; none if there is no log yet.

    Raises:
        DamagedFile: if a line has not the bytes that were written.
        ValueError: if a whole line is no line of such a log.
    """
    cells: list[RecordedCell] = []
    for number, text in enumerate(whole_lines(path), 1):
        try:
            _take_in(cells, json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ValueError(f"{path} cannot be read: line {number} is no line of a recording: {error}") from None
    return cells


def _take_in(cells: list[RecordedCell], line: Mapping[str, Any]) -> None:
    match line["event"]:
        case "cell":
            cells.append(RecordedCell(settings=line["settings"], steps=line["steps"]))
        case "seed":
            own = cells[line["cell"]]
            cells[line["cell"]] = replace(own, seeds=(*own.seeds, line["seed"]))
        case other:
            raise ValueError(f"{other!r} is no event")


def grown(plan: Plan, recording: RecordingSpec, known: list[RecordedCell]) -> Plan:
    """Return the plan with the cells and seeds that its log has."""
    return replace(
        plan,
        cells=recorded_cells.cells_of(recording.base, known),
        factors=recorded_cells.factors_of(known),
        contrasts=recording.contrasts or recorded_cells.contrasts_of(known),
        seeds=tuple(sorted({seed for own in known for seed in own.seeds})),
        recorded=tuple(own.seeds for own in known),
    )
