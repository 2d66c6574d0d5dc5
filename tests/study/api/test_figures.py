import pytest

import study
from study.api.figures import draw
from study.storage.store import Store


def test_a_drawing_shows_itself_and_says_what_it_shows(trained_once: Store) -> None:
    drawing = draw(study.load(trained_once.root), "composition")
    assert drawing._repr_svg_().startswith("<?xml")
    assert drawing.label in repr(drawing)


def test_a_figure_that_has_nothing_to_show_is_one_sentence(trained_once: Store) -> None:
    with pytest.raises(ValueError, match="figure must be one that the launch has data for, got 'front'"):
        draw(study.load(trained_once.root), "front")
