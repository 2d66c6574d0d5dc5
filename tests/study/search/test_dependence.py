"""Partial dependence: the model's curves against planted ones, and where it knows nothing."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import numpy as np
import pytest

from search_spaces import Float, Level, Options, Range, Space, Value
from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.search.dependence import Dependence, dependences, surface

Point = Mapping[str, Value]


def dependence(candidates: Sequence[Candidate], space: Space, axis: str, **how: int) -> Dependence:
    (found,) = (own for own in dependences(candidates, space, **how) if own.axis == axis)
    return found


def labels(name: str, *names: str) -> Options:
    levels = tuple(Level(label=label, assign={f"{name}.kind": label}) for label in names)
    return Options(name=name, levels=levels, default=names[0], source="made up")


def number(name: str, *, low: float = 0.0, high: float = 1.0, log: bool = False, when: str | None = None) -> Range:
    condition = {"optimizer": (when,)} if when else {}
    domain = Float(low=low, high=high, log=log)
    return Range(name=name, domain=domain, paths=(name,), default=low, when=condition, source="made up")


def space(*axes: Options | Range) -> Space:
    return Space(name="planted", title="Planted effects", axes=axes, source="made up")


OWN = space(
    labels("optimizer", "adam", "sgd", "rmsprop"),
    number("beta1", when="adam"),
    number("lr", low=1e-4, high=1e-1, log=True),
    number("nothing"),
)


def rate(point: Point) -> float:
    """Better above a learning rate of about 0.003 than below, under adam, and there the more the larger beta1 is."""
    base = 0.2 if float(point["lr"]) < 10**-2.5 else 0.6
    return base + (0.4 * float(point["beta1"]) if "beta1" in point else -0.2)


def tried(cells: int, rate: Callable[[Point], float] = rate, own: Space = OWN, seed: int = 0) -> list[Candidate]:
    random, rng = Random(seed), np.random.default_rng(seed)
    found = []
    for place in range(cells):
        point, n = own.sample(random), int(rng.integers(5, 21))
        successes = int(rng.binomial(n, rate(point)))
        outcomes = {Outcome.CONVERGED: successes, Outcome.DIVERGED: n - successes}
        found.append(Candidate(cell=place, name=f"cell {place}", point=point, outcomes=outcomes))
    return found


CELLS = tried(150)


# Along one axis


def test_a_step_comes_back_where_it_was_planted() -> None:
    found = dependence(CELLS, OWN, "lr", resamples=20)
    ends = [np.mean(found.mean[:7]), np.mean(found.mean[-7:])]
    planted = [np.mean([rate({**own.point, "lr": lr}) for own in CELLS]) for lr in (1e-4, 1e-1)]
    assert ends == pytest.approx(planted, abs=0.06)
    steepest = int(np.argmax(np.diff(found.mean)))
    assert found.values[steepest] <= 10**-2.2
    assert found.values[steepest + 1] >= 10**-2.8


def test_an_axis_without_effect_is_flat() -> None:
    found = dependence(CELLS, OWN, "nothing", resamples=20)
    assert np.ptp(found.mean) < 0.08


def test_labels_are_compared_with_the_axes_that_they_decide() -> None:
    found = dependence(CELLS, OWN, "optimizer", resamples=20)
    assert found.values == ("adam", "sgd", "rmsprop")
    assert found.mean[0] - found.mean[1] == pytest.approx(0.4, abs=0.1)  # beta1 is 1/2 on average
    assert found.mean[1] == pytest.approx(found.mean[2], abs=0.08)


def test_a_conditional_axis_is_averaged_over_the_cells_that_have_it() -> None:
    found = dependence(CELLS, OWN, "beta1", at=2, resamples=20)
    middle = np.mean([rate({**own.point, "beta1": 0.5}) for own in CELLS if "beta1" in own.point])
    assert np.mean(found.mean) == pytest.approx(middle, abs=0.06)
    assert 0.08 < found.mean[1] - found.mean[0] < 0.45  # 0.4, less what the forest smooths away


def test_the_band_holds_the_mean_and_stays_a_rate() -> None:
    for found in dependences(CELLS, OWN, at=9, resamples=10):
        triples = zip(found.low, found.mean, found.high, strict=True)
        assert all(0 <= low <= mean <= high <= 1 for low, mean, high in triples)


def test_more_cells_give_a_narrower_band() -> None:
    def width(cells: int) -> float:
        found = dependence(tried(cells), OWN, "lr", at=9, resamples=20)
        return float(np.mean(np.subtract(found.high, found.low)))

    assert width(200) < 0.7 * width(40)


def test_cells_near_a_value_are_counted() -> None:
    found = dependence(CELLS, OWN, "lr", at=3, resamples=1)
    assert found.values == (1e-4, pytest.approx(10**-2.5, rel=1e-5), 1e-1)
    middle = [abs(np.log10(float(own.point["lr"])) + 2.5) <= 0.05 * 3 for own in CELLS]
    assert found.n_near[1] == sum(middle)
    by_label = dependence(CELLS, OWN, "optimizer", resamples=1)
    assert sum(by_label.n_near) == len(CELLS)


def test_values_have_both_ends_of_the_range() -> None:
    found = dependence(CELLS, OWN, "nothing", resamples=1)
    assert (len(found.values), found.values[0], found.values[-1]) == (21, 0.0, 1.0)


def test_every_axis_that_exists_has_a_curve_in_the_order_of_the_space() -> None:
    assert [own.axis for own in dependences(CELLS, OWN, at=5, resamples=3)] == ["optimizer", "beta1", "lr", "nothing"]


# Over two axes


def test_a_map_shows_what_two_axes_do_together() -> None:
    own = space(number("x"), number("y"))
    cells = tried(150, lambda point: 0.9 if float(point["x"]) > 0.5 and float(point["y"]) > 0.5 else 0.1, own)
    mean = np.array(surface(cells, own, "x", "y", at=4, resamples=20).mean, dtype=float)
    quarters = mean.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    assert quarters == pytest.approx(np.array([[0.1, 0.1], [0.1, 0.9]]), abs=0.12)


def test_a_map_has_a_gap_where_the_axes_do_not_exist_together() -> None:
    found = surface(CELLS, OWN, "optimizer", "beta1", at=3, resamples=2)
    assert [[mean is None for mean in row] for row in found.mean] == [[False] * 3, [True] * 3, [True] * 3]


def test_a_map_turned_is_the_same_map() -> None:
    one, other = (
        surface(CELLS, OWN, *names, at=3, resamples=2) for names in (("optimizer", "beta1"), ("beta1", "optimizer"))
    )
    assert other.mean == tuple(zip(*one.mean, strict=True))
    assert other.n_near == tuple(zip(*one.n_near, strict=True))
    assert (other.first, other.rows, other.columns) == ("beta1", one.columns, one.rows)


def test_cells_near_both_values_are_counted() -> None:
    found = surface(CELLS, OWN, "optimizer", "nothing", at=2, resamples=1)
    sgd = [own.point["nothing"] for own in CELLS if own.point["optimizer"] == "sgd"]
    assert found.n_near[1] == (sum(float(x) <= 0.05 for x in sgd), sum(float(x) >= 0.95 for x in sgd))


# Little or nothing known


@pytest.mark.parametrize("success", [0.0, 1.0])
@pytest.mark.parametrize("cells", [1, 2, 20])
def test_where_all_cells_are_alike_the_curve_is_their_rate(success: float, cells: int) -> None:
    for found in dependences(tried(cells, lambda point: success), OWN, at=3, resamples=3):
        assert {*found.mean, *found.low, *found.high} == {success}


def test_a_label_that_was_never_tried_has_no_cell_near() -> None:
    cells = [own for own in CELLS if own.point["optimizer"] != "adam"]
    found = dependence(cells, OWN, "optimizer", resamples=3)
    assert found.n_near[0] == 0
    assert 0 <= found.mean[0] <= 1


def test_axes_that_no_cell_has_are_left_out() -> None:
    cells = [own for own in CELLS if own.point["optimizer"] == "sgd"]
    assert [own.axis for own in dependences(cells, OWN, at=2, resamples=1)] == ["optimizer", "lr", "nothing"]
    assert surface(cells, OWN, "optimizer", "lr", at=2, resamples=1).n_near[0] == (0, 0)


def test_without_candidates_there_is_no_curve() -> None:
    assert dependences([], OWN) == ()


@pytest.mark.parametrize(
    ("axis", "sentence"),
    [
        ("beta2", "axis must be one of optimizer, beta1, lr, nothing, got 'beta2'"),
        ("beta1", "axis must be active in at least one candidate that was tried, got 'beta1'"),
    ],
)
def test_an_axis_that_cannot_be_asked_for_is_named(axis: str, sentence: str) -> None:
    cells = [own for own in CELLS if own.point["optimizer"] == "sgd"]
    with pytest.raises(ValueError, match=sentence):
        surface(cells, OWN, "lr", axis, resamples=1)


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="at must be >= 2, got 1"):
        dependence(CELLS, OWN, "lr", at=1, resamples=1)
    with pytest.raises(ValueError, match="resamples must be >= 1, got 0"):
        dependence(CELLS, OWN, "lr", resamples=0)
    with pytest.raises(ValueError, match="first and second must be different axes, got lr twice"):
        surface(CELLS, OWN, "lr", "lr")
