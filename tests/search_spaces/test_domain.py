from itertools import pairwise
from math import exp, inf, log, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from search_spaces import Choice, Float, Int, Param, Role

CLIPS = Param(path="clip", domain=Float(low=1e-3, high=1.0, log=True), source="test")
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-300, max_value=1e300)


@pytest.mark.parametrize("kind", [Float, Int])
@pytest.mark.parametrize(("low", "high"), [(1, 1), (2, 1)])
def test_range_refuses_ends_in_the_wrong_order(kind: type[Float] | type[Int], low: int, high: int) -> None:
    with pytest.raises(ValueError, match=f"low must be < high, got low={low}, high={high}"):
        kind(low=low, high=high)


@pytest.mark.parametrize("kind", [Float, Int])
@pytest.mark.parametrize("low", [0, -1])
def test_log_range_refuses_an_end_that_has_no_logarithm(kind: type[Float] | type[Int], low: int) -> None:
    with pytest.raises(ValueError, match=f"low must be > 0 on a log scale, got {low}"):
        kind(low=low, high=1, log=True)


@pytest.mark.parametrize(("low", "high"), [(nan, 1.0), (0.0, nan), (0.0, inf), (-inf, 0.0)])
def test_range_refuses_an_end_that_is_not_finite(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="low and high must be finite"):
        Float(low=low, high=high)


def test_choice_refuses_to_be_empty() -> None:
    with pytest.raises(ValueError, match="at least one value, got none"):
        Choice(values=())


@pytest.mark.parametrize("values", [(1, 1), (1, 1.0), ("a", "b", "a"), (None, None), ([1], [1])])
def test_choice_refuses_equal_values(values: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="values of a choice must be unique"):
        Choice(values=values)


def test_choice_refuses_what_is_not_json() -> None:
    with pytest.raises(ValueError, match="values of a choice must be finite JSON values, got nan"):
        Choice(values=(0.5, nan))


@pytest.mark.parametrize("value", [-1, -1.0, 0.25, 2, 2.0])
def test_float_contains_its_ends_and_what_lies_between(value: float) -> None:
    assert Float(low=-1.0, high=2.0).contains(value)


@pytest.mark.parametrize("value", [-1.0000001, 2.0000001, nan, inf, -inf, True, "1", None, [1.0]])
def test_float_does_not_contain(value: object) -> None:
    assert not Float(low=-1.0, high=2.0).contains(value)


@pytest.mark.parametrize("value", [1, 2, 5])
def test_int_contains_its_ends_and_what_lies_between(value: int) -> None:
    assert Int(low=1, high=5).contains(value)


@pytest.mark.parametrize("value", [0, 6, 2.0, 2.5, True, "1", None])
def test_int_does_not_contain(value: object) -> None:
    assert not Int(low=1, high=5).contains(value)


@pytest.mark.parametrize(("value", "contained"), [(1, True), (1.0, True), (True, False), (None, True), ("1", False)])
def test_choice_contains_equal_values_but_no_flag_for_a_number(value: object, contained: bool) -> None:
    assert Choice(values=(None, 1, "relu")).contains(value) is contained


@pytest.mark.parametrize("domain", [Float(low=0.0, high=1.0), Int(low=1, high=8, log=True)])
@pytest.mark.parametrize("n", [1, 0, -3])
def test_range_needs_two_values_to_hold_both_ends(domain: Float | Int, n: int) -> None:
    with pytest.raises(ValueError, match=f"n must be >= 2 to hold both ends, got {n}"):
        domain.grid(n)


@pytest.mark.parametrize(
    ("domain", "n", "values"),
    [
        (Float(low=0.0, high=1.0), 11, (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        (Float(low=1e-3, high=1.0, log=True), 4, (0.001, 0.01, 0.1, 1.0)),
        (Float(low=1e-5, high=1e-2, log=True), 2, (1e-5, 1e-2)),
        (Float(low=-1.7e308, high=1.7e308), 3, (-1.7e308, 0.0, 1.7e308)),
        (Int(low=0, high=10), 3, (0, 5, 10)),
        (Int(low=16, high=128, log=True), 4, (16, 32, 64, 128)),
        (Int(low=1, high=3), 9, (1, 2, 3)),
        (Int(low=1, high=10, log=True), 6, (1, 2, 3, 4, 6, 10)),
    ],
)
def test_range_is_spaced_as_by_hand(domain: Float | Int, n: int, values: tuple[float, ...]) -> None:
    assert domain.grid(n) == values


@given(FINITE, FINITE, st.integers(2, 40))
def test_float_grid_ascends_inside_the_range_with_exact_ends(low: float, high: float, n: int) -> None:
    assume(low < high)
    domain = Float(low=low, high=high)
    values = domain.grid(n)
    assert (values[0], values[-1]) == (low, high)
    assert all(one < other for one, other in pairwise(values))
    assert len(values) <= n
    assert all(map(domain.contains, values))


def test_rounding_never_leaves_a_narrow_range() -> None:
    low, high = 1 + 1e-13, 1 + 3e-13
    assert Float(low=low, high=high).grid(5) == (low, high)


@given(POSITIVE, POSITIVE, st.integers(2, 40))
def test_log_grid_has_exact_ends_and_equal_ratios(low: float, high: float, n: int) -> None:
    assume(high / low > 1.001)
    values = Float(low=low, high=high, log=True).grid(n)
    assert (values[0], values[-1], len(values)) == (low, high, n)
    step = (log(high) - log(low)) / (n - 1)
    for i, value in enumerate(values):
        assert value == pytest.approx(exp(log(low) + i * step), rel=1e-11)


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(2, 40), st.booleans())
def test_int_grid_ascends_from_end_to_end_in_integers(low: int, high: int, n: int, log_scale: bool) -> None:
    assume(low < high)
    values = Int(low=low, high=high, log=log_scale).grid(n)
    assert (values[0], values[-1]) == (low, high)
    assert list(values) == sorted(set(values))
    assert len(values) <= n
    assert {type(value) for value in values} == {int}


@given(st.integers(-(10**9), 10**9), st.integers(1, 60), st.integers(0, 60))
def test_int_grid_with_room_for_all_holds_all(low: int, width: int, spare: int) -> None:
    assert Int(low=low, high=low + width).grid(width + 1 + spare) == tuple(range(low, low + width + 1))


@pytest.mark.parametrize("n", [3, 4])
def test_choice_gives_all_its_values_as_they_stand(n: int) -> None:
    assert Choice(values=("tanh", "relu", None)).grid(n) == ("tanh", "relu", None)


def test_choice_refuses_to_drop_values() -> None:
    with pytest.raises(ValueError, match="n must be >= 3, the number of values of the choice, got 2"):
        Choice(values=(1, 2, 3)).grid(2)


def test_param_refuses_a_path_that_is_no_dotted_name() -> None:
    with pytest.raises(ValueError, match="path must be names joined by dots, got 'g lr'"):
        Param(path="g lr", domain=Int(low=1, high=2), source="test")


def test_param_spaces_a_number_of_levels_over_its_domain() -> None:
    factor = CLIPS.factor(4)
    assert [level.label for level in factor.levels] == ["0.001", "0.01", "0.1", "1"]
    assert [level.assign for level in factor.levels] == [{"clip": 0.001}, {"clip": 0.01}, {"clip": 0.1}, {"clip": 1.0}]


def test_param_keeps_the_order_of_given_values() -> None:
    assert [level.label for level in CLIPS.factor([0.5, 0.001, 1]).levels] == ["0.5", "0.001", "1"]


def test_param_hands_name_role_and_source_on() -> None:
    param = Param(path="clip", domain=Int(low=1, high=2), role=Role.NUISANCE, source="somebody 2017")
    assert (param.factor(2).name, param.factor(2, name="c").name) == ("clip", "c")
    assert (param.factor(2).role, param.factor(2).source) == (Role.NUISANCE, "somebody 2017")


@pytest.mark.parametrize("value", [0.0009, 1.1, -0.01, nan, "0.1", None])
def test_param_refuses_a_value_outside_its_domain(value: object) -> None:
    with pytest.raises(ValueError, match=r"clip must be in \[0.001, 1\], got "):
        CLIPS.factor([0.1, value])


def test_param_shows_the_choices_when_it_refuses() -> None:
    param = Param(path="activation", domain=Choice(values=("tanh", "relu")), source="test")
    with pytest.raises(ValueError, match=r"activation must be in \{tanh, relu\}, got 'elu'"):
        param.factor(["elu"])


@pytest.mark.parametrize(
    "domain",
    [Float(low=1, high=3), Int(low=1, high=3), Float(low=1e-5, high=1e-2, log=True), Int(low=1, high=8, log=True),
     Choice(values=(None, True, 1, 0.5, "a", [1], {"kind": "x"}))],
)  # fmt: skip
def test_param_survives_being_stored(domain: Float | Int | Choice) -> None:
    adapter = TypeAdapter(Param)
    before = Param(path="clip", domain=domain, role=Role.NUISANCE, source="test")
    after = adapter.validate_json(adapter.dump_json(before))
    assert after == before
    assert repr(after.domain).replace(".0", "") == repr(domain).replace(".0", "")  # kinds too, as True == 1
