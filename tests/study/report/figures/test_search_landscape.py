import pytest

from study.report.drawing import svg
from study.report.figures import search_landscape
from study.search.dependence import Surface
from tests.study.made_candidates import FOUND, candidate
from tests.study.made_searches import SPACE


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
