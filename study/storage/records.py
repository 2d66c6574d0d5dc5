"""Records: one row per planned replica, the table that every number shown is computed from."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from study.design.plan import Block, Plan
from study.formatting import plural
from study.outcomes.decision import Decision, decide
from study.outcomes.futility import is_futile
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from trainables.config import Config, to_dict
from trainables.files import DamagedFile
from trainables.renaming import current_names
from trainables.reporting import planned_step
from trainables.trace import ReplicaTrace, Trace, read_table, write_table

SCHEMA_VERSION = 3


class Status(Enum):
    """What happened to the process. Says nothing about the GAN. Stored by name: append, never rename."""

    FINISHED = "finished"
    STOPPED = "stopped"
    CRASHED = "crashed"
    PLANNED = "planned"
    SKIPPED = "skipped"

    @property
    def trained(self) -> bool:
        """Whether there is a trace: to the last step, or to where it was stopped."""
        return self in (Status.FINISHED, Status.STOPPED)

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do: trained as far as it goes, or not needed by the stopping rule."""
        return self.trained or self is Status.SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One planned replica.

    Attributes:
        cell, cell_name, levels, digest, config: the cell (``config`` as plain JSON values).
        replica: number within the cell, from 0; ``seed`` is its seed.
        outcome, outcome_step, evidence: the decision; ``undecided`` for replicas without a complete trace. Of a block
            that was stopped those have one that were lost beyond doubt (``study.outcomes.futility``): the failure that
            showed by then. That they failed is certain; which failure it would have become is not, but for
            ``diverged``.
        ever_good: whether any window of the trace met the rule's criteria for success ("best checkpoint").
        borderline: whether the outcome would be another one if every quantity were a standard error better, or worse.
            Absent if an earlier version decided, which did not ask.
        steps: generator updates done; ``planned_steps`` asked for.
        seconds: the block's training time divided by its replicas.
        mode: ``stack[N]``; device and versions where it ran. Without a trace mode and device are empty and the versions
            are those of the machine that planned.
        rule: ``name@digest`` of the rule that decided.
        plan: digest of the plan that the replica was trained under; empty where older versions wrote the trace or the
            record.
    """

    launch: str
    study: str
    profile: str
    cell: int
    cell_name: str
    levels: Mapping[str, str]
    digest: str
    config: Mapping[str, object]
    block: str
    replica: int
    seed: int
    status: Status
    outcome: Outcome
    outcome_step: int | None
    ever_good: bool
    evidence: Mapping[str, float]
    rule: str
    steps: int
    planned_steps: int
    seconds: float
    mode: str
    device: str
    versions: Mapping[str, str]
    plan: str = ""
    borderline: bool | None = None

    @property
    def decided(self) -> bool:
        """Whether the replica is an observation."""
        return self.outcome.decided

    @property
    def converged(self) -> bool:
        """Whether the replica counts as a success."""
        return self.outcome is Outcome.CONVERGED


_STRING, _INT, _FLOAT, _BOOL = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_TYPES = {
    "launch": _STRING,
    "study": _STRING,
    "profile": _STRING,
    "cell": _INT,
    "cell_name": _STRING,
    "levels": _STRING,
    "digest": _STRING,
    "config": _STRING,
    "block": _STRING,
    "replica": _INT,
    "seed": _INT,
    "status": _STRING,
    "outcome": _STRING,
    "outcome_step": _INT,
    "ever_good": _BOOL,
    "evidence": _STRING,
    "rule": _STRING,
    "steps": _INT,
    "planned_steps": _INT,
    "seconds": _FLOAT,
    "mode": _STRING,
    "device": _STRING,
    "versions": _STRING,
    "plan": _STRING,
    "borderline": _BOOL,
}
"""Column types; mappings are JSON text, enums their values. A new column is a new ``SCHEMA_VERSION``."""
_ADDED = {"plan": "", "borderline": None}
"""Columns that older schemas lack, and what they stand for there."""
_NULLABLE = ("outcome_step", "borderline")
_JSON = ("levels", "config", "evidence", "versions")
_SCHEMA = pa.schema([pa.field(name, kind, nullable=name in _NULLABLE) for name, kind in _TYPES.items()])
_METADATA = b"records"


def write(rows: Iterable[Record], path: Path) -> None:
    """Write the table whole or not at all.

    Raises:
        ValueError: if a mapping holds NaN or an infinity, or what JSON cannot hold.
        OSError: if the disk is full or the folder is not writable; nothing is left behind.
    """
    held, texts = list(rows), _Texts()
    table = pa.Table.from_pylist([_plain(row, texts) for row in held], schema=_SCHEMA)
    table = table.replace_schema_metadata({_METADATA: json.dumps({"schema": SCHEMA_VERSION})})
    write_table(table, path)


def read(path: Path) -> tuple[Record, ...]:
    """Read what ``write`` wrote.

    Raises:
        DamagedFile: if the file is damaged or holds no records.
        ValueError: if it does not exist or was written by a newer schema.
    """
    if not path.exists():
        raise ValueError(f"no records at {path}")
    table = read_table(path)
    version = _schema_of(table)
    if version is None:
        raise DamagedFile(f"{path} holds no records")
    if version > SCHEMA_VERSION:
        raise ValueError(f"{path} has record schema {version}, this version reads up to {SCHEMA_VERSION}")
    lacking = [name for name in _TYPES if name not in table.column_names and name not in _ADDED]
    if lacking:
        raise DamagedFile(f"{path} cannot be read: it has no column {lacking[0]}")
    try:
        parse = cache(_parsed)  # rows of one cell share their configuration: one text, one value
        return _in_order([_record(row, parse) for row in _typed(table).to_pylist()])
    except (ValueError, pa.ArrowException) as error:  # an outcome, a status or a text that no version has written
        raise DamagedFile(f"{path} cannot be read: {' '.join(str(error).split()):.300}") from None


def _typed(table: pa.Table) -> pa.Table:
    """Return the known columns, each of its type, which another program may have changed.

    Raises:
        ValueError, pyarrow.ArrowException: if a value is missing, or cannot be had in that type.
    """
    columns = {}
    for name, kind in _TYPES.items():
        if name not in table.column_names:
            continue
        found = table.column(name)
        if not _alike(found.type, kind):  # times and truth values become numbers, and others than were written
            raise ValueError(f"the column {name} must be {kind}, got {found.type}")
        columns[name] = column = found.cast(kind)
        if column.null_count and name not in _NULLABLE:
            raise ValueError(f"{column.null_count} values of the column {name} are missing")
    return pa.table(columns)


def _alike(found: pa.DataType, kind: pa.DataType) -> bool:
    """Return whether both are whole or other numbers, texts or truth values; a type without values is like all."""
    own = found.value_type if pa.types.is_dictionary(found) else found
    families = (_is_number, _is_text, pa.types.is_boolean)
    return pa.types.is_null(own) or any(family(own) and family(kind) for family in families)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _in_order(found: list[Record]) -> tuple[Record, ...]:
    """Return the records by cell and replica, as they were written; raise ValueError if a replica has two."""
    ordered = sorted(found, key=lambda record: (record.cell, record.replica))
    for one, other in pairwise(ordered):
        if (one.cell, one.replica) == (other.cell, other.replica):
            raise ValueError(f"it has two rows of cell {one.cell}, replica {one.replica}")
    return tuple(ordered)


def of_other_plans(rows: Iterable[Record], own: str) -> tuple[str, ...]:
    """Say how many records state another plan than that of ``spec.json``; those of old versions state none.

    Args:
        rows: the records.
        own: digest of the plan in ``spec.json``.
    """
    found = Counter(row.plan for row in rows if row.plan not in ("", own))
    return tuple(
        f"spec.json is the plan {own}, {plural(n, 'record')} {'is' if n == 1 else 'are'} of the plan {other}"
        for other, n in found.items()
    )


def _schema_of(table: pa.Table) -> int | None:
    """Return the version of a table of records; None if it does not say that it is one."""
    try:
        version = json.loads((table.schema.metadata or {})[_METADATA])["schema"]
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
    return version if type(version) is int else None


def decide_block(
    plan: Plan,
    block: Block,
    trace: Trace | None,
    status: Status,
    plan_digest: str = "",
    config: Mapping[str, object] | None = None,
) -> tuple[Record, ...]:
    """Return the records of one block, one per planned replica, in order of its seeds.

    A finished block with a complete trace gets its outcomes by the plan's rule. If the trace says that it was stopped,
    it gets the status ``stopped``, and outcomes for the replicas that were lost by then. Any other block gets
    ``undecided``.

    Args:
        trace: what is stored for the block, if anything is.
        status: what happened to its process.
        plan_digest: digest of the plan, for a block without a trace; a trace knows under which one it was made.
        config: the cell's configuration as plain values, if they are at hand: its records then share them.

    Raises:
        ValueError: if the trace was made by another configuration than the launch planned.
    """
    meta: Mapping[str, Any] = {} if trace is None else trace.meta
    if trace is not None and meta["digest"] != block.cell.digest:
        raise ValueError(f"the trace of block {block.name} has digest {meta['digest']}, planned is {block.cell.digest}")
    decided = trace if trace is not None and status is Status.FINISHED and meta["complete"] else None
    stopped = decided is not None and "stopped" in meta
    status = Status.STOPPED if stopped else status
    own, label = block.cell.config, plan.rule.label()
    config, due = to_dict(own) if config is None else config, own.steps
    records = []
    for index, seed in enumerate(block.seeds):
        decision = _UNDECIDED if decided is None else _decision(decided.replica(seed), plan.rule, own, stopped)
        records.append(
            Record(
                launch=plan.launch,
                study=plan.study,
                profile=plan.profile,
                cell=block.cell.index,
                cell_name=block.cell.name,
                levels=block.cell.levels,
                digest=block.cell.digest,
                config=config,
                block=block.name,
                replica=block.first + index,
                seed=seed,
                status=status,
                outcome=decision.outcome,
                outcome_step=decision.step,
                ever_good=decision.ever_good,
                borderline=decision.borderline,
                evidence=decision.evidence,
                rule=label,
                steps=meta.get("steps", 0),
                planned_steps=due or meta.get("steps", 0),
                seconds=meta.get("seconds", 0.0) / len(block.seeds),
                mode=meta.get("mode", ""),
                device=meta.get("device", ""),
                versions=meta.get("versions", plan.versions),
                plan=plan_digest if trace is None else meta.get("plan", ""),
            )
        )
    return tuple(records)


_UNDECIDED = Decision(outcome=Outcome.UNDECIDED, step=None, ever_good=False, evidence={})


def _decision(own: ReplicaTrace, rule: OutcomeRule, config: Config, stopped: bool) -> Decision:
    """Of a stopped replica only what is certain: one that is lost has failed, in the way that shows when it stopped."""
    steps, every = config.steps, config.evaluation.every
    if stopped and not is_futile(_as_planned(own, steps, every), rule, steps, every):
        return _UNDECIDED
    return decide(own, rule)


def _as_planned(trace: ReplicaTrace, steps: int, every: int) -> ReplicaTrace:
    """Return the trace with the steps of today's plan of reports, whichever version made it."""
    planned = [planned_step(int(step), steps, every) for step in trace.columns.get("step", ())]
    return replace(trace, columns={**trace.columns, "step": np.array(planned, dtype=np.int64)})


class _Texts(dict[int, str]):
    """JSON texts by the identity of values that live longer: rows of one block share theirs, and most of the cost."""

    def of(self, value: object) -> str:
        if id(value) not in self:
            self[id(value)] = json.dumps(value, allow_nan=False)
        return self[id(value)]


def _plain(record: Record, texts: _Texts) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in _TYPES}
    values |= {name: texts.of(values[name]) for name in _JSON}
    return values | {"status": record.status.value, "outcome": record.outcome.value}


def _parsed(column: str, text: str) -> Any:
    try:
        values = json.loads(text, parse_constant=_not_finite)
    except RecursionError:
        values = None
    if not isinstance(values, dict):
        raise ValueError(f"{column} must hold names and values, got {text:.200}")
    inside = {"levels": (str,), "versions": (str,), "evidence": (int, float)}.get(column)
    if inside and not all(type(value) in inside for value in values.values()):
        raise ValueError(f"{column} must hold {'numbers' if float in inside else 'texts'}, got {text:.200}")
    return current_names(values) if column == "config" else values


def _not_finite(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _record(row: Mapping[str, Any], parse: Callable[[str, str], Any]) -> Record:
    parsed = {name: parse(name, row[name]) for name in _JSON}
    if not isfinite(row["seconds"]):
        raise ValueError(f"seconds must be a number, got {row['seconds']}")
    known = {name: row.get(name, _ADDED[name]) if name in _ADDED else row[name] for name in _TYPES}
    return Record(**known | parsed | {"status": Status(row["status"]), "outcome": Outcome(row["outcome"])})
