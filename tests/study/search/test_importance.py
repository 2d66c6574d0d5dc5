"""Importance: planted effects come back in order, intervals cover, what does nothing is told from what does."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import numpy as np
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator

from search_spaces import Float, Int, Level, Options, Range, Space, Value
from study.outcomes.outcome import Outcome
from study.search.anova import encode, explained, unit
from study.search.candidates import Candidate
from study.search.importance import Importance, Target, importances, rates, targets
from study.search.optuna_adapter.distributions import distribution, suggested

Point = Mapping[str, Value]
GOOD, BAD, COLLAPSED, DIVERGED = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.MODE_COLLAPSED, Outcome.DIVERGED


def labels(name: str, *names: str) -> Options:
    levels = tuple(Level(label=label, assign={f"{name}.kind": label}) for label in names)
    return Options(name=name, levels=levels, default=names[0], source="made up")


def number(name: str, *, low: float = 0.0, high: float = 1.0, log: bool = False, when: str | None = None) -> Range:
    """From ``low`` to ``high``; ``when`` names the optimizer under which it exists."""
    condition = {"optimizer": (when,)} if when else {}
    domain = Float(low=low, high=high, log=log)
    return Range(name=name, domain=domain, paths=(name,), default=low, when=condition, source="made up")


def space(*axes: Options | Range) -> Space:
    return Space(name="planted", title="Planted effects", axes=axes, source="made up")


def candidate(place: int, point: Point, outcomes: Mapping[Outcome, int], stopped: int = 0) -> Candidate:
    return Candidate(cell=place, name=f"cell {place}", point=point, outcomes=outcomes, stopped=stopped)


def tried(own: Space, rate: Callable[[Point], float], cells: int, seed: int, seeds: tuple[int, int] = (3, 20)) -> list:
    """Random cells with binomial successes among ``seeds`` (from, to) replicas each."""
    random, rng = Random(seed), np.random.default_rng(seed)
    found = []
    for place in range(cells):
        point, n = own.sample(random), int(rng.integers(seeds[0], seeds[1] + 1))
        successes = int(rng.binomial(n, rate(point)))
        found.append(candidate(place, point, {GOOD: successes, BAD: n - successes}))
    return found


def of(found: Sequence[Importance], target: Target = "success") -> dict[str, Importance]:
    return {own.axis: own for own in found if own.target == target}


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


CONDITIONAL = space(
    labels("optimizer", "adam", "rmsprop", "sgd"),
    number("lr", low=1e-5, high=1e-1, log=True),
    number("beta1", when="adam"),
    number("nothing"),
    labels("neither", "yes", "no"),
)
"""Optimizer decides most, then the learning rate, then beta1, where it exists; the others do nothing."""


def conditional(point: Point) -> float:
    lr = np.log10(float(point["lr"])) / 4 + 0.75
    beta1 = float(point["beta1"]) - 0.5 if "beta1" in point else 0.0
    return sigmoid({"adam": 3.0, "rmsprop": -0.5, "sgd": -3.5}[str(point["optimizer"])] + 5 * lr + 5 * beta1)


FLAT = space(*(number(f"x{place}") for place in range(8)))
"""Effects of 8, 5 and 3 in log odds along x0, x1 and x2; five axes do nothing."""


def flat(point: Point) -> float:
    x = [float(point[f"x{place}"]) - 0.5 for place in range(3)]
    return sigmoid(8 * x[0] + 5 * x[1] + 3 * x[2] - 0.5)


BAND = space(
    number("lr", low=1e-5, high=1e-1, log=True),
    number("step"),
    labels("bn", "full", "none"),
    number("nothing"),
    labels("neither", "a", "b", "c", "d"),
)
"""A band of learning rates that train, with a threshold and a small effect beside it."""


def band(point: Point) -> float:
    lr = np.log10(float(point["lr"])) / 4 + 1.25
    log_odds = -6.6 + 14 * np.exp(-0.5 * ((lr - 0.6) / 0.15) ** 2) - 5 * (float(point["step"]) > 0.6)
    return sigmoid(log_odds + 2.5 * (point["bn"] == "full"))


DESIGNS = {
    "conditional": (CONDITIONAL, conditional, ["optimizer", "lr", "beta1"]),
    "flat": (FLAT, flat, ["x0", "x1", "x2"]),
    "band": (BAND, band, ["lr", "step", "bn"]),
}


# What an axis explains


def test_labels_explain_the_variance_between_their_means() -> None:
    own = space(labels("a", "x", "y", "z"))
    successes = {"x": (4, 2), "y": (1, 0), "z": (3, 4)}
    cells = [candidate(0, {"a": a}, {GOOD: k, BAD: 4 - k}) for a, both in successes.items() for k in both]
    found, _ = explained(encode(own, cells), rates(cells, "success"), np.ones((1, 6)))
    assert found[0, 0] == pytest.approx(np.var([3 / 4, 1 / 8, 7 / 8]), rel=1e-12)


def test_each_axis_of_a_full_factorial_explains_its_own_effect() -> None:
    own = space(labels("a", "x", "y"), labels("b", "x", "y"))
    cells = [
        candidate(0, {"a": a, "b": b}, {GOOD: k, BAD: 10 - k})
        for (a, b), k in {("x", "x"): 9, ("x", "y"): 6, ("y", "x"): 4, ("y", "y"): 1}.items()
    ]
    found, partial = explained(encode(own, cells), rates(cells, "success"), np.ones((1, 4)))
    assert found[:, 0] == pytest.approx([0.25**2, 0.15**2], rel=1e-9)
    assert partial[1, 0] == pytest.approx([0.15, -0.15, 0.15, -0.15], rel=1e-9)


def test_a_conditional_axis_explains_within_the_cells_that_have_it() -> None:
    own = space(labels("optimizer", "adam", "sgd"), number("beta1", when="adam"))
    ends = [
        candidate(0, {"optimizer": "adam", "beta1": beta1}, {GOOD: k, BAD: 10 - k}) for beta1, k in ((0, 9), (1, 5))
    ]
    others = [candidate(0, {"optimizer": "sgd"}, {BAD: 10}) for _ in range(6)]
    found, _ = explained(encode(own, [*ends, *others]), rates([*ends, *others], "success"), np.ones((1, 8)))
    assert found[0, 0] == pytest.approx(np.var([0.7] * 2 + [0.0] * 6), rel=1e-6)
    assert found[1, 0] == pytest.approx(0.25 * 0.2**2, rel=1e-3)  # beta * variance, at two ends that no kernel joins


def test_a_weight_of_two_is_a_cell_twice() -> None:
    cells = tried(CONDITIONAL, conditional, 30, seed=1)
    weights = np.array([[2.0 if place < 5 else 1.0 for place in range(30)]])
    once, _ = explained(encode(CONDITIONAL, cells), rates(cells, "success"), weights)
    doubled = [*cells, *cells[:5]]
    twice, _ = explained(encode(CONDITIONAL, doubled), rates(doubled, "success"), np.ones((1, 35)))
    assert once == pytest.approx(twice, rel=1e-9)


def test_axes_that_a_sampler_has_tied_together_do_not_share_their_effects() -> None:
    rng, own = np.random.default_rng(0), space(labels("a", "x", "y"), number("nothing"))
    cells = []
    for place in range(300):
        good = rng.random() < 0.7
        point = {"a": "x" if good else "y", "nothing": float(np.clip(rng.normal(0.4 if good else 0.6, 0.2), 0, 1))}
        successes = int(rng.binomial(10, 0.9 if good else 0.2))
        cells.append(candidate(place, point, {GOOD: successes, BAD: 10 - successes}))
    assert of(importances(cells, own))["nothing"].share < 0.01


def test_numbers_stand_on_the_scale_of_their_range() -> None:
    assert unit(Float(low=1e-5, high=1e-1, log=True), 1e-4) == pytest.approx(0.25)
    assert unit(Int(low=2, high=6), 3) == pytest.approx(0.25)


# Against Optuna's evaluator


def stock(own: Space, cells: Sequence[Candidate]) -> dict[str, float]:
    """What Optuna's PED-ANOVA finds where each cell has one replica, the successes being the target set."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    drawn_from = {axis.name: distribution(axis) for axis in own.axes}
    for cell in cells:
        axes = {name: drawn_from[name] for name in cell.point}
        study.add_trial(optuna.create_trial(value=float(cell.successes), params=dict(cell.point), distributions=axes))
    quantile = sum(cell.successes for cell in cells) / len(cells) - 1e-6
    return PedAnovaImportanceEvaluator(target_quantile=quantile).evaluate(study)


def test_ranges_agree_with_optunas_evaluator_where_axes_are_independent() -> None:
    cells = tried(FLAT, flat, 1_000, seed=3, seeds=(1, 1))
    theirs = stock(FLAT, cells)
    ours = of(importances(cells, FLAT, resamples=10))
    for name, value in theirs.items():
        assert ours[name].share == pytest.approx(value / sum(theirs.values()), abs=0.03)


def test_optunas_evaluator_understates_labels_however_many_trials_there_are() -> None:
    # Its prior weighs as much as one of m labels, not as one of n trials, and flattens each label's kernel.
    own = space(labels("a", "x", "y", "z"))
    cells = tried(own, lambda point: {"x": 0.9, "y": 0.5, "z": 0.1}[str(point["a"])], 1_000, seed=1, seeds=(1, 1))
    exact, _ = explained(encode(own, cells), rates(cells, "success"), np.ones((1, 1_000)))
    assert stock(own, cells)["a"] / exact[0, 0] == pytest.approx((4 / 7) ** 2, rel=0.02)


# Planted effects


def population(name: str, cells: int) -> dict[str, float]:
    """The shares in a sample that is large beside the one looked at."""
    own, rate, _ = DESIGNS[name]
    found = of(importances(tried(own, rate, cells, seed=99), own, resamples=1))
    return {axis: each.share for axis, each in found.items()}


def repeated(name: str, cells: int, repetitions: int) -> list[dict[str, Importance]]:
    own, rate, _ = DESIGNS[name]
    return [
        of(importances(tried(own, rate, cells, seed), own, resamples=200, seed=seed)) for seed in range(repetitions)
    ]


def covered(found: Sequence[Mapping[str, Importance]], truth: Mapping[str, float], axis: str) -> float:
    return float(np.mean([own[axis].low - 1e-3 <= truth[axis] <= own[axis].high + 1e-3 for own in found]))


def test_planted_effects_come_back_in_order() -> None:
    found = repeated("conditional", cells=150, repetitions=10)
    in_order = [list(own)[:3] == ["optimizer", "lr", "beta1"] for own in found]
    assert np.mean(in_order) >= 0.9


def test_intervals_cover_the_share_of_the_population() -> None:
    found, truth = repeated("flat", cells=100, repetitions=10), population("flat", 4_000)
    assert np.mean([covered(found, truth, axis) for axis in ("x0", "x1", "x2")]) >= 0.8


def test_what_does_nothing_stays_within_chance() -> None:
    found = repeated("flat", cells=40, repetitions=20)
    nothing = [own[f"x{place}"] for own in found for place in range(3, 8)]
    assert np.mean([own.share > own.chance for own in nothing]) <= 0.12


@pytest.mark.slow
@pytest.mark.parametrize("name", DESIGNS)
def test_order_coverage_and_chance_hold_over_many_searches(name: str) -> None:
    found, truth = repeated(name, cells=150, repetitions=100), population(name, 20_000)
    planted = DESIGNS[name][2]
    none = [axis for axis in truth if axis not in planted]
    assert np.mean([list(own)[: len(planted)] == planted for own in found]) >= 0.9
    for axis in planted:
        assert covered(found, truth, axis) >= 0.87  # 95 % less three standard errors of 100 repetitions
    for axis in none:
        assert np.mean([own[axis].share > own[axis].chance for own in found]) <= 0.12


@pytest.mark.slow
def test_a_sampler_that_learns_hides_neither_the_first_effect_nor_makes_one_up() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = [
        of(importances(learned(CONDITIONAL, conditional, 100, seed), CONDITIONAL, seed=seed)) for seed in range(10)
    ]
    assert np.mean([next(iter(own)) == "optimizer" for own in found]) >= 0.9
    for nothing in ("nothing", "neither"):
        assert np.median([own[nothing].share for own in found]) < 0.03
        assert sum(own[nothing].beyond_chance for own in found) <= 1


def learned(own: Space, rate: Callable[[Point], float], cells: int, seed: int) -> list[Candidate]:
    """Cells as TPE proposes them, the good ones with more seeds."""
    rng = np.random.default_rng(seed)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    found = []
    for place in range(cells):
        trial, point = study.ask(), {}
        for axis in own.axes:
            if all(point.get(other) in allowed for other, allowed in axis.when.items()):
                point[axis.name] = suggested(trial, axis)
        n, successes = 4, int(rng.binomial(4, rate(point)))
        if successes >= 3:
            n, successes = 16, successes + int(rng.binomial(12, rate(point)))
        study.tell(trial, (successes + 0.5) / (n + 1))
        found.append(candidate(place, point, {GOOD: successes, BAD: n - successes}))
    return found


# Classes of failure


def test_what_decides_divergence_alone_is_first_for_divergence_alone() -> None:
    own, random, rng = space(number("lr"), number("modes"), number("nothing")), Random(0), np.random.default_rng(0)
    cells = []
    for place in range(100):
        point = own.sample(random)
        diverged = int(rng.binomial(10, sigmoid(14 * (float(point["lr"]) - 0.7))))
        collapsed = int(rng.binomial(10 - diverged, sigmoid(14 * (float(point["modes"]) - 0.5))))
        outcomes = {DIVERGED: diverged, COLLAPSED: collapsed, GOOD: 10 - diverged - collapsed}
        cells.append(candidate(place, point, outcomes))
    found = importances(cells, own)
    assert {own.target for own in found} == {"success", COLLAPSED, DIVERGED}
    assert next(iter(of(found, DIVERGED))) == "lr"
    assert not of(found, DIVERGED)["modes"].beyond_chance
    assert next(iter(of(found, COLLAPSED))) == "modes"


def test_a_failure_that_few_cells_have_is_not_explained() -> None:
    cells = [candidate(place, {"a": "x"}, {GOOD: 3, DIVERGED: int(place < 2)}) for place in range(9)]
    assert targets(cells) == ("success",)
    assert targets([*cells, candidate(9, {"a": "x"}, {DIVERGED: 1})]) == ("success", DIVERGED)


def test_a_replica_that_was_stopped_is_a_failure_of_no_class() -> None:
    cells = [candidate(0, {"a": "x"}, {GOOD: 1, DIVERGED: 1}, stopped=2)]
    assert rates(cells, "success") == pytest.approx([0.25])
    assert rates(cells, DIVERGED) == pytest.approx([0.25])


# What is given back


def test_shares_of_a_target_sum_to_one_in_descending_order() -> None:
    found = importances(tried(BAND, band, 60, seed=2), BAND)
    shares = [own.share for own in found if own.target == "success"]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert all(0 <= own.low <= own.high <= 1 and 0 <= own.chance <= 1 for own in found)


def test_a_rank_is_stable_where_one_axis_decides_all() -> None:
    own = space(number("x"), number("nothing"))
    found = of(importances(tried(own, lambda point: float(point["x"] > 0.5), 60, seed=1), own))
    assert found["x"].rank_stability == 1
    assert found["x"].low > 0.9


def test_noise_of_the_resamples_does_not_take_from_the_only_effect() -> None:
    cells = tried(FLAT, lambda point: sigmoid(8 * float(point["x0"]) - 4), 60, seed=1, seeds=(3, 5))
    assert of(importances(cells, FLAT))["x0"].high > 0.999


def test_cells_that_have_the_axis_are_counted() -> None:
    cells = tried(CONDITIONAL, conditional, 50, seed=4)
    assert of(importances(cells, CONDITIONAL))["beta1"].n_cells == sum("beta1" in own.point for own in cells)


def test_the_same_seed_gives_the_same_numbers() -> None:
    cells = tried(CONDITIONAL, conditional, 50, seed=4)
    assert importances(cells, CONDITIONAL, seed=3) == importances(cells, CONDITIONAL, seed=3)
    assert importances(cells, CONDITIONAL, seed=3) != importances(cells, CONDITIONAL, seed=4)
    assert importances(cells, CONDITIONAL, seed=3) == importances(cells[::-1], CONDITIONAL, seed=3)


def test_without_a_replica_there_is_nothing_to_say() -> None:
    assert importances([], FLAT) == ()
    assert importances(tried(FLAT, lambda point: 0.5, 4, seed=0), FLAT) == ()
    assert importances([candidate(0, FLAT.default(), {})], FLAT) == ()


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("cells", [5, 50])
def test_where_all_cells_are_alike_no_axis_has_a_share(rate: float, cells: int) -> None:
    found = of(importances(tried(CONDITIONAL, lambda point: rate, cells, seed=0), CONDITIONAL))
    assert {(own.share, own.low, own.high, own.chance) for own in found.values()} == {(0.0, 0.0, 0.0, 1.0)}
    assert not any(own.beyond_chance for own in found.values())


def test_an_axis_that_no_cell_has_explains_nothing() -> None:
    own = space(labels("optimizer", "adam", "sgd"), number("lr"), number("beta1", when="adam"))
    points: list[Point] = [{"optimizer": "sgd", "lr": place / 39} for place in range(40)]
    cells = [
        candidate(place, point, {GOOD: int(place > 20), BAD: int(place <= 20)}) for place, point in enumerate(points)
    ]
    found = of(importances(cells, own))
    assert found["lr"].share == 1
    assert found["beta1"].share == found["beta1"].chance == found["beta1"].n_cells == 0


def test_two_cells_do_not_break_it() -> None:
    own = space(number("x"), labels("a", "y", "z"))
    cells = [candidate(0, {"x": 0.1, "a": "y"}, {GOOD: 3}), candidate(1, {"x": 0.9, "a": "z"}, {BAD: 3})]
    for found in importances(cells, own):
        assert 0 <= found.low <= found.high <= 1
        assert not found.beyond_chance


def test_no_resamples_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples must be >= 1, got 0"):
        importances([], FLAT, resamples=0)
