import dataclasses
import json
from enum import Enum
from math import inf, nan, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from search_spaces import Factor, Level, Role, grid, levels_of


def factor(name: str, path: str, values: tuple[object, ...] = (0, 1)) -> Factor:
    return Factor(name=name, levels=levels_of(path, values), source="test")


FINITE = st.floats(allow_nan=False, allow_infinity=False)
SIZES = factor("size", "data.side", (16, 28, 32))
RATES = factor("rate", "g_optimizer.lr", (1e-3, 2e-4))


@pytest.mark.parametrize("label", ["", "  "])
def test_level_refuses_a_blank_label(label: str) -> None:
    with pytest.raises(ValueError, match="label of a level must not be blank"):
        Level(label=label, assign={"clip": 1.0})


def test_level_refuses_to_assign_nothing() -> None:
    with pytest.raises(ValueError, match="level 'x' must assign at least one path, got none"):
        Level(label="x", assign={})


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a b", "a-b", "a.0"])
def test_level_refuses_a_path_that_is_no_dotted_name(path: str) -> None:
    with pytest.raises(ValueError, match="path must be names joined by dots"):
        Level(label="x", assign={path: 1})


@pytest.mark.parametrize("value", [nan, inf, -inf, (1, 2), {1: "x"}, {"a": nan}, [[inf]], {1, 2}, b"x", 1j])
def test_level_refuses_what_json_does_not_give_back(value: object) -> None:
    with pytest.raises(ValueError, match="clip of level 'x' must be a finite JSON value, got "):
        Level(label="x", assign={"clip": value})


@pytest.mark.parametrize("paths", [("objective", "objective.a"), ("objective.a", "objective"), ("a", "a.b.c")])
def test_level_refuses_a_path_inside_another(paths: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="paths of level 'x' must not overlap"):
        Level(label="x", assign=dict.fromkeys(paths, 1))


def test_level_takes_a_path_that_only_begins_like_another() -> None:
    assert set(Level(label="x", assign={"clip": 1, "clip_after": 2}).assign) == {"clip", "clip_after"}


def test_factor_refuses_a_blank_name() -> None:
    with pytest.raises(ValueError, match="name of a factor must not be blank"):
        factor(" ", "clip")


def test_factor_refuses_to_have_no_level() -> None:
    with pytest.raises(ValueError, match="factor 'f' must have at least one level, got none"):
        factor("f", "clip", ())


def test_factor_refuses_two_levels_of_one_label() -> None:
    with pytest.raises(ValueError, match="labels of factor 'f' must be unique, got 1 repeatedly"):
        factor("f", "clip", (1, 2, 1.0))


def test_factor_refuses_levels_that_assign_different_paths() -> None:
    levels = (Level(label="a", assign={"clip": 1}), Level(label="b", assign={"clip": 1, "steps": 2}))
    with pytest.raises(ValueError, match="'f' must assign the same paths, got clip for 'a' and clip, steps for 'b'"):
        Factor(name="f", levels=levels, source="test")


def test_factor_takes_levels_that_name_the_same_paths_in_another_order() -> None:
    levels = (Level(label="a", assign={"clip": 1, "steps": 2}), Level(label="b", assign={"steps": 3, "clip": 4}))
    assert Factor(name="f", levels=levels, source="test").paths == ("clip", "steps")


def test_pick_keeps_the_order_asked_for() -> None:
    assert [level.label for level in SIZES.pick("32", "16").levels] == ["32", "16"]


def test_pick_keeps_everything_else() -> None:
    nuisance = dataclasses.replace(SIZES, role=Role.NUISANCE)
    picked = nuisance.pick("28")
    assert picked == dataclasses.replace(nuisance, levels=nuisance.levels[1:2])


def test_pick_names_factor_unknown_label_and_the_known_ones() -> None:
    with pytest.raises(ValueError, match="factor 'size' must be picked from 16, 28, 32, got '64'"):
        SIZES.pick("16", "64")


def test_pick_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="at least one level"):
        SIZES.pick()


def test_pick_refuses_a_label_twice() -> None:
    with pytest.raises(ValueError, match="must be unique, got 16 repeatedly"):
        SIZES.pick("16", "16")


def test_grid_varies_the_last_factor_fastest() -> None:
    labels = [tuple(level.label for level in cell.values()) for cell in grid((SIZES, RATES))]
    assert labels == [(size, rate) for size in ("16", "28", "32") for rate in ("0.001", "0.0002")]


def test_grid_names_the_levels_by_factor_in_the_factors_order() -> None:
    assert list(next(grid((RATES, SIZES)))) == ["rate", "size"]


def test_grid_of_no_factors_is_the_base_alone() -> None:
    assert list(grid(())) == [{}]


@pytest.mark.parametrize(
    ("one", "other"),
    [("clip", "clip"), ("g_optimizer", "g_optimizer.lr"), ("g_optimizer.lr", "g_optimizer"), ("a", "a.b.c")],
)
def test_grid_refuses_overlapping_paths_at_the_call(one: str, other: str) -> None:
    with pytest.raises(ValueError, match=f"must not overlap, got {one} in 'f' and {other} in 'g'"):
        grid((factor("f", one), factor("h", "steps"), factor("g", other)))


@pytest.mark.parametrize("other", ["clip_after", "g_optimizer.clip", "cli", "clipped.clip"])
def test_grid_takes_paths_that_only_look_alike(other: str) -> None:
    assert len(list(grid((factor("f", "clip"), factor("g", other))))) == 4


def test_grid_refuses_two_factors_of_one_name() -> None:
    with pytest.raises(ValueError, match="unique names, got 'f' twice"):
        grid((factor("f", "clip"), factor("f", "steps")))


@given(st.lists(st.integers(1, 4), max_size=4))
def test_grid_holds_every_combination_once(sizes: list[int]) -> None:
    factors = [factor(f"f{i}", f"p{i}", tuple(range(size))) for i, size in enumerate(sizes)]
    cells = [tuple(level.label for level in cell.values()) for cell in grid(factors)]
    assert len(cells) == len(set(cells)) == prod(sizes)
    assert cells == sorted(cells)


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (0.01, "0.01"),
        (5e-5, "5e-05"),
        (1.0, "1"),
        (1, "1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (10**12, "1000000000000"),
        (True, "true"),
        (None, "null"),
        ("relu", "relu"),
        ([128, 128], "[128, 128]"),
    ],
)
def test_levels_are_labeled_by_their_value(value: object, label: str) -> None:
    assert levels_of("clip", (value,)) == (Level(label=label, assign={"clip": value}),)


@given(FINITE)
def test_a_number_can_be_read_back_from_its_label(value: float) -> None:
    assert float(levels_of("clip", (value,))[0].label) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FINITE | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(Role))
def test_factor_survives_being_stored(value: object, role: Role) -> None:
    levels = (Level(label="a", assign={"objective": value, "clip": None}),)
    before = Factor(name="f", levels=levels, role=role, source="test")

    def plain(item: object) -> object:
        assert isinstance(item, Enum)
        return item.value

    stored = json.dumps(dataclasses.asdict(before), default=plain)
    after = TypeAdapter(Factor).validate_json(stored)
    assert after == before
    assert json.dumps(dataclasses.asdict(after), default=plain) == stored  # True == 1 == 1.0, but not as text


def test_a_stored_factor_is_validated_when_read() -> None:
    stored = '{"name": "f", "levels": [], "role": "nuisance", "source": "test"}'
    with pytest.raises(ValueError, match="at least one level"):
        TypeAdapter(Factor).validate_json(stored)
