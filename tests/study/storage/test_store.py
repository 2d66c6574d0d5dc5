"""The folder of a launch: what lies in it is written whole, and read or named in one sentence."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from study.design.plan import Plan
from study.design.planning import plan_study
from study.storage.store import Store
from study.studies import find
from tests.made_damage import read_with_a_flipped_bit

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def plan() -> Plan:
    return plan_study(find("wgan-clip"), "smoke", now=NOW)


@pytest.fixture
def store(plan: Plan, tmp_path: Path) -> Store:
    made = Store(tmp_path / "runs" / plan.study / plan.launch)
    made.write_plan(plan)
    return made


def test_a_halt_file_says_which_rule_and_when(plan: Plan, store: Store) -> None:
    block = plan.blocks()[2]
    store.write_halt(block, "lost", 400)
    assert store.halt_path(block).read_text() == '{"rule": "lost", "step": 400}'
    assert [path.name for path in store.halts_path.iterdir()] == ["c002-b000.json"]


def test_a_spec_survives_its_file(plan: Plan, store: Store) -> None:
    assert store.plan() == plan


def test_a_folder_without_a_launch_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no launch at .*: it has no spec.json"):
        Store(tmp_path).plan()


def test_a_spec_that_was_damaged_is_named_with_the_place(plan: Plan, store: Store) -> None:
    store.plan_path.write_text(store.plan_path.read_text().replace('"window": 3', '"window": "three"'))
    with pytest.raises(ValueError, match=r"spec.json cannot be read: rule.window"):
        store.plan()


def test_of_three_hundred_flipped_bits_of_a_spec_each_is_seen_or_changes_nothing(plan: Plan, store: Store) -> None:
    """The digest of a plan, which every trace and record has, is what a resume and ``study verify`` compare."""
    digest = plan.digest()

    def read(path: Path) -> Plan:
        found = store.plan()
        if found.digest() != digest:
            raise ValueError(f"{path} was changed")
        return replace(found, folder="", keep=None)

    refused, others = read_with_a_flipped_bit(store.plan_path, read, 300)
    assert len(refused) >= 100
    assert all("spec.json" in said and len(said.splitlines()) == 1 for said in refused)
    assert all(found == replace(plan, folder="", keep=None) for found in others)


def test_a_spec_that_was_cut_off_is_named_wherever_that_is(store: Store) -> None:
    content = store.plan_path.read_bytes().rstrip()
    for size in range(0, len(content), len(content) // 40):
        store.plan_path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"^[^\n]*spec.json cannot be read: [^\n]*\Z"):
            store.plan()
