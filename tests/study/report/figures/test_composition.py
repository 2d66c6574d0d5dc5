from typing import Any

from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.composition import FIGURE
from study.report.views import view_of

C, M, D, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.DIVERGED, Outcome.UNDECIDED


def test_bars_are_as_long_as_their_counts(make: Any) -> None:
    view = view_of(Launch(make([[C, C, C, M, U]])))
    picture = FIGURE.picture(view)
    assert picture is not None
    with svg.drawing():
        (ax,) = picture.draw().axes
        widths = {text.get_text(): bar.get_width() for text, bar in zip(ax.texts, ax.patches, strict=False)}  # type: ignore[attr-defined]
    assert widths == {"3": 3, "1": 1}
    assert "4 + 1 pending" in {text.get_text() for text in ax.texts}


def test_the_legend_has_the_outcomes_that_occurred(make: Any) -> None:
    (part,) = FIGURE.on_page(view_of(Launch(make([[C, D, U]]))))
    assert part.outcomes == {C, D}


def test_the_caption_names_those_without_an_outcome_only_if_there_are_any(make: Any) -> None:
    assert "and those without one" in FIGURE.caption(view_of(Launch(make([[C, U]]))))
    assert "and those without one" not in FIGURE.caption(view_of(Launch(make([[C, D]]))))


def test_the_caption_says_which_thresholds_failures_miss(make: Any) -> None:
    """All made evidence has a quality of 0.412 where 0.9 is asked, that of the success, too."""
    sentence = "Thresholds that the 2 replicas without success miss at the end: quality_min (2)."
    assert sentence in FIGURE.caption(view_of(Launch(make([[C, M, D, U]]))))
    assert "miss at the end" not in FIGURE.caption(view_of(Launch(make([[C, U]]))))


def test_before_the_first_outcome_there_is_no_figure(make: Any) -> None:
    view = view_of(Launch(make([[U, U]])))
    assert FIGURE.picture(view) is None
    assert FIGURE.on_page(view) == ()
