"""The numbers of the report as CSV files: one row per replica, one per cell, and what some launches have."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO

from study.evidence.estimates import CellSummary
from study.evidence.inference.proportions import clopper_pearson
from study.outcomes.outcome import Outcome
from study.report.palette import ORDER
from study.search import race
from study.search.candidates import Candidate
from study.search.importance import Importance, target_name
from study.storage.records import Record

RECORDS, CELLS, METRICS = "records.csv", "cells.csv", "metrics.csv"
CANDIDATES, IMPORTANCE = "candidates.csv", "importance.csv"


def records(rows: Sequence[Record]) -> str:
    """Return all records without their configurations, which the digest names; each level and evidence has a column."""
    return _csv(
        {
            "launch": row.launch,
            "cell": row.cell,
            "cell_name": row.cell_name,
            **{f"level.{name}": label for name, label in row.levels.items()},
            "replica": row.replica,
            "seed": row.seed,
            "status": row.status.value,
            "outcome": row.outcome.value,
            "outcome_step": row.outcome_step,
            "ever_good": int(row.ever_good),
            "borderline": None if row.borderline is None else int(row.borderline),
            **{f"evidence.{name}": value for name, value in row.evidence.items()},
            "steps": row.steps,
            "planned_steps": row.planned_steps,
            "seconds": round(row.seconds, 3),
            "block": row.block,
            "mode": row.mode,
            "device": row.device,
            "rule": row.rule,
            "digest": row.digest,
            "plan": row.plan,
        }
        for row in rows
    )


def cells(summaries: Sequence[CellSummary]) -> str:
    """Return counts, rates and limits (Wilson and exact, 95 %) of every cell, in the given order."""
    some = any(summary.stopped for summary in summaries)  # a column that only searches have
    return _csv(_cell(summary) | ({"stopped": summary.stopped} if some else {}) for summary in summaries)


def metrics(rows: Sequence[Mapping[str, object]]) -> str:
    """Return the known metrics of every measured replica, as ``metrics.parquet`` has them."""
    return _csv(rows)


def candidates(found: Sequence[Candidate]) -> str:
    """Return the candidates of a search in the given order, with exact values on their axes."""
    return _csv(map(_candidate, found))


def importance(found: Sequence[Importance]) -> str:
    """Return how much each axis of a search decides success and each failure."""
    return _csv(
        {
            "target": target_name(own.target),
            "axis": own.axis,
            "share": own.share,
            "low": own.low,
            "high": own.high,
            "chance": own.chance,
            "rank_stability": own.rank_stability,
            "cells": own.n_cells,
        }
        for own in found
    )


def _candidate(own: Candidate) -> dict[str, object]:
    low, high = race.interval(own)
    outcomes = [outcome for outcome in ORDER if outcome is not Outcome.UNDECIDED]
    return {
        "cell": own.cell,
        "cell_name": own.name,
        **{f"axis.{name}": value for name, value in own.point.items()},
        "converged": own.successes,
        "n": own.n,
        "anytime_low": low,
        "anytime_high": high,
        "score": own.score,
        "quality": own.quality,
        **{f"outcome.{outcome.value}": own.outcomes.get(outcome, 0) for outcome in outcomes},
        "stopped": own.stopped,
    }


def _cell(summary: CellSummary) -> dict[str, object]:
    rate = summary.rate
    exact = clopper_pearson(rate.successes, rate.n)
    outcomes = [outcome for outcome in ORDER if outcome is not Outcome.UNDECIDED]
    return {
        "cell": summary.cell,
        "cell_name": summary.name,
        **{f"level.{name}": label for name, label in summary.levels.items()},
        "converged": rate.successes,
        "n": rate.n,
        "rate": rate.rate if rate.n else None,
        "wilson_low": rate.low,
        "wilson_high": rate.high,
        "exact_low": exact.low,
        "exact_high": exact.high,
        "ever_good": summary.ever_good.successes,
        "borderline": summary.borderline,
        **{f"outcome.{outcome.value}": summary.outcomes.get(outcome, 0) for outcome in outcomes},
        "crashed": summary.crashed,
        "pending": summary.pending,
        "skipped": summary.skipped,
        "seconds": round(summary.seconds, 3),
    }


def _csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Return RFC 4180 text with plain line feeds; a row without a column leaves it empty. Columns keep their order."""
    held = list(rows)
    out = StringIO()
    writer = csv.DictWriter(out, _columns(held), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(held)
    return out.getvalue()


def _columns(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the columns of all rows; a column that the first row lacks follows the last one of the same kind."""
    found: list[str] = []
    for row in rows:
        for name in row:
            if name not in found:
                kin = [place for place, own in enumerate(found) if own.partition(".")[0] == name.partition(".")[0]]
                found.insert(kin[-1] + 1 if kin else _after(found, list(row), name), name)
    return found


def _after(found: Sequence[str], row: Sequence[str], name: str) -> int:
    """Return the place after the nearest preceding column of the same row that is already in the list."""
    before = [own for own in row[: row.index(name)] if own in found]
    return found.index(before[-1]) + 1 if before else 0
