from dataclasses import replace

from study.report.drawing import svg
from study.report.figures import search_front
from tests.study.made_candidates import FOUND, candidate


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
