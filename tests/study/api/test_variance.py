"""``study.variance_components``: a launch's components as a frame."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import study
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.storage.store import Store
from study.studies.variance import STUDY
from tests.study.evidence.made_records import recorded

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """A launch of the study with four seeds: the initial weights decide everything."""
    plan = study.plan(STUDY, "smoke", seeds=4)
    store = Store(tmp_path / plan.study / plan.launch)
    store.write_plan(plan)
    ends = {"all": [C, M, C, M], "init": [C, M, C, M], "data": [C] * 4, "noise": [M] * 3 + [U], "nothing": [C] * 4}
    return Launch(store, recorded(plan, [ends[cell.levels["varied"]] for cell in plan.cells]), plan.rule)


def test_a_row_for_each_set_of_sources_and_one_for_the_excess(launch: Launch) -> None:
    found = study.variance_components(launch).set_index("varied")
    assert list(found.index) == ["all", "nothing", "init", "data", "noise", "excess"]
    assert found.share.to_dict() == pytest.approx(
        {"all": 1, "nothing": 0, "init": 1, "data": 0, "noise": 0, "excess": 0}
    )
    assert found.replicas.iloc[:5].tolist() == [4, 4, 4, 4, 3]
    assert found.loc["init", "variance"] == pytest.approx(1 / 3)
    assert found.loc["excess", ["settings", "replicas", "left_out", "variance"]].isna().all()
    assert found.loc["data", ["low", "high"]].tolist() == [0, 0]


def test_the_cell_may_be_named_and_the_launch_a_value(launch: Launch) -> None:
    pd.testing.assert_frame_equal(study.variance_components(launch), study.variance_components(launch, cell=0))
    pd.testing.assert_frame_equal(study.variance_components(launch), study.variance_components(launch, cell="all"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"measure": 3}, "measure must be a name, got 3"),
        ({"measure": "quality"}, "measure must be one of success, got 'quality'"),
        ({"confidence": "high"}, "confidence must be a number, got 'high'"),
        ({"confidence": 95.0}, r"confidence must be in \(0, 1\), got 95.0"),
        ({"cell": "init, held at 31001"}, "cell must have nothing held, got 'init, held at 31001'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(launch: Launch, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        study.variance_components(launch, **options)
