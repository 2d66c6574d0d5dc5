"""The pictures of a search: what they say and that they can be drawn, from numbers made up here."""

from collections import Counter
from dataclasses import replace

import pytest

from study.outcomes.outcome import Outcome
from study.report.figures import (
    search_dependence,
    search_front,
    search_importance,
    search_landscape,
    search_trajectory,
    svg,
)
from study.search.candidates import Candidate
from study.search.dependence import Dependence, Surface
from study.search.importance import Importance
from study.search.trajectory import Moment
from tests.study.made_searches import SPACE

C, M = Outcome.CONVERGED, Outcome.MODE_COLLAPSED


def candidate(cell: int, successes: int, n: int, **point: str | float) -> Candidate:
    outcomes = Counter({C: successes, M: n - successes})
    return Candidate(
        cell=cell,
        name=f"#{cell}",
        point=point,
        outcomes=outcomes,
        results=(True,) * successes + (False,) * (n - successes),
    )


FOUND = [
    candidate(3, 4, 4, optimizer="adam", lr=1e-3, beta1=0.5),
    candidate(1, 1, 2, optimizer="adam", lr=1e-2, beta1=0.1),
    candidate(2, 0, 2, optimizer="sgd", lr=1e-5),
]


def moment(blocks: int, own: Candidate | None, low: float) -> Moment:
    return Moment(blocks=blocks, incumbent=own, low=low, high=1.0)


def importance(axis: str, share: float, chance: float) -> Importance:
    return Importance(
        axis=axis, target="success", share=share, low=share / 2, high=1.0, chance=chance, rank_stability=1.0, n_cells=9
    )


COURSE = [moment(1, None, 0.0), moment(2, FOUND[1], 0.1), moment(3, FOUND[1], 0.1), moment(4, FOUND[0], 0.4)]


def test_the_course_says_who_took_the_lead_and_when() -> None:
    assert [each.blocks for each in search_trajectory.changes(COURSE[1:])] == [2, 4]
    picture = search_trajectory.picture(COURSE)
    assert picture is not None
    assert "block 2: #1 with 1 of 2, lower end 0.10; block 4: #3 with 4 of 4, lower end 0.40" in picture.label
    drawn = svg.embed(picture)
    assert ">#1<" in drawn
    assert ">#3<" in drawn


def test_without_a_replica_that_has_ended_there_is_no_course() -> None:
    assert search_trajectory.picture(COURSE[:1]) is None
    assert search_trajectory.picture([]) is None


def test_the_front_names_who_is_on_it() -> None:
    fine = [replace(own, quality=quality) for own, quality in zip(FOUND, (0.8, 0.9, None), strict=True)]
    worse = replace(candidate(9, 1, 4), quality=0.7)
    picture = search_front.picture([*fine, worse])
    assert picture is not None
    assert picture.label == "The front among 4 candidates: #3 4 of 4, quality 0.80; #1 1 of 2, quality 0.90"
    drawn = svg.embed(picture)
    assert [f">#{cell}<" in drawn for cell in (3, 1, 2, 9)] == [True, True, False, False]


def test_one_success_alone_has_a_front() -> None:
    picture = search_front.picture([replace(FOUND[0], quality=0.0)])
    assert picture is not None
    assert ">#3<" in svg.embed(picture)


def test_without_a_success_there_is_no_front() -> None:
    assert search_front.picture(FOUND[2:]) is None


def test_bars_beyond_chance_alone_are_in_color() -> None:
    rows = [importance("lr", 0.8, 0.3), importance("optimizer", 0.2, 0.3)]
    with svg.drawing():
        figure = search_importance.draw(["lr", "optimizer"], [rows])
        (ax,) = figure.axes
        colors = [bar.get_facecolor() for bar in ax.patches]
        assert colors[0] != colors[1]
        assert [round(bar.get_width(), 2) for bar in ax.patches] == [0.8, 0.2]  # type: ignore[attr-defined]


def test_the_axes_stand_in_the_order_asked_for() -> None:
    rows = [importance("lr", 0.8, 0.3), importance("optimizer", 0.2, 0.3)]
    with svg.drawing():
        (ax,) = search_importance.draw(["optimizer", "lr"], [rows]).axes
        assert [label.get_text() for label in ax.get_yticklabels()] == ["optimizer", "lr"]
        places = {round(bar.get_width(), 2): bar.get_y() for bar in ax.patches}  # type: ignore[attr-defined]
        assert places[0.2] < places[0.8]


def test_a_curve_of_an_axis_has_its_scale_and_labels_their_counts() -> None:
    lr = Dependence(axis="lr", values=(1e-5, 1e-3, 1e-1), mean=(0.1, 0.9, 0.2), low=(0.0, 0.8, 0.1),
                    high=(0.2, 1.0, 0.3), n_near=(1, 1, 0))  # fmt: skip
    names = Dependence(axis="optimizer", values=("adam", "sgd"), mean=(0.7, 0.1), low=(0.5, 0.0), high=(0.9, 0.2),
                       n_near=(2, 1))  # fmt: skip
    with svg.drawing():
        one, other = search_dependence.draw(SPACE, [lr, names], FOUND).axes
        assert one.get_xscale() == "log"
        assert [label.get_text() for label in other.get_xticklabels()] == ["adam\n2", "sgd\n1"]
    assert "0.001 0.90 [0.80, 1.00]" in search_dependence.picture(SPACE, lr, FOUND).label


@pytest.mark.parametrize("count", [1, 400])
def test_the_map_places_candidates_that_have_both_axes(count: int) -> None:
    surface = Surface(first="lr", second="beta1", rows=(1e-5, 1e-1), columns=(0.0, 0.9),
                      mean=((0.1, None), (0.4, 0.9)), n_near=((0, 0), (1, 1)))  # fmt: skip
    found = [
        *FOUND,
        *(candidate(10 + i, 0, 2, optimizer="adam", lr=1e-4, beta1=i / count / 2) for i in range(count - 1)),
    ]
    assert len(search_landscape.placed(surface, found)) == 1 + count
    picture = search_landscape.picture(SPACE, surface, found, None)
    assert picture.label.startswith(f"{1 + count} candidates over beta1 and lr")
    assert "#3 4 of 4" in picture.label
    assert ">lr (log scale)<" in svg.embed(picture)
