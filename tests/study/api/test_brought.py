"""Studies and search spaces that plugins bring: by name, by file, joined, and refused."""

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

import study
from search_spaces import SEARCHES, Space
from study import report
from study.audit.verify import verify
from study.design.plan import Plan
from study.search.problem import ground
from study.storage.store import Store
from study.studies import find, names, of_plugins
from tests.made_plugins import HINGE, SEARCHED, STUDIED, file, forgotten
from tests.study.made_searches import begin, go, searched, searching
from trainables import plugins

pytestmark = pytest.mark.usefixtures("no_plugins")


def planned(space: str | Path | Space, **fields: Any) -> Plan:
    fields = {"budget": "8blocks", "seeds": 4, "block": 2, "set": {"steps": 1_200, "evaluation.every": 100}} | fields
    return study.plan_search(space, on="ring", **fields)


@pytest.fixture
def hinges(tmp_path: Path) -> Path:
    return file(tmp_path, SEARCHED, "searched_hinge")


def converges(point: Any) -> float:
    return 1.0 if point["loss"] == "hinge" else 0.0


def test_a_space_is_the_same_by_file_by_name_and_as_a_value(hinges: Path) -> None:
    by_file = planned(hinges).search
    by_name, by_value = (planned(own).search for own in ("hinges", sys.modules["searched_hinge"].SPACE))
    assert by_file == by_name == by_value
    joined = planned(f"{hinges}+mlp-size")
    assert joined.study == "search-hinges+mlp-size"


def test_a_plan_needs_the_plugin_that_only_a_level_of_the_space_names(hinges: Path) -> None:
    plan = planned(hinges)
    assert plan.search is not None
    assert plan.search.base.objective.kind == "non_saturating"  # type: ignore[union-attr]
    assert [own.name for own in plan.plugins] == ["searched_hinge"]
    assert planned("wgan-clip").plugins == ()


def test_points_set_the_fields_of_a_plugin(hinges: Path) -> None:
    plan = planned(hinges)
    assert plan.search is not None
    drawn = [plan.search.space.sample(Random(seed)) for seed in range(20)]
    margins = [point["margin"] for point in drawn if point["loss"] == "hinge"]
    assert 5 <= len(margins) <= 15
    assert len(set(margins)) == len(margins)
    assert all("margin" not in point for point in drawn if point["loss"] == "ls")


def test_a_field_that_the_plugin_lacks_is_one_sentence(tmp_path: Path) -> None:
    path = file(tmp_path, SEARCHED.replace("objective.margin", "objective.marge"), "searched_wrong")
    with pytest.raises(ValueError, match=r"objective.marge is no field: objective has kind, margin.* \(space hinges, "):
        planned(path)


def test_a_search_is_recorded_reported_verified_and_goes_on(hinges: Path, tmp_path: Path) -> None:
    plan = planned(hinges)
    whole = searched(tmp_path / "whole", plan, converges=converges)
    store, ledger = begin(tmp_path / "halves", plan)
    first = go(store, ledger, searching(ledger), at_most=3, converges=converges)
    ledger.write()
    with forgotten():
        with pytest.raises(ValueError, match=r"needs the plugin searched_hinge: add --plugin"):
            store.plan()
        plugins.load(hinges)
        _, again = begin(tmp_path / "halves", plan)
        rest = go(store, again, searching(again), converges=converges)
        again.write()
        assert store.plan().digest() == plan.digest()
        assert (len(first), len(rest)) == (3, 5)
        assert [own.outcome for own in store.records()] == [own.outcome for own in whole.records()]
        assert {own.config["objective"]["kind"] for own in store.records()} == {"hinge", "least_squares"}
        report.build(store)
        page = store.report_path.read_text(encoding="utf-8")
        assert "loss=hinge / margin=" in page
        assert "searched_hinge 1.2, digest" in page
        checks = {check.name: check for check in verify(store)}
        assert not checks["configurations"].differences
        assert not checks["records"].differences
        assert not checks["search"].differences


def test_a_search_with_a_changed_plugin_is_refused(hinges: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "runs" / "search-hinges" / "a")
    store.create(planned(hinges), {})
    plugins.load(file(tmp_path, SEARCHED.replace("1.2", "1.3"), "searched_hinge"))
    with pytest.raises(
        ValueError, match=r"^the plugin searched_hinge, .* must have digest \w+, as planned, got \w+ \("
    ):
        study.resume(store.root, tracking_uri="none")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HINGE, r"refused.py must define SPACE, a search_spaces.Space, got none"),
        (f"{HINGE}\nSPACE = 3\n", r"must define SPACE, a search_spaces.Space, got int"),
        (
            SEARCHED.replace('name="hinges"', 'name="wgan-clip"'),
            "must have a name of its own, got wgan-clip, which is bu",
        ),
    ],
)
def test_what_is_no_space_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        planned(file(tmp_path, text, "refused"))


@pytest.mark.parametrize(("space", "sentence"), [
    ("cosmos", r"SPACE must be one of .*wgan-clip.*, got 'cosmos'"),
    ("no.py", "SPACE must be a name or a file with a SPACE, got 'no.py': there is no such file"),
    (3, "space must be a Space, a name or a file, got"),
])  # fmt: skip
def test_an_unknown_space_is_refused(space: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        planned(space)


# Studies


def test_a_study_of_a_plugin_is_found_by_name_everywhere(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^study must be one of .*, got 'my-modes'"):
        find("my-modes")
    plugins.load(file(tmp_path, STUDIED, "own_modes"))
    assert {name: own.plugin for name, own in of_plugins().items()} == {"my-modes": "own_modes"}
    assert study.plan("my-modes", "smoke").question == "Do my modes stay?"
    assert ground("my-modes/smoke").name == "my-modes-smoke"
    assert "my-modes" not in names()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            STUDIED.replace("my-modes", "dirac"),
            "the study of the plugin own_bad must have a name of its own, got dirac",
        ),
        ("STUDY = 'dirac'", "the plugin own_bad must define STUDY, a study.Study, got str"),
    ],
)
def test_what_is_no_study_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    plugins.load(file(tmp_path, text, "own_bad"))
    with pytest.raises(ValueError, match=sentence):
        of_plugins()


def test_two_plugins_cannot_bring_one_name_but_a_package_may_pass_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module: Callable[[str], ModuleType] = lambda name: plugins.load(file(tmp_path, STUDIED, name))  # noqa: E731
    passed_on = module("own_first")
    plugins.load(file(tmp_path, "from own_first import STUDY\n", "own_passing"))
    assert [own.plugin for own in of_plugins().values()] == ["own_first"]
    assert of_plugins()["my-modes"].value is passed_on.STUDY
    module("own_second")
    with pytest.raises(ValueError, match="must have a name of its own, got my-modes, which the plugin own_first has"):
        of_plugins()


def test_without_plugins_there_is_nothing_beside_what_is_built_in() -> None:
    assert of_plugins() == {}
    with pytest.raises(ValueError, match=rf"SPACE must be one of {', '.join(SEARCHES)}, or"):
        planned("hinges")
