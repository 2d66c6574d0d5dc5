import re
from itertools import product
from math import sqrt
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from study.evidence.estimates import CellSummary
from study.evidence.inference.proportions import wilson
from study.report.drawing import svg
from study.report.figures.success_map import Axis, SuccessMap, borders, draw, lay_out, picture


def cells(counts: dict[tuple[str, ...], tuple[int, int]], names: tuple[str, ...]) -> list[CellSummary]:
    return [
        CellSummary(
            cell=place, name=" / ".join(levels), levels=dict(zip(names, levels, strict=True)), rate=wilson(*count),
            ever_good=wilson(*count), outcomes={}, crashed=0, pending=0, seconds=0.0,
        )
        for place, (levels, count) in enumerate(counts.items())
    ]  # fmt: skip


def grid(**levels: list[str]) -> list[CellSummary]:
    return cells({combination: (3, 5) for combination in product(*levels.values())}, tuple(levels))


def made(summaries: list[CellSummary], *names: str, reliable: Any = ()) -> SuccessMap:
    found = lay_out(names, summaries, reliable)
    assert found is not None
    return found


def drawn(found: SuccessMap) -> Any:
    with svg.drawing():
        return draw(found)


def test_the_two_factors_with_most_levels_span_the_map() -> None:
    found = made(grid(bn=["a", "b"], rule=["x", "y", "z"], loss=["1st", "2nd", "3rd", "4th"]), "bn", "rule", "loss")
    assert (found.x.name, found.y.name) == ("loss", "rule")
    assert [panel.title for panel in found.panels] == ["bn a", "bn b"]
    assert found.pooled == ()


def test_numbers_come_first_and_in_their_order() -> None:
    found = made(grid(loss=["p", "q", "r"], clip=["0.1", "0.001", "0.01"]), "loss", "clip")
    assert (found.x.name, found.x.labels) == ("clip", ("0.001", "0.01", "0.1"))


@pytest.mark.parametrize(
    ("labels", "places", "to_scale"),
    [
        (["1", "10", "100"], (0, 1, 2), True),
        (["1", "10", "1000"], (0, 1, 3), True),
        (["0", "1", "10"], (0, 1, 2), False),
        (["1", "1.01", "1000"], (0, 1, 2), False),
        (["001", "002", "004"], (0, 1, 2), False),
    ],
)
def test_numbers_stand_at_their_logarithms_where_there_is_room(labels: Any, places: Any, to_scale: bool) -> None:
    axes = made(grid(v=labels, w=["a", "b"]), "v", "w")
    axis: Axis = axes.x
    assert axis.to_scale is to_scale
    np.testing.assert_allclose(axis.places, places, atol=1e-12)


def test_one_factor_is_mapped_by_its_tags() -> None:
    counts = {
        ("gp 1", "gp", "1"): (1, 5),
        ("gp 10", "gp", "10"): (2, 5),
        ("lp 1", "lp", "1"): (3, 5),
        ("none", "", ""): (4, 5),
    }
    summaries = cells(counts, ("penalty", "method", "lambda"))
    for key in ("method", "lambda"):
        del summaries[-1].levels[key]  # type: ignore[attr-defined]
    found = made(summaries, "penalty")
    assert (found.x.name, found.y.name, found.left_out) == ("lambda", "method", 1)
    assert {slot: rate.successes for slot, rate in found.panels[0].rates.items()} == {(0, 0): 1, (1, 0): 2, (0, 1): 3}


def test_a_single_factor_without_tags_has_no_map() -> None:
    assert lay_out(["bn"], grid(bn=["a", "b", "c"])) is None
    assert lay_out([], []) is None


def test_too_many_panels_are_pooled_and_said_to_be() -> None:
    summaries = grid(a=list("abcde"), b=list("pqrst"), c=list("xyz"), d=["u", "v", "w", "x", "y"][:4])
    summaries += []
    found = made(summaries, "a", "b", "c", "d")
    assert len(found.panels) == 12
    many = made(
        grid(a=list("abcde"), b=list("pqrst"), c=list("xyzw"), d=list("uvwx")), "a", "b", "c", "d", reliable={0}
    )
    assert len(many.panels) == 4
    assert many.pooled == ("c",)
    assert all(rate.n == 20 for panel in many.panels for rate in panel.rates.values())
    assert not any(panel.reliable for panel in many.panels)


def test_squares_say_k_of_n_and_grow_with_n() -> None:
    summaries = cells({("a", "x"): (16, 16), ("a", "y"): (4, 9), ("b", "x"): (0, 0), ("b", "y"): (0, 1)}, ("p", "q"))
    ax = drawn(made(summaries, "p", "q")).axes[0]
    sides = {patch.get_width() for patch in ax.patches if isinstance(patch, Rectangle)}
    assert {text.get_text() for text in ax.texts} >= {"16/16", "4/9", "0/1", "–"}
    assert max(sides) == pytest.approx(0.94)
    assert any(side == pytest.approx(0.94 * sqrt(9 / 16)) for side in sides)


def test_borders_part_reliable_cells_from_their_neighbors() -> None:
    found = made(grid(v=["1", "10", "100"], w=["a", "b"]), "v", "w", reliable={0, 1, 2})  # 1/a, 1/b, 10/a
    assert set(borders(found, found.panels[0])) == {
        ((1.5, 1.5), (-0.5, 0.5)),
        ((0.5, 0.5), (0.5, 1.5)),
        ((0.5, 1.5), (0.5, 0.5)),
    }


def test_no_border_where_nothing_or_everything_is_reliable() -> None:
    for reliable in (set(), set(range(6))):
        found = made(grid(v=["1", "10", "100"], w=["a", "b"]), "v", "w", reliable=reliable)
        assert not list(borders(found, found.panels[0]))


def test_the_label_says_every_number() -> None:
    text = picture(made(grid(v=["1", "10"], w=["a", "b"]), "v", "w", reliable={3})).label
    assert re.findall(r"(\S+) / (\S+) 3 of 5( \(reliable\))?", text) == [
        ("1", "a", ""), ("1", "b", ""), ("10", "a", ""), ("10", "b", " (reliable)")
    ]  # fmt: skip
