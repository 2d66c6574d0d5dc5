"""Spaces to search: conditions, points, what they assign, and every way in which a space is none."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from itertools import product
from math import log10
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from search_spaces import Float, Hidden, Int, Level, Options, Range, Space, Triplet, Value, compose, levels_of
from search_spaces.axes import Axis

SOURCE = "a test"


def options(name: str, path: str, *values: object, **more: object) -> Options:
    levels = levels_of(path, values)
    return Options(**{"name": name, "levels": levels, "default": levels[0].label, "source": SOURCE, **more})


def number(name: str, *paths: str, low: float = 0.0, high: float = 1.0, **more: object) -> Range:
    domain = Float(low=low, high=high)
    return Range(**{"name": name, "domain": domain, "paths": paths, "default": low, "source": SOURCE, **more})


def space(*axes: Axis, **more: object) -> Space:
    return Space(**{"name": "s", "title": "A space", "axes": axes, "source": SOURCE, **more})


RULE = options("rule", "opt.kind", "adam", "sgd", "rms")
NESTED = space(
    RULE,
    number("lr", "opt.lr", "d_opt.lr", low=1e-5, high=1e-2),
    number("beta1", "opt.beta1", when={"rule": ("adam",)}),
    options("nesterov", "opt.nesterov", False, True, when={"rule": ("sgd", "rms")}),
    number("momentum", "opt.momentum", when={"nesterov": ("true",)}),
)


def adam(**changes: Value) -> dict[str, Value]:
    return {"rule": "adam", "lr": 1e-3, "beta1": 0.5, **changes}


# Conditions


@pytest.mark.parametrize(
    ("point", "active"),
    [
        ({"rule": "adam"}, ("rule", "lr", "beta1")),
        ({"rule": "sgd", "nesterov": "false"}, ("rule", "lr", "nesterov")),
        ({"rule": "rms", "nesterov": "true"}, ("rule", "lr", "nesterov", "momentum")),
        ({"rule": "adam", "nesterov": "true"}, ("rule", "lr", "beta1")),
        ({}, ("rule", "lr")),
    ],
)
def test_an_axis_exists_where_all_that_it_hangs_on_does(point: dict[str, Value], active: tuple[str, ...]) -> None:
    assert NESTED.active(point) == active


def test_all_conditions_of_an_axis_must_hold() -> None:
    both = space(
        options("a", "a", "x", "y"), options("b", "b", "x", "y"), number("c", "c", when={"a": ("x",), "b": ("y",)})
    )
    found = {(a, b) for a, b in product("xy", "xy") if "c" in both.active({"a": a, "b": b})}
    assert found == {("x", "y")}


@pytest.mark.parametrize(("one", "conditional"), [(NESTED, True), (space(RULE), False)])
def test_conditional_says_whether_an_axis_can_be_absent(one: Space, conditional: bool) -> None:
    assert one.conditional is conditional


When = dict[str, tuple[str, ...]]


@st.composite
def conditions(draw: st.DrawFn, names: list[str]) -> When:
    """On some of the named axes, some of their three labels."""
    about = draw(st.lists(st.sampled_from(names), unique=True, max_size=2)) if names else []
    subset = st.lists(st.sampled_from("012"), unique=True, min_size=1, max_size=2).map(tuple)
    return {name: draw(subset) for name in about}


@st.composite
def hanging(draw: st.DrawFn) -> dict[str, When]:
    """Axes of options, each on some of those before it."""
    found: dict[str, When] = {}
    for name in "abcd"[: draw(st.integers(1, 4))]:
        found[name] = draw(conditions(list(found)))
    return found


def existing(found: Mapping[str, When], labels: Mapping[str, str]) -> set[str]:
    """The axes that exist if every axis of options had such a label, from the definition."""
    names: set[str] = set()
    for name, when in found.items():
        if all(other in names and labels[other] in allowed for other, allowed in when.items()):
            names.add(name)
    return names


def everywhere(found: Mapping[str, When]) -> list[tuple[set[str], dict[str, str]]]:
    combinations = (dict(zip("abcd", labels, strict=True)) for labels in product("012", repeat=4))
    return [(existing(found, labels), labels) for labels in combinations]


def axes_of(found: Mapping[str, When]) -> tuple[Axis, ...]:
    return tuple(options(name, name, 0, 1, 2, when=when) for name, when in found.items())


@settings(max_examples=25, deadline=None)
@given(hanging())
def test_a_space_is_refused_exactly_if_an_axis_never_exists(found: dict[str, When]) -> None:
    possible = set().union(*(names for names, _ in everywhere(found)))
    if possible == set(found):
        space(*axes_of(found))
    else:
        with pytest.raises(ValueError, match="must exist at some point"):
            space(*axes_of(found))


@settings(max_examples=25, deadline=None)
@given(hanging())
def test_the_grid_of_options_is_every_point_there_is_once(found: dict[str, When]) -> None:
    points = [{name: labels[name] for name in found if name in names} for names, labels in everywhere(found)]
    try:
        own = list(space(*axes_of(found)).grid(1))
    except ValueError:
        return
    assert sorted(map(str, own)) == sorted(set(map(str, points)))


@settings(max_examples=25, deadline=None)
@given(hanging(), st.data())
def test_one_path_of_two_axes_is_refused_exactly_if_they_ever_meet(found: dict[str, When], data: st.DataObject) -> None:
    two = {name: data.draw(conditions(list(found))) for name in ("x", "y")}
    reached = [names for names, _ in everywhere({**found, **two})]
    try:
        space(*axes_of(found), *(number(name, name, when=when) for name, when in two.items()))
    except ValueError:
        return  # no space even with a path for each
    shared = [number(name, "shared", when=when) for name, when in two.items()]
    if any({"x", "y"} <= names for names in reached):
        with pytest.raises(ValueError, match="got shared from axis x and shared from axis y"):
            space(*axes_of(found), *shared)
    else:
        space(*axes_of(found), *shared)


# Points


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({}, "rule must be given, got nothing (space s)"),
        ({"rule": "adam", "beta1": 0.5}, "lr must be given, got rule, beta1 (space s)"),
        (adam(beta2=0.9), "beta2 is no axis of space s: it has rule, lr, beta1, nesterov, momentum"),
        (adam(rule="lion"), "rule must be one of adam, sgd, rms, got 'lion' (space s)"),
        (adam(rule=1), "rule must be one of adam, sgd, rms, got 1 (space s)"),
        (adam(lr=0.1), "lr must be in [1e-05, 0.01], got 0.1 (space s)"),
        (adam(lr="0.001"), "lr must be in [1e-05, 0.01], got '0.001' (space s)"),
        (adam(lr=float("nan")), "lr must be in [1e-05, 0.01], got nan (space s)"),
        (adam(beta1=True), "beta1 must be in [0, 1], got True (space s)"),
        (adam(nesterov="true"), "nesterov must be absent unless rule is sgd or rms, got 'true' (space s)"),
        (adam(momentum=0.5), "momentum must be absent unless nesterov is true, got 0.5 (space s)"),
    ],
)
def test_a_point_outside_the_space_is_refused(point: dict[str, Value], message: str) -> None:
    for refuse in (NESTED.check, NESTED.assignment):
        with pytest.raises(ValueError) as error:
            refuse(point)
        assert str(error.value) == message


def test_a_part_of_a_whole_number_is_refused() -> None:
    steps = space(Range(name="steps", domain=Int(low=1, high=5), paths=("steps",), default=1, source=SOURCE))
    with pytest.raises(ValueError, match=r"steps must be a whole number in \[1, 5\], got 2.5 \(space s\)"):
        steps.check({"steps": 2.5})


@pytest.mark.parametrize("domain", [Float(low=0.1, high=0.7), Int(low=2, high=5), Float(low=1e-3, high=1, log=True)])
def test_both_ends_are_in(domain: Float | Int) -> None:
    own = space(Range(name="x", domain=domain, paths=("x",), default=domain.low, source=SOURCE))
    for end in (domain.low, domain.high):
        own.check({"x": end})
        assert {"x": end} in list(own.grid(3))


def test_whole_numbers_reach_both_ends_equally_often() -> None:
    own = space(Range(name="x", domain=Int(low=1, high=3), paths=("x",), default=1, source=SOURCE))
    rng = Random(0)
    drawn = [own.sample(rng)["x"] for _ in range(3_000)]
    assert all(900 < drawn.count(value) < 1_100 for value in (1, 2, 3))


def test_a_range_in_the_logarithm_has_as_much_in_each_decade() -> None:
    own = space(Range(name="x", domain=Float(low=1e-4, high=1e-1, log=True), paths=("x",), default=1e-3, source=SOURCE))
    rng = Random(0)
    decades = [int(log10(float(own.sample(rng)["x"]) * 1e4)) for _ in range(3_000)]
    assert all(900 < decades.count(decade) < 1_100 for decade in (0, 1, 2))


def test_options_are_drawn_equally_often() -> None:
    rng = Random(0)
    drawn = [NESTED.sample(rng)["rule"] for _ in range(3_000)]
    assert all(900 < drawn.count(label) < 1_100 for label in ("adam", "sgd", "rms"))


def test_what_is_drawn_has_six_digits_and_stays_between_ends_that_have_more() -> None:
    narrow = space(number("x", "x", low=0.12345678, high=0.12345679))
    rng = Random(0)
    for _ in range(20):
        narrow.check(narrow.sample(rng))
        point = NESTED.sample(rng)
        assert all(value == float(f"{value:.6g}") for value in point.values() if isinstance(value, float))


@given(st.tuples(*[st.floats(1e-6, 1e6)] * 3).map(sorted).filter(lambda x: x[0] < x[2]))
def test_rounding_never_leaves_the_range(values: list[float]) -> None:
    low, value, high = values
    axis = number("x", "x", low=low, high=high)
    near = axis.rounded(value)
    axis.check(near)
    assert near in (low, high, float(f"{value:.6g}"))
    assert near == pytest.approx(value, rel=2e-5)


def test_the_same_generator_draws_the_same_points() -> None:
    one, other = Random(3), Random(3)
    assert [NESTED.sample(one) for _ in range(5)] == [NESTED.sample(other) for _ in range(5)]


def test_the_default_is_a_point() -> None:
    assert NESTED.default() == {"rule": "adam", "lr": 1e-5, "beta1": 0.0}
    NESTED.check(NESTED.default())


def test_a_point_is_named_by_its_axes_in_order() -> None:
    point = {"beta1": 0.12345678, "lr": 1e-3, "rule": "adam"}
    assert NESTED.name_of(point) == "rule=adam / lr=0.001 / beta1=0.123457"


# The grid


def test_the_grid_is_every_combination_of_what_exists() -> None:
    lr, beta1, momentum = (1e-5, 1e-2), (0.0, 1.0), (0.0, 1.0)
    expected = [{"rule": "adam", "lr": x, "beta1": y} for x, y in product(lr, beta1)]
    for rule, x in product(("sgd", "rms"), lr):
        expected.append({"rule": rule, "lr": x, "nesterov": "false"})
        expected += [{"rule": rule, "lr": x, "nesterov": "true", "momentum": y} for y in momentum]
    assert list(NESTED.grid(2)) == expected


def test_a_grid_of_one_value_has_the_defaults_of_ranges() -> None:
    points = list(NESTED.grid(1))
    assert len(points) == 1 + 2 * 2
    assert points[0] == NESTED.default()


def test_the_grid_does_not_repeat_whole_numbers() -> None:
    own = space(Range(name="x", domain=Int(low=1, high=3), paths=("x",), default=1, source=SOURCE))
    assert list(own.grid(10)) == [{"x": 1}, {"x": 2}, {"x": 3}]


def test_a_grid_of_nothing_is_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match="n must be >= 1, got 0"):
        NESTED.grid(0)


# What a point assigns, and the way back


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

TRIPLET = space(
    number("gamma", high=2.0),
    number("scale", low=0.1, high=10.0),
    number("offset", low=-1.0, high=2.0),
    rules=(Triplet(gamma="gamma", scale="scale", offset="offset"),),
)


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


NET = space(
    Range(name="width", domain=Int(low=16, high=64), default=32, source=SOURCE),
    Range(name="depth", domain=Int(low=1, high=3), default=2, source=SOURCE),
    rules=(Hidden(width="width", depth="depth", paths=("g.hidden", "d.hidden")),),
)


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
