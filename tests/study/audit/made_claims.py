"""Launches of mixture-modes whose claims have the verdicts that a test wants."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from study.design.plan import Plan
from study.design.planning import plan_study
from study.outcomes.outcome import Outcome
from study.storage.records import Status, decide_block
from study.storage.store import Store
from study.studies import find

GOOD, BAD = Outcome.CONVERGED, Outcome.MODE_COLLAPSED
Launch = Callable[..., Store]


@pytest.fixture(name="launch")
def launch_fixture(tmp_path: Path) -> Launch:
    """Makes a launch of mixture-modes: ``launch(profile, day, ls=..., ns=..., seeds=..., changed=...)``."""

    def made(profile: str = "quick", day: int = 1, *, ls: int = 10, ns: int = 0, **options: Any) -> Store:
        change = options.pop("changed", lambda plan: plan)
        options = {"seeds": 10, **options}
        plan: Plan = change(
            plan_study(find("mixture-modes"), profile, now=datetime(2026, 1, day, tzinfo=UTC), **options)
        )
        store = Store(tmp_path / "runs" / plan.study / plan.launch)
        store.write_plan(plan)
        rows = [
            replace(row, outcome=GOOD if row.replica < successes.get(row.levels["objective"], 0) else BAD)
            for successes in [{"ls(0,1,1)": ls, "ns": ns}]
            for block in plan.blocks()
            for row in decide_block(plan, block, None, Status.FINISHED, plan.digest())
        ]
        store.write_records(tuple(rows))
        return store

    return made


@pytest.fixture(name="out")
def out_fixture(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder
