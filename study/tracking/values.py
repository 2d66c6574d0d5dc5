"""What is shown, as names and plain values: the points of curves, the parameters and the metrics of a cell."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from search_spaces import Value
from study.design.plan import Block, Cell, Plan
from study.design.search import SearchSpec
from study.design.values import leaves
from study.evidence.estimates import CellSummary
from study.search.importance import Importance, target_name
from study.storage.metrics_table import NUMBERS
from study.storage.records import Record
from trainables.config import to_dict
from trainables.trace import Row

Replica = tuple[int, int]
"""A replica of a launch: index of its cell, and its seed."""

_NO_CURVE = ("replica", "seed", "step", "finite")
"""Columns of a trace that say which row it is, or what the outcome says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The finite numbers of one row of a trace.

    Attributes:
        stamp: ms since 1970. It is kept when the point is sent again, because a server that stored it without answering
            stores a point with the same step, stamp and value only once.
    """

    step: int
    stamp: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Curves:
    """Points by replica, in the order in which they were measured."""

    points: Mapping[Replica, Sequence[Point]]


def curves(block: Block, rows: Sequence[Row], *, stamp: int) -> Curves:
    """Return the numbers in the rows of a block.

    Lists have no place in a curve; NaN and infinity are left out, so that the UI shows a gap.
    """
    points: defaultdict[Replica, list[Point]] = defaultdict(list)
    for row in rows:
        values = {
            name: float(value)
            for name, value in row.items()
            if name not in _NO_CURVE and isinstance(value, Real | np.bool_) and isfinite(value)
        }
        points[block.cell.index, row["seed"]].append(Point(step=int(row["step"]), stamp=stamp, values=values))
    return Curves(points)


def joined(parts: Sequence[Curves]) -> Curves:
    """Return the curves one after the other."""
    points: defaultdict[Replica, list[Point]] = defaultdict(list)
    for part in parts:
        for replica, own in part.points.items():
            points[replica] += own
    return Curves(points)


def known_metrics(rows: Sequence[Mapping[str, Any]], *, stamp: int) -> dict[Replica, list[Point]]:
    """Return the known metrics of each replica, a point per row of ``metrics.parquet`` that has any.

    They are called ``<features>-<digits>.<which>.<n>/<metric>``, such as ``inception-6726825d.last.10000/fid``: numbers
    of one name compare. The digits are the first ones of the digests of weights and plugin.
    """
    points: defaultdict[Replica, list[Point]] = defaultdict(list)
    for row in (row for row in rows if not row["broken"]):
        digits = "".join(f"-{row[name][:8]}" for name in ("weights_digest", "plugin_digest") if row[name])
        kind = f"{row['features']}{digits}.{row['which']}.{row['n']}"
        values = {param_name(f"{kind}/{name}"): row[name] for name in NUMBERS}
        points[row["cell"], row["seed"]].append(Point(step=row["step"], stamp=stamp, values=values))
    return dict(points)


def config_params(cell: Cell, shown: Mapping[str, str]) -> dict[str, str]:
    """Return a cell's configuration by dotted path, such as ``g_optimizer.lr``.

    Args:
        shown: further parameters of its run. A path that is called like one of them is left out if the value is the
            same, and gets the prefix ``config.`` otherwise.
    """
    params: dict[str, str] = {}
    for path, value in leaves(to_dict(cell.config)):
        text = value if isinstance(value, str) else json.dumps(value)
        name = param_name(path)
        if shown.get(name) != text:
            params[f"config.{name}" if name in shown else name] = text
    return params


def outcomes_text(summary: CellSummary) -> str:
    """Return the outcomes of a cell's replicas, such as ``3 converged, 2 mode collapsed``, the most frequent first."""
    found = [(count, outcome.value) for outcome, count in summary.outcomes.items() if count]
    found += [(count, name) for count, name in ((summary.crashed, "crashed"), (summary.stopped, "stopped")) if count]
    return ", ".join(f"{count} {name.replace('_', ' ')}" for count, name in sorted(found, key=lambda own: -own[0]))


def replica_name(record: Record) -> str:
    """Return what a replica is called that has ended, such as ``seed 3: mode collapsed (ns / adam)``."""
    became = record.outcome if record.decided else record.status
    return f"seed {record.seed}: {became.value.replace('_', ' ')} ({record.cell_name})"


def replica_marks(record: Record) -> dict[str, str]:
    """Return what became of a replica, by name."""
    return {
        "outcome": record.outcome.value,
        "status": record.status.value,
        "outcome_step": "" if record.outcome_step is None else str(record.outcome_step),
    }


def point_params(point: Mapping[str, Value]) -> dict[str, str]:
    """``param.<axis>`` to its exact value, for each axis that a candidate has."""
    return {param_name(f"param.{axis}"): str(value) for axis, value in point.items()}


def search_params(plan: Plan, search: SearchSpec) -> dict[str, str]:
    """Return what is searched, and how."""
    seconds = {} if plan.budget is None else {"budget_seconds": f"{plan.budget:g}"}
    blocks = {} if search.blocks is None else {"budget_blocks": str(search.blocks)}
    own = {"space": search.space.name, "sampler": search.sampler, "objective": search.goal, "stop": search.stop}
    return {**own, "block": str(plan.block), **blocks, **seconds}


def importance_metrics(found: Sequence[Importance]) -> dict[str, float]:
    """``importance.success.<axis>``: the share that each axis explains."""
    return {param_name(f"importance.success.{own.axis}"): own.share for own in found if own.target == "success"}


def importance_json(found: Sequence[Importance]) -> str:
    """All importances, those for failures too."""
    rows = [{**asdict(own), "target": target_name(own.target), "beyond_chance": own.beyond_chance} for own in found]
    return json.dumps(rows, indent=1, allow_nan=False)


def cell_metrics(summary: CellSummary, shown: Mapping[str, float]) -> dict[str, float]:
    """Return ``success_rate`` with its interval and counts, and ``outcome_<name>`` for every outcome.

    Crashed, pending and stopped replicas are no part of ``n``. ``borderline``, the number of replicas whose outcome the
    error of measuring may change, is left out where it is not known.

    Without any decided replica there is no rate, which is not a rate of 0; only one in ``shown`` has to be taken back.
    """
    rate = summary.rate
    rates = {"success_rate": rate.rate, "ever_good_rate": summary.ever_good.rate}
    return {
        **{name: value for name, value in rates.items() if rate.n or name in shown},
        "success_low": rate.low,
        "success_high": rate.high,
        "n": float(rate.n),
        "successes": float(rate.successes),
        **{f"outcome_{outcome.value}": float(count) for outcome, count in summary.outcomes.items()},
        "crashed": float(summary.crashed),
        "pending": float(summary.pending),
        "stopped": float(summary.stopped),
        **({} if summary.borderline is None else {"borderline": float(summary.borderline)}),
        "seconds": summary.seconds,
    }


def param_name(text: str) -> str:
    """Return the text with ``_`` for every character that MLflow does not allow in a name."""
    return re.sub(r"[^\w\-. :/]", "_", text, flags=re.ASCII)[:250]
