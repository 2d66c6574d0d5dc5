"""What a plan is: the cells, blocks and seeds of one launch. Pure: nothing here trains, reads or writes."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from math import ceil
from typing import Any

from search_spaces import Factor
from study.design import renaming
from study.design.hypotheses import Hypothesis
from study.design.search import SearchSpec
from study.design.study import Contrast, Sweep
from study.outcomes.rule import OutcomeRule
from trainables.config import Config
from trainables.files import json_digest, with_floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One resolved configuration of a launch.

    Attributes:
        index: place in the launch, from 0.
        name: its level labels joined by " / ", unique in the launch.
        levels: factor name to level label, and the tags of the levels.
    """

    index: int
    name: str
    levels: Mapping[str, str]
    config: Config
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Replicas of one cell that are trained together; one Ray Tune trial.

    Attributes:
        name: ``c03-b01``: cell 3, block 1; names the trace file.
        seeds: the replicas' seeds.
        first: number of the block's first replica in its cell.
    """

    name: str
    cell: Cell
    seeds: tuple[int, ...]
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Why a launch confirms a cell: it was chosen among others by its success, which makes that success optimistic.

    Attributes:
        launch, plan: the launch that it was chosen in, and the digest of that launch's plan.
        cell: the cell's name there.
        successes, n: what it was chosen by.
        of_cells: how many cells it was chosen among; 0 if the user named it.
    """

    launch: str
    plan: str
    cell: str
    successes: int
    n: int
    of_cells: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """Everything that was decided before the first seed was trained; stored as ``spec.json``.

    Attributes:
        launch: the launch's id.
        seeds: the replicas' seeds, the same in every cell, so that cells can be compared pairwise.
        versions: library name to version, on the machine that planned the launch.
        until_decided: whether a cell gets no further block once all hypotheses that speak of it are decided; ``seeds``
            are then the most that it gets.
        least: minimum seeds per cell; used only with ``until_decided``.
        budget: seconds of wall-clock time after which no cell gets a further block; absent: no limit.
        changes: dotted path to value: what the user set in every cell, so that the profile's note may no longer hold.
        selection: what the launch confirms, if it was planned for that.
        search: how cells are proposed while the launch runs, if they are; ``cells`` and ``granted``, the number of
            blocks of each, are then those of this moment (the log has them, not the plan), and ``seeds`` the most that
            a cell gets.
    """

    launch: str
    study: str
    title: str
    question: str
    sources: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    contrasts: tuple[Contrast, ...]
    sweeps: tuple[Sweep, ...] = ()
    profile: str
    note: str
    factors: tuple[Factor, ...]
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    block: int
    rule: OutcomeRule
    created: str
    versions: Mapping[str, str]
    until_decided: bool = False
    least: int = 1
    budget: float | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    selection: Selection | None = None
    search: SearchSpec | None = None
    granted: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.until_decided and not 1 <= self.least <= len(self.seeds):
            raise ValueError(f"least must be in [1, {len(self.seeds)}], the seeds per cell, got {self.least}")
        if self.budget is not None and not (self._source.limited and self.budget > 0):
            raise ValueError(f"budget must be > 0 seconds, and needs until decided or a search, got {self.budget:g}")
        if len(self._source.granted) != len(self.cells):
            raise ValueError(f"granted must have one number per cell, got {len(self.granted)} for {len(self.cells)}")

    def __repr__(self) -> str:
        size, digest = self._source.size, self.digest()
        return f"<Plan of {self.study}, profile {self.profile}, launch {self.launch}: {size}, digest {digest}>"

    def digest(self) -> str:
        """16 hex digits over the plan, the same before and after ``spec.json``; another once that file is edited.

        Fields at their default are left out, so that a plan keeps its digest when a later version adds a field; those
        that were renamed are hashed under their first names.
        """
        declared = _stated(self._source.declared)
        return json_digest(with_floats(renaming.first(declared)))  # what was planned as 1 is read back as 1.0

    def stated_note(self) -> str:
        """The profile's note, and what was set otherwise."""
        set_here = ", ".join(f"{path}={json.dumps(value)}" for path, value in self.changes.items())
        return f"{self.note} Set otherwise for this launch: {set_here}." if set_here else self.note

    def may_skip(self, block: Block) -> bool:
        """Whether the stopping rule may do without the block."""
        return self.until_decided and block.first >= self.least

    def blocks(self) -> tuple[Block, ...]:
        """All blocks in order: block by block over the cells, so that every cell gets its first seeds early.

        Of a search those that were given so far.
        """
        granted = self._source.granted
        return tuple(
            self.block_of(place, number)
            for number in range(self.rounds)
            for place, own in enumerate(granted)
            if number < own
        )

    @property
    def rounds(self) -> int:
        """The most blocks that a cell gets."""
        return ceil(len(self.seeds) / self.block)

    def block_of(self, place: int, number: int) -> Block:
        """The block of this number, from 0, of the cell at a place."""
        cell = self.cells[place]
        return Block(
            name=f"c{cell.index:03d}-b{number:03d}",
            cell=cell,
            seeds=self.seeds[number * self.block : (number + 1) * self.block],
            first=number * self.block,
        )

    def configs(self) -> tuple[Config, ...]:
        """What the launch trains, as far as that is known before its first seed: of a search the base."""
        return self._source.configs

    @property
    def _source(self) -> "_Listed":
        """Where the cells come from; the one place here that asks whether that is a search."""
        return _Listed(self) if self.search is None else _Proposed(self, self.search)


class _Listed:
    """A launch whose cells are all in its plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def limited(self) -> bool:
        """Whether the number of blocks is open, so that a budget has a meaning."""
        return self._plan.until_decided

    @property
    def granted(self) -> tuple[int, ...]:
        """How many blocks each cell has."""
        return (self._plan.rounds,) * len(self._plan.cells)

    @property
    def declared(self) -> Plan:
        """The plan as it was before the first seed."""
        return self._plan

    @property
    def configs(self) -> tuple[Config, ...]:
        """What is trained, as far as that is known before the first seed."""
        return tuple(cell.config for cell in self._plan.cells)

    @property
    def size(self) -> str:
        return f"{len(self._plan.cells)} cells x {len(self._plan.seeds)} seeds"


class _Proposed(_Listed):
    """A launch whose cells a search proposes while it runs."""

    limited = True
    size = "a search"

    def __init__(self, plan: Plan, search: SearchSpec) -> None:
        super().__init__(plan)
        self._search = search

    @property
    def granted(self) -> tuple[int, ...]:
        return self._plan.granted

    @property
    def declared(self) -> Plan:
        return replace(self._plan, cells=(), granted=())

    @property
    def configs(self) -> tuple[Config, ...]:
        return (self._search.base,)


def _stated(value: Any) -> Any:
    """Plain JSON values; of a dataclass the ``kind``, and the fields that are not at their default."""
    if is_dataclass(value):
        own = {each.name: (getattr(value, each.name), _default(each)) for each in fields(value)}
        return {name: _stated(held) for name, (held, usual) in own.items() if name == "kind" or held != usual}
    if isinstance(value, Mapping):
        return {name: _stated(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_stated(inner) for inner in value]
    return value.value if isinstance(value, Enum) else value


def _default(of: Any) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()
