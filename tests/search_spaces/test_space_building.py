"""Spaces from JSON and from other spaces, and every way in which a space is none."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from pydantic import TypeAdapter, ValidationError

from search_spaces import Hidden, Level, Space, Triplet, compose
from tests.search_spaces.small_spaces import NESTED, NET, RULE, SOURCE, TRIPLET, adam, number, options, space

# JSON


def parsed(own: Space) -> Space:
    text = json.dumps(asdict(own), default=lambda role: role.value)
    return TypeAdapter(Space).validate_json(text)


@pytest.mark.parametrize("own", [NESTED, TRIPLET, NET], ids=["nested", "triplet", "net"])
def test_a_space_comes_back_from_json(own: Space) -> None:
    assert parsed(own) == own
    assert [type(axis) for axis in parsed(own).axes] == [type(axis) for axis in own.axes]


def test_a_space_that_was_spoilt_in_a_file_is_refused() -> None:
    plain = json.loads(json.dumps(asdict(NESTED), default=lambda role: role.value))
    plain["axes"][0]["default"] = "lion"
    with pytest.raises(ValidationError, match="default of axis rule must be one of adam, sgd, rms, got 'lion'"):
        TypeAdapter(Space).validate_python(plain)


# What is no space

PAIR = Level(label="pair", assign={"a": 1, "b": 1})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: space(), "axes must name at least one axis, got none (space s)"),
        (lambda: space(RULE, RULE), "names of axes must be unique, got rule repeatedly (space s)"),
        (
            lambda: space(number("x", "x", when={"y": ("a",)})),
            "condition of axis x must be about an axis of the space, got y (space s)",
        ),
        (
            lambda: space(number("x", "x", when={"rule": ("adam",)}), RULE),
            "condition of axis x must be about an earlier axis of options, got rule (space s)",
        ),
        (
            lambda: space(number("y", "y"), number("x", "x", when={"y": ("a",)})),
            "condition of axis x must be about an earlier axis of options, got y (space s)",
        ),
        (
            lambda: space(RULE, number("x", "x", when={"rule": ("lion",)})),
            "condition of axis x must name options of rule (adam, rms, sgd), got 'lion' (space s)",
        ),
        (
            lambda: space(
                RULE,
                options("n", "n", 0, 1, when={"rule": ("sgd",)}),
                number("x", "x", when={"n": ("1",), "rule": ("adam",)}),
            ),
            "axis x must exist at some point, got the condition n is 1 and rule is adam (space s)",
        ),
        (lambda: space(number("x")), "axis x must set a path or serve a rule, got neither (space s)"),
        (
            lambda: space(number("x", "a.b"), number("y", "a.b")),
            "paths must be set once at a point, got a.b from axis x and a.b from axis y (space s)",
        ),
        (
            lambda: space(number("x", "a.b"), number("y", "a")),
            "paths must be set once at a point, got a.b from axis x and a from axis y (space s)",
        ),
        (
            lambda: space(number("x", "a.b", "a.b")),
            "paths must be set once at a point, got a.b from axis x and a.b from axis x (space s)",
        ),
        (
            lambda: space(RULE, assign={"opt": {"kind": "adam"}}),
            "paths must be set once at a point, got opt from the space itself and opt.kind from axis rule (space s)",
        ),
        (
            lambda: space(
                RULE,
                number("x", "a", when={"rule": ("adam", "sgd")}),
                number("y", "a", when={"rule": ("sgd", "rms")}),
            ),
            "paths must be set once at a point, got a from axis x and a from axis y (space s)",
        ),
        (
            lambda: space(number("g"), number("a", "objective.a"), rules=(Triplet(gamma="g"),)),
            "paths must be set once at a point, got objective.a from axis a and objective.a from rule triplet"
            " (space s)",
        ),
        (lambda: space(RULE, assign={"a b": 1}), "path must be names joined by dots, got 'a b' (space s)"),
        (lambda: space(RULE, assign={"a": float("nan")}), "a must be a finite JSON value, got nan (space s)"),
        (
            lambda: space(RULE, rules=(Triplet(gamma="gamma"),)),
            "rule triplet must name axes of numbers of the space, got gamma (space s)",
        ),
        (
            lambda: space(RULE, rules=(Triplet(gamma="rule"),)),
            "rule triplet must name axes of numbers of the space, got rule (space s)",
        ),
        (
            lambda: space(
                RULE, number("g"), number("o", when={"rule": ("adam",)}), rules=(Triplet(gamma="g", offset="o"),)
            ),
            "axes of rule triplet must exist together, got g and o under different conditions (space s)",
        ),
        (lambda: space(number("k"), rules=(Triplet(scale="k"),)), "scale must be > 0, got 0.0 (space s)"),
        (
            lambda: space(number("w"), rules=(Hidden(width="w", depth=2, paths=("h",)),)),
            "width and depth must be whole numbers, got 0.0 and 2 (space s)",
        ),
        (lambda: Triplet(gamma=1.0), "rule triplet must name at least one axis, got none"),
        (lambda: Triplet(gamma="x", scale="x"), "axes of rule triplet must be different, got x, x"),
        (lambda: Hidden(width=1, depth=1, paths=("h",)), "rule hidden must name at least one axis, got none"),
        (lambda: Hidden(width="w", depth=1, paths=()), "rule hidden must set at least one path, got none"),
        (lambda: Hidden(width="w", depth=1, paths=("h.",)), "path must be names joined by dots, got 'h.'"),
        (lambda: number(" ", "x"), "name of an axis must not be blank"),
        (lambda: number("x", "x", source=" "), "source of axis x must say where its values come from, got nothing"),
        (lambda: number("x", "x", when={"y": ()}), "condition of axis x must name at least one option of y, got none"),
        (lambda: number("x", "x", default=2.0), "default of axis x must be in [0, 1], got 2.0"),
        (lambda: number("x", "x."), "path must be names joined by dots, got 'x.'"),
        (lambda: replace(RULE, levels=()), "axis rule must have at least one option, got none"),
        (lambda: replace(RULE, default="lion"), "default of axis rule must be one of adam, sgd, rms, got 'lion'"),
        (
            lambda: replace(RULE, levels=(RULE.levels[0], RULE.levels[0])),
            "labels of axis rule must be unique, got adam, adam",
        ),
        (
            lambda: options("x", "a", 1, default="pair", levels=(PAIR, Level(label="one", assign={"a": 1}))),
            "options of axis x must differ at a path of both, got pair and one",
        ),
        (
            lambda: options("x", "a", 1, default="pair", levels=(PAIR, Level(label="other", assign={"c": 1}))),
            "options of axis x must differ at a path of both, got pair and other",
        ),
    ],
)
def test_what_is_no_space_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message


def test_axes_that_never_meet_may_set_one_path() -> None:
    own = space(RULE, number("x", "a", when={"rule": ("adam",)}), number("y", "a", high=2.0, when={"rule": ("sgd",)}))
    assert own.assignment({"rule": "sgd", "y": 2.0}) == {"opt.kind": "sgd", "a": 2.0}
    assert own.point_of({"opt": {"kind": "sgd"}, "a": 2.0}) == {"rule": "sgd", "y": 2.0}
    assert own.point_of({"opt": {"kind": "adam"}, "a": 2.0}) is None


def test_axes_that_never_meet_by_what_they_hang_on_may_set_one_path() -> None:
    space(
        RULE,
        options("n", "n", 0, 1, when={"rule": ("sgd",)}),
        number("x", "a", when={"n": ("1",)}),
        number("y", "a", when={"rule": ("adam",)}),
    )


def test_a_condition_that_leaves_no_option_out_is_none_to_a_rule() -> None:
    space(
        RULE,
        number("g"),
        number("o", when={"rule": ("adam", "sgd", "rms")}),
        rules=(Triplet(gamma="g", offset="o"),),
    )


# Composition


def test_spaces_are_joined_in_order() -> None:
    joined = compose("j", "Joined", NESTED, NET, replace(TRIPLET, assign={"objective.kind": "ls"}))
    assert [axis.name for axis in joined.axes][4:7] == ["momentum", "width", "depth"]
    assert joined.rules == NET.rules + TRIPLET.rules
    assert joined.assign == {"objective.kind": "ls"}
    assert joined.source == SOURCE
    joined.check({**adam(), "width": 16, "depth": 1, "gamma": 1.0, "scale": 1.0, "offset": 0.0})


def test_axes_alone_are_a_part_and_may_hang_on_a_space_before_them() -> None:
    joined = compose("j", "Joined", space(RULE), (number("beta2", "opt.beta2", when={"rule": ("adam",)}),))
    assert joined.active({"rule": "adam"}) == ("rule", "beta2")


def test_an_axis_is_left_out_with_the_rules_that_need_it() -> None:
    joined = compose("j", "Joined", NESTED, NET, without=("width", "depth", "lr"))
    assert [axis.name for axis in joined.axes] == ["rule", "beta1", "nesterov", "momentum"]
    assert joined.rules == ()


def test_the_same_fixed_value_of_two_spaces_is_one() -> None:
    one = replace(NET, assign={"clip": None, "beta": 0.5})
    assert compose("j", "J", one, space(RULE, assign={"clip": None})).assign == {"clip": None, "beta": 0.5}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: compose("j", "J"), "axes must name at least one axis, got none (space j)"),
        (lambda: compose("j", "J", NET, NET), "names of axes must be unique, got depth, width repeatedly (space j)"),
        (
            lambda: compose("j", "J", NESTED, (number("decay", "opt.lr"),)),
            "paths must be set once at a point, got opt.lr from axis lr and opt.lr from axis decay (space j)",
        ),
        (
            lambda: compose("j", "J", NET, without=("height",)),
            "without must name axes of the parts (depth, width), got 'height' (space j)",
        ),
        (
            lambda: compose("j", "J", NESTED, without=("rule",)),
            "condition of axis beta1 must be about an axis of the space, got rule (space j)",
        ),
        (
            lambda: compose("j", "J", NET, without=("width",)),
            "axis depth must set a path or serve a rule, got neither (space j)",
        ),
        (
            lambda: compose("j", "J", replace(NET, assign={"clip": 1}), space(RULE, assign={"clip": None})),
            "clip must be fixed at one value, got 1 and null (space j)",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused(make: Callable[[], Space], message: str) -> None:
    with pytest.raises(ValueError) as error:
        make()
    assert str(error.value) == message
