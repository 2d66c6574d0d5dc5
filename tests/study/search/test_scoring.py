"""Candidates are read from records, with how near each came."""

from dataclasses import replace
from pathlib import Path

import pytest

from study.outcomes.outcome import Outcome
from study.search.scoring import candidates
from study.storage.records import Status
from study.storage.search_log import read
from tests.study.made_searches import plan, searched

C, N, D = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.DIVERGED


def test_candidates_are_read_from_records(tmp_path: object) -> None:
    store = searched(tmp_path, plan(blocks=3))  # type: ignore[arg-type]
    records = store.records()
    stopped = [replace(r, status=Status.STOPPED, outcome=Outcome.UNDECIDED) for r in records if r.cell == 1]
    found = candidates([{"lr": 1.0}, {"lr": 2.0}], [*(r for r in records if r.cell == 0), *stopped])
    assert [each.cell for each in found] == [0, 1]
    assert found[1].stopped == found[1].n == len(stopped)
    assert found[0].results == tuple(r.outcome is C for r in records if r.cell == 0)
    assert found[0].point == {"lr": 1.0}


def test_how_near_a_candidate_came_is_the_mean_over_all_of_its_replicas(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=3))
    for found in candidates(read(store.search_path).points, store.records()):
        own = [record for record in store.records() if record.cell == found.cell]
        qualities = [0.0 if record.outcome is D else record.evidence["quality"] for record in own]
        assert found.near == pytest.approx(sum(qualities) / len(own))
        assert found.near > 0 or set(found.outcomes) == {D}
