"""Points of a space: which axes exist, which points are none, draws, and the grid."""

from collections.abc import Mapping
from itertools import product
from math import log10
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import Float, Int, Range, Space, Value
from search_spaces.axes import Axis
from tests.search_spaces.small_spaces import NESTED, RULE, SOURCE, adam, number, options, space

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


# Ends


def test_the_ends_change_one_range_of_the_default_at_a_time() -> None:
    nested = space(
        RULE, number("lr", "opt.lr", low=0.5, high=2.0, default=1.0), number("x", "x", when={"rule": ("sgd",)})
    )
    assert list(nested.ends()) == [{"rule": "adam", "lr": 0.5}, {"rule": "adam", "lr": 2.0}]
    assert list(space(RULE).ends()) == []
