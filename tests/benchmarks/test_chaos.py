"""Launches that are killed at random moments: what is compared, and a small one for real."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.chaos import __main__ as chaos
from benchmarks.chaos.__main__ import Kill, curve_differences, differences, summary
from study.outcomes.outcome import Outcome
from tests.study.conftest import make


def without(store: Any, *, lost: int = 0, doubled: int = 0, otherwise: int = 0) -> Any:
    """A launch with so many records less, twice, or with another outcome."""
    rows = store.records()
    changed = tuple(replace(row, outcome=Outcome.MEMORIZED) for row in rows[:otherwise])
    rows = (*changed, *rows[otherwise:], *rows[:doubled])
    return SimpleNamespace(records=lambda: rows[: len(rows) - lost], trace=store.trace, plan=store.plan)


def test_a_launch_does_not_differ_from_itself(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    assert differences(store, store) == {}


def test_what_is_lost_doubled_or_otherwise_is_counted(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    assert differences(without(store, lost=2), store) == {"replicas lost": 2}
    assert differences(without(store, doubled=3), store) == {"replicas doubled": 3}
    assert differences(without(store, otherwise=1), store) == {"outcomes otherwise": 1}


def test_traces_are_compared_number_by_number(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    first = next(block for block in store.plan().blocks() if store.trace(block) is not None)

    def trace(block: Any) -> Any:
        found = store.trace(block)
        if block != first:
            return found
        rows = [dict(row) for row in found.rows]
        rows[-1]["seed"] += 1
        return SimpleNamespace(rows=rows)

    changed = SimpleNamespace(records=store.records, trace=trace, plan=store.plan)
    assert differences(changed, store) == {"traces otherwise": 1}
    lacking = SimpleNamespace(records=store.records, trace=lambda block: None, plan=store.plan)
    assert differences(lacking, store)["traces otherwise"] == len(store.plan().blocks())


def test_curves_are_compared_point_by_point() -> None:
    points = [(0, "0.5"), (20, "nan"), (40, "1.0")]
    whole = {("cell=0/seed=1", 1): {"quality": points, "seconds": [(0, "1")]}, ("launch", 1): {}}
    assert curve_differences(whole, whole) == {}
    slower = {**whole, ("cell=0/seed=1", 1): {"quality": points, "seconds": [(0, "2")]}}
    assert curve_differences(slower, whole) == {}
    gap = {**whole, ("cell=0/seed=1", 1): {"quality": points[:2], "seconds": []}}
    assert curve_differences(gap, whole) == {"points missing": 1, "curves otherwise": 1}
    twice = {**whole, ("cell=0/seed=1", 1): {"quality": [*points, points[1]], "seconds": []}}
    assert curve_differences(twice, whole) == {"points doubled": 1}
    other = {**whole, ("cell=0/seed=1", 1): {"quality": [*points[:2], (40, "2.0")], "seconds": []}}
    assert curve_differences(other, whole) == {"curves otherwise": 1}
    again = {**whole, ("cell=0/seed=1", 2): {}}
    assert curve_differences(again, whole) == {"runs too many": 1}
    assert curve_differences(whole, again) == {"runs missing": 1}


def test_of_a_number_that_is_no_curve_the_last_one_counts() -> None:
    whole = {("cell=0", 1): {"pending": [(0, "0.0")]}}
    early = {("cell=0", 1): {"pending": [(0, "2.0"), (0, "0.0")]}}
    late = {("cell=0", 1): {"pending": [(0, "0.0"), (0, "2.0")]}}
    assert curve_differences(early, whole) == {}
    assert curve_differences(late, whole) == {"curves otherwise": 1}
    assert curve_differences({("cell=0", 1): {}}, whole) == {"curves otherwise": 1}


def test_kills_are_summed_up_by_victim() -> None:
    kills = [
        Kill(victim="driver", ended=0.1, code=-9, trained=12.0),
        Kill(victim="driver", ended=0.3, code=-9, trained=9.0),
        Kill(victim="worker", ended=None, code=None, trained=None),
    ]
    found = summary(kills)
    assert found["driver"] == {
        "kills": 2,
        "codes": {"-9": 2},
        "seconds until the driver ended, at most": 0.3,
        "seconds of resume until it trained, at most": 12.0,
    }
    assert (found["worker"]["kills"], found["raylet"]["kills"]) == (1, 0)


@pytest.mark.slow
@pytest.mark.ray
def test_a_launch_that_is_killed_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = tmp_path / "found.json"
    options = ["--kills", "2", "--steps", "1500", "--mean", "2", "--out", str(tmp_path / "runs"), "--to", str(to)]
    monkeypatch.setattr("sys.argv", ["chaos", *options])
    with pytest.raises(SystemExit) as ended:
        chaos.main()
    found = json.loads(to.read_text("utf-8"))
    assert (ended.value.code, found["differences"], found["kills"]) == (0, {}, 2)
    assert found["replicas compared"] == 8
    assert found["curves compared"] > 8 * 10
