"""Variance components: models whose total effects are known by hand, what is left out, and what is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import isnan
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from study.design.plan import Cell, Plan
from study.evidence.variance_components import (
    VarianceComponents,
    _Table,
    components_if_held,
    said,
    variance_components,
)
from study.outcomes.outcome import Outcome
from study.storage.records import Record
from tests.study.design.made_studies import BASE, planned
from tests.study.evidence.made_records import recorded
from trainables.config import Config, digest
from trainables.streams import GROUPS, Held

Numbers = Mapping[str, Sequence[float]]
Model = Callable[[Any, Any, Any], Any]
C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED
SINGLES = [(group,) for group in GROUPS]


def plan_of(*held: Held, seeds: int, base: Config = BASE) -> Plan:
    """Return a plan with a cell for each."""
    configs = [replace(base, held=own) for own in held]
    cells = [
        Cell(index=i, name=f"cell {i}", levels={"cell": str(i)}, config=config, digest=digest(config))
        for i, config in enumerate(configs)
    ]
    return replace(
        planned(), hypotheses=(), contrasts=(), factors=(), cells=tuple(cells), seeds=tuple(range(100, 100 + seeds))
    )


def records_of(plan: Plan, model: Model, draws: Numbers, held: Numbers) -> list[Record]:
    """Return records with the measure ``y``, a model of each replica's first weights, data and noise.

    Args:
        plan: whose held seeds count the entries of ``held``.
        model: of numbers for initial weights, data and noise.
        draws: these numbers of each seed, by source.
        held: these numbers of each held seed.
    """
    found = []
    for record in recorded(plan, [[C] * len(plan.seeds)] * len(plan.cells)):
        own = plan.cells[record.cell].config.held  # type: ignore[union-attr]
        place = plan.seeds.index(record.seed)
        numbers = [draws[g][place] if getattr(own, g) is None else held[g][getattr(own, g)] for g in GROUPS]
        found.append(replace(record, evidence={"y": float(model(*numbers))}))
    return found


def designed(settings: int) -> list[Held]:
    """Return nothing held; each source alone, the others held at so many seeds; and everything held."""
    alone = [Held(**{other: at for other in GROUPS if other != group}) for group in GROUPS for at in range(settings)]
    return [Held(), *alone, Held(init=0, data=0, noise=0)]


def estimated(model: Model, settings: int, seeds: int, rng: np.random.Generator) -> VarianceComponents:
    plan = plan_of(*designed(settings), seeds=seeds)
    draws, held = ({group: rng.normal(size=size) for group in GROUPS} for size in (seeds, settings))
    return variance_components(plan, records_of(plan, model, draws, held), "y")


def shares(found: VarianceComponents) -> dict[tuple[str, ...], float]:
    return {part.varied: part.share for part in found.parts}


def test_the_variances_of_a_sum_are_those_of_its_terms() -> None:
    """By hand: first weights 0, 2, 4 (variance 4) plus data 0, 2, 1; held at data 0 and 3 (variance 4.5)."""
    plan = plan_of(Held(), Held(data=0, noise=0), Held(data=1, noise=1), seeds=3)
    draws = {"init": (0, 2, 4), "data": (0, 2, 1), "noise": (0, 0, 0)}
    found = variance_components(
        plan, records_of(plan, lambda a, b, c: a + b, draws, {"data": (0, 3), "noise": (0, 0)}), "y"
    )
    (init,) = found.parts
    assert (init.varied, init.settings, init.replicas, init.left_out) == (("init",), 2, 6, 0)
    assert init.variance == pytest.approx(4)
    free = np.var([0, 4, 5], ddof=1)
    assert found.whole.variance == pytest.approx((2 * free + 1 * (4 + 4.5)) / 3)
    assert init.share == pytest.approx(4 / found.whole.variance)
    assert (found.whole.share, found.whole.low, found.whole.high) == (1, 1, 1)
    assert found.excess is None  # data and noise were not varied alone


def test_the_shares_of_an_additive_model_add_up_to_one() -> None:
    found = estimated(lambda a, b, c: 2 * a + b + 0.5 * c, 100, 200, np.random.default_rng(0))
    for varied, truth in zip(SINGLES, (4 / 5.25, 1 / 5.25, 0.25 / 5.25), strict=True):
        assert shares(found)[varied] == pytest.approx(truth, rel=0.15)
    assert found.excess is not None
    value, low, high = found.excess
    assert abs(value) < 0.1
    assert low < 0 < high
    assert found.whole.variance == pytest.approx(5.25, rel=0.15)


def test_what_sources_decide_together_counts_for_each_of_them() -> None:
    """Of a product, first order indices are 0 and total effects 1; the noise decides nothing."""
    found = estimated(lambda a, b, c: np.sign(a) * np.sign(b), 40, 60, np.random.default_rng(1))
    assert shares(found)["init",] == pytest.approx(1, abs=0.1)
    assert shares(found)["data",] == pytest.approx(1, abs=0.1)
    assert shares(found)["noise",] == 0
    assert found.excess is not None
    assert found.excess[0] == pytest.approx(1, abs=0.2)  # one interaction of two sources, which is everything


def test_an_interaction_of_three_sources_is_twice_in_the_excess() -> None:
    found = estimated(lambda a, b, c: np.sign(a * b * c), 40, 60, np.random.default_rng(2))
    assert [shares(found)[single] for single in SINGLES] == pytest.approx([1, 1, 1], abs=0.1)
    assert found.excess is not None
    assert found.excess[0] == pytest.approx(2, abs=0.3)


def test_where_everything_is_held_nothing_is_left() -> None:
    found = estimated(lambda a, b, c: a + b + c, 3, 8, np.random.default_rng(3))
    assert [part.varied for part in found.parts] == [(), *SINGLES]
    assert (found.parts[0].settings, found.parts[0].variance, found.parts[0].share) == (1, 0, 0)


def brute(values: NDArray[np.float64], cells: Any, seeds: Any, *, apart: bool) -> float:
    """Half the mean squared difference of pairs, one by one."""
    total = pairs = 0.0
    places = list(product(range(values.shape[0]), range(values.shape[1])))
    for (h, s), (k, r) in product(places, places):
        known = np.isfinite(values[h, s]) and np.isfinite(values[k, r])
        if known and s != r and (h != k if apart else h == k):
            often = cells[h] * cells[k] * seeds[s] * seeds[r]
            total, pairs = total + often * (values[h, s] - values[k, r]) ** 2 / 2, pairs + often
    return total / pairs


def test_pairs_are_counted_as_often_as_both_were_drawn() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(7, 1, size=(4, 6))
    values[1, 2] = values[3, 0] = np.nan
    cells, seeds = np.array([[1.0, 1, 1, 1], [2, 0, 1, 3]]), np.array([[1.0] * 6, [0, 2, 1, 0, 3, 1]])
    table = _Table(values=values, left_out=0)
    across, within = table.across(cells, seeds), table.within(cells, seeds)
    for row in range(2):
        assert across[row] == pytest.approx(brute(values, cells[row], seeds[row], apart=True))
        alone = [brute(values[[h]], [1], seeds[row], apart=False) for h in range(4)]
        assert within[row] == pytest.approx(np.average(alone, weights=cells[row]))
    assert within[0] == pytest.approx(np.mean(np.nanvar(values, 1, ddof=1)))


def test_success_counts_converged_replicas_and_leaves_out_those_without_an_outcome() -> None:
    plan = plan_of(Held(), Held(data=0, noise=0), seeds=4)
    found = variance_components(plan, recorded(plan, [[C, M, C, M], [C, M, M, U]]))
    assert (found.measure, found.whole.replicas, found.parts[0].replicas) == ("success", 4, 3)
    assert found.whole.variance == pytest.approx(1 / 3)
    assert found.parts[0].variance == pytest.approx(1 / 3)
    assert found.parts[0].left_out == 0


def test_replicas_without_the_measure_are_left_out_and_counted() -> None:
    plan = plan_of(Held(), Held(data=0, noise=0), seeds=4)
    draws = {"init": (1, 2, 3, 4), "data": (0, 0, 0, 0), "noise": (0, 0, 0, 0)}
    records = records_of(plan, lambda a, b, c: a, draws, dict.fromkeys(GROUPS, (0,)))
    records[5] = replace(records[5], evidence={})
    found = variance_components(plan, records, "y")
    assert (found.parts[0].replicas, found.parts[0].left_out) == (3, 1)
    assert found.parts[0].variance == pytest.approx(np.var([1, 3, 4], ddof=1))


def test_without_any_variance_there_is_no_share() -> None:
    plan = plan_of(Held(), Held(data=0, noise=0), seeds=3)
    found = variance_components(plan, recorded(plan, [[C] * 3, [C] * 3]))
    assert found.whole.variance == 0
    assert all(isnan(value) for part in (found.whole, *found.parts) for value in (part.share, part.low, part.high))


def test_intervals_are_the_same_each_time_hold_the_estimate_and_narrow_with_confidence() -> None:
    plan = plan_of(*designed(4), seeds=12)
    rng = np.random.default_rng(5)
    draws, held = ({group: rng.normal(size=size) for group in GROUPS} for size in (12, 4))
    records = records_of(plan, lambda a, b, c: a + b * c, draws, held)
    found = variance_components(plan, records, "y")
    assert found == variance_components(plan, records[::-1], "y")
    half = variance_components(plan, records, "y", confidence=0.5)
    for part, narrow in zip(found.parts[1:], half.parts[1:], strict=True):
        assert part.low < narrow.low < narrow.high < part.high
        assert part.low < part.share < part.high


def test_cells_of_another_configuration_count_for_nothing() -> None:
    """Two configurations, each with nothing held and with data and noise held: which one is asked for by its cell."""
    one, two = (plan_of(Held(), Held(data=0, noise=0), seeds=3, base=replace(BASE, steps=n)) for n in (10, 20))
    cells = (*one.cells, *(replace(cell, index=cell.index + 2, name=f"cell {cell.index + 2}") for cell in two.cells))
    plan = replace(one, cells=cells)
    records = recorded(plan, [[C, M, M], [C, C, M], [C, C, C], [M, M, M]])
    with pytest.raises(ValueError, match=r"^cell must be given unless a launch has one with nothing held, got 2"):
        variance_components(plan, records)
    assert variance_components(plan, records, cell="0").parts[0].variance == pytest.approx(1 / 3)
    assert variance_components(plan, records, cell="cell 2").parts[0].variance == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"measure": "z"}, "measure must be one of success, y, got 'z'"),
        ({"confidence": 1.0}, r"confidence must be in \(0, 1\), got 1.0"),
        ({"cell": "1"}, "cell must have nothing held, got 'cell 1'"),
        ({"cell": "7"}, "cell must be a number, 0 to 1, or a name of .*, got '7'"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(options: dict[str, Any], sentence: str) -> None:
    plan = plan_of(Held(), Held(data=0, noise=0), seeds=3)
    draws = dict.fromkeys(GROUPS, (1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match=f"^{sentence}"):
        variance_components(plan, records_of(plan, lambda a, b, c: a, draws, draws), **options)


def test_a_launch_that_holds_nothing_is_refused() -> None:
    plan = plan_of(Held(), seeds=3)
    with pytest.raises(ValueError, match=r"^a launch must have cells that are 'cell 0' with something held, got none$"):
        variance_components(plan, recorded(plan, [[C, M, C]]))


def test_a_launch_without_outcomes_is_refused() -> None:
    plan = plan_of(Held(), Held(data=0, noise=0), seeds=3)
    with pytest.raises(ValueError, match=r"^cell 'cell 0' must have at least 2 replicas with success, got fewer$"):
        variance_components(plan, recorded(plan, [[C, U, U], [C, M, C]]))


def test_only_a_launch_that_holds_sources_has_components_of_its_own_accord() -> None:
    held = plan_of(Held(), Held(data=0, noise=0), seeds=3)
    ends = [[C, M, C], [C, M, M]]
    assert components_if_held(held, recorded(held, ends)) == variance_components(held, recorded(held, ends))
    for nothing in (plan_of(Held(), seeds=3), plan_of(Held(data=0), Held(init=0), seeds=3)):
        assert components_if_held(nothing, recorded(nothing, ends[: len(nothing.cells)])) is None
    assert components_if_held(held, recorded(held, [[C, U, U], [C, M, C]])) is None


def test_the_sentence_names_each_source_alone_its_share_and_what_the_shares_sum_to() -> None:
    plan = plan_of(*designed(2), seeds=8)
    ends = [[C, C, M, M] * 2, *[[C, M, M, M] * 2, [M] * 8] * 3, [C] * 8]
    found = variance_components(plan, recorded(plan, ends))
    first = found.parts[1]
    assert (first.varied, first.variance) == (("init",), pytest.approx(3 / 28))
    share, low, high = (f"{100 * value:.3g} %" for value in (first.share, first.low, first.high))
    sentence = said(found)
    assert sentence.startswith(
        "With all other sources held, what is left of the variance of success is"
        f" {share} (95 % interval {low} to {high}) where the initial weights vary, {share}"
    )
    assert "where the data vary and" in sentence
    assert sentence.endswith("where effects that add up would give 100 %.")
    assert f"the shares sum to {300 * first.share:.3g} %" in sentence


def test_a_launch_that_knows_too_little_says_nothing_of_shares() -> None:
    """Nothing varies; too few seeds; one failure in all, which every resample has or lacks; cells that wait."""
    wide, narrow = plan_of(*designed(2), seeds=8), plan_of(*designed(2), seeds=3)
    assert said(variance_components(wide, recorded(wide, [[C] * 8] * 8))) == ""
    assert said(variance_components(narrow, recorded(narrow, [[C, M, M]] * 8))) == ""
    assert said(variance_components(wide, recorded(wide, [[C] * 7 + [M], *[[C] * 8] * 7]))) == ""
    begun = [[C, M] * 4, *[[C, M, M, M] * 2, [M] * 8] * 2, *[[U] * 8] * 3]
    sentence = said(variance_components(wide, recorded(wide, begun)))
    assert "where the data vary." in sentence
    assert "nan" not in sentence


def threshold(a: Any, b: Any, c: Any) -> Any:
    return (a + b + 0.7 * c > 0) * 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "seeds", "widest"), [(6, 8, 1.3), (10, 24, 0.7)])
def test_intervals_hold_the_truth_nineteen_times_in_twenty_or_nearly(settings: int, seeds: int, widest: float) -> None:
    """Of a success that a threshold on a sum decides, as the study ``variance`` would see it in its profiles."""
    rng = np.random.default_rng(6)
    one = rng.normal(size=(3, 400_000))
    truth = {}
    for place, group in enumerate(GROUPS):
        other = one.copy()
        other[place] = rng.normal(size=other.shape[1])
        truth[group,] = np.square(threshold(*one) - threshold(*other)).mean() / 2 / threshold(*one).var()
    found = [estimated(threshold, settings, seeds, rng) for _ in range(200)]
    parts = [part for own in found for part in own.parts if part.varied in truth]
    assert np.mean([part.low <= truth[part.varied] <= part.high for part in parts]) > 0.92
    assert np.mean([part.high - part.low for part in parts]) < widest
