"""From a space, data and a budget to a launch; and every way to ask for what cannot be."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydantic
import pytest

from search_spaces import SEARCHES
from study.design.parsing import assign_config
from study.design.plan import Plan
from study.design.search import Point, SearchSpec
from study.outcomes.outcome import Outcome
from study.search import planning
from study.search.problem import GROUNDS, ground
from study.storage.store import Store
from tests.study.conftest import make
from tests.study.made_searches import BASE, GROUND, NOW, SPACE, plan, searched
from trainables import games


@pytest.mark.parametrize(("text", "blocks", "seconds"), [
    ("200blocks", 200, None), ("1block", 1, None), ("90s", None, 90.0), ("30m", None, 1_800.0), ("2h", None, 7_200.0),
])  # fmt: skip
def test_a_budget_is_blocks_or_time(text: str, blocks: int | None, seconds: float | None) -> None:
    assert planning.budget(text) == (blocks, seconds)


@pytest.mark.parametrize("text", ["0blocks", "-3blocks", "1.5blocks", "blocks"])
def test_less_than_a_block_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"--budget must be at least one block, got '{text}'"):
        planning.budget(text)


def test_a_number_of_blocks_that_nobody_can_read_is_refused() -> None:
    with pytest.raises(ValueError, match="--budget must have at most 12 digits, got 5000"):
        planning.budget("9" * 5000 + "blocks")


@pytest.mark.parametrize("text", ["", "0s", "7", "2 days", "xh", "9" * 400 + "h"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"--budget must be a number > 0 followed by s, m or h, .* blocks: 200blocks"):
        planning.budget(text)


def planned(**fields: Any) -> Plan:
    own = {name: fields.pop(name) for name in ("seeds", "block", "changes", "known", "seconds") if name in fields}
    on = fields.pop("on", GROUND)
    values = {"space": SPACE, "base": BASE, "blocks": 4}
    return planning.plan_search(SearchSpec(**(values | fields)), on, now=NOW, **({"seeds": 6} | own))


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    made = planned(sampler="nsga2", goal="both", changes={"batch_size": 32})
    store = Store(tmp_path)
    store.write_plan(made)
    assert store.plan() == made
    assert store.plan().digest() == made.digest()


def test_every_space_survives_json() -> None:
    for space in SEARCHES.values():
        made = SearchSpec(space=space, base=BASE, blocks=1)
        adapter = pydantic.TypeAdapter(SearchSpec)
        assert adapter.validate_json(adapter.dump_json(made)) == made


@pytest.mark.parametrize("change", [{"seeds": 5}, {"seed": 1}, {"sampler": "random"}, {"stop": "none"}, {"blocks": 5}])
def test_what_decides_a_search_is_in_its_digest(change: dict[str, Any]) -> None:
    assert planned(**change).digest() != planned().digest()


@pytest.mark.parametrize(("on", "block"), [("ring", 5), ("digits", 2)])
def test_blocks_are_as_large_as_stacking_pays(on: str, block: int) -> None:
    here = ground(on)
    search = SearchSpec(space=SEARCHES["lsgan-bn"], base=here.base, blocks=1)
    assert planning.plan_search(search, here, now=NOW, seeds=20).block == block
    assert planning.plan_search(search, here, now=NOW, seeds=20, block=3).block == 3
    assert planning.plan_search(search, here, now=NOW, seeds=1).block == 1


def test_changes_are_set_in_the_base_and_stand_in_the_plan() -> None:
    made = planned(changes={"batch_size": 32})
    assert made.search is not None
    assert made.search.base.batch_size == 32
    assert made.changes == {"batch_size": 32}


@pytest.mark.parametrize("path", ["g_optimizer.lr", "g_optimizer", "d_optimizer.kind", "g_optimizer.beta1"])
def test_what_the_space_sets_cannot_be_set(path: str) -> None:
    with pytest.raises(ValueError, match=f"{path} is set by the space tiny and cannot be set"):
        planned(changes={path: 1})


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"seeds": 0}, "--seeds must be >= 1, got 0"),
    ({"block": 0}, "--block must be >= 1, got 0"),
    ({"blocks": 0}, "--budget must be at least one block, got 0"),
    ({"blocks": None}, r"--budget must be given for a search \(space tiny\)"),
    ({"audit": 1.5}, r"--audit must be in \[0, 1\], got 1.5"),
    ({"floor": 1.0}, r"--floor must be in \[0, 1\), got 1"),
])  # fmt: skip
def test_numbers_out_of_range_are_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        planned(**fields)


def test_a_base_that_refuses_points_of_the_space_is_refused_before_anything_is_trained() -> None:
    search = SearchSpec(space=SEARCHES["wgan-clip"], base=BASE, blocks=1)
    with pytest.raises(ValueError, match=r"d_steps must be 1 when order is simultaneous, .* \(space wgan-clip, point "):
        planning.plan_search(search, GROUND, now=NOW, seeds=2, changes={"updates.order": "simultaneous"})


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"goal": "luck", "stop": "lost"}, "--goal must be one of success, quality, both, got 'luck'"),
    ({"goal": "success", "stop": "now"}, "--stop must be one of none, lost, asha, median, got 'now'"),
])  # fmt: skip
def test_choices_are_named(fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        planning.search_of(SEARCHES["wgan-clip"], GROUND, **fields)


# Grounds


@pytest.mark.parametrize("name", GROUNDS)
def test_a_ground_is_a_base_that_chooses_no_method(name: str) -> None:
    base = ground(name).base
    assert (base.objective.kind, base.penalty.kind, base.clip) == ("non_saturating", "none", None)
    games.build(base)


def test_a_profile_is_taken_as_it_is() -> None:
    assert ground("wgan-clip/quick").base.clip == 0.01
    assert ground("wgan-clip/quick").name == "wgan-clip-quick"


@pytest.mark.parametrize(("name", "sentence"), [
    ("mars", "--on must be one of ring, .*, or study/profile, got 'mars'"),
    ("mars/quick", "--on must be one of ring, .*, or study/profile, got 'mars/quick'"),
    ("dirac/nope", r"--on must name a profile of dirac \(.*\), got 'dirac/nope'"),
])  # fmt: skip
def test_unknown_data_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        ground(name)


# Warm starts


def test_a_sampler_knows_what_an_earlier_search_found(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=10))
    made = planned(known=store)
    assert made.search is not None
    warm = made.search.warm
    assert warm is not None
    assert (warm.launch, warm.plan) == (store.plan().launch, store.plan().digest())
    assert len(warm.points) == len(store.plan().cells)
    assert sum(candidate.n for candidate in warm.points) == 20
    for candidate, cell in zip(warm.points, store.plan().cells, strict=True):
        assert assign_config(BASE, SPACE.assignment(candidate.point)) == cell.config


def test_a_warm_start_survives_its_file(tmp_path: Path) -> None:
    made = planned(known=searched(tmp_path / "one", plan(blocks=4)))
    store = Store(tmp_path / "two")
    store.write_plan(made)
    assert store.plan() == made


def test_data_that_the_outcome_rule_is_not_for_are_refused() -> None:
    with pytest.raises(ValueError, match=r"data.kind must be one of points, .* --on .* got 'digits' \(space tiny\)"):
        planned(changes={"data.kind": "digits"})
    assert planned(changes={"data.kind": "grid"}).search is not None


def test_a_launch_of_another_space_is_no_warm_start(tmp_path: Path) -> None:
    other = make(tmp_path, [(Outcome.CONVERGED,)], page=False, config={"batch_size": 7})
    with pytest.raises(
        ValueError,
        match=r"--warm-start must be a launch with cells of the space tiny on the same base configuration that"
        r" were decided by modes@\w+, got .*: none of its 1 cells is such a one",
    ):
        planned(known=other)


def test_a_launch_that_was_decided_by_another_rule_is_no_warm_start(tmp_path: Path) -> None:
    other = replace(GROUND, rule=replace(GROUND.rule, window=GROUND.rule.window + 3))
    with pytest.raises(ValueError, match=f"were decided by {other.rule.label()}, got .*: none of its"):
        planned(known=searched(tmp_path, plan(blocks=4)), on=other)


def test_a_floor_that_no_candidate_can_reach_is_refused() -> None:
    sentence = r"--floor must be <= 0.929 with at most 6 seeds per candidate, got 0.97 \(space tiny\)"
    with pytest.raises(ValueError, match=sentence):
        planned(goal="quality", floor=0.97)
    planned(goal="quality", floor=0.92)
    planned(floor=0.97)


def test_a_sampler_that_does_not_learn_has_no_warm_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--warm-start needs a sampler that learns, got random"):
        planned(known=searched(tmp_path, plan(blocks=2)), sampler="random")


def test_points_are_kept_exactly(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=8))
    lines = [json.loads(line) for line in store.search_path.read_text().splitlines()]
    points: list[Point] = [line["point"] for line in lines if line["event"] == "cell"]
    for point, cell in zip(points, store.plan().cells, strict=True):
        assert cell.config.g_optimizer.lr == point["lr"]


def test_names_of_cells_are_short_and_differ(tmp_path: Path) -> None:
    names = [cell.name for cell in searched(tmp_path, plan(blocks=8)).plan().cells]
    assert names[0] == "#0 optimizer=adam / lr=0.001 / beta1=0.5"
    assert len(set(names)) == len(names)
