"""A launch's folder: where everything lies, and reading and writing it whole or not at all.

``runs/<study>/<launch>/`` holds ``spec.json`` (what was decided before the first seed), ``records.parquet``,
``rule.json`` (which the records are decided by),
``traces/cell=<i>/<block>.parquet``, ``samples/cell=<i>/seed=<s>/step-<n>.png`` (and further pictures beside it, such as
``latent-<n>.png``), ``report/index.html`` and, until all is done, ``tune/`` (Ray's checkpoints).
"""

import dataclasses
import json
import os
from enum import Enum
from pathlib import Path
from typing import Any

import pydantic

from study import records
from study.records import Record
from study.rules import OutcomeRule
from study.spec import Block, LaunchSpec
from trainables import trace
from trainables.trace import Trace

_SPEC = pydantic.TypeAdapter(LaunchSpec)
_RULE = pydantic.TypeAdapter(OutcomeRule)


class Store:
    """One launch on disk.

    Args:
        root: the launch's folder, ``runs/<study>/<launch>``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.spec_path = root / "spec.json"
        self.records_path = root / "records.parquet"
        self.rule_path = root / "rule.json"
        self.report_path = root / "report" / "index.html"
        self.traces_path = root / "traces"
        self.samples_path = root / "samples"
        self.tune_path = root / "tune"

    def write_spec(self, spec: LaunchSpec) -> None:
        write_text(self.spec_path, json.dumps(dataclasses.asdict(spec), indent=1, default=_plain))

    def spec(self) -> LaunchSpec:
        """Raises ValueError if there is no launch here or its spec cannot be read."""
        try:
            return _SPEC.validate_json(self.spec_path.read_bytes())
        except FileNotFoundError:
            raise ValueError(f"no launch at {self.root}: it has no spec.json") from None
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{self.spec_path} cannot be read: {place}: {first['msg']}") from None

    def write_rule(self, rule: OutcomeRule) -> None:
        """Keeps the rule that the records are decided by, which ``study decide`` may have changed since the plan."""
        write_text(self.rule_path, json.dumps(dataclasses.asdict(rule), indent=1))

    def rule(self) -> OutcomeRule:
        """The rule that the records are decided by."""
        return _RULE.validate_json(self.rule_path.read_bytes()) if self.rule_path.exists() else self.spec().rule

    def trace_path(self, block: Block) -> Path:
        return self.traces_path / f"cell={block.cell.index}" / f"{block.name}.parquet"

    def trace(self, block: Block) -> Trace | None:
        """The block's stored trace, or nothing if there is none yet."""
        path = self.trace_path(block)
        return trace.read(path) if path.exists() else None

    def write_records(self, rows: tuple[Record, ...]) -> None:
        records.write(rows, self.records_path)

    def records(self) -> tuple[Record, ...]:
        return records.read(self.records_path)

    def sample_folder(self, cell: int, seed: int) -> Path:
        return self.samples_path / f"cell={cell}" / f"seed={seed}"

    def grids(self, cell: int, seed: int) -> list[Path]:
        """The replica's sample grids, in order of steps."""
        return sorted(self.sample_folder(cell, seed).glob("step-*.png"))

    def pictures(self, cell: int, seed: int) -> list[Path]:
        """All pictures of the replica, the sample grids among them."""
        return sorted(self.sample_folder(cell, seed).glob("*-*.png"))


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} is no JSON value")
