"""Records and what is estimated from them as pandas data frames.

The levels of a factor are a column of numbers where all their labels are numbers, and of text otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from study.evidence.estimates import CellSummary, Comparison
from study.storage.records import Record

if TYPE_CHECKING:
    import pandas as pd


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", flags=re.IGNORECASE | re.ASCII)


def records(rows: Sequence[Record]) -> "pd.DataFrame":
    """Return a frame with one row per planned replica; the levels of the factors are columns of their names."""
    import pandas as pd

    return _with_numbers(pd.DataFrame([_record(row) for row in rows]), [row.levels for row in rows])


def cells(summaries: Sequence[CellSummary]) -> "pd.DataFrame":
    """Return a frame with one row per cell: rate, its interval, and a column for the count of each outcome."""
    import pandas as pd

    return _with_numbers(pd.DataFrame([_cell(own) for own in summaries]), [own.levels for own in summaries])


def contrasts(comparisons: Sequence[Comparison]) -> "pd.DataFrame":
    """Return a frame with one row per contrast and place of the design."""
    import pandas as pd

    return _with_numbers(pd.DataFrame([_contrast(row) for row in comparisons]), [row.held for row in comparisons])


def _with_numbers(frame: "pd.DataFrame", levels: Sequence[Mapping[str, str]]) -> "pd.DataFrame":
    """Make the columns of levels whose labels are all numbers columns of numbers."""
    import pandas as pd

    labels: dict[str, set[str]] = {}
    for own in levels:
        for name, label in own.items():
            labels.setdefault(name, set()).add(label)
    for name, known in labels.items():
        column = f"level_{name}" if f"level_{name}" in frame else name
        if all(_NUMBER.fullmatch(label) for label in known):
            frame[column] = pd.to_numeric(frame[column])
    return frame


def _record(row: Record) -> dict[str, object]:
    values: dict[str, object] = {
        "cell": row.cell,
        "cell_name": row.cell_name,
        "replica": row.replica,
        "seed": row.seed,
        "status": row.status.value,
        "outcome": row.outcome.value,
        "outcome_step": row.outcome_step,
        "ever_good": row.ever_good,
        "borderline": row.borderline,
        "steps": row.steps,
        "planned_steps": row.planned_steps,
        "seconds": row.seconds,
        "block": row.block,
        "rule": row.rule,
        "digest": row.digest,
        "plan": row.plan,
        "mode": row.mode,
        "device": row.device,
    }
    return _with(values, row.levels) | {name: row.evidence[name] for name in row.evidence if name not in values}


def _cell(summary: CellSummary) -> dict[str, object]:
    rate = summary.rate
    values: dict[str, object] = {
        "cell": summary.cell,
        "cell_name": summary.name,
        "n": rate.n,
        "rate": rate.rate if rate.n else float("nan"),
        "low": rate.low,
        "high": rate.high,
        "ever_good": summary.ever_good.rate if rate.n else float("nan"),
        "borderline": float("nan") if summary.borderline is None or not rate.n else summary.borderline / rate.n,
    }
    counts = {outcome.value: count for outcome, count in summary.outcomes.items()}
    apart = {name: getattr(summary, name) for name in ("crashed", "pending", "skipped", "stopped")}
    return _with(values, summary.levels) | counts | apart | {"seconds": summary.seconds}


def _contrast(row: Comparison) -> dict[str, object]:
    values: dict[str, object] = {
        "factor": row.contrast.factor,
        "a": row.contrast.a,
        "b": row.contrast.b,
        "rate_a": row.a.rate,
        "rate_b": row.b.rate,
        "difference": row.difference,
        "low": row.low,
        "high": row.high,
        "p": row.p,
        "p_adjusted": row.p_adjusted,
        "pairs": row.pairs,
        "test": row.test,
    }
    return _with(values, row.held)


def _with(values: Mapping[str, object], levels: Mapping[str, str]) -> dict[str, object]:
    """Return the levels after the first two columns; one whose name is taken is called ``level_<name>``."""
    named = {f"level_{name}" if name in values else name: label for name, label in levels.items()}
    first = dict(list(values.items())[:2])
    return first | named | dict(values)
