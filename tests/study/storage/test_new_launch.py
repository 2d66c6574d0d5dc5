"""A new launch has an id of its own, and its folder appears with its plan in it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from study.design.plan import Plan
from study.design.planning import plan_study
from study.storage.lock import LOCK
from study.storage.new_launch import placed
from study.storage.store import Store
from study.studies import find

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ID = "20260304-050607-smoke"


@pytest.fixture
def plan() -> Plan:
    return plan_study(find("dirac"), "smoke", now=NOW)


def names(store: Store) -> set[str]:
    return {path.name for path in store.root.iterdir()}


def test_the_folder_appears_with_its_plan(plan: Plan, tmp_path: Path) -> None:
    with placed(plan, tmp_path / "runs") as (named, store):
        assert named == plan
        assert store.root == tmp_path / "runs" / "dirac" / ID
        assert not store.root.exists()
        store.create(named, {})
        assert names(store) == {LOCK, "judges.json", "spec.json"}
    assert names(store) == {"judges.json", "spec.json"}
    assert store.plan() == plan


def test_a_launch_that_was_never_created_leaves_nothing(plan: Plan, tmp_path: Path) -> None:
    with placed(plan, tmp_path / "new" / "runs"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_launches_of_one_second_have_ids_of_their_own(plan: Plan, tmp_path: Path) -> None:
    with placed(plan, tmp_path) as (first, one), placed(plan, tmp_path) as (second, two):
        assert (first.launch, second.launch) == (ID, f"{ID}-2")
        two.create(second, {})
        one.create(first, {})
        with placed(plan, tmp_path) as (third, _):
            assert third.launch == f"{ID}-3"
    assert [path.name for path in sorted((tmp_path / "dirac").iterdir())] == [ID, f"{ID}-2"]
    assert two.plan().launch == f"{ID}-2"


def test_what_a_killed_start_left_is_in_nobodys_way(plan: Plan, tmp_path: Path) -> None:
    draft = tmp_path / "dirac" / f".{ID}"
    Store(draft).write_plan(plan)
    (draft / LOCK).write_text("")
    with placed(plan, tmp_path) as (named, store):
        store.create(named, {})
    assert [path.name for path in (tmp_path / "dirac").iterdir()] == [ID]


def test_a_launch_that_is_there_is_not_replaced(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path / "dirac" / ID)
    store.create(plan, {})
    with pytest.raises(ValueError, match=f"^the launch {store.root} exists already$"):
        store.create(plan, {})


def test_a_launch_that_is_withdrawn_is_gone(plan: Plan, tmp_path: Path) -> None:
    store = Store(tmp_path / "dirac" / ID)
    store.create(plan, {})
    store.withdraw()
    assert list((tmp_path / "dirac").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got .*/file/runs: Not a directory$"):
        with placed(plan, tmp_path / "file" / "runs"):
            pass
    assert (tmp_path / "file").read_text() == ""


def test_a_folder_that_can_be_made_by_nobody_is_not_tried_for_ever(plan: Plan) -> None:
    """Making one in /proc gives the error of a folder whose parent has just been removed."""
    with pytest.raises(ValueError, match=r"^--out must be a writable folder, got /proc/x: No such file or directory$"):
        with placed(plan, Path("/proc/x")):
            pass
