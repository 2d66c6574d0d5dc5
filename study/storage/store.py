"""A launch's folder: where everything lies, and reading and writing it whole or not at all.

``runs/<study>/<launch>/`` holds ``spec.json`` (what was decided before the first seed), ``judges.json`` (what the
outcome rule made of real data and of generators that cheat), ``records.parquet``, ``rule.json`` (which the records are
decided by), ``search.jsonl`` or ``recording.jsonl`` (the cells of a search, or of recorded trainings, as they came),
``settled.json`` (cells that need no more seeds, where they are added until the hypotheses are decided),
``traces/cell=<i>/<block>.parquet``, ``samples/cell=<i>/seed=<s>/step-<n>.png`` (and further pictures beside it, such as
``latent-<n>.png``), ``weights/cell=<i>/seed=<s>/`` (kept networks: ``last.json``, ``best.json`` and the safetensors
files that they name; nothing else needs them), ``plugins/`` (the source of the plugins that the launch was planned
with), ``rules/<digest>/`` (that of the plugins by whose rules it was decided again), ``metrics.parquet`` (known metrics
of kept networks, if they were measured), ``trackers.json`` (what shows the launch besides its report; ``csv/``,
``tensorboard/`` and ``wandb/`` are such views, and can be deleted), ``report/index.html`` and, until all is done,
``checkpoints/<block>.pt`` (of a recorded replica ``checkpoints/<block>/rows.jsonl``), ``halt/<block>.json`` (blocks
that are to end early), ``driver.lock`` (the process that trains it) and ``tune/`` (Ray's own files, errors among them).
Of a file that was damaged and set aside the name ends in ``.damaged``.
"""

import dataclasses
import json
import os
import re
import shlex
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from study.design import plugin_use, renaming
from study.design.parsing import adapter
from study.design.plan import Block, Plan
from study.files import read_json, write_text
from study.outcomes.rule import OutcomeRule
from study.storage import recording_log, records, search_log
from study.storage.records import Record
from study.storage.search_log import grown
from trainables import plugins, trace
from trainables.files import DamagedFile, written_whole
from trainables.trace import Trace

_RULE = pydantic.TypeAdapter(OutcomeRule)


_BLOCK = re.compile(r"c(?P<cell>\d{3,})-b(?P<number>\d{3,})", re.ASCII)
"""The name of a block (``Plan.block_of``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settled:
    """What ``settled.json`` holds: the cells that need no more seeds, and the seconds that the launch has taken."""

    cells: tuple[int, ...]
    seconds: float = 0.0


_SETTLED = pydantic.TypeAdapter(_Settled)
_TRACKERS = pydantic.TypeAdapter(tuple[str, ...])
J = TypeVar("J")


class Store:
    """One launch on disk.

    Args:
        root: the launch's folder, ``runs/<study>/<launch>``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.plan_path = root / "spec.json"
        self.search_path = root / "search.jsonl"
        self.recording_path = root / "recording.jsonl"
        self.records_path = root / "records.parquet"
        self.metrics_path = root / "metrics.parquet"
        self.rule_path = root / "rule.json"
        self.settled_path = root / "settled.json"
        self.judges_path = root / "judges.json"
        self.trackers_path = root / "trackers.json"
        self.report_path = root / "report" / "index.html"
        self.traces_path = root / "traces"
        self.samples_path = root / "samples"
        self.weights_path = root / "weights"
        self.tune_path = root / "tune"
        self.checkpoints_path = root / "checkpoints"
        self.halts_path = root / "halt"
        self.plugins_path = root / "plugins"

    @property
    def out(self) -> Path:
        """The folder of all launches, by default ``runs``."""
        return self.root.parent.parent

    @property
    def resume_command(self) -> str:
        """The command that goes on with the launch, to be pasted into a shell; with the launch's copy of plugins."""
        kept = [self.plugins_path / f"{name.replace('.', '/')}.py" for name in _plugins_of(self._written())]
        options = [f" --plugin {shlex.quote(str(path))}" for path in kept if path.is_file()]
        return f"study resume {shlex.quote(str(self.root))}{''.join(options)}"

    def _written(self) -> bytes:
        return self.plan_path.read_bytes() if self.plan_path.is_file() else b""

    @property
    def draft(self) -> Path:
        """The folder that becomes the launch's once the plan is in it."""
        return self.root.with_name(f".{self.root.name}")

    def create(self, plan: Plan, judges: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the folder of a new launch; it appears with its plan in it, or not at all.

        Args:
            plan: what is decided before the first seed.
            judges: what the outcome rule made of real data and of generators that cheat.

        Raises:
            ValueError: if there is a launch already, or the folder cannot be written.
        """
        draft = Store(self.draft)
        try:
            draft.write_plan(plan)
            draft.write_judges(judges)
            draft.write_plugins(plan)
            if self.root.exists():
                raise FileExistsError
            os.rename(draft.root, self.root)
        except FileExistsError:
            raise ValueError(f"the launch {self.root} exists already") from None
        except OSError as error:
            raise ValueError(f"--out must be a writable folder, got {self.out}: {error.strerror}") from None

    def write_plugins(self, plan: Plan) -> None:
        """Keep the source of the plugins that a plan needs."""
        for plugin in plugin_use.loaded(plan.plugins):
            for name, text in plugin.files.items():
                write_text(self.plugins_path / name, text)

    def withdraw(self) -> None:
        """Remove a launch that has trained nothing."""
        os.rename(self.root, self.draft)
        shutil.rmtree(self.draft, ignore_errors=True)

    def write_plan(self, plan: Plan) -> None:
        write_text(self.plan_path, json.dumps(dataclasses.asdict(plan), indent=1, default=_plain))

    def plan(self) -> Plan:
        """Read the plan; of a search, or of recorded trainings, with the cells that are known so far.

        Raises:
            ValueError: if there is no launch here, its plan or log cannot be read, or the log lacks a cell with traces.
        """
        if not self.plan_path.exists():
            raise ValueError(f"no launch at {self.root}: it has no spec.json")
        try:
            return self._read_plan()
        except DamagedFile:
            raise
        except ValueError:  # of a configuration that only a plugin knows, perhaps
            self._check_plugins()
            raise

    def _read_plan(self) -> Plan:
        plan: Plan = read_json(self.plan_path, adapter(Plan), renaming.current)
        if plan.recording is not None:
            return recording_log.grown(plan, plan.recording, recording_log.read(self.recording_path))
        if plan.search is None:
            return plan
        history = self._history()
        try:
            return grown(plan, plan.search, history)
        except ValueError as error:  # a point that the space does not have
            raise ValueError(f"{self.search_path} cannot be read: {error}") from None

    def _check_plugins(self) -> None:
        """Raise ValueError if a plugin of the plan is not loaded."""
        for name in _plugins_of(renaming.current(self._written())):
            if name not in plugins.loaded():
                kept = next(iter(sorted(self.plugins_path.rglob(f"{name.replace('.', '/')}.py"))), f"{name}.py")
                raise ValueError(
                    f"{self.root} needs the plugin {name}: add --plugin with its file, or in Python import it; or take"
                    f" the launch's own copy, --plugin {shlex.quote(str(kept))}"
                )

    def _history(self) -> search_log.History:
        """Read the log, and refuse one that lacks what was trained: it was cut, and would have that trained anew."""
        history = search_log.read(self.search_path)
        names = (folder.name.removeprefix("cell=") for folder in self.traces_path.glob("cell=*"))
        trained = {int(name) for name in names if name.isdecimal()}  # a copy, such as "cell=3 (1)", is none
        lacking = sorted(cell for cell in trained if cell >= len(history.points))
        if lacking:
            raise ValueError(
                f"{self.search_path} must have every candidate that was trained, and has {len(history.points)}: there"
                f" are traces of cell {lacking[0]}"
            )
        granted = dict(enumerate(history.blocks))
        for path in sorted(self.traces_path.glob("cell=*/*.parquet")):
            named = _BLOCK.fullmatch(path.stem)
            if named and int(named["number"]) >= granted.get(int(named["cell"]), 0):
                raise ValueError(f"{self.search_path} must have every block that was trained, and lacks {path.stem}")
        return history

    def write_decided(self, rule: OutcomeRule, rows: tuple[Record, ...]) -> None:
        """Write records and the rule that they are decided by, which may be another than the plan's; both or neither.

        Of a plugin's rule that the plan does not need, the source is kept in ``rules/<digest>/``.

        Raises:
            OSError: if the disk is full or the folder is not writable; both files are as they were then.
        """
        with written_whole(self.rule_path) as unfinished:
            unfinished.write_text(json.dumps(dataclasses.asdict(rule), indent=1), encoding="utf-8")
            self.write_records(rows)
        own = rule.own_rule
        if own is not None and own != self.plan().rule.own_rule and own.plugin in plugins.loaded():
            for name, text in plugins.loaded()[own.plugin].files.items():
                write_text(self.root / "rules" / own.digest / name, text)

    def rule(self) -> OutcomeRule:
        """Read the rule that the records are decided by.

        Raises:
            ValueError: if it cannot be read.
        """
        return read_json(self.rule_path, _RULE, renaming.current) if self.rule_path.exists() else self.plan().rule

    def write_judges(self, judges: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what the outcome rule made of real data and of generators that cheat, before anything was trained."""
        write_text(self.judges_path, json.dumps(judges, indent=1))

    def judges(self, kind: type[J]) -> Mapping[str, J]:
        """Return what :meth:`write_judges` kept; nothing of a launch of an earlier version.

        Args:
            kind: what each was before it became plain values.

        Raises:
            ValueError: if it cannot be read.
        """
        adapter: pydantic.TypeAdapter[Mapping[str, J]] = pydantic.TypeAdapter(Mapping[str, kind])  # type: ignore[valid-type]
        return read_json(self.judges_path, adapter) if self.judges_path.exists() else {}

    def write_trackers(self, names: Collection[str]) -> None:
        """Keep by which trackers the launch is shown."""
        write_text(self.trackers_path, json.dumps([*names]))

    def trackers(self) -> tuple[str, ...] | None:
        """Return by which trackers the launch is shown; None if nobody has chosen.

        Raises:
            ValueError: if it cannot be read.
        """
        return read_json(self.trackers_path, _TRACKERS) if self.trackers_path.exists() else None

    def write_settled(self, cells: Collection[int], seconds: float) -> None:
        """Tells later drivers which cells need no more seeds, and the time that the launch has taken."""
        write_text(self.settled_path, json.dumps({"cells": sorted(cells), "seconds": seconds}))

    def settled(self) -> frozenset[int]:
        """Return the cells that need no more seeds; none in a launch with a fixed number."""
        return frozenset(self._settled().cells)

    def spent(self) -> float:
        """Seconds of wall-clock time that the launch has taken up to the last block that ended; 0 if not counted."""
        return self._settled().seconds

    def _settled(self) -> _Settled:
        return read_json(self.settled_path, _SETTLED) if self.settled_path.exists() else _Settled(cells=())

    def checkpoint_path(self, block: Block) -> Path:
        return self.checkpoints_path / f"{block.name}.pt"

    def halt_path(self, block: Block) -> Path:
        return self.halts_path / f"{block.name}.json"

    def write_halt(self, block: Block, rule: str, step: int) -> None:
        """Make the block end at its next report, with the trace that it has by then.

        Args:
            rule, step: which rule gave it up, and the last step that the rule had seen.
        """
        write_text(self.halt_path(block), json.dumps({"rule": rule, "step": step}))

    def trace_path(self, block: Block) -> Path:
        return self.traces_path / f"cell={block.cell.index}" / f"{block.name}.parquet"

    def trace(self, block: Block) -> Trace | None:
        """Read the block's trace; None if there is none yet.

        Raises:
            DamagedFile: if it is damaged.
            ValueError: if it cannot be read for another reason.
        """
        path = self.trace_path(block)
        try:
            return trace.read(path) if path.exists() else None
        except DamagedFile as error:
            raise DamagedFile(f"{error}; {self._remedy()}") from None

    def _remedy(self) -> str:
        """Say how a damaged trace is replaced."""
        recorded = self.recording_path.exists()
        return "run its loop again" if recorded else f"{self.resume_command} trains its block anew"

    def write_records(self, rows: tuple[Record, ...]) -> None:
        records.write(rows, self.records_path)

    def records(self, *, of_any_plan: bool = False) -> tuple[Record, ...]:
        """Read the records.

        Args:
            of_any_plan: whether those of another plan than ``spec.json`` are returned, too: to compare the two.

        Raises:
            DamagedFile: if they are damaged.
            ValueError: if there are none, they are of another plan, or they cannot be read for another reason.
        """
        try:
            rows = records.read(self.records_path)
        except DamagedFile as error:
            raise DamagedFile(f"{error}; {self.resume_command} writes it again from the traces") from None
        if not of_any_plan:
            self.check_plan(rows)
        return rows

    def check_plan(self, rows: Sequence[Record]) -> None:
        """Raise ValueError if records were made under another plan than that of ``spec.json``."""
        for sentence in records.of_other_plans(rows, self.plan().digest()):
            raise ValueError(f"{self.plan_path} was changed after the first seed: {sentence}; put back what was there")

    def sample_folder(self, cell: int, seed: int) -> Path:
        return self.samples_path / f"cell={cell}" / f"seed={seed}"

    def cell_weights(self, cell: int) -> Path:
        return self.weights_path / f"cell={cell}"

    def weight_folder(self, cell: int, seed: int) -> Path:
        return self.cell_weights(cell) / f"seed={seed}"

    def grids(self, cell: int, seed: int) -> list[Path]:
        """Return the replica's sample grids, in order of steps."""
        return sorted(self.sample_folder(cell, seed).glob("step-*.png"))

    def pictures(self, cell: int, seed: int) -> list[Path]:
        """All pictures of the replica, the sample grids among them."""
        return sorted(self.sample_folder(cell, seed).glob("*-*.png"))


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _plugins_of(content: bytes) -> list[str]:
    """Return the names of the plugins that a stored plan states; none if it is no such text, which its parser says."""
    try:
        stated = json.loads(content)["plugins"]
        return [str(plugin["name"]) for plugin in stated]
    except (KeyError, TypeError, ValueError, RecursionError):
        return []
