from study.report.drawing import svg
from study.report.figures import search_trajectory
from study.search.candidates import Candidate
from study.search.trajectory import Moment
from tests.study.made_candidates import FOUND


def moment(blocks: int, own: Candidate | None, low: float) -> Moment:
    return Moment(blocks=blocks, incumbent=own, low=low, high=1.0)


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
