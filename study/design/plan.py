"""The plan of a launch: its cells, blocks and seeds. Pure: nothing here trains, reads or writes."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from math import ceil
from typing import Any, Literal, get_args

from search_spaces import Factor
from study.design import names, renaming
from study.design.hypotheses import Hypothesis
from study.design.plugin_use import PluginUse
from study.design.recording import RecordingSpec
from study.design.search import SearchSpec
from study.design.study import Contrast, Sweep
from study.formatting import did_you_mean, quoted
from study.outcomes.rule import OutcomeRule
from trainables.config import Config, located
from trainables.files import json_digest, with_floats

Keep = Literal["none", "last", "best", "both"]
"""What is kept of the trained networks of every replica."""
_KEPT_WHOLE = ("standard", "paper")
"""Profiles whose trainings are too long to be repeated for their networks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One resolved configuration of a launch.

    Attributes:
        index: position in the launch, from 0.
        name: its level labels joined by " / ", unique in the launch.
        levels: factor name to level label, including the tags of the levels.
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
        name: e.g. ``c003-b001`` for cell 3, block 1; names the trace file.
        seeds: the replicas' seeds.
        first: number of the block's first replica in its cell.
    """

    name: str
    cell: Cell
    seeds: tuple[int, ...]
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selection that a launch confirms: a cell chosen by its success, which is therefore optimistic.

    Attributes:
        launch, plan: the selecting launch, and the digest of its plan.
        cell: name of the cell there.
        successes, n: successes of the cell there, of n replicas.
        of_cells: number of cells it was chosen from; 0 if the user named it.
    """

    launch: str
    plan: str
    cell: str
    successes: int
    n: int
    of_cells: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """Everything that is decided before training; stored as ``spec.json``.

    Attributes:
        launch: id of the launch.
        seeds: the replicas' seeds, the same in every cell, so that cells can be compared pairwise.
        versions: library name to version, on the machine that planned the launch.
        until_decided: whether a cell gets no further block once all hypotheses about it are decided; ``seeds`` is then
            the maximum per cell.
        least: minimum seeds per cell; used only with ``until_decided``.
        budget: seconds of wall-clock time after which no further block starts; None: no limit.
        changes: dotted path to value that the user set in every cell, so that the profile's note may no longer hold.
        selection: the selection that the launch confirms, if any.
        search: how cells are proposed while the launch runs, if it is a search. ``cells``, and ``granted``, the number
            of blocks of each, are then the current state (stored in the log, not in the plan), and ``seeds`` is the
            maximum per cell.
        plugins: what beside this package the configurations need; a launch has their source.
        recording: what is said of trainings that are recorded, if they are not done here. ``cells``, ``factors``,
            ``contrasts``, ``seeds`` and ``recorded``, the seeds of each cell in the order in which they began, are then
            the current state (stored in the log, not in the plan).
        folder: what relative folders of data are relative to, on every machine: where the launch was started. Not part
            of the digest: the data have their own.
        keep: what is kept of every replica's trained networks: ``none``, ``last``, ``best`` or ``both``; absent for the
            last ones of the replicas that the report shows, and of all in the profiles ``standard`` and ``paper``. In
            the plan, so that a resumed launch goes on as it began; not part of the digest, because nothing that is
            measured depends on it.
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
    plugins: tuple[PluginUse, ...] = ()
    recording: RecordingSpec | None = None
    recorded: tuple[tuple[int, ...], ...] = ()
    folder: str = ""
    keep: Keep | None = None

    def __post_init__(self) -> None:
        for name in ("study", "launch", "profile"):  # folders are made of them
            names.check(name, getattr(self, name), longest=2 * names.LONGEST)
        if self.until_decided and not 1 <= self.least <= len(self.seeds):
            raise ValueError(f"least must be in [1, {len(self.seeds)}], the seeds per cell, got {self.least}")
        if self.keep not in (None, *get_args(Keep)):
            raise ValueError(f"keep must be one of {', '.join(get_args(Keep))}, got {self.keep}")
        if self.budget is not None and not (self._source.limited and self.budget > 0):
            raise ValueError(f"budget must be > 0 seconds, and needs until decided or a search, got {self.budget:g}")
        if len(self._source.granted) != len(self.cells):
            raise ValueError(
                f"{self._source.counted} must have one number per cell, got {len(self._source.granted)} for"
                f" {len(self.cells)}"
            )

    def __repr__(self) -> str:
        size, digest = self._source.size, self.digest()
        return f"<Plan of {self.study}, profile {self.profile}, launch {self.launch}: {size}, digest {digest}>"

    def digest(self) -> str:
        """Return 16 hex digits over the plan; reading ``spec.json`` keeps them, editing it changes them.

        The launch's id, the time of planning and the versions are part of the plan, so that a trace belongs to one
        launch: two plans of one design have two digests. ``study compare`` says how two designs differ.

        Fields at their default are left out, so that a plan keeps its digest when a later version adds a field; renamed
        fields are hashed under their first names.
        """
        declared = _stated(replace(self._source.declared, folder="", keep=None))
        return json_digest(with_floats(renaming.first(declared)))  # a planned 1 is read back as 1.0

    def cell(self, wanted: str) -> Cell:
        """Return the cell of a number or a name.

        Raises:
            ValueError: if there is none.
        """
        for cell in self.cells:
            if wanted in (cell.name, str(cell.index)):
                return cell
        near = did_you_mean(wanted, [cell.name for cell in self.cells])
        numbers = f"0 to {len(self.cells) - 1}" if len(self.cells) > 1 else "0"
        raise ValueError(f"cell must be a number, {numbers}, or a name of {self.launch}, got {quoted(wanted)}{near}")

    def check_trained_here(self, wish: str) -> None:
        """Raise ValueError if the launch is of recorded trainings, whose loops only the user can run.

        Args:
            wish: what is wanted of it, after "to be".
        """
        if self.recording is not None:
            raise ValueError(
                f"launch must be one that is trained here to be {wish}, got {self.launch} of recorded trainings: run"
                f" your loop again, which goes on where it was interrupted (study {self.study})"
            )

    def stated_note(self) -> str:
        """Return the profile's note and the user's changes."""
        set_here = ", ".join(f"{path}={json.dumps(value)}" for path, value in self.changes.items())
        return f"{self.note} Set otherwise for this launch: {set_here}." if set_here else self.note

    @property
    def kept(self) -> Keep:
        """What a worker keeps of every replica's networks."""
        return "last" if self.keep is None else self.keep

    @property
    def keeps_shown(self) -> bool:
        """Whether only the networks of replicas that the report shows stay, once it is known which these are."""
        return self.keep is None and self.profile not in _KEPT_WHOLE

    def may_skip(self, block: Block) -> bool:
        """Return whether the stopping rule may skip the block."""
        return self.until_decided and block.first >= self.least

    def blocks(self) -> tuple[Block, ...]:
        """Return all blocks, for a search the granted ones: first blocks of all cells, then second ones, and so on."""
        granted = self._source.granted
        return tuple(
            self.block_of(place, number)
            for number in range(self.rounds)
            for place, blocks in enumerate(granted)
            if number < blocks
        )

    @property
    def rounds(self) -> int:
        """The largest number of blocks per cell."""
        return ceil(len(self.seeds) / self.block)

    def block_of(self, place: int, number: int) -> Block:
        """Return a block of a cell.

        Args:
            place: position of the cell in ``cells``.
            number: number of the block in the cell, from 0.
        """
        cell = self.cells[place]
        return Block(
            name=f"c{cell.index:03d}-b{number:03d}",
            cell=cell,
            seeds=self._source.seeds_of(place)[number * self.block : (number + 1) * self.block],
            first=number * self.block,
        )

    def configs(self) -> tuple[Config, ...]:
        """Return the configurations known before training: those of all cells, for a search its base."""
        return self._source.configs

    def located(self) -> tuple[Config, ...]:
        """Return these configurations with absolute folders of data, to be loaded and not to be stored."""
        return tuple(located(config, self.folder) for config in self.configs())

    @property
    def _source(self) -> "_Listed":
        """The source of the cells: the plan, a search, or loops elsewhere. Only this property asks which."""
        if self.recording is not None:
            return _Reported(self, self.recording)
        return _Listed(self) if self.search is None else _Proposed(self, self.search)


class _Listed:
    """Cells that are all in the plan."""

    counted = "granted"

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    @property
    def limited(self) -> bool:
        """Whether the number of blocks is open, so that a budget applies."""
        return self._plan.until_decided

    @property
    def granted(self) -> tuple[int, ...]:
        """Number of blocks of each cell."""
        return (self._plan.rounds,) * len(self._plan.cells)

    def seeds_of(self, place: int) -> tuple[int, ...]:
        """Return the seeds of the cell at a place."""
        return self._plan.seeds

    @property
    def declared(self) -> Plan:
        """The plan as decided before training."""
        return self._plan

    @property
    def configs(self) -> tuple[Config, ...]:
        """The configurations known before training."""
        return tuple(cell.config for cell in self._plan.cells)

    @property
    def size(self) -> str:
        return f"{len(self._plan.cells)} cells x {len(self._plan.seeds)} seeds"


class _Proposed(_Listed):
    """Cells that a search proposes while the launch runs."""

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


class _Reported(_Listed):
    """Cells that loops of the user's own report, with the seeds that they have run so far."""

    counted = "recorded"
    size = "recorded trainings"

    def __init__(self, plan: Plan, recording: RecordingSpec) -> None:
        super().__init__(plan)
        self._recording = recording

    @property
    def granted(self) -> tuple[int, ...]:
        return tuple(map(len, self._plan.recorded))

    def seeds_of(self, place: int) -> tuple[int, ...]:
        return self._plan.recorded[place]

    @property
    def declared(self) -> Plan:
        return replace(self._plan, cells=(), factors=(), seeds=(), recorded=(), contrasts=())

    @property
    def configs(self) -> tuple[Config, ...]:
        return (self._recording.base,)


def _stated(value: Any) -> Any:
    """Return plain JSON values; of a dataclass the ``kind``, and the fields that are not at their default."""
    if is_dataclass(value):
        held = {each.name: (getattr(value, each.name), _default(each)) for each in fields(value)}
        return {name: _stated(given) for name, (given, usual) in held.items() if name == "kind" or given != usual}
    if isinstance(value, Mapping):
        return {name: _stated(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_stated(inner) for inner in value]
    return value.value if isinstance(value, Enum) else value


def _default(of: Any) -> Any:
    return of.default if of.default_factory is MISSING else of.default_factory()
