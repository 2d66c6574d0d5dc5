"""What a point assigns, by its options, numbers and rules, and the way back from a configuration."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import Level, Options, Triplet, Value, levels_of
from tests.search_spaces.small_spaces import NESTED, NET, SOURCE, TRIPLET, adam, number, options, space

# Options, numbers and what is fixed


def test_a_point_assigns_its_options_its_numbers_and_what_is_fixed() -> None:
    fixed = replace(NESTED, assign={"clip": None})
    assert fixed.assignment(adam()) == {
        "clip": None,
        "opt.kind": "adam",
        "opt.lr": 1e-3,
        "d_opt.lr": 1e-3,
        "opt.beta1": 0.5,
    }


def test_changing_an_assignment_does_not_change_the_space() -> None:
    whole = Options(
        name="penalty",
        levels=(Level(label="gp", assign={"penalty": {"kind": "gp", "points": [1]}}),),
        default="gp",
        source=SOURCE,
    )
    own = space(whole, assign={"hidden": [1, 2]})
    assigned = own.assignment(own.default())
    assigned["penalty"]["points"].append(2)  # type: ignore[index]
    assigned["hidden"].clear()  # type: ignore[attr-defined]
    assert own.assignment(own.default()) == {"penalty": {"kind": "gp", "points": [1]}, "hidden": [1, 2]}


def put(assigned: Mapping[str, object]) -> dict[str, object]:
    """A configuration that has what is assigned, and some more."""
    config: dict[str, object] = {"more": {"kind": "x"}}
    for path, value in sorted(assigned.items()):
        *parents, last = path.split(".")
        place = config
        for name in parents:
            place = place.setdefault(name, {"beside": 1})  # type: ignore[assignment]
        place[last] = value
    return config


@given(st.integers(min_value=0))
def test_the_point_of_a_configuration_is_the_one_that_made_it(seed: int) -> None:
    point = NESTED.sample(Random(seed))
    assert NESTED.point_of(put(NESTED.assignment(point))) == point


@pytest.mark.parametrize(
    "change",
    [
        {"opt.kind": "lion"},
        {"opt.lr": 0.1},
        {"opt.lr": "0.001"},
        {"opt.lr": True},
        {"d_opt.lr": 2e-3},
        {"opt.beta1": None},
        {"clip": 0.1},
    ],
)
def test_a_configuration_outside_the_space_has_no_point(change: dict[str, object]) -> None:
    fixed = replace(NESTED, assign={"clip": None})
    assigned = fixed.assignment(adam())
    assert fixed.point_of(put(assigned)) == adam()
    assert fixed.point_of(put({**assigned, **change})) is None


@pytest.mark.parametrize("path", ["opt.kind", "opt.lr", "d_opt.lr", "opt.beta1", "clip"])
def test_a_configuration_without_a_path_has_no_point(path: str) -> None:
    fixed = replace(NESTED, assign={"clip": None})
    assigned = fixed.assignment(adam())
    assert fixed.point_of(put({name: value for name, value in assigned.items() if name != path})) is None


def test_numbers_equal_to_six_digits_are_the_same() -> None:
    assigned = NESTED.assignment(adam())
    assert NESTED.point_of(put({**assigned, "d_opt.lr": 1e-3 * (1 + 1e-7)})) == adam()


@pytest.mark.parametrize("value", [True, "1", None])
def test_a_number_is_neither_a_truth_value_nor_its_text(value: object) -> None:
    own = space(options("steps", "steps", 1, 5))
    assert own.point_of({"steps": 1}) == {"steps": "1"}
    assert own.point_of({"steps": value}) is None


def test_a_whole_option_is_found_among_fields_at_their_defaults() -> None:
    levels = (
        Level(label="ns", assign={"objective": {"kind": "ns"}}),
        Level(label="ls", assign={"objective": {"kind": "ls", "c": 1.0}}),
    )
    own = space(Options(name="objective", levels=levels, default="ns", source=SOURCE))
    assert own.point_of({"objective": {"kind": "ls", "a": 0.0, "c": 1}}) == {"objective": "ls"}
    assert own.point_of({"objective": {"kind": "ls", "a": 0.0, "c": 0.0}}) is None


# Rules


@pytest.mark.parametrize(
    ("point", "labels"),
    [
        ({"gamma": 1.0, "scale": 1.0, "offset": 0.0}, (0.0, 1.0, 1.0)),
        ({"gamma": 0.5, "scale": 4.0, "offset": 0.5}, (-1.0, 1.0, 0.0)),
    ],
)
def test_the_papers_triplets_are_points(point: dict[str, Value], labels: tuple[float, ...]) -> None:
    assigned = TRIPLET.assignment(point)
    assert assigned == dict(zip(("objective.a", "objective.b", "objective.c"), labels, strict=True))
    assert TRIPLET.point_of(put(assigned)) == point


@given(st.integers(min_value=0))
def test_labels_give_their_gamma_scale_and_offset_back(seed: int) -> None:
    point = TRIPLET.sample(Random(seed))
    assert TRIPLET.point_of(put(TRIPLET.assignment(point))) == pytest.approx(point, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("a_b_c", [(1.0, 0.0, 0.0), (0.0, 1.0, 3.0), (0.0, 0.0, 0.0), (0.0, None, 0.0)])
def test_labels_that_no_gamma_of_the_space_gives_have_no_point(a_b_c: tuple[float | None, ...]) -> None:
    assert TRIPLET.point_of({"objective": dict(zip("abc", a_b_c, strict=True))}) is None


def test_a_number_that_the_rule_fixes_must_be_found() -> None:
    own = space(number("gamma", high=2.0), rules=(Triplet(gamma="gamma", scale=4.0, offset=0.5),))
    assert own.assignment({"gamma": 0.5}) == {"objective.a": -1.0, "objective.b": 1.0, "objective.c": 0.0}
    assert own.point_of({"objective": {"a": -1.0, "b": 1.0, "c": 0.0}}) == {"gamma": 0.5}
    assert own.point_of({"objective": {"a": 0.0, "b": 1.0, "c": 0.5}}) is None


def test_width_and_depth_make_the_layers_of_both_nets() -> None:
    point = {"width": 16, "depth": 3}
    assigned = NET.assignment(point)
    assert assigned == {"g.hidden": [16, 16, 16], "d.hidden": [16, 16, 16]}
    assert NET.point_of(put(assigned)) == point


@pytest.mark.parametrize(
    "layers", [([16, 32], [16, 32]), ([16], [16, 16]), ([], []), ([128], [128]), ([16] * 4, [16] * 4), (16, 16)]
)
def test_layers_that_no_point_makes_have_none(layers: tuple[object, object]) -> None:
    assert NET.point_of({"g": {"hidden": layers[0]}, "d": {"hidden": layers[1]}}) is None


def test_a_rule_exists_with_its_axes() -> None:
    loss = Options(name="loss", levels=levels_of("objective.kind", ("ls", "ns")), default="ls", source=SOURCE)
    own = space(loss, number("gamma", when={"loss": ("ls",)}), rules=(Triplet(gamma="gamma"),))
    assert own.assignment({"loss": "ns"}) == {"objective.kind": "ns"}
    assert set(own.assignment({"loss": "ls", "gamma": 0.5})) == {"objective.kind", *own.rules[0].paths}
    assert own.point_of({"objective": {"kind": "ns"}}) == {"loss": "ns"}
