"""The log of a search: ``search.jsonl`` in the launch's folder, one line per decision, written before it takes effect.

``cell``: a candidate was proposed, with the block that it starts with; ``block``: the race gave one a further block;
``stop``: a running block was to be stopped early, or was audited instead; ``end``: the search is over, and why. Each
line has ``at``, the seconds that the search had taken.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any, get_args

from study.design.plan import Plan
from study.design.search import Point, Policy, SearchSpec
from study.design.search_cells import cell_of
from study.storage.sealed_lines import SealedLines, whole_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A block that a rule gave up.

    Attributes:
        block: its name.
        rule: ``lost``, ``asha`` or ``median``.
        step: the report at which it did.
        audited: whether the block runs on to its end nevertheless.
    """

    block: str
    rule: str
    step: int
    audited: bool

    def __post_init__(self) -> None:
        if self.rule not in get_args(Policy)[1:]:
            raise ValueError(f"rule must be lost, asha or median, got {self.rule}")
        _check_stop(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A point, and what the sampler has to find again to go on after it.

    Attributes:
        trial: JSON values that the sampler keeps with the point.
        study: JSON values that it keeps for the whole search, as far as this proposal changed them.
        number: the sampler's own number of it.
    """

    point: Point
    number: int = 0
    trial: Mapping[str, Any] = field(default_factory=dict)
    study: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """What a log says; grows with it.

    Attributes:
        events: blocks in the order in which they were given: the proposal that one began with, or its cell.
        points: cell to point.
        blocks: number of blocks given to each cell.
        stops: early stops, audited ones among them.
        seconds: that the search has taken.
        ended: why the search is over; empty while it is not.
    """

    events: list[Proposal | int] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    seconds: float = 0.0
    ended: str = ""

    def take_in(self, line: Mapping[str, Any]) -> None:
        """Raise ValueError, KeyError or TypeError if the line is none of a log."""
        self.seconds = max(self.seconds, _number(line["at"]))
        match line["event"]:
            case "cell":
                proposal = Proposal(**{name: line[name] for name in ("point", "number", "trial", "study")})
                _check_proposal(proposal)
                self.events.append(proposal)
                self.points.append(proposal.point)
                self.blocks.append(1)
            case "block":
                cell = line["cell"]
                if type(cell) is not int or not 0 <= cell < len(self.blocks):
                    raise ValueError(f"no cell {cell} was proposed before")
                self.events.append(cell)
                self.blocks[cell] += 1
            case "stop":
                self.stops.append(Stop(**{name: line[name] for name in ("block", "rule", "step", "audited")}))
            case "end":
                if not isinstance(line["why"], str):
                    raise ValueError(f"{line['why']!r} is no reason")
                self.ended = line["why"]
            case other:
                raise ValueError(f"{other!r} is no event")


def _check_proposal(proposal: Any) -> None:
    """Raise ValueError unless its parts, which were read from a file, are of their types."""
    parts = (proposal.point, proposal.trial, proposal.study)
    if type(proposal.number) is not int or not all(isinstance(values, dict) for values in parts):
        raise ValueError(f"{proposal} is no proposal")
    if not all(isinstance(value, str | int | float) for value in proposal.point.values()):
        raise ValueError(f"{proposal.point} is no point")


def _check_stop(stop: Any) -> None:
    """Raise ValueError unless its parts, which may have been read from a file, are of their types."""
    if not (isinstance(stop.block, str) and type(stop.step) is int and isinstance(stop.audited, bool)):
        raise ValueError(f"a stop must have the name of a block, a step and whether it was audited, got {stop}")


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number of seconds")
    return float(value)


class Log:
    """A search's log, read once and then appended to.

    Raises:
        ValueError: if a whole line is no line of a log.
        OSError: at appending, if it cannot be written; a line is on the disk before its method returns.
    """

    def __init__(self, path: Path) -> None:
        self.history = read(path)
        self._lines = SealedLines(path)

    def proposed(self, proposal: Proposal, at: float) -> None:
        own = {"number": proposal.number, "trial": proposal.trial, "study": proposal.study}
        self._append({"event": "cell", "at": at, "point": proposal.point, **own})

    def raced(self, cell: int, at: float) -> None:
        self._append({"event": "block", "at": at, "cell": cell})

    def stopped(self, stop: Stop, at: float) -> None:
        own = {"block": stop.block, "rule": stop.rule, "step": stop.step, "audited": stop.audited}
        self._append({"event": "stop", "at": at, **own})

    def ended(self, why: str, at: float) -> None:
        self._append({"event": "end", "at": at, "why": why})

    def _append(self, line: Mapping[str, Any]) -> None:
        self._lines.append(line)
        self.history.take_in(line)


def read(path: Path) -> History:
    """Read a log; its history is empty if there is none yet.

    Raises:
        DamagedFile: if a line has not the bytes that were written.
        ValueError: if a whole line is no line of a log.
    """
    history = History()
    for number, text in enumerate(whole_lines(path), 1):
        try:
            history.take_in(json.loads(text))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"{path} cannot be read: line {number} is no line of a search: {error}") from None
    return history


def grown(plan: Plan, search: SearchSpec, history: History) -> Plan:
    """Return the plan of a search with the cells and blocks that its log has."""
    known = plan.cells
    fresh = enumerate(history.points[len(known) :], len(known))
    return replace(plan, cells=known + tuple(cell_of(search, *each) for each in fresh), granted=tuple(history.blocks))
